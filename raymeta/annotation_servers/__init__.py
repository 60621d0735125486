"""Annotation servers that people draw at: tasks are sent there, and answers fetched, by plain REST."""
