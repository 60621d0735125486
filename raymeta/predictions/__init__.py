"""Boxes from predictions that other programs made: no network, no training, no run."""
