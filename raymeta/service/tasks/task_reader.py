"""The pixels of tasks as an HTTP process reads them: pictures, predicted segments, accepted labels around a box."""

import math
import threading
import time
from base64 import b64encode
from collections import OrderedDict
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.known_labels import KnownLabels
from raymeta.exchange.rasterizer import fill_rings
from raymeta.labels.annotator_list import Person
from raymeta.labels.answer_files import encode_labels
from raymeta.labels.double_answers import DoubleAnswers, double_answers
from raymeta.labels.label_store import LabelStore
from raymeta.labels.ledger import ledger
from raymeta.labels.picture_files import PictureFiles
from raymeta.labels.prelabels import PredictedSegment
from raymeta.labels.task_leases import MAX_LEASED
from raymeta.labels.task_pictures import TaskPictures
from raymeta.labels.task_sets import Task
from raymeta.labels.task_states import Rules
from raymeta.locations import last_name
from raymeta.runs.run_store import RunStore
from raymeta.service.scoring.rendering import rgb_png
from raymeta.service.settings import ServiceSettings
from raymeta.service.tasks import task_answers as made
from raymeta.service.tasks.ledger_answer import LedgerAnswer, told_ledger
from raymeta.service.tasks.task_bodies import void_value
from raymeta.service.tasks.task_service import SIMULATED, picture_frame

KEPT_PICTURES: Final = 4
LABELS_AGE_S: Final = 2.0
LEDGER_AGE_S: Final = 5.0
RENEW_S: Final = 60.0
CLASS_KEYS: Final = "1234567890qwrtiopadgjklxcnm"
"""Of the classes in their order; the others are the page's own: z y b e f u h s v."""


class TaskReader:
    """Reads what doesn't change, or may be seconds old; several threads may ask.

    Raises:
        RunError, DatasetError: no run, or its data set is not there.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._store = RunStore(settings.run)
        self._config = self._store.load_config()
        self._labels = LabelStore(self._store, Rules.of(self._config.oracle))
        self.dataset_config = settings.dataset(self._config.dataset)
        self.pictures = TaskPictures(self.dataset_config, self._config.seed)
        self.picture_files = PictureFiles(self.pictures.dataset)
        self._kept: OrderedDict[tuple[str, str | None], NDArray[np.uint8]] = OrderedDict()
        self._known: tuple[float, KnownLabels | None] = (float("-inf"), None)
        self._ledger: tuple[float, LedgerAnswer | None] = (float("-inf"), None)
        self._lock = threading.Lock()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Of the data set."""
        return tuple(self.pictures.dataset.class_names)

    @property
    def asks_people(self) -> bool:
        """Whether people label this run."""
        return self._config.oracle.kind == "people"

    def me(self, person: Person | None, reason: str | None, sets: list[str]) -> made.MeAnswer:
        """Who asks, and what all tasks have in common."""
        if not self.asks_people:
            reason = SIMULATED
        oracle, palette = self._config.oracle, self.pictures.dataset.palette
        classes = [
            made.LabelClass(
                id=index,
                name=name,
                color="#" + bytes(palette[index].tolist()).hex(),
                key=CLASS_KEYS[index] if index < len(CLASS_KEYS) else None,
            )
            for index, name in enumerate(self.class_names)
        ]
        void = void_value(self.class_names)
        return made.MeAnswer(
            who=None if person is None else person.name,
            roles=[] if person is None else sorted(person.roles),
            may_write=reason is None,
            reason=reason,
            run=last_name(self._store.location),
            oracle=oracle.kind,
            review=oracle.review,
            unit=self._config.acquisition.unit,
            max_uncovered=oracle.max_uncovered,
            lease_seconds=self._settings.lease_s,
            renew_seconds=min(RENEW_S, self._settings.lease_s / 4),
            max_leased=MAX_LEASED,
            sets=sets,
            classes=classes,
            void=None if void is None else made.VoidClass(value=void),
        )

    def ledger(self) -> LedgerAnswer:
        """What labelling has cost.

        Raises:
            RunError: a file of the run is damaged.
        """
        with self._lock:
            read_at, answer = self._ledger
            if answer is None or time.monotonic() - read_at > LEDGER_AGE_S:
                answer = told_ledger(ledger(self._store, self._labels), self._config, self._doubles())
                self._ledger = (time.monotonic(), answer)
            return answer

    def _doubles(self) -> DoubleAnswers:
        states = self._labels.states_by_set(self._labels.sets.names())
        return double_answers(chain.from_iterable(states.values()), self._labels.rules)

    def find(self, task_id: str) -> Task | None:
        """A task by its id; None where the run has none of that id."""
        for name in self._labels.sets.names():
            for task in self._labels.sets.tasks(name):
                if task.id == task_id:
                    return task
        return None

    def picture(self, task: Task, frame: made.PictureAnswer) -> bytes:
        """PNG of the stored pixels around a region; frame: where they lie, of `picture_frame`.

        Raises:
            DatasetError: the image can't be read any more.
        """
        image = self._image(task.image_id)
        part = image[frame.top : frame.top + frame.height, frame.left : frame.left + frame.width]
        return rgb_png(np.ascontiguousarray(part))

    def surroundings(self, task: Task, margin: int) -> made.SurroundingsAnswer:
        """What is accepted in and around a region, other tasks included.

        Raises:
            ValueError, OSError: labels of the data set that can't be read.
        """
        frame, scale = picture_frame(self.pictures, task, margin), self.pictures.scale(task)
        size = self.pictures.dataset.size(task.image_id)
        top, left = math.floor(frame.top * scale + 1e-6), math.floor(frame.left * scale + 1e-6)
        bottom = min(math.ceil((frame.top + frame.height) * scale - 1e-6), size[0])
        right = min(math.ceil((frame.left + frame.width) * scale - 1e-6), size[1])
        labels = self._labelled().of(task.image_id).read(task.image_id, size, self.pictures.dataset)
        png = encode_labels(labels[top:bottom, left:right])
        return made.SurroundingsAnswer(top=top, left=left, height=bottom - top, width=right - left, raster_png=png)

    def prelabels(self, task: Task) -> made.PrelabelsAnswer:
        """What the network that asked sees in a region, as it was when the task was handed out.

        Raises:
            RunError: the file is damaged.
        """
        segments = self._labels.prelabels.of_task(task)
        if not segments:
            return made.PrelabelsAnswer(source=None, height=task.height, width=task.width, raster_png=None, segments=[])
        scale, numbers = self.pictures.scale(task), np.zeros((task.height, task.width), np.int32)
        for number, segment in enumerate(segments, start=1):
            rings = [ring.astype(np.float64) - [task.left, task.top] for ring in segment.rings]
            numbers[fill_rings(rings, task.height, task.width)] = number
        return made.PrelabelsAnswer(
            source=f"iteration {int(task.set.removeprefix('query-'))}",
            height=task.height,
            width=task.width,
            raster_png=number_png(numbers),
            segments=[_segment(number, each, self.class_names, scale) for number, each in enumerate(segments, start=1)],
        )

    def _image(self, image_id: str) -> NDArray[np.uint8]:
        """A decoded picture; the last ones are kept, as boxes of one image come after each other."""
        key = image_id, self.picture_files.sha256(image_id)  # a file that was changed is read again
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self.pictures.read(image_id)
                while len(self._kept) > KEPT_PICTURES:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]

    def _labelled(self) -> KnownLabels:
        with self._lock:
            read_at, known = self._known
            if known is None or time.monotonic() - read_at > LABELS_AGE_S:
                known = self._labels.current()
                self._known = (time.monotonic(), known)
            return known


def _segment(
    number: int, segment: PredictedSegment, class_names: tuple[str, ...], scale: float
) -> made.PredictedSegmentAnswer:
    return made.PredictedSegmentAnswer(
        id=number,
        prelabel_id=segment.id,
        class_id=segment.class_id,
        class_name=class_names[segment.class_id],
        predicted_iou=segment.predicted_iou,
        size=segment.pixels,
        rings=[(ring / scale).tolist() for ring in segment.rings],
    )


def number_png(numbers: NDArray[np.integer]) -> str:
    """(h, w) whole numbers below 2^24 as base64 of an RGB PNG: R + 256 G + 65536 B."""
    values = numbers.astype(np.uint32)
    planes = [(values >> shift & 255).astype(np.uint8) for shift in (0, 8, 16)]
    return b64encode(rgb_png(np.stack(planes, axis=2))).decode()
