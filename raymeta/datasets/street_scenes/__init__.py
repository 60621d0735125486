"""Generated street scenes in the layout of Cityscapes."""
