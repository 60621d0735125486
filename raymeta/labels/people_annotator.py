"""People as annotators: tasks are handed out as sealed sets, and a run goes on once enough of a set is answered."""

import shlex
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.click_estimation import default_epsilon
from raymeta.annotation.clicks import LabelMapScene
from raymeta.annotation.segment_answers import segment_row, told_by_labels
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.labels.annotator import INITIAL, META, VALIDATION, Answers, TaskSet, Ticket, query_set_name
from raymeta.labels.answer_files import AnswerRecord
from raymeta.labels.label_store import LabelStore
from raymeta.labels.picture_files import PictureFiles
from raymeta.labels.simulated_annotator import FURTHER_FIELDS, NO_OUTLINES, ONE_POINT, region_clicks
from raymeta.labels.task_events import TaskEvent
from raymeta.labels.task_sets import Task, query_of
from raymeta.labels.task_states import TaskState
from raymeta.labels.waiting import are_enough, wanted_text
from raymeta.runs.split import Split
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

RUN_ITSELF = "raymeta run"
"""Who withdraws what is left of a set when a run goes on without it."""
ACTIVE_SECONDS = "active_seconds"
HUMAN_COLUMNS = ("human_polygon", "human_intersection", "human_class", "human_confirm")
PEOPLE_SCHEMA = pa.schema(
    [
        *ANNOTATION_SCHEMA,
        *((name, pa.int64()) for name in HUMAN_COLUMNS),
        (ACTIVE_SECONDS, pa.float64()),
        ("who", pa.string()),
        ("answer_id", pa.string()),
    ]
)
"""ANNOTATION_SCHEMA, whose clicks are the model's for the accepted labels, and what people really did: null where
nobody knows."""


class PeopleAnnotator:
    """Implements `Annotator` on the answers below RUN/labels.

    Args:
        config: of the run.
        location: of the run folder, for what the run says when it waits.
        dataset: names the images and their sizes.
        labels: the run's label store.
    """

    def __init__(self, config: ExperimentConfig, location: str, dataset: Dataset, labels: LabelStore) -> None:
        self._config, self._location, self._dataset, self._labels = config, location, dataset, labels

    def ask(self, tasks: TaskSet) -> Ticket:
        """See `Annotator.ask`: seals the set, or takes the one that is there."""
        sizes = {image_id: self._dataset.size(image_id) for image_id in tasks.images}
        points = self._config.acquisition.unit == "point"
        tasks = replace(tasks, points=points, double_share=self._config.oracle.double_share)
        digests, pictures = None, None
        if self._labels.sets.table(tasks.name) is None:
            if tasks.prelabels is not None:
                digests = self._labels.prelabels.keep(tasks.name, tasks.prelabels)
            image_ids = (*tasks.images, *tasks.boxes[IMAGE_ID].unique().to_pylist())
            files = PictureFiles(self._dataset)
            pictures = {image_id: files.sha256(image_id) for image_id in image_ids}
        sealed = self._labels.sets.seal(tasks, sizes, digests, pictures)
        if tasks.iteration is None:
            return Ticket(TaskSet(tasks.name, tuple(sealed[IMAGE_ID].to_pylist())))
        return Ticket(TaskSet.of_query(tasks.iteration, query_of(sealed)))

    def collect(self, ticket: Ticket) -> Answers | None:
        """See `Annotator.collect`. What is left of a set of which enough is answered is withdrawn."""
        states = self._labels.states(ticket.tasks.name)
        left = [state.task.id for state in states if not state.is_settled]
        if left:
            if not are_enough(states, self._config.oracle.go_on_at):
                return None
            answered = sum(state.counts for state in states)
            reason = f"{answered} of {len(states)} are answered, oracle.go_on_at is {self._config.oracle.go_on_at:g}"
            self._labels.events.add(TaskEvent(action="close", tasks=left, who=RUN_ITSELF, reason=reason))
            states = self._labels.states(ticket.tasks.name)  # what waited for a second person counts now
        answered_states = [(state, state.accepted) for state in states if state.accepted is not None]
        if ticket.tasks.iteration is None:
            rows = [self._whole_image_row(state, answer) for state, answer in answered_states]
            return Answers(pa.Table.from_pylist(rows, schema=WHOLE_IMAGE_CLICKS_SCHEMA))
        rows = [self._box_row(state, answer) for state, answer in answered_states]
        schema = pa.schema([*PEOPLE_SCHEMA, *FURTHER_FIELDS[self._config.acquisition.unit]])
        return Answers(pa.Table.from_pylist(rows, schema=schema).sort_by(RANK))

    def asked(self, iteration: int) -> pa.Table | None:
        """See `Annotator.asked`."""
        sealed = self._labels.sets.table(query_set_name(iteration))
        return None if sealed is None else query_of(sealed)

    def wanted(self, ticket: Ticket) -> str:
        """See `Annotator.wanted`."""
        name = ticket.tasks.name
        return wanted_text(name, self._labels.states(name), self._config)

    def how(self) -> str:
        """The commands that hand tasks out and bring answers back."""
        place = shlex.quote(self._location)
        return (
            f"hand them out: raymeta tasks export {place} --format labelme --out DIR; "
            f"bring them back: raymeta tasks import {place} DIR; then the same command goes on"
        )

    def _box_row(self, state: TaskState, answer: AnswerRecord) -> dict[str, Any]:
        task = state.task
        place = {IMAGE_ID: task.image_id, TOP: task.top, LEFT: task.left, WIDTH: task.width, RANK: task.rank}
        human = {name: getattr(answer, name) for name in HUMAN_COLUMNS}
        who = {ACTIVE_SECONDS: answer.seconds, "who": answer.who, "answer_id": answer.id}
        return place | self._clicks(task, answer) | human | who

    def _clicks(self, task: Task, answer: AnswerRecord) -> dict[str, Any]:
        """The model's clicks for the labels of an answer, and what else annotation.parquet says of it."""
        labels = answer.labels()
        epsilon, height = self._config.acquisition.epsilon, self._dataset.size(task.image_id)[0]
        if self._config.acquisition.unit == "point":
            return dict(ONE_POINT)
        mask = task.segment_mask
        if mask is None or task.predicted_class is None:
            return region_clicks(labels, epsilon, height)
        told = told_by_labels(labels, mask, task.predicted_class, mixed=answer.says_mixed)
        clicks = region_clicks(labels, epsilon, height) if told.origin == "drawn" else dict(NO_OUTLINES)
        return clicks | segment_row({SEGMENT: task.segment, PREDICTED_CLASS: task.predicted_class}, told)

    def _whole_image_row(self, state: TaskState, answer: AnswerRecord) -> dict[str, Any]:
        labels = answer.labels()
        return whole_image_row(state.task.image_id, labels, self._config, self._dataset.num_classes)


def whole_image_row(
    image_id: str, labels: NDArray[np.uint8], config: ExperimentConfig, num_classes: int
) -> dict[str, Any]:
    """A row of WHOLE_IMAGE_CLICKS_SCHEMA by an (H, W) uint8 label map."""
    epsilon = config.acquisition.epsilon
    clicks = LabelMapScene(
        labels, num_classes, default_epsilon(labels.shape[0]) if epsilon is None else epsilon
    ).whole_image()
    row = {IMAGE_ID: image_id, "polygon_clicks": clicks.polygon, "class_clicks": clicks.class_}
    return row | {"pixels": labels.size}


def whole_image_sets(split: Split, has_labels: Callable[[str], bool]) -> Iterable[TaskSet]:
    """The images that are labelled wholly and that the data set has no labels of; sets without any are left out."""
    for name, ids in ((INITIAL, split.initial), (META, split.meta), (VALIDATION, split.validation)):
        asked = tuple(image_id for image_id in ids if not has_labels(image_id))
        if asked:
            yield TaskSet(name, asked)
