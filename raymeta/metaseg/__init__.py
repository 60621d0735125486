"""MetaSeg: segments of a prediction, their metrics and their predicted IoU."""
