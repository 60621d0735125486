"""Ray Serve around the service."""
