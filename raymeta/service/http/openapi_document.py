"""The OpenAPI description as a client's author wants it: short summaries, plain operation ids, the server's address."""

import json
import re
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.routing import APIRoute

from raymeta.service.http.route_documents import HERE

_HOST: Final = re.compile(r"[A-Za-z0-9._~:\[\]-]{1,255}")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def operation_id(route: APIRoute) -> str:
    """Name of a route in generated clients: its function's."""
    return route.name


def describe(app: FastAPI, request: Request) -> dict[str, Any]:
    """The description of all routes; servers and examples name the address that this request came to."""
    base = base_url(request)
    description: dict[str, Any] = json.loads(json.dumps(app.openapi()).replace(HERE, base))
    for operations in description["paths"].values():
        for operation in operations.values():
            operation["summary"] = summary(operation.get("description", operation.get("summary", "")))
    return {**description, "servers": [{"url": base, "description": "the service that wrote this"}]}


def summary(text: str) -> str:
    """The main clause of the first sentence: what stands before its colon or full stop."""
    return re.split(r"[:.;](?:\s|$)", text.strip(), maxsplit=1)[0]


def base_url(request: Request) -> str:
    """Address of the service as the asking side sees it.

    A proxy in between tells what it has changed: X-Forwarded-Proto, -Host and -Prefix. Headers that are no plain
    address are passed over.
    """
    headers = request.headers
    scheme = headers.get("x-forwarded-proto", request.url.scheme)
    host = headers.get("x-forwarded-host", headers.get("host", ""))
    prefix = headers.get("x-forwarded-prefix", "").rstrip("/")
    if scheme not in ("http", "https") or not _HOST.fullmatch(host) or not _PREFIX.fullmatch(prefix):
        return HERE
    return f"{scheme}://{host}{prefix}"
