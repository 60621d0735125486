"""The OpenAPI description as a client's author wants it: short summaries, plain operation ids, the server's address."""

import functools
import json
import re
from importlib.resources import files
from typing import Any, Final

import yaml
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute

from raymeta.service.http.answers import MapAnswer
from raymeta.service.http.json_bodies import REFERENCE
from raymeta.service.http.route_documents import HERE

_HOST: Final = re.compile(r"[A-Za-z0-9._~:\[\]-]{1,255}")
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")

TAGS: Final = {
    "run": "What is served, how far the run is, and the boxes that it asks for.",
    "pool": "Images of the run's pool: what is labelled, what is asked, maps of them.",
    "uploaded images": "Maps, boxes and segments of an image of your own.",
    "tasks": "What people are asked, one box or image at a time.",
    "answers": "What people answer, and what reviewers decide.",
    "annotation servers": "What Label Studio and CVAT call.",
    "operation": "Probes and metrics.",
}
"""What each group of routes is for."""
ERROR_EXAMPLES: Final = {
    "400": "the connection closed before the end of the body",
    "401": "send the token as Authorization: Bearer …",
    "403": "bob has the role annotate, and this needs review: `raymeta annotators add` gives it",
    "404": "no iteration 9: there are 0 to 2",
    "409": "task q002-000002 was answered again since: look at it anew",
    "413": "more than 32 MiB: send a smaller image, or raise --max-body-mb",
    "415": "content type 'text/plain': send a PNG or JPEG as image/png, image/jpeg or multipart/form-data",
    "422": "box_width: must be at least 1 (got 0)",
    "503": "32 requests wait already: try again in 1 s",
}
"""What `detail` says, for instance, by status."""


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
            _add_examples(operation)
    _lift_definitions(description)
    description["tags"] = [{"name": tag, "description": text} for tag, text in TAGS.items()]
    return {**description, "servers": [{"url": base, "description": "the service that wrote this"}]}


@functools.cache
def _examples() -> dict[str, Any]:
    text = files("raymeta.service.http").joinpath("openapi_examples.yaml").read_text(encoding="utf-8")
    examples: dict[str, Any] = yaml.safe_load(text)
    return examples


def _add_examples(operation: dict[str, Any]) -> None:
    """Beside each schema of a JSON body an example of it; beside a good answer what it is."""
    known = _examples().get(operation["operationId"], {})
    sent = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if sent is not None and "request" in known:
        sent["example"] = known["request"]
    for status, answer in operation["responses"].items():
        if answer["description"] == "Successful Response":
            answer["description"] = operation["summary"]
        content = answer.get("content", {}).get("application/json")
        if content is None:
            continue
        if status in known.get("responses", {}):
            content["example"] = known["responses"][status]
        elif status in ERROR_EXAMPLES:
            content["example"] = {"detail": ERROR_EXAMPLES[status]}


def _lift_definitions(description: dict[str, Any]) -> None:
    """Put the parts of bodies' schemas, and answers that no route returns as such, where references point to."""
    schemas = description.setdefault("components", {}).setdefault("schemas", {})
    schemas.setdefault(MapAnswer.__name__, MapAnswer.model_json_schema(ref_template=REFERENCE))
    for operations in description["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                parts = content.get("schema", {}).pop("$defs", {})
                schemas.update(parts)


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
