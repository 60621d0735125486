"""The experiment's loop, without Ray: iterations, their stages, and what scores an image."""
