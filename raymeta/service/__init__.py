"""Priority maps over HTTP, without Ray: what the service answers, whatever runs it."""
