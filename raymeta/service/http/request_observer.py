"""Every request noted once: a metric, and a line of JSON in the access log."""

import json
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from raymeta.service.http.http_answers import ITERATION_HEADER
from raymeta.service.http.service_metrics import ServiceMetrics

ACCESS_LOGGER = "raymeta.access"
UNKNOWN_ROUTE = "(none)"


def open_access_log(path: str | None) -> logging.Logger:
    """The access logger, writing to a file (appended) or to stderr; called once a process."""
    logger = logging.getLogger(ACCESS_LOGGER)
    for handler in logger.handlers:
        handler.close()
    handler = logging.StreamHandler(sys.stderr) if path is None else logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger


class RequestObserver:
    """ASGI middleware around the whole app; headers aren't logged, so that the token isn't."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, logger: logging.Logger) -> None:
        self._app = app
        self._metrics = metrics
        self._logger = logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted: dict[str, Any] = {"status": 500, "bytes_in": 0, "bytes_out": 0, "iteration": None}

        async def counted_receive() -> Message:
            message = await receive()
            noted["bytes_in"] += len(message.get("body", b""))
            return message

        async def counted_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted["status"] = message["status"]
                noted["iteration"] = _iteration(message)
            noted["bytes_out"] += len(message.get("body", b""))
            await send(message)

        start = time.perf_counter()
        try:
            await self._app(scope, counted_receive, counted_send)
        finally:
            self._note(scope, noted, time.perf_counter() - start)

    def _note(self, scope: Scope, noted: dict[str, Any], seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if route != UNKNOWN_ROUTE else "(any)"  # an invented method makes no series
        self._metrics.observe_request(method, route, noted["status"], seconds)
        client = scope.get("client")
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "client": client[0] if client else None,
            "method": scope["method"],
            "path": scope["path"],
            "query": scope.get("query_string", b"").decode("latin-1"),
            "seconds": round(seconds, 6),
            **noted,
        }
        self._logger.info(json.dumps(line))


def _route(scope: Scope) -> str:
    """Template of the route, as `/v1/pool/{image_id:path}`: few series, whatever is asked for."""
    path = getattr(scope.get("route"), "path", None)
    if path is None:
        return UNKNOWN_ROUTE
    # An included router's route doesn't know the prefix that it was included with.
    return f"/v1{path}" if scope["path"].startswith("/v1/") and not path.startswith("/v1/") else str(path)


def _iteration(message: Message) -> int | None:
    wanted = ITERATION_HEADER.lower().encode()
    found = next((value for name, value in message.get("headers", []) if name.lower() == wanted), None)
    return None if found is None else int(found)
