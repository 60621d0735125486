"""What the routes of tasks share: calls to the process that hands tasks out, tasks by id, and responses."""

import uuid
from collections.abc import Callable
from typing import Any, Final

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from raymeta.labels.annotator_list import Person
from raymeta.labels.task_sets import Task
from raymeta.runs.run_store import RunError
from raymeta.service.http.answers import ErrorAnswer
from raymeta.service.http.http_answers import JSON
from raymeta.service.http.json_bodies import json_body
from raymeta.service.http.refusals import RequestRefusedError, not_found, unprocessable
from raymeta.service.http.route_documents import ERRORS, HERE
from raymeta.service.http.service_state import ServiceState
from raymeta.service.tasks.task_answers import TaskRow
from raymeta.service.tasks.task_calls import TaskCall, TaskMethod

READ_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    **ERRORS,
    404: {"model": ErrorAnswer, "description": "no such task, or no such answer"},
}
WRITE_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    **READ_ERRORS,
    403: {"model": ErrorAnswer, "description": "this person may not do it, or a foreign page sent it"},
    409: {"model": ErrorAnswer, "description": "the task has moved on meanwhile: look again"},
    413: {"model": ErrorAnswer, "description": "too many bytes"},
    415: {"model": ErrorAnswer, "description": "the body is not application/json"},
    422: {"model": ErrorAnswer, "description": "a body or a parameter that can't be used: the reason is told"},
}

MAX_SMALL_BODY: Final = 64 * 1024
TASKS: Final = f"{HERE}/v1/tasks"
POST: Final = "curl -s -H 'Content-Type: application/json' -H \"Authorization: Bearer $TOKEN\""


def writes(
    body: type[BaseModel], example: str, place: str, *, answer: type[BaseModel] = TaskRow, method: str = ""
) -> dict[str, Any]:
    """What a route says of itself that takes a JSON body and changes something.

    Args:
        body: what it takes.
        example: such a body, as JSON.
        place: of the route behind `/v1/tasks/`.
        answer: what it gives.
        method: of curl, where it is another than POST.
    """
    command = f"{POST} {f'-X {method} ' if method else ''}-d '{example}' {TASKS}/{place}"
    return {"response_model": answer, "responses": WRITE_ERRORS, "openapi_extra": json_body(body, command)}


async def call(state: ServiceState, method: TaskMethod, person: Person | None, **arguments: Any) -> Any:
    """Let the process that hands tasks out do it.

    Raises:
        RequestRefusedError: with its status and reason.
    """
    reply = await state.tasks.call(TaskCall(method, person, arguments))
    if reply.status != 200:
        raise RequestRefusedError(reply.status, reply.detail)
    return reply.value


async def find_task(state: ServiceState, task_id: str) -> Task:
    """The task of an id.

    Raises:
        RequestRefusedError: 404.
    """
    task = await run_in_threadpool(state.task_reader.find, task_id)
    if task is None:
        raise not_found(f"{task_id[:200]!r} isn't a task of the run: GET /v1/tasks lists them")
    return task


async def read_pixels(task: Task, read: Callable[..., Any], *arguments: Any) -> Any:
    """Let a thread read pixels of a task.

    Raises:
        RequestRefusedError: 404 where they can't be read any more.
    """
    try:
        return await run_in_threadpool(read, task, *arguments)
    except RunError:
        raise
    except (OSError, ValueError) as error:
        raise not_found(f"{task.image_id!r} can't be read any more: {error}") from error


def answer_hex(answer_id: str) -> str:
    """An answer's id as files hold it.

    Raises:
        RequestRefusedError: 422 no UUID.
    """
    try:
        return uuid.UUID(answer_id).hex
    except ValueError:
        raise unprocessable(f"answer id {answer_id[:80]!r}: make a UUID, as crypto.randomUUID() does") from None


def respond_task(answer: BaseModel, status: int = 200) -> Response:
    """A pydantic answer that no browser keeps."""
    content = answer.model_dump_json(by_alias=True).encode()
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(content, status, headers, JSON)
