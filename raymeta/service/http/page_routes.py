"""The page at `/` and its files, and what a person or a probe asks for beside /v1."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse

import raymeta
from raymeta.service.http.answers import HealthAnswer, ReadyAnswer, ReplicaAnswer
from raymeta.service.http.openapi_document import describe
from raymeta.service.http.refusals import not_found
from raymeta.service.http.route_guide import render_guide
from raymeta.service.http.service_metrics import metrics_text
from raymeta.service.http.service_state import State

PAGE: Final = Path(raymeta.__file__).parent / "webpage"
PAGE_HEADERS: Final = {
    # The page talks to nobody but its own service; pictures come as blobs, since <img> can't send a token.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

GUIDE_HEADERS: Final = {
    **PAGE_HEADERS,
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'self'",
}

router = APIRouter()


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """The page."""
    return _page_file("index.html")


@router.get("/docs", include_in_schema=False)
async def guide(request: Request) -> Response:
    """The routes, for people."""
    return HTMLResponse(render_guide(describe(request.app, request)), headers=GUIDE_HEADERS)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> Response:
    """The routes, for programs."""
    return JSONResponse(describe(request.app, request))


@router.get("/static/{name:path}", include_in_schema=False)
async def page_asset(name: str) -> Response:
    """A file of the page."""
    return _page_file(name)


@router.get("/healthz", tags=["operation"])
async def healthz() -> HealthAnswer:
    """Whether this HTTP process lives."""
    return HealthAnswer()


@router.get("/readyz", tags=["operation"], responses={503: {"model": ReadyAnswer, "description": "not ready"}})
async def readyz(state: State, response: Response) -> ReadyAnswer:
    """Whether an image can be scored now: each replica's iteration, and the bundles that it refused."""
    statuses = sorted(await state.live.statuses(), key=lambda status: status.replica)
    serving = [status.iteration for status in statuses if status.iteration is not None]
    if not serving:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    replicas = [
        ReplicaAnswer(replica=status.replica, iteration=status.iteration, refused=dict(status.refused))
        for status in statuses
    ]
    return ReadyAnswer(ready=bool(serving), iteration=min(serving, default=None), replicas=replicas)


@router.get("/metrics", tags=["operation"], response_class=PlainTextResponse)
async def metrics(state: State) -> Response:
    """Prometheus metrics of all HTTP processes and scoring replicas."""
    processes = await state.backend.metrics()
    statuses = await state.live.statuses()
    text = metrics_text([state.metrics.text()] if processes is None else processes, statuses)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _page_file(name: str) -> Response:
    """A file below the page's folder. Raises RequestRefusedError 404 for anything else, links out of it included."""
    root = PAGE.resolve()
    path = (root / name).resolve() if "\0" not in name else root
    if not path.is_relative_to(root) or not path.is_file():
        raise not_found(f"the page has no file {name[:200]!r}")
    return FileResponse(path, headers=PAGE_HEADERS)
