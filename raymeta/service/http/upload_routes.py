"""POST: an image that the run need not know, scored by the live iteration or an older one."""

from dataclasses import replace
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response

from raymeta.service.http.answers import BoxesAnswer, SegmentsAnswer
from raymeta.service.http.http_answers import respond_scored
from raymeta.service.http.parameters import SegmentParameters, UploadBoxParameters, UploadMapParameters
from raymeta.service.http.route_documents import HERE, MAP_CONTENT, UPLOAD_ERRORS, upload_body
from raymeta.service.http.service_state import State
from raymeta.service.http.uploads import read_upload
from raymeta.service.scoring.scoring_request import ScoringRequest

PRIORITY_MAP_SAMPLE: Final = (
    "curl -s --data-binary @street.png -H 'Content-Type: image/png' \\\n"
    f"  '{HERE}/v1/priority-map?map=joint&format=overlay' -o joint.png"
)
BOXES_SAMPLE: Final = f"curl -s -F image=@street.png -F labelled_mask=@mask.png '{HERE}/v1/boxes?k=10'"
SEGMENTS_SAMPLE: Final = (
    f"curl -s --data-binary @street.jpg -H 'Content-Type: image/jpeg' '{HERE}/v1/segments?min_size=50'"
)

router = APIRouter(tags=["uploaded images"], responses=UPLOAD_ERRORS)


@router.post(
    "/priority-map",
    responses=MAP_CONTENT,
    response_class=Response,
    openapi_extra=upload_body(True, PRIORITY_MAP_SAMPLE),
)
async def priority_map(request: Request, state: State, parameters: Annotated[UploadMapParameters, Query()]) -> Response:
    """A map of an uploaded image: joint score, priority, predicted IoU or segmentation."""
    upload = await read_upload(request, state.limits)
    asked = replace(parameters.asked(), image=upload.image, labelled_mask=upload.labelled_mask)
    return respond_scored(request, await state.score(asked))


@router.post("/boxes", response_model=BoxesAnswer, openapi_extra=upload_body(True, BOXES_SAMPLE))
async def boxes(request: Request, state: State, parameters: Annotated[UploadBoxParameters, Query()]) -> Response:
    """The best boxes of an uploaded image, or points or parts of tiles where the run asks for these.

    None overlaps another, and what `labelled_mask` marks is left out.
    """
    upload = await read_upload(request, state.limits)
    asked = replace(parameters.asked(), image=upload.image, labelled_mask=upload.labelled_mask)
    return respond_scored(request, await state.score(asked))


@router.post("/segments", response_model=SegmentsAnswer, openapi_extra=upload_body(False, SEGMENTS_SAMPLE))
async def segments(request: Request, state: State, parameters: Annotated[SegmentParameters, Query()]) -> Response:
    """The predicted segments of an uploaded image: class, metrics, predicted IoU, polygon."""
    upload = await read_upload(request, state.limits, with_mask=False)
    asked = ScoringRequest(
        "segments",
        image=upload.image,
        iteration=parameters.iteration,
        limit=parameters.limit,
        min_size=parameters.min_size,
    )
    return respond_scored(request, await state.score(asked))
