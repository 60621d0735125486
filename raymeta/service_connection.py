"""One HTTP connection to a service: calls that outlive a lost replica, and its own words where it refuses."""

import random
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

RETRIED_STATUS: Final = frozenset({500, 502, 503, 504})
LONGEST_PAUSE_S: Final = 5.0


class ServiceError(Exception):
    """An answer that is no success; status: of HTTP, None where there was no answer at all."""

    def __init__(self, message: str, status: int | None) -> None:
        super().__init__(message)
        self.status = status


class ServiceConnection:
    """Sends requests, again after a lost connection and after 500, 502, 503 and 504, until a deadline.

    Every call of the service may be repeated: GET, PUT and DELETE are idempotent (RFC 9110, 9.2.2), and its POSTs do
    nothing the second time.

    Args:
        url: of the service.
        token: bearer token; None sends none.
        timeout_s: of one attempt.
        deadline_s: from the beginning of a call on.
    """

    def __init__(self, url: str, token: str | None, timeout_s: float, deadline_s: float) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._deadline_s = deadline_s

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, parameters: Mapping[str, Any]) -> httpx.Response:
        """GET with the parameters that are not None. Raises ServiceError."""
        return self.send("GET", path, params=_given(parameters))

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Any request; arguments: of `httpx.Client.build_request`.

        Raises:
            ServiceError: with the service's own message where it gave one.
        """
        request = self._http.build_request(method, path, **arguments)
        request.read()  # the body stays at hand for a second attempt
        return self._call(request)

    def post_files(self, path: str, parameters: Mapping[str, Any], parts: Mapping[str, bytes]) -> httpx.Response:
        """POST of files as multipart/form-data. Raises ServiceError."""
        files = {name: (name, content, "application/octet-stream") for name, content in parts.items()}
        return self.send("POST", path, params=_given(parameters), files=files)

    def _call(self, request: httpx.Request) -> httpx.Response:
        """Send until it succeeds, is refused for good, or the deadline has passed."""
        began = time.monotonic()
        for attempt in range(1, 1_000):
            response, fault = self._attempt(request)
            if response is not None and response.status_code not in RETRIED_STATUS:
                return _checked(response)
            pause = _pause(response, attempt)
            if time.monotonic() - began + pause > self._deadline_s:
                break
            time.sleep(pause)
        if response is not None:
            return _checked(response)
        raise ServiceError(f"{request.url}: no answer within {self._deadline_s:g} s: {fault}", None)

    def _attempt(self, request: httpx.Request) -> tuple[httpx.Response | None, str]:
        try:
            return self._http.send(request), ""
        except httpx.TransportError as error:
            return None, f"{type(error).__name__}: {error}"


def _pause(response: httpx.Response | None, attempt: int) -> float:
    """Seconds: what Retry-After asks for, else twice as long each time, with chance so that clients come apart."""
    asked = "" if response is None else response.headers.get("retry-after", "")
    if asked.isdecimal():
        return float(asked) * random.uniform(1.0, 1.25)
    return min(LONGEST_PAUSE_S, 0.1 * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = response.text[:500]
    raise ServiceError(f"{response.request.url}: {response.status_code}: {detail}", response.status_code)


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}
