"""What people are asked: lists, leases, and all that an editor shows of a task."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import StateName
from raymeta.service.http.json_bodies import read_json
from raymeta.service.http.picture_answers import picture_etag, respond_picture
from raymeta.service.http.route_documents import PNG_CONTENT, sample
from raymeta.service.http.service_state import ServiceState, State
from raymeta.service.http.task_access import (
    MAX_SMALL_BODY,
    READ_ERRORS,
    TASKS,
    call,
    find_task,
    read_pixels,
    respond_task,
    writes,
)
from raymeta.service.http.writing_person import Annotating, asking_person, why_read_only
from raymeta.service.tasks.ledger_answer import LedgerAnswer
from raymeta.service.tasks.task_answers import (
    LeasedAnswer,
    MeAnswer,
    PictureAnswer,
    PrelabelsAnswer,
    ProgressAnswer,
    RenewedAnswer,
    SurroundingsAnswer,
    TaskDetail,
    TasksAnswer,
)
from raymeta.service.tasks.task_bodies import LeaseBody, NothingBody, RenewBody
from raymeta.service.tasks.task_service import DEFAULT_MARGIN, picture_frame

router = APIRouter(prefix="/tasks", tags=["tasks"], responses=READ_ERRORS)


class TaskParameters(BaseModel):
    """Which tasks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    set: list[str] = Field([], max_length=1000, description="only these sets: initial, meta, validation, query-000 …")
    state: list[StateName] = Field([], max_length=20, description="only tasks in these states")
    image_id: str | None = Field(None, max_length=500, description="only tasks of this image")
    limit: int = Field(100, ge=1, le=1000, description="at most this many tasks")
    offset: int = Field(0, ge=0, le=10**9, description="tasks to pass over")


class MarginParameters(BaseModel):
    """How much of the picture around a region."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    margin: int = Field(DEFAULT_MARGIN, ge=0, le=1024, description="pixels of the stored image around the region")


@router.get("", response_model=TasksAnswer, openapi_extra=sample(f"curl -s '{TASKS}?state=conflict'"))
async def tasks(request: Request, state: State, parameters: Annotated[TaskParameters, Query()]) -> Response:
    """Tasks and what became of them, by set and rank."""
    answer = await call(
        state,
        "rows",
        asking_person(request),
        sets=parameters.set,
        states=parameters.state,
        image_id=parameters.image_id,
        limit=parameters.limit,
        offset=parameters.offset,
    )
    return respond_task(answer)


@router.get("/me", response_model=MeAnswer, openapi_extra=sample(f"curl -s {TASKS}/me"))
async def me(request: Request, state: State) -> Response:
    """Who asks and what they may do, the classes with their keys, and the rules of answers."""
    person = asking_person(request)
    sets = await call(state, "sets", person)
    return respond_task(state.task_reader.me(person, why_read_only(person, state), sets))


@router.get("/progress", response_model=ProgressAnswer, openapi_extra=sample(f"curl -s {TASKS}/progress"))
async def progress(request: Request, state: State) -> Response:
    """How far people are: counts by set, seconds and clicks by person, and the time that is left."""
    return respond_task(await call(state, "progress", asking_person(request)))


@router.get("/ledger", response_model=LedgerAnswer, openapi_extra=sample(f"curl -s {TASKS}/ledger"))
async def ledger(state: State) -> Response:
    """What labelling has cost, by tool, and the hours that are still needed."""
    return respond_task(await run_in_threadpool(state.task_reader.ledger))


@router.post("/lease", **writes(LeaseBody, '{"count": 3}', "lease", answer=LeasedAnswer))
async def lease(request: Request, state: State, person: Annotating) -> Response:
    """Hold `count` tasks in all: those held already, then images that were begun, then by rank."""
    body = await read_json(request, LeaseBody, MAX_SMALL_BODY)
    arguments = {"count": body.count, "set_name": body.set, "task_id": body.task}
    return respond_task(await call(state, "lease", person, **arguments))


@router.post("/lease/renew", **writes(RenewBody, '{"tasks": ["TASK_ID"]}', "lease/renew", answer=RenewedAnswer))
async def renew(request: Request, state: State, person: Annotating) -> Response:
    """Go on holding tasks: a page does so each minute."""
    body = await read_json(request, RenewBody, MAX_SMALL_BODY)
    return respond_task(await call(state, "renew", person, tasks=body.tasks))


@router.post("/{task_id}/release", **writes(NothingBody, "{}", "TASK_ID/release"))
async def release(request: Request, state: State, person: Annotating, task_id: str) -> Response:
    """Give a task back unanswered; admins may release anybody's."""
    await read_json(request, NothingBody, MAX_SMALL_BODY)
    return respond_task(await call(state, "release", person, task_id=task_id))


@router.get("/{task_id}", response_model=TaskDetail, openapi_extra=sample(f"curl -s {TASKS}/TASK_ID"))
async def task(
    request: Request, state: State, task_id: str, parameters: Annotated[MarginParameters, Query()]
) -> Response:
    """One task: region, scale, picture, lease, what to begin with, draft, earlier answers."""
    answer = await call(state, "detail", asking_person(request), task_id=task_id, margin=parameters.margin)
    return respond_task(answer)


@router.get(
    "/{task_id}/picture",
    responses=PNG_CONTENT,
    response_class=Response,
    openapi_extra=sample(f"curl -s {TASKS}/TASK_ID/picture -o box.png"),
)
async def picture(
    request: Request, state: State, task_id: str, parameters: Annotated[MarginParameters, Query()]
) -> Response:
    """The region in its surroundings: pixels of the stored image; X-Raymeta-Left and -Top say where they lie in it."""
    found = await find_task(state, task_id)
    frame, etag = await read_pixels(found, _frame_of, state, parameters.margin)
    headers = {
        "X-Raymeta-Left": str(frame.left),
        "X-Raymeta-Top": str(frame.top),
        "X-Raymeta-Scale": repr(state.task_reader.pictures.scale(found)),
    }

    async def make() -> bytes:
        png: bytes = await read_pixels(found, state.task_reader.picture, frame)
        return png

    return await respond_picture(request, etag, make, headers)


@router.get(
    "/{task_id}/prelabels", response_model=PrelabelsAnswer, openapi_extra=sample(f"curl -s {TASKS}/TASK_ID/prelabels")
)
async def prelabels(request: Request, state: State, task_id: str) -> Response:
    """What the network that asked predicts of the region: segments with class, predicted IoU and outlines."""
    found = await find_task(state, task_id)
    return respond_task(await read_pixels(found, state.task_reader.prelabels))


@router.get(
    "/{task_id}/surroundings",
    response_model=SurroundingsAnswer,
    openapi_extra=sample(f"curl -s {TASKS}/TASK_ID/surroundings"),
)
async def surroundings(
    request: Request, state: State, task_id: str, parameters: Annotated[MarginParameters, Query()]
) -> Response:
    """Labels that are accepted in and around the region by now."""
    found = await find_task(state, task_id)
    return respond_task(await read_pixels(found, state.task_reader.surroundings, parameters.margin))


def _frame_of(task: Task, state: ServiceState, margin: int) -> tuple[PictureAnswer, str | None]:
    """Where the picture of a task lies in its image, and its ETag."""
    reader = state.task_reader
    frame = picture_frame(reader.pictures, task, margin)
    part = (frame.left, frame.top, frame.width, frame.height)
    return frame, picture_etag(reader.picture_files.sha256(task.image_id), reader.dataset_config, *part)
