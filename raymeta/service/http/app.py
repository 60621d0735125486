"""The HTTP service as a FastAPI app: routes, token, observer; the scoring backend is handed in."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException

from raymeta import __version__
from raymeta.field_faults import field_fault
from raymeta.service.http import (
    hook_routes,
    label_studio_routes,
    page_routes,
    pool_routes,
    run_routes,
    task_answer_routes,
    task_routes,
    upload_routes,
)
from raymeta.service.http.access_token import AccessToken
from raymeta.service.http.head_requests import HeadRequests
from raymeta.service.http.http_answers import ITERATION_HEADER, refused_response
from raymeta.service.http.live_iteration import LiveIteration
from raymeta.service.http.openapi_document import operation_id
from raymeta.service.http.pull_hints import PullHints
from raymeta.service.http.refusals import RequestRefusedError, unprocessable
from raymeta.service.http.request_observer import RequestObserver, open_access_log
from raymeta.service.http.run_header import RUN_HEADER, RunHeader
from raymeta.service.http.run_reader import RunReader
from raymeta.service.http.service_metrics import ServiceMetrics
from raymeta.service.http.service_state import ServiceState
from raymeta.service.http.tool_access import ToolAccess
from raymeta.service.scoring.scoring_request import ScoringBackend
from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks.task_calls import LocalTaskBackend, TaskBackend
from raymeta.service.tasks.task_reader import TaskReader

DESCRIPTION = """
Which boxes of which images to label next: priority maps, box proposals and predicted segments of the newest finished
iteration of an experiment, or of an older one (?iteration=N). Every answer of /v1 names the iteration that made it
(X-Raymeta-Iteration, ETag), except of /v1/tasks: what people are asked, and what they answer.
Box and pixel coordinates count from the image's top-left corner.
"""

SENT_HEADERS: Final = ("Authorization", "Content-Type", "If-None-Match", RUN_HEADER)
SHOWN_HEADERS: Final = (
    ITERATION_HEADER,
    RUN_HEADER,
    "X-Raymeta-Scale",
    "X-Raymeta-Left",
    "X-Raymeta-Top",
    "ETag",
    "Retry-After",
)
"""Headers that pages of other origins may send, and read."""


def create_app(
    settings: ServiceSettings, backend: ScoringBackend, ingress: str = "0", tasks: TaskBackend | None = None
) -> FastAPI:
    """The service of one run.

    Args:
        settings: of the service.
        backend: scores images.
        ingress: names this HTTP process in metrics.
        tasks: hands tasks out; None does it in this process, where it is the only one.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
        AnnotatorListError: the list of annotators can't be read.
    """
    app = FastAPI(
        title="raymeta",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # page_routes has it
        generate_unique_id_function=operation_id,
        lifespan=_running,
    )
    metrics = ServiceMetrics(ingress)
    reader = RunReader(settings)
    live = LiveIteration(backend, max_age_s=settings.poll_s / 2)
    app.state.service = ServiceState(
        settings,
        backend,
        reader,
        live,
        metrics,
        tasks=tasks or LocalTaskBackend(settings),
        task_reader=TaskReader(settings),
    )
    app.state.pull_hints = PullHints(settings, os.environ)
    app.state.cvat_secret = os.environ.get(hook_routes.SECRET_VARIABLE) or None
    access = AccessToken(settings)
    versioned = APIRouter(prefix="/v1", dependencies=[Depends(access)])
    for routes in (run_routes, pool_routes, upload_routes, task_routes, task_answer_routes):
        versioned.include_router(routes.router)
    app.include_router(versioned)
    app.include_router(label_studio_routes.router, dependencies=[Depends(ToolAccess(access))])
    app.include_router(hook_routes.router)
    app.include_router(page_routes.router)
    app.add_middleware(RunHeader, run_key=reader.key)
    app.add_middleware(HeadRequests)
    if settings.cors_origins:
        _let_in(app, settings.cors_origins)
    app.add_middleware(RequestObserver, metrics=metrics, logger=open_access_log(settings.access_log))
    app.add_exception_handler(RequestRefusedError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_parameters)
    app.add_exception_handler(HTTPException, _refuse_route)
    app.add_exception_handler(Exception, _fail)
    return app


def _let_in(app: FastAPI, origins: Sequence[str]) -> None:
    """Pages of other origins may call the service from a browser."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=SENT_HEADERS,
        expose_headers=SHOWN_HEADERS,
    )


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    pulls: PullHints = app.state.pull_hints
    pulls.catch_up()
    yield


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)
    return refused_response(error)


async def _refuse_parameters(request: Request, error: Exception) -> Response:
    """Parameters that FastAPI refuses: one text, as all errors have it, in the place of a list."""
    assert isinstance(error, RequestValidationError)
    faults = [field_fault(each, str(each["loc"][0]), skipped=1, what="parameter") for each in error.errors()]
    return refused_response(unprocessable("; ".join(faults)))


async def _refuse_route(request: Request, error: Exception) -> Response:
    """A path that nothing answers, or a method that a path doesn't know."""
    assert isinstance(error, HTTPException)
    details = {
        404: f"there is nothing at {request.url.path[:200]}: /docs lists all routes",
        405: f"{request.method} isn't answered at {request.url.path[:200]}: /docs tells what is",
    }
    detail = details.get(error.status_code, str(error.detail))
    return refused_response(RequestRefusedError(error.status_code, detail, error.headers))


async def _fail(request: Request, error: Exception) -> Response:
    """A fault of the service itself: the server logs it, the answer keeps the form of all errors."""
    return refused_response(RequestRefusedError(500, "the service failed: its log tells why"))
