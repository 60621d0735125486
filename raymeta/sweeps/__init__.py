"""Sweeps: the plan of their runs, and what they found."""
