"""Responses with what every answer of /v1 carries: the iteration that made it, an ETag, and 304 where it is known."""

import hashlib
from collections.abc import Mapping
from typing import Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from raymeta.service.http.refusals import RequestRefusedError
from raymeta.service.scoring.scoring_request import ScoringAnswer

ITERATION_HEADER: Final = "X-Raymeta-Iteration"
JSON: Final = "application/json"
REVALIDATE: Final = "private, no-cache"
"""What an address answers changes, as the live iteration and the run that is served there do: a browser asks again
with its ETag."""


def respond(
    request: Request,
    content: bytes,
    media_type: str,
    iteration: int | None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A 200, or a 304 where the asking side has this content of this iteration already; None: no iteration made it."""
    etag = content_etag(content, "" if iteration is None else f"{iteration}-")
    sent = {
        **(headers or {}),
        **({} if iteration is None else {ITERATION_HEADER: str(iteration)}),
        "ETag": etag,
        "Cache-Control": REVALIDATE,
        "X-Content-Type-Options": "nosniff",
    }
    if knows(request, etag):
        return Response(status_code=304, headers=sent)
    return Response(content, media_type=media_type, headers=sent)


def respond_json(request: Request, answer: BaseModel, iteration: int | None) -> Response:
    """A pydantic answer; iteration: as of `respond`."""
    return respond(request, answer.model_dump_json().encode(), JSON, iteration)


def respond_scored(request: Request, answer: ScoringAnswer) -> Response:
    """What a scoring replica answered."""
    if answer.status == 200 and answer.iteration is not None:
        return respond(request, answer.content, answer.media_type, answer.iteration, answer.headers)
    headers = dict(answer.headers)
    if answer.iteration is not None:
        headers[ITERATION_HEADER] = str(answer.iteration)
    return Response(answer.content, answer.status, headers, answer.media_type)


def refused_response(refusal: RequestRefusedError) -> Response:
    """`{"detail": …}` with the refusal's status."""
    return JSONResponse({"detail": refusal.detail}, refusal.status, refusal.headers)


def content_etag(content: bytes, prefix: str = "") -> str:
    """Differs wherever content or prefix does."""
    return f'"{prefix}{hashlib.sha256(content).hexdigest()[:32]}"'


def knows(request: Request, etag: str) -> bool:
    """Whether the asking side has what an ETag names."""
    known = request.headers.get("if-none-match")
    return (
        request.method in ("GET", "HEAD")
        and known is not None
        and (known.strip() == "*" or etag in [one.strip().removeprefix("W/") for one in known.split(",")])
    )
