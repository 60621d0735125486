"""The pool as a list: one entry an image, filtered, sorted and cut into pages."""

from typing import Any, Final

from raymeta.schemas import IMAGE_ID
from raymeta.service.http.answers import LabelledRegion, PoolAnswer, PoolImage, PoolImageAnswer, QueriedBox
from raymeta.service.http.parameters import PoolParameters
from raymeta.service.http.run_reader import IterationTables, RunReader

SORT_COLUMNS: Final = {
    "score": "best_score",
    "entropy": "mean_entropy",
    "predicted_iou": "mean_predicted_iou",
    "clicks": "estimated_clicks",
}
FIGURES: Final = (*SORT_COLUMNS.values(), "unlabelled_pixels", "candidates", "error")


def list_pool(reader: RunReader, tables: IterationTables, parameters: PoolParameters) -> PoolAnswer:
    """A page of the pool; equal figures are in the order of their ids, images without the figure come last."""
    wanted = parameters.search.casefold()
    ids = sorted((i for i in reader.split_names if wanted in i.casefold()), key=str.encode)
    descending = parameters.order == "desc"
    if parameters.sort == IMAGE_ID:
        ordered = ids[::-1] if descending else ids
    else:
        column = SORT_COLUMNS[parameters.sort]
        values: dict[str, Any] = {i: tables.images.get(i, {}).get(column) for i in ids}
        known = [i for i in ids if values[i] is not None]
        ordered = sorted(known, key=values.__getitem__, reverse=descending) + [i for i in ids if values[i] is None]
    page = ordered[parameters.offset : parameters.offset + parameters.limit]
    return PoolAnswer(total=len(ids), images=[_entry(reader, tables, image_id) for image_id in page])


def describe_image(
    reader: RunReader, tables: IterationTables, image_id: str, height: int, width: int
) -> PoolImageAnswer:
    """One image of the pool with the boxes that are labelled and queried in it; height, width: its pixels."""
    boxes = tables.labelled.get(image_id, [])
    names = QueriedBox.model_fields
    return PoolImageAnswer(
        image_id=image_id,
        split=reader.split_names[image_id],
        height=height,
        width=width,
        wholly_labelled=image_id in reader.split.initial,
        labelled=[
            LabelledRegion(top=found.box.top, left=found.box.left, width=found.box.width, iteration=found.iteration)
            for found in boxes
        ],
        query=[QueriedBox(**{name: row[name] for name in names}) for row in tables.query_rows.get(image_id, [])],
    )


def _entry(reader: RunReader, tables: IterationTables, image_id: str) -> PoolImage:
    row = tables.images.get(image_id, {})
    return PoolImage(
        image_id=image_id,
        split=reader.split_names[image_id],
        query_boxes=len(tables.query_rows.get(image_id, [])),
        labelled_boxes=len(tables.labelled.get(image_id, [])),
        **{name: row.get(name) for name in FIGURES},
    )
