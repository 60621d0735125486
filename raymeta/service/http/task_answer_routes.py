"""What people answer: drafts, answers, skips, and what reviewers decide about them."""

from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from raymeta.service.http.json_bodies import json_body, read_json
from raymeta.service.http.refusals import unprocessable
from raymeta.service.http.route_documents import sample
from raymeta.service.http.service_state import State
from raymeta.service.http.task_access import (
    MAX_SMALL_BODY,
    POST,
    READ_ERRORS,
    TASKS,
    WRITE_ERRORS,
    answer_hex,
    call,
    find_task,
    respond_task,
    writes,
)
from raymeta.service.http.writing_person import Annotating, Reviewing, asking_person
from raymeta.service.tasks.task_answers import AnswerAnswer, AnswersAnswer, DraftAnswer, KeptAnswerAnswer
from raymeta.service.tasks.task_bodies import (
    AcceptBody,
    AnswerBody,
    BodyError,
    DraftBody,
    ReopenBody,
    ReturnBody,
    SkipBody,
    make_answer,
)

MAX_DRAFT: Final = 2 * 1024 * 1024

router = APIRouter(prefix="/tasks", tags=["answers"], responses=READ_ERRORS)


@router.put(
    "/{task_id}/draft",
    **writes(DraftBody, '{"draft": {}}', "TASK_ID/draft", answer=DraftAnswer, method="PUT"),
)
async def put_draft(request: Request, state: State, person: Annotating, task_id: str) -> Response:
    """Keep an unfinished answer: one for each person and task, the last one counts."""
    largest = state.settings.max_body_bytes
    body = await read_json(request, DraftBody, min(MAX_DRAFT, largest), configured=largest < MAX_DRAFT)
    return respond_task(await call(state, "draft", person, task_id=task_id, content=body.draft))


@router.delete(
    "/{task_id}/draft",
    status_code=204,
    responses=WRITE_ERRORS,
    response_class=Response,
    openapi_extra=sample(f'curl -s -X DELETE -H "Authorization: Bearer $TOKEN" {TASKS}/TASK_ID/draft'),
)
async def drop_draft(state: State, person: Annotating, task_id: str) -> Response:
    """Forget an unfinished answer."""
    await call(state, "drop_draft", person, task_id=task_id)
    return Response(status_code=204)


@router.put(
    "/{task_id}/answers/{answer_id}",
    response_model=KeptAnswerAnswer,
    responses={**WRITE_ERRORS, 201: {"model": KeptAnswerAnswer, "description": "the answer is new, and kept"}},
    openapi_extra=json_body(
        AnswerBody,
        f"{POST} -X PUT -d '{{\"undecidable\": true}}' {TASKS}/TASK_ID/answers/$(uuidgen)",
    ),
)
async def put_answer(request: Request, state: State, person: Annotating, task_id: str, answer_id: str) -> Response:
    """Answer a task under an id of your own (a UUID): the same again changes nothing, so it may be repeated."""
    name = answer_hex(answer_id)
    body = await read_json(request, AnswerBody, state.settings.max_body_bytes, configured=True)
    task = await find_task(state, task_id)
    reader = state.task_reader
    try:
        answer = await run_in_threadpool(make_answer, body, name, task, reader.pictures.scale(task), reader.class_names)
    except BodyError as error:
        raise unprocessable(str(error)) from error
    kept: KeptAnswerAnswer = await call(state, "answer", person, answer=answer)
    return respond_task(kept, 201 if kept.new else 200)


@router.get(
    "/{task_id}/answers", response_model=AnswersAnswer, openapi_extra=sample(f"curl -s {TASKS}/TASK_ID/answers")
)
async def answers(request: Request, state: State, task_id: str) -> Response:
    """The answers that you may see, your own or as a reviewer all, and how far those that count agree."""
    return respond_task(await call(state, "answers", asking_person(request), task_id=task_id, answer_id=None))


@router.get(
    "/{task_id}/answers/{answer_id}",
    response_model=AnswerAnswer,
    openapi_extra=sample(f"curl -s {TASKS}/TASK_ID/answers/ANSWER_ID"),
)
async def answer(request: Request, state: State, task_id: str, answer_id: str) -> Response:
    """One answer with its pixels."""
    name = answer_hex(answer_id)
    found: AnswersAnswer = await call(state, "answers", asking_person(request), task_id=task_id, answer_id=name)
    return respond_task(found.answers[0])


@router.post("/{task_id}/skip", **writes(SkipBody, '{"reason": "too dark"}', "TASK_ID/skip"))
async def skip(request: Request, state: State, person: Annotating, task_id: str) -> Response:
    """Pass a task on to somebody else; after two people it waits for a reviewer."""
    body = await read_json(request, SkipBody, MAX_SMALL_BODY)
    return respond_task(await call(state, "skip", person, task_id=task_id, reason=body.reason))


@router.post("/{task_id}/accept", **writes(AcceptBody, '{"answer_id": "ID", "seen": ["ID"]}', "TASK_ID/accept"))
async def accept(request: Request, state: State, person: Reviewing, task_id: str) -> Response:
    """Let one answer count; `seen` names all that were looked at, so that none that came since is passed over."""
    body = await read_json(request, AcceptBody, MAX_SMALL_BODY)
    arguments = {
        "answer_id": answer_hex(body.answer_id),
        "seen": [answer_hex(each) for each in body.seen],
        "reason": body.reason,
    }
    return respond_task(await call(state, "accept", person, task_id=task_id, **arguments))


@router.post("/{task_id}/return", **writes(ReturnBody, '{"reason": "the kerb"}', "TASK_ID/return"))
async def return_task(request: Request, state: State, person: Reviewing, task_id: str) -> Response:
    """Ask again, with a reason: what was answered counts no longer, and the next person begins with it."""
    body = await read_json(request, ReturnBody, MAX_SMALL_BODY)
    return respond_task(await call(state, "return_task", person, task_id=task_id, reason=body.reason))


@router.post("/{task_id}/reopen", **writes(ReopenBody, "{}", "TASK_ID/reopen"))
async def reopen(request: Request, state: State, person: Reviewing, task_id: str) -> Response:
    """Ask again; what was accepted counts until somebody answers."""
    body = await read_json(request, ReopenBody, MAX_SMALL_BODY)
    return respond_task(await call(state, "reopen", person, task_id=task_id, reason=body.reason))
