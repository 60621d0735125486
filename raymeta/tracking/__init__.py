"""Who else is told of a run: trackers of experiments, and people by a command or a webhook."""
