"""Calls to an annotation server: within bounds, tried again where that does no harm, with errors that name a remedy."""

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from raymeta.errors import InputError
from raymeta.exchange.errors import ExchangeError, printable, shown
from raymeta.exchange.json_values import load_json
from raymeta.exchange.limits import MAX_JSON_BYTES

MAX_PAGES: Final = 10_000
_BUSY: Final = frozenset({429, 502, 503, 504})
_LONGEST_PAUSE_S: Final = 15.0
_MAX_FAULT_BYTES: Final = 100_000

Authorization = Callable[[bool], str | None]
"""Value of the Authorization header; True asks for a fresh one, where there can be one; None: there is none."""


class ServerError(InputError):
    """A server that can't be used: the message names it, what it said, and the remedy."""


class MissingError(ServerError):
    """What was asked for isn't at the server (404)."""


def server_url(url: str) -> str:
    """The address of a server without a slash at its end.

    Raises:
        ServerError: no address of http or https, or one with credentials, a query or a fragment.
    """
    try:
        parts = urlsplit(url.strip())
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise ServerError(f"{shown(url, 200)} isn't an address: give it as https://label.example.org") from None
    if "@" in parts.netloc:
        raise ServerError("the address holds a name or a password: leave it out, the token comes from the environment")
    if not sound or parts.query or parts.fragment:
        raise ServerError(f"{shown(url, 200)} isn't an address of a server: give it as https://label.example.org")
    return url.strip().rstrip("/")


def checked_token(token: str | None, variable: str, tool: str) -> str:
    """A token from the environment.

    Raises:
        ServerError: none, or one that no header can hold; it is never shown.
    """
    token = (token or "").strip()
    if not token:
        raise ServerError(f"{tool} asks for a token: put yours into the environment variable {variable}")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ServerError(f"{variable} holds characters that no token has: copy it again from {tool}'s account page")
    return token


class RestClient:
    """Calls one server.

    A call that only reads is repeated after a lost connection and while the server is busy; one that changes something
    only where the server can't have begun with it. Redirects aren't followed: they would send the token elsewhere.

    Args:
        url: of the server, as `server_url` gives it.
        tool: its name in messages.
        authorization: gives the header; None sends none.
        variable: of the environment that the token came from, for messages.
        timeout_s: to connect, and between two pieces of an answer.
        attempts: of a call.
        pause_s: before the second attempt; doubled for each further one.
        answer_s: for all pieces of one answer.
    """

    def __init__(
        self,
        url: str,
        tool: str,
        authorization: Authorization | None = None,
        variable: str = "",
        timeout_s: float = 60.0,
        attempts: int = 4,
        pause_s: float = 1.0,
        answer_s: float = 1200.0,
    ) -> None:
        self.url, self.tool, self._variable = url, tool, variable
        self._authorization = authorization
        self._attempts, self._pause_s, self._answer_s = attempts, pause_s, answer_s
        try:
            self._http = httpx.Client(base_url=url, timeout=timeout_s, follow_redirects=False)
        except (
            OSError,
            ValueError,
            ImportError,
            httpx.InvalidURL,
        ) as error:  # certificates, proxies of the environment
            raise ServerError(f"{tool} at {url} can't be called: {_said(error)}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """JSON of a GET.

        Raises:
            ServerError: no answer, or one that is no success or no JSON.
        """
        return self.call("GET", path, params=parameters)

    def call(self, method: str, path: str, **content: Any) -> Any:
        """JSON of any call, None where the answer is empty; content: `params`, `json`, `files`, `data`, `headers`.

        Raises:
            ServerError: as for `get`.
        """
        with self._answer(method, path, content) as response:
            data = b"".join(self._pieces(response, MAX_JSON_BYTES))
        if not data.strip():
            return None
        if "html" in response.headers.get("content-type", "") or data.lstrip()[:1] == b"<":
            raise ServerError(
                f"{self.url}{path} answers with a web page instead of data: is this the address of {self.tool}?"
            )
        try:
            return load_json(data, f"{self.tool}'s answer to {method} {path}")
        except ExchangeError as error:
            raise ServerError(str(error)) from None

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Entries of a list that comes in pages: `results`, until `next` is null.

        Raises:
            ServerError: as for `get`, or endless pages.
        """
        for page in range(1, MAX_PAGES + 1):
            found = self.get(path, page=page, **parameters)
            results = found.get("results") if isinstance(found, dict) else None
            if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
                raise self.odd(path, "a page without results")
            yield from results
            if not found.get("next") or not results:
                return
        raise self.odd(path, "pages without end")

    def download(self, path: str, target: Path, most: int, **parameters: Any) -> None:
        """Write the body of an answer to a file, whole or not at all.

        Raises:
            ServerError: as for `get`, or more than `most` bytes.
        """
        with self._answer("GET", path, {"params": parameters}) as response, target.open("wb") as file:
            for piece in self._pieces(response, most):
                file.write(piece)

    def odd(self, path: str, what: str) -> ServerError:
        """The error for an answer that isn't of the form that the tool documents."""
        return ServerError(f"{self.url}{path} answers with {what}: is this {self.tool}, in a version that was tried?")

    @contextmanager
    def _answer(self, method: str, path: str, content: dict[str, Any]) -> Iterator[httpx.Response]:
        """A successful answer, its body not read yet."""
        response = self._sent(method, path, content)
        try:
            self._check(response, method, path)
            yield response
        except httpx.TransportError as error:
            raise ServerError(f"{self.tool} at {self.url} broke off its answer to {path}: {_said(error)}") from None
        except httpx.DecodingError as error:
            raise ServerError(f"{self.url}{path}: its compressed answer can't be read: {_said(error)}") from None
        finally:
            response.close()

    def _sent(self, method: str, path: str, content: dict[str, Any]) -> httpx.Response:
        fresh = False
        for attempt in range(1, self._attempts + 1):
            last = attempt == self._attempts
            try:
                response = self._http.send(self._request(method, path, content, fresh), stream=True)
            except httpx.TransportError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
                if last or _is_certificate(error) or not (unsent or method == "GET"):
                    raise self._unreachable(error) from None
                time.sleep(self._pause(attempt, None))
                continue
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                raise ServerError(f"{self.tool} at {self.url} can't be asked for {path}: {_said(error)}") from None
            if response.status_code == 401 and not fresh and self._authorization is not None and not last:
                response.close()
                fresh = True
                continue
            if last or response.status_code not in _BUSY or (method != "GET" and response.status_code in (502, 504)):
                return response
            response.close()
            time.sleep(self._pause(attempt, response))
        raise ServerError(f"{self.tool} at {self.url} stays busy: try again later")

    def _request(self, method: str, path: str, content: dict[str, Any], fresh: bool) -> httpx.Request:
        headers = {"Accept": "application/json", **content.get("headers", {})}
        value = self._authorization(fresh) if self._authorization is not None else None
        if value is not None:
            headers["Authorization"] = value
        return self._http.build_request(method, path, **{**content, "headers": headers})

    def _pause(self, attempt: int, response: httpx.Response | None) -> float:
        """Seconds: what Retry-After asks for within a bound, else twice as long each time, with chance."""
        asked = "" if response is None else response.headers.get("retry-after", "")
        wanted = float(asked[:6]) if asked.isdecimal() else self._pause_s * 2.0 ** (attempt - 1)
        return min(wanted, _LONGEST_PAUSE_S) * random.uniform(0.75, 1.0)

    def _unreachable(self, error: httpx.TransportError) -> ServerError:
        if _is_certificate(error):
            return ServerError(
                f"{self.url}: its certificate isn't trusted ({_said(error)}): name the file of its authority by "
                "SSL_CERT_FILE"
            )
        return ServerError(
            f"{self.tool} at {self.url} can't be reached ({type(error).__name__}: {_said(error)}): is it up, and is "
            "this its address? The same command goes on once it is back"
        )

    def _check(self, response: httpx.Response, method: str, path: str) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            there = shown(response.headers.get("location", ""), 200)
            raise ServerError(f"{self.url}{path} sends on to {there}: give the address that it sends to, by --… URL")
        detail = self._detail(response)
        if status in (401, 403):
            raise ServerError(
                f"{self.tool} at {self.url} refuses the token in {self._variable or 'the environment'} ({status}: "
                f"{detail}): make a new one at your account page, or ask for the rights"
            )
        kind = MissingError if status == 404 else ServerError
        raise kind(f"{self.tool} at {self.url} answers {method} {path} with {status}: {detail}")

    def _detail(self, response: httpx.Response) -> str:
        """What the server says of a fault, in one line; nothing of a web page."""
        data = b""
        for piece in response.iter_bytes():
            data += piece
            if len(data) > _MAX_FAULT_BYTES:
                break
        text = data[:_MAX_FAULT_BYTES].decode("utf-8", "replace").strip()
        if text[:1] == "<":
            return "a web page"
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = text
        if isinstance(found, dict):
            parts = [found.get("detail"), found.get("validation_errors") or None]
            found = "; ".join(str(part) for part in parts if part) or found
        return printable(" ".join(str(found).split()))[:300] or "nothing"

    def _pieces(self, response: httpx.Response, most: int) -> Iterator[bytes]:
        """The body, within bounds of size and time."""
        read, ends = 0, time.monotonic() + self._answer_s
        for piece in response.iter_bytes():
            read += len(piece)
            if read > most:
                raise ServerError(f"{response.url.path} of {self.url} sends more than {most >> 20} MiB: not read")
            if time.monotonic() > ends:
                raise ServerError(f"{self.tool} at {self.url} sends its answer too slowly: try again later")
            yield piece


def _said(error: BaseException) -> str:
    return printable(" ".join(str(error).split()))[:200] or type(error).__name__


def _is_certificate(error: httpx.TransportError) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)
