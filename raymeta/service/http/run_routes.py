"""GET: the run itself: what is served, how far it is, what it asks for."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from raymeta import __version__
from raymeta.annotation.cost_models import COST_MODELS
from raymeta.runs.records import SummaryRecord
from raymeta.service.http.answers import (
    IterationAnswer,
    IterationsAnswer,
    ModelAnswer,
    QueryAnswer,
    ServedClass,
    ServedCost,
    StatusAnswer,
)
from raymeta.service.http.http_answers import respond, respond_json
from raymeta.service.http.parameters import IterationParameters, QueryParameters
from raymeta.service.http.query_answers import render_query
from raymeta.service.http.route_documents import ERRORS, HERE, QUERY_CONTENT, sample
from raymeta.service.http.run_reader import IterationTables, RunReader
from raymeta.service.http.service_state import State

router = APIRouter(tags=["run"], responses=ERRORS)


@router.get("/model", response_model=ModelAnswer, openapi_extra=sample(f"curl -s {HERE}/v1/model"))
async def model(request: Request, state: State, parameters: Annotated[IterationParameters, Query()]) -> Response:
    """What is served: run, iteration, classes, and the strategies and maps that it can make."""
    tables = await state.tables(parameters.iteration)
    answer = await run_in_threadpool(_model, state.reader, tables)
    return respond_json(request, answer, tables.iteration)


@router.get("/iterations", response_model=IterationsAnswer, openapi_extra=sample(f"curl -s {HERE}/v1/iterations"))
async def iterations(request: Request, state: State, parameters: Annotated[IterationParameters, Query()]) -> Response:
    """Progress of the run: mIoU and costs of every finished iteration; none, and what is planned, before the first."""
    if parameters.iteration is not None:
        number: int | None = (await state.tables(parameters.iteration)).iteration
    else:
        number = await state.live.newest()
    answer = await run_in_threadpool(_iterations, state.reader)
    return respond_json(request, answer, number)


@router.get("/status", response_model=StatusAnswer, openapi_extra=sample(f"curl -s {HERE}/v1/status"))
async def status(request: Request, state: State) -> Response:
    """Where the run is: whether a process works on it, at which stage, or whom it waits for."""
    answer = await run_in_threadpool(_status, state.reader)
    return respond_json(request, answer, answer.iteration)


@router.get(
    "/query",
    response_model=QueryAnswer,
    responses=QUERY_CONTENT,
    openapi_extra=sample(f"curl -s '{HERE}/v1/query?format=csv' -o query.csv"),
)
async def query(request: Request, state: State, parameters: Annotated[QueryParameters, Query()]) -> Response:
    """The boxes that the iteration asks to label, best first."""
    if parameters.image_id is not None:
        state.check_image(parameters.image_id)
    tables = await state.tables(parameters.iteration)
    content, media_type = await run_in_threadpool(render_query, tables, parameters.image_id, parameters.format)
    return respond(request, content, media_type, tables.iteration)


def _model(reader: RunReader, tables: IterationTables) -> ModelAnswer:
    config, dataset = reader.config, reader.dataset
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in dataset.palette.tolist()]
    return ModelAnswer(
        run=reader.name,
        dataset=dataset.name,
        iteration=tables.iteration,
        strategy=config.acquisition.strategy,
        strategies=tables.abilities.strategies(),
        unit=config.acquisition.unit,
        box_width=config.acquisition.box_width,
        query_size=config.acquisition.query_size,
        clicks_priority=config.acquisition.clicks_priority,
        height=dataset.height,
        width=dataset.width,
        seed=config.seed,
        classes=[
            ServedClass(id=index, name=name, color=colour)
            for index, (name, colour) in enumerate(zip(dataset.class_names, colours, strict=True))
        ],
        maps=tables.abilities.maps(),
        finished=reader.is_finished(),
        planned_iterations=config.iterations,
        raymeta=__version__,
    )


def _iteration(summary: SummaryRecord) -> IterationAnswer:
    costs = [
        ServedCost(name=model.name, label=model.label, unit=model.unit, definition=model.definition, **vars(cost))
        for model in COST_MODELS.values()
        if (cost := summary.cost(model)) is not None
    ]
    values = summary.model_dump()
    return IterationAnswer(
        **{name: values[name] for name in IterationAnswer.model_fields if name in values}, costs=costs
    )


def _status(reader: RunReader) -> StatusAnswer:
    found = reader.status()
    return StatusAnswer(
        run=reader.name,
        state=found.state,
        stage=found.stage,
        iteration=found.iteration,
        iterations=found.iterations,
        miou=None if found.miou is None else found.miou / 100,
        seconds=reader.store.iteration(found.iteration - 1).stage_seconds() if found.iteration else {},
    )


def _iterations(reader: RunReader) -> IterationsAnswer:
    rows = [_iteration(summary) for summary in reader.summaries()]
    return IterationsAnswer(
        strategy=reader.config.acquisition.strategy,
        seed=reader.config.seed,
        planned=reader.config.iterations,
        iterations=rows,
        full_set_miou=reader.full_set_miou(),
    )
