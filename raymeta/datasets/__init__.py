"""Data sets through one interface: images, label maps and annotation polygons by image id."""
