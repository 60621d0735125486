"""The run folder: files, locks, manifest, iteration folders."""
