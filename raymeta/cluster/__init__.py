"""The Ray shell: the only place in raymeta that imports ray."""
