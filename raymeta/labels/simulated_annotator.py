"""The simulated annotator: answers at once from the data set's annotation, and counts the clicks it would have cost."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.annotation.click_estimation import default_epsilon
from raymeta.annotation.clicks import count_region_clicks
from raymeta.annotation.events import EVENT_COLUMNS
from raymeta.annotation.oracle import GroundTruth, Oracle
from raymeta.annotation.segment_answers import SEGMENT_ANSWER_FIELDS, answer_segment, segment_row
from raymeta.boxes import Box, check_inside, unpack_mask
from raymeta.config import ExperimentConfig, UnitName
from raymeta.labels.annotator import Answers, TaskSet, Ticket
from raymeta.runs.finished_blocks import FinishedBlocks
from raymeta.runs.input_key import work_key
from raymeta.runs.run_store import RunStore
from raymeta.schemas import (
    ANNOTATION_SCHEMA,
    IMAGE_ID,
    LEFT,
    PREDICTED_CLASS,
    RANK,
    SEGMENT,
    TOP,
    WHOLE_IMAGE_CLICKS_SCHEMA,
    WIDTH,
)

POINT_FIELD: Final = pa.field(EVENT_COLUMNS["prompt"], pa.int32())
FURTHER_FIELDS: Final[dict[UnitName, tuple[pa.Field, ...]]] = {
    "box": (),
    "point": (POINT_FIELD,),
    "segment": SEGMENT_ANSWER_FIELDS,
    "superpixel": SEGMENT_ANSWER_FIELDS,
}
"""Columns of annotation.parquet beside ANNOTATION_SCHEMA, by what is asked."""
NO_OUTLINES: Final[dict[str, int]] = {
    "polygon_clicks": 0,
    "intersection_clicks": 0,
    "box_clicks": 0,
    "class_clicks": 0,
}
ONE_POINT: Final[dict[str, int]] = {**NO_OUTLINES, EVENT_COLUMNS["prompt"]: 1}
"""Clicks of a point: its class, void or not."""


class SimulatedAnnotator:
    """Implements `Annotator` on ground truth.

    Its labels are references: the answered boxes, whose pixels `KnownLabels` lets training read in the data set.
    """

    def __init__(
        self, config: ExperimentConfig, store: RunStore, dataset: GroundTruth, advance: Callable[[int], None]
    ) -> None:
        """advance: called with the number of boxes after each image."""
        self._config, self._store, self._dataset, self._advance = config, store, dataset, advance

    def ask(self, tasks: TaskSet) -> Ticket:
        """See `Annotator.ask`."""
        return Ticket(tasks)

    def collect(self, ticket: Ticket) -> Answers:
        """True clicks of every box whose annotation can be read; whole images are counted with the pool's clicks."""
        tasks = ticket.tasks
        if tasks.iteration is None:
            return Answers(WHOLE_IMAGE_CLICKS_SCHEMA.empty_table())
        folder = self._store.iteration(tasks.iteration)
        key = work_key(self._config, folder.read_bytes("query.parquet"))
        with folder.finished_blocks("annotate", key) as finished:
            rows, faults = self._rows(finished, tasks.boxes)
        return Answers(self._table(rows), faults=faults)

    def answer(self, query: pa.Table) -> pa.Table:
        """True clicks of a query that the run never made, of the images whose labels can be read; nothing is kept."""
        oracle = Oracle(self._dataset, self._config.acquisition.epsilon)
        rows: list[dict[str, Any]] = []
        for image_id in query[IMAGE_ID].unique().to_pylist():
            with suppress(OSError, ValueError):
                rows += self._answered(oracle, image_id, query.filter(pc.equal(query[IMAGE_ID], image_id)))
        return self._table(rows)

    def _table(self, rows: list[dict[str, Any]]) -> pa.Table:
        """What annotation.parquet holds."""
        schema = pa.schema([*ANNOTATION_SCHEMA, *FURTHER_FIELDS[self._config.acquisition.unit]])
        return pa.Table.from_pylist(rows, schema=schema).sort_by(RANK)

    def asked(self, iteration: int) -> None:
        """Nothing: a query that is asked again costs nobody's time."""

    def wanted(self, ticket: Ticket) -> str:
        """Nothing: it answers at once."""
        return f"{ticket.tasks.name}: nothing is left to be labelled"

    def how(self) -> str:
        """Nobody is asked."""
        return "nobody is asked"

    def _rows(self, finished: FinishedBlocks, query: pa.Table) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Rows of ANNOTATION_SCHEMA, image by image; boxes that an interrupted call answered are not asked again."""
        rows = [row for block in finished.blocks() for row in block]
        self._advance(len(rows))
        answered = {row[IMAGE_ID] for row in rows}
        oracle = Oracle(self._dataset, self._config.acquisition.epsilon)
        faults: dict[str, str] = {}
        for image_id in query[IMAGE_ID].unique().to_pylist():
            if image_id in answered:
                continue
            boxes = query.filter(pc.equal(query[IMAGE_ID], image_id))
            try:
                found = self._answered(oracle, image_id, boxes)
            except (OSError, ValueError) as error:
                faults[image_id] = str(error)  # without labels the boxes stay unlabelled
            else:
                finished.add(found)
                rows += found
            self._advance(boxes.num_rows)
        return rows, faults

    def _answered(self, oracle: Oracle, image_id: str, boxes: pa.Table) -> list[dict[str, Any]]:
        """Rows of one image. Raises ValueError, OSError: its labels can't be read, or a box lies outside of it."""
        if self._config.acquisition.unit == "point":
            return self._named(image_id, boxes)
        if self._config.acquisition.asks_parts:
            return self._confirmed(oracle, image_id, boxes)
        return self._outlined(oracle, boxes)

    def _outlined(self, oracle: Oracle, boxes: pa.Table) -> list[dict[str, Any]]:
        """Rows of ANNOTATION_SCHEMA of boxes of one image, whose outlines are drawn."""
        found = oracle.answer(boxes).to_pylist()
        return [self._by_region(row) for row in found] if self._config.oracle.clicks == "region" else found

    def _confirmed(self, oracle: Oracle, image_id: str, tiles: pa.Table) -> list[dict[str, Any]]:
        """Rows of one image's segments; outlines in their tiles are counted only where they are drawn."""
        labels = self._dataset.label_map(image_id)
        config = self._config.acquisition
        rows, place = [], tiles.select([IMAGE_ID, TOP, LEFT, WIDTH, RANK]).to_pylist()
        for number, (row, segment) in enumerate(zip(place, tiles.to_pylist(), strict=True)):
            tile = Box(row[TOP], row[LEFT], row[WIDTH])
            check_inside(tile, *labels.shape)
            mask = unpack_mask(segment[SEGMENT], tile.width)
            told = answer_segment(
                labels[tile.slices], mask, segment[PREDICTED_CLASS], config.segments, config.point_width
            )
            drawn = told.origin == "drawn"
            clicks = self._outlined(oracle, tiles.slice(number, 1))[0] if drawn else NO_OUTLINES
            rows.append(row | clicks | segment_row(segment, told))
        return rows

    def _named(self, image_id: str, points: pa.Table) -> list[dict[str, Any]]:
        """Rows of ANNOTATION_SCHEMA of one image's points, whose outlines nobody draws: they aren't counted.

        Raises:
            ValueError, OSError: its labels can't be read, or a point lies outside the image.
        """
        height, width = self._dataset.label_map(image_id).shape
        rows = points.select([IMAGE_ID, TOP, LEFT, WIDTH, RANK]).to_pylist()
        for row in rows:
            check_inside(Box(row[TOP], row[LEFT], row[WIDTH]), height, width)
        return [row | ONE_POINT for row in rows]

    def _by_region(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row of ANNOTATION_SCHEMA with the clicks that the box's own labels tell, as for people's answers."""
        box = Box(row[TOP], row[LEFT], row[WIDTH])
        labels = self._dataset.label_map(row[IMAGE_ID])
        return row | region_clicks(labels[box.slices], self._config.acquisition.epsilon, labels.shape[0])


def region_clicks(labels: NDArray[np.uint8], epsilon: float | None, image_height: int) -> dict[str, Any]:
    """Click columns of ANNOTATION_SCHEMA of a box by its own labels.

    labels: (b, b) uint8, 255 void. epsilon: tolerance in pixels; None takes that of the image's height.
    """
    clicks = count_region_clicks(labels, default_epsilon(image_height) if epsilon is None else epsilon)
    return {
        "polygon_clicks": clicks.polygon,
        "intersection_clicks": clicks.intersection,
        "box_clicks": clicks.box,
        "class_clicks": clicks.class_,
    }
