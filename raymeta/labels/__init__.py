"""What people, or a simulated annotator, were asked and what they said; where training finds its labels."""
