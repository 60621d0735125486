"""raymeta: label the boxes that make a segmentation network good for the fewest clicks."""

__version__ = "0.1.0"
