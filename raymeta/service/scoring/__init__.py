"""The scoring side of one replica: a request in, a response body out."""
