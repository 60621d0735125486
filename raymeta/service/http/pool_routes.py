"""GET: the images of the run's pool, their labelled regions, maps and boxes."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from raymeta.datasets.sample import DatasetError
from raymeta.service.http.answers import BoxesAnswer, PoolAnswer, PoolImageAnswer
from raymeta.service.http.http_answers import ITERATION_HEADER, respond_json, respond_scored
from raymeta.service.http.parameters import (
    BoxParameters,
    ImageParameters,
    IterationParameters,
    MapParameters,
    PoolParameters,
)
from raymeta.service.http.picture_answers import picture_etag, respond_picture
from raymeta.service.http.pool_listing import describe_image, list_pool
from raymeta.service.http.refusals import not_found
from raymeta.service.http.route_documents import ERRORS, HERE, MAP_CONTENT, PNG_CONTENT, sample
from raymeta.service.http.run_reader import RunReader
from raymeta.service.http.service_state import State
from raymeta.service.scoring.rendering import rgb_png, thumbnail

router = APIRouter(prefix="/pool", tags=["pool"], responses=ERRORS)


@router.get("", response_model=PoolAnswer, openapi_extra=sample(f"curl -s '{HERE}/v1/pool?sort=entropy&limit=5'"))
async def pool(request: Request, state: State, parameters: Annotated[PoolParameters, Query()]) -> Response:
    """Images of the pool with the figures of their last scoring, sorted."""
    tables = await state.tables(parameters.iteration)
    answer = await run_in_threadpool(list_pool, state.reader, tables, parameters)
    return respond_json(request, answer, tables.iteration)


@router.get(
    "/{image_id:path}/image",
    responses=PNG_CONTENT,
    response_class=Response,
    openapi_extra=sample(f"curl -s '{HERE}/v1/pool/IMAGE_ID/image?max_side=256' -o small.png"),
)
async def pool_image_file(
    request: Request, state: State, image_id: str, parameters: Annotated[ImageParameters, Query()]
) -> Response:
    """The image as PNG, as the network sees it or smaller."""
    state.check_image(image_id)
    iteration = (await state.tables(parameters.iteration)).iteration
    etag = await run_in_threadpool(_image_etag, state.reader, image_id, parameters.max_side)

    async def make() -> bytes:
        return await run_in_threadpool(_image_png, state.reader, image_id, parameters.max_side)

    return await respond_picture(request, etag, make, {ITERATION_HEADER: str(iteration)})


@router.get(
    "/{image_id:path}/map",
    responses=MAP_CONTENT,
    response_class=Response,
    openapi_extra=sample(f"curl -s '{HERE}/v1/pool/IMAGE_ID/map?map=predicted_iou&format=overlay' -o iou.png"),
)
async def pool_image_map(
    request: Request, state: State, image_id: str, parameters: Annotated[MapParameters, Query()]
) -> Response:
    """A map of a pool image, 0 where the run has labelled it."""
    asked = replace(parameters.asked(), image_id=state.check_image(image_id))
    return respond_scored(request, await state.score(asked))


@router.get(
    "/{image_id:path}/boxes",
    response_model=BoxesAnswer,
    openapi_extra=sample(f"curl -s '{HERE}/v1/pool/IMAGE_ID/boxes?k=10'"),
)
async def pool_image_boxes(
    request: Request, state: State, image_id: str, parameters: Annotated[BoxParameters, Query()]
) -> Response:
    """The best boxes of a pool image, or what else the run asks for, outside what it has labelled."""
    asked = replace(parameters.asked(), image_id=state.check_image(image_id))
    return respond_scored(request, await state.score(asked))


@router.get(
    "/{image_id:path}", response_model=PoolImageAnswer, openapi_extra=sample(f"curl -s {HERE}/v1/pool/IMAGE_ID")
)
async def pool_image(
    request: Request, state: State, image_id: str, parameters: Annotated[IterationParameters, Query()]
) -> Response:
    """One image of the pool: its labelled regions and its boxes in the query."""
    state.check_image(image_id)
    tables = await state.tables(parameters.iteration)
    height, width = await run_in_threadpool(_image_size, state.reader, image_id)
    answer = describe_image(state.reader, tables, image_id, height, width)
    return respond_json(request, answer, tables.iteration)


def _image_etag(reader: RunReader, image_id: str, max_side: int | None) -> str | None:
    return picture_etag(reader.picture_files.sha256(image_id), reader.dataset_config, max_side)


def _image_png(reader: RunReader, image_id: str, max_side: int | None) -> bytes:
    """PNG of a pool image. Raises RequestRefusedError 404 where its file can't be read any more."""
    try:
        image = reader.dataset.image(image_id)
    except DatasetError as error:
        raise not_found(f"image {image_id!r} can't be read any more: {error}") from error
    return rgb_png(image if max_side is None else thumbnail(image, max_side))


def _image_size(reader: RunReader, image_id: str) -> tuple[int, int]:
    """Height and width as the network sees it. Raises RequestRefusedError 404 where its file can't be read."""
    try:
        height, width = reader.dataset.image(image_id).shape[:2]
    except DatasetError as error:
        raise not_found(f"image {image_id!r} can't be read any more: {error}") from error
    return height, width
