"""The HTTP side of the service: routes, limits, answers. It loads no network."""
