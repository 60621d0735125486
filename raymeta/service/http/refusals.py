"""Requests that can't be answered: the status of HTTP, and a message that names the value and the remedy."""

from collections.abc import Mapping


class RequestRefusedError(Exception):
    """Ends a request with `status` and `{"detail": detail}`."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


class BackendBusyError(RequestRefusedError):
    """The queue of the scoring replicas is full, or none of them is up: the same request may come again."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(503, detail, {"Retry-After": str(retry_after_s)})


def not_found(detail: str) -> RequestRefusedError:
    """404."""
    return RequestRefusedError(404, detail)


def unprocessable(detail: str) -> RequestRefusedError:
    """422."""
    return RequestRefusedError(422, detail)


def too_large(detail: str) -> RequestRefusedError:
    """413."""
    return RequestRefusedError(413, detail)
