"""What people are asked and what they answer, between HTTP and the label store: one process of a service does it."""
