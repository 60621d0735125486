"""Training of a network: batches, schedules, augmentation, validation, state (torch only)."""
