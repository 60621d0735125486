"""The networks and encoders that raymeta brings."""
