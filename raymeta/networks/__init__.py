"""Segmentation networks, their training, inference and evaluation (torch only)."""
