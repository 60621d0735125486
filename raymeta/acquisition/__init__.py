"""From priority maps to the query: the method's own part."""
