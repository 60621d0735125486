"""The HTTP service as a FastAPI app: routes, token, observer; the scoring backend is handed in."""

from fastapi import APIRouter, Depends, FastAPI, Request, Response

from raymeta import __version__
from raymeta.service.http import page_routes, pool_routes, run_routes, task_answer_routes, task_routes, upload_routes
from raymeta.service.http.access_token import AccessToken
from raymeta.service.http.http_answers import refused_response
from raymeta.service.http.live_iteration import LiveIteration
from raymeta.service.http.refusals import RequestRefusedError
from raymeta.service.http.request_observer import RequestObserver, open_access_log
from raymeta.service.http.run_reader import RunReader
from raymeta.service.http.service_metrics import ServiceMetrics
from raymeta.service.http.service_state import ServiceState
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
    app = FastAPI(title="raymeta", version=__version__, description=DESCRIPTION, docs_url=None, redoc_url=None)
    metrics = ServiceMetrics(ingress)
    live = LiveIteration(backend, max_age_s=settings.poll_s / 2)
    app.state.service = ServiceState(
        settings,
        backend,
        RunReader(settings),
        live,
        metrics,
        tasks=tasks or LocalTaskBackend(settings),
        task_reader=TaskReader(settings),
    )
    versioned = APIRouter(prefix="/v1", dependencies=[Depends(AccessToken(settings))])
    for routes in (run_routes, pool_routes, upload_routes, task_routes, task_answer_routes):
        versioned.include_router(routes.router)
    app.include_router(versioned)
    app.include_router(page_routes.router)
    app.add_middleware(RequestObserver, metrics=metrics, logger=open_access_log(settings.access_log))
    app.add_exception_handler(RequestRefusedError, _refuse)
    app.add_exception_handler(Exception, _fail)
    return app


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestRefusedError)
    return refused_response(error)


async def _fail(request: Request, error: Exception) -> Response:
    """A fault of the service itself: the server logs it, the answer keeps the form of all errors."""
    return refused_response(RequestRefusedError(500, "the service failed: its log tells why"))
