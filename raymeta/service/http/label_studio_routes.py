"""raymeta as a machine learning backend of Label Studio: it pre-draws the predicted segments of the run's tasks."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from raymeta.exchange.manifest import Task
from raymeta.labels.task_exports import all_handed_out
from raymeta.runs.run_store import RunStore
from raymeta.service.http.hook_routes import HintAnswer
from raymeta.service.http.json_bodies import json_body, read_json
from raymeta.service.http.label_studio_predictions import NOTHING, predict_region
from raymeta.service.http.pull_hints import PullHints
from raymeta.service.http.route_documents import HERE, UPLOAD_ERRORS
from raymeta.service.http.service_state import State

MAX_BODY: Final = 32 << 20
MAX_TASKS: Final = 100
ROUTES: Final = f"{HERE}/label-studio"
SEND: Final = "curl -s -u raymeta:$RAYMETA_TOKEN -H 'Content-Type: application/json'"

router = APIRouter(prefix="/label-studio", tags=["annotation servers"], responses=UPLOAD_ERRORS)


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class SetupBody(_Body):
    """A project that takes this backend."""

    project: str | None = Field(None, max_length=1000)


class PredictBody(_Body):
    """Tasks whose segments are asked for."""

    tasks: list[dict[str, Any]] = Field(max_length=MAX_TASKS)


class WebhookBody(_Body):
    """Something happened in a project."""

    action: str = Field("", max_length=1000)


class HealthAnswer(BaseModel):
    """This backend can be asked."""

    status: str = "UP"
    model_class: str = "raymeta"


class SetupAnswer(BaseModel):
    """Which network predicts."""

    model_version: str


class Prediction(BaseModel):
    """What is pre-drawn on one task."""

    result: list[dict[str, Any]]
    score: float = Field(description="mean predicted IoU of the region, 0 to 1")
    model_version: str


class PredictAnswer(BaseModel):
    """One prediction a task, in their order; an empty one for tasks that the run doesn't know."""

    results: list[Prediction]
    model_version: str


@router.get("/", include_in_schema=False)
@router.get("/health")
async def health() -> HealthAnswer:
    """Whether this backend can be asked."""
    return HealthAnswer()


@router.post("/setup", openapi_extra=json_body(SetupBody, f'{SEND} -d \'{{"project": "1.1"}}\' {ROUTES}/setup'))
async def setup(request: Request, state: State) -> SetupAnswer:
    """Which network predicts for a project."""
    await read_json(request, SetupBody, MAX_BODY)
    return SetupAnswer(model_version=await _model_version(state))


@router.post("/predict", openapi_extra=json_body(PredictBody, f"{SEND} -d @tasks.json {ROUTES}/predict"))
async def predict(request: Request, state: State) -> PredictAnswer:
    """The predicted segments of tasks: those that the run has handed out, by the live iteration."""
    body = await read_json(request, PredictBody, MAX_BODY)
    manifest = await run_in_threadpool(all_handed_out, RunStore(state.settings.run))
    known = {} if manifest is None else {task.id: task for task in manifest.tasks}
    results = []
    for entry in body.tasks:
        task = _known_task(entry, known)
        found = NOTHING if task is None else await predict_region(state, task, state.task_reader.class_names)
        results.append(Prediction(result=found.result, score=found.score, model_version=found.model_version))
    return PredictAnswer(results=results, model_version=await _model_version(state))


@router.post(
    "/webhook",
    status_code=202,
    openapi_extra=json_body(WebhookBody, f'{SEND} -d \'{{"action": "ANNOTATION_CREATED"}}\' {ROUTES}/webhook'),
)
async def webhook(request: Request) -> HintAnswer:
    """A hint that something was answered: raymeta pulls from the servers that it handed tasks out to."""
    body = await read_json(request, WebhookBody, MAX_BODY)
    if not body.action.startswith("ANNOTATION"):
        return HintAnswer(detail="nothing to pull")
    pulls: PullHints = request.app.state.pull_hints
    return HintAnswer(detail=pulls.hint("label-studio"))


def _known_task(entry: dict[str, Any], known: dict[str, Task]) -> Task | None:
    data = entry.get("data")
    own = data.get("raymeta") if isinstance(data, dict) else None
    task_id = own.get("task") if isinstance(own, dict) else None
    return known.get(task_id) if isinstance(task_id, str) else None


async def _model_version(state: State) -> str:
    statuses = await state.live.statuses()
    serving = [status.iteration for status in statuses if status.iteration is not None]
    return f"raymeta iteration {min(serving)}" if serving else "raymeta"
