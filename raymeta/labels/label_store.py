"""Where an iteration finds the labels that it is trained on."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from raymeta.annotation.known_labels import KnownLabels, StoredAnswer
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.segment_answers import SegmentAnswer, told_by_labels
from raymeta.boxes import pack_mask
from raymeta.labels.annotator import INITIAL, META, VALIDATION, WHOLE_IMAGE_SETS, query_set_name
from raymeta.labels.answer_files import AnswerFiles, AnswerRecord, now
from raymeta.labels.prelabels import Prelabels
from raymeta.labels.task_events import TaskEvent, TaskEvents
from raymeta.labels.task_sets import HEIGHT, TASK_ID, Task, TaskSets
from raymeta.labels.task_states import Rules, TaskState, fold, lease_is_over
from raymeta.runs.iteration_folder import LABELS_SNAPSHOT, table_from_bytes, table_to_bytes
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split, read_split
from raymeta.schemas import IGNORE, IMAGE_ID, LEFT, TOP, WIDTH

LABELS: Final = "labels.parquet"
ANSWER_ID: Final = "answer_id"
SET: Final = "set"
LABELS_SCHEMA: Final = pa.schema(
    [
        (SET, pa.string()),
        (TASK_ID, pa.string()),
        (IMAGE_ID, pa.string()),
        (TOP, pa.int32()),
        (LEFT, pa.int32()),
        (HEIGHT, pa.int32()),
        (WIDTH, pa.int32()),
        (ANSWER_ID, pa.string()),
        ("labels_sha256", pa.string()),
    ]
)
"""The labels that an iteration of people's run was trained on: a row a task, with the answer that counted then.

Whole images whose labels the data set brought have no task and no answer.
"""


class LabelStore:
    """The labels of a run, as they were known to each iteration.

    Answers of the simulated annotator are kept as references: split.parquet names the images that are labelled wholly,
    and each annotation.parquet the boxes that were answered. Their pixels stay in the data set.

    Answers of people are files below RUN/labels. Which of them counted when an iteration was trained is its artefact
    labels.parquet: an answer that is corrected later reaches the next iteration only. Commands that add answers or
    decisions need no lock: they write new files with unique names, and a state is folded from all of them.

    Args:
        store: the run.
        rules: when an answer of people needs no reviewer.
    """

    def __init__(self, store: RunStore, rules: Rules | None = None) -> None:
        self._store, self.rules = store, rules or Rules()
        self.sets = TaskSets(store.files)
        self.answers = AnswerFiles(store.files)
        self.events = TaskEvents(store.files)
        self.prelabels = Prelabels(store.files, self.sets)
        self._folded: dict[str, tuple[tuple[int, int], str, TaskState]] = {}

    @cached_property
    def split(self) -> Split:
        """The split of the run. Raises RunError where it is missing or damaged."""
        return read_split(self._store)

    def states(self, name: str) -> list[TaskState]:
        """What became of each task of a set, by rank.

        Raises:
            RunError: a file below RUN/labels is damaged.
        """
        return self.states_by_set([name])[name]

    def states_by_set(self, names: Iterable[str], at: str | None = None) -> dict[str, list[TaskState]]:
        """What became of each task of several sets, by rank: events are listed once.

        Args:
            names: of the sets.
            at: time by which leases that are over have ended; None is now.

        Raises:
            RunError: as for `states`.
        """
        at = at or now()
        events: dict[str, list[TaskEvent]] = {}
        for event in self.events.all():
            for task_id in event.tasks:
                events.setdefault(task_id, []).append(event)
        states = {}
        for name in names:
            answers = self.answers.of_set(name)
            states[name] = [
                self._state(task, answers.get(task.id, ()), events.get(task.id, ()), at)
                for task in self.sets.tasks(name)
            ]
        return states

    def _state(self, task: Task, answers: Sequence[AnswerRecord], events: Sequence[TaskEvent], at: str) -> TaskState:
        """The state of a task; folded anew only where something was added, or its lease has ended since."""
        counts = len(answers), len(events)
        known = self._folded.get(task.id)
        if known is not None and known[0] == counts and known[1] <= at and not lease_is_over(known[2], at):
            return known[2]
        state = fold(task, answers, events, self.rules, at)
        self._folded[task.id] = counts, at, state
        return state

    def went_on(self, name: str) -> bool:
        """Whether the run has gone on with the answers to a query that it had: later ones reach the next iteration."""
        index = name.removeprefix("query-")
        return index.isdecimal() and self._store.iteration(int(index)).is_named("annotation.parquet")

    def known_labels(self, iteration: int) -> KnownLabels:
        """Labels that an iteration was trained on, or would be trained on now.

        Raises:
            RunError: the split, an earlier annotation or an answer is missing or damaged.
        """
        if not self._is_peoples:
            return self._references(iteration)
        return self._known(self.snapshot(iteration))

    def snapshot(self, iteration: int) -> pa.Table:
        """LABELS_SCHEMA: what counts for an iteration: as it was trained on, as its training began, or as of now."""
        folder = self._store.iteration(iteration)
        if folder.is_named(LABELS):
            try:
                return folder.read_table(LABELS)
            except RunError:
                pass  # damaged: the training is done again
        kept = folder.read_scratch(LABELS_SNAPSHOT)
        return self._snapshot(iteration) if kept is None else table_from_bytes(kept)

    def current(self) -> KnownLabels:
        """Everything that is labelled by now.

        Raises:
            RunError: as for `known_labels`.
        """
        answered = sum(self._store.iteration(i).is_named("annotation.parquet") for i in self._store.iterations())
        if not self._is_peoples:
            return self._references(answered)
        return self._known(self._snapshot(sum(name not in WHOLE_IMAGE_SETS for name in self.sets.names())))

    def keep_snapshot(self, iteration: int) -> pa.Table | None:
        """`snapshot`, kept so that a resumed training goes on with the same labels; None in a simulated run."""
        if not self._is_peoples:
            return None
        table = self.snapshot(iteration)
        self._store.iteration(iteration).write_scratch(LABELS_SNAPSHOT, table_to_bytes(table))
        return table

    def corrected(self, iteration: int) -> Counter[str]:
        """Tasks by set whose answer counts for an iteration as another one than for the iteration before."""
        if iteration == 0 or not self._is_peoples:
            return Counter()
        before, after = (
            {row[TASK_ID]: row for row in self.snapshot(i).to_pylist()} for i in (iteration - 1, iteration)
        )
        return Counter(
            row[SET]
            for task_id, row in after.items()
            if task_id in before and row["labels_sha256"] != before[task_id]["labels_sha256"]
        )

    @cached_property
    def _is_peoples(self) -> bool:
        return self._store.load_config().oracle.kind == "people"

    def _references(self, iteration: int) -> KnownLabels:
        """L0 and every box that was answered before, all of them the data set's."""
        split = self.split
        regions = LabelledRegions.from_images(split.initial)
        for earlier in range(iteration):
            regions = regions.with_boxes(self._store.iteration(earlier).read_table("annotation.parquet"))
        points = self._store.load_config().acquisition.unit == "point"
        return KnownLabels(regions, frozenset(split.meta + split.validation), points=points)

    def _snapshot(self, iteration: int) -> pa.Table:
        rows: list[dict[str, Any]] = []
        given = {INITIAL: self.split.initial, META: self.split.meta, VALIDATION: self.split.validation}
        for name in WHOLE_IMAGE_SETS:
            asked = {task.image_id for task in self.sets.tasks(name)}
            rows += [{SET: name, IMAGE_ID: image_id} for image_id in given[name] if image_id not in asked]
        for name in (*WHOLE_IMAGE_SETS, *map(query_set_name, range(iteration))):
            states = self.states(name)
            rows += [_row(state.task, state.accepted) for state in states if state.accepted is not None]
        return pa.Table.from_pylist(rows, schema=LABELS_SCHEMA)

    def _known(self, table: pa.Table) -> KnownLabels:
        images, reference, boxes, segments = [], set(), [], []
        answers: dict[str, tuple[StoredAnswer, ...]] = {}
        for row in table.to_pylist():
            image_id, answer = row[IMAGE_ID], self._answer(row)
            if answer is not None:
                answers[image_id] = (*answers.get(image_id, ()), answer)
            if row[SET] == INITIAL:
                images.append(image_id)
            elif row[SET] in WHOLE_IMAGE_SETS:
                reference.add(image_id)
            elif answer is None or self.sets.task(row[SET], row[TASK_ID]).segment is None:
                boxes.append({name: row[name] for name in (IMAGE_ID, TOP, LEFT, WIDTH)})
            else:
                segments.append((image_id, _segment(self.sets.task(row[SET], row[TASK_ID]), answer)))
        regions = LabelledRegions.from_images(images).with_boxes(_boxes_table(boxes)).with_segments(segments)
        return KnownLabels(regions, frozenset(reference), answers)

    def _answer(self, row: dict[str, Any]) -> StoredAnswer | None:
        """The answer that a row of LABELS_SCHEMA names; None where the data set's labels count."""
        if row[ANSWER_ID] is None:
            return None
        record = self.answers.get(row[SET], row[TASK_ID], row[ANSWER_ID])
        return StoredAnswer(row[TOP], row[LEFT], row[HEIGHT], row[WIDTH], row["labels_sha256"], record.png_bytes)


def _segment(task: Task, answer: StoredAnswer) -> SegmentAnswer:
    """What people labelled of a task that asks for a segment: what was asked isn't asked again, mixed or not."""
    mask, labels = task.segment_mask, answer.labels()
    assert mask is not None, "the task asks for a segment"
    assert task.predicted_class is not None, "with the class that the network sees"
    told = told_by_labels(labels, mask, task.predicted_class)
    class_id = IGNORE if told.class_id is None else told.class_id
    place = task.top, task.left, task.width
    return SegmentAnswer(*place, pack_mask(mask | told.labelled), pack_mask(told.labelled), class_id)


def _row(task: Task, answer: AnswerRecord) -> dict[str, Any]:
    return {
        SET: task.set,
        TASK_ID: task.id,
        IMAGE_ID: task.image_id,
        TOP: task.top,
        LEFT: task.left,
        HEIGHT: task.height,
        WIDTH: task.width,
        ANSWER_ID: answer.id,
        "labels_sha256": answer.labels_sha256,
    }


def _boxes_table(rows: Iterable[dict[str, Any]]) -> pa.Table:
    schema = pa.schema([(IMAGE_ID, pa.string()), (TOP, pa.int32()), (LEFT, pa.int32()), (WIDTH, pa.int32())])
    return pa.Table.from_pylist(list(rows), schema=schema)
