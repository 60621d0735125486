"""Answers, one immutable file each: named by their content, so that the same answer given twice is one file."""

import hashlib
import io
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from raymeta.labels.task_sets import Task
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.schemas import IGNORE

_FOLDER: Final = "labels/answers"


def now() -> str:
    """The time, as files and events hold it: UTC to the microsecond, sorted as text."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


MIXED: Final = "mixed"
"""The event that says that a segment has several classes."""


class AnswerRecord(BaseModel):
    """What one person, or one file, said about one task.

    Attributes:
        id: of its content; a repeated answer has the same.
        labels_sha256: of the label map's shape and values.
        png: the label map over the task's region, 255 where nothing is known, as base64 of a PNG.
        undecidable: whether it says that nothing can be told: all of it is void.
        uncovered: pixels without a class that nobody took as void.
        human_polygon, human_intersection, human_class, human_confirm: clicks by geometry; None where unknown.
        events: what a person did, by kind, as a tool counted it: vertex, crossing, class, undo and so on; None where it
            doesn't count.
        seconds: None where unknown, and seconds_source says where they come from. first_action_seconds: until the first
            of the events.
        shapes: outlines in corner coordinates of the stored image, in painting order: class name and rings.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    id: str
    task_id: str
    time: str
    who: str | None = None
    labels_sha256: str
    png: str = Field(repr=False)
    undecidable: bool = False
    uncovered: int = 0
    tool: str | None = None
    version: str | None = None
    format: str | None = None
    source: str | None = None
    source_sha256: str | None = None
    human_polygon: int | None = None
    human_intersection: int | None = None
    human_class: int | None = None
    human_confirm: int | None = None
    events: dict[str, int] | None = None
    first_action_seconds: float | None = None
    seconds: float | None = None
    seconds_source: str | None = None
    shapes: list[dict[str, Any]] = Field(default_factory=list, repr=False)

    @property
    def says_mixed(self) -> bool:
        """Whether somebody said that the segment of its task has several classes."""
        return bool((self.events or {}).get(MIXED))

    @property
    def png_bytes(self) -> bytes:
        """The label map as a PNG file."""
        return b64decode(self.png)

    def labels(self) -> NDArray[np.uint8]:
        """(h, w) uint8, the label map over the task's region."""
        return decode_labels(self.png_bytes)


def labels_sha256(labels: NDArray[np.uint8]) -> str:
    """Checksum of a label map's shape and values; labels: (h, w) uint8."""
    return hashlib.sha256(repr(labels.shape).encode() + np.ascontiguousarray(labels).tobytes()).hexdigest()


def encode_labels(labels: NDArray[np.uint8]) -> str:
    """An (h, w) uint8 label map as base64 of a PNG."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(labels)).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def decode_labels(png: bytes) -> NDArray[np.uint8]:
    """(h, w) uint8, the label map in a PNG file."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def void_answer(task: Task, who: str | None) -> AnswerRecord:
    """The answer that nothing can be told of a task."""
    labels = np.full((task.height, task.width), IGNORE, np.uint8)
    digest = labels_sha256(labels)
    name = hashlib.sha256(repr(("void", task.id, who)).encode()).hexdigest()[:32]
    return AnswerRecord(
        id=name, task_id=task.id, time=now(), who=who, labels_sha256=digest, png=encode_labels(labels), undecidable=True
    )


class AnswerFiles:
    """The answers of a run below RUN/labels/answers. Each is read once a process, as it never changes."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files
        self._known: dict[str, AnswerRecord] = {}

    def of_set(self, name: str) -> dict[str, list[AnswerRecord]]:
        """Answers of a set by task id, in the order in which they came.

        Raises:
            RunError: a file is damaged.
        """
        found: dict[str, list[AnswerRecord]] = {}
        for file in self._files.files(f"{_FOLDER}/{name}"):
            if file.endswith(".json"):
                answer = self._read(f"{_FOLDER}/{name}/{file}")
                found.setdefault(answer.task_id, []).append(answer)
        for answers in found.values():
            answers.sort(key=lambda answer: (answer.time, answer.id))
        return found

    def add(self, task: Task, answer: AnswerRecord) -> bool:
        """Keep an answer; False where the same one is kept already."""
        path = _path(task.set, task.id, answer.id)
        if self._files.size(path) is not None:
            return False
        self._files.write_new(path, (answer.model_dump_json() + "\n").encode())
        return True

    def get(self, set_name: str, task_id: str, answer_id: str) -> AnswerRecord:
        """One answer.

        Raises:
            RunError: missing or damaged.
        """
        return self._read(_path(set_name, task_id, answer_id))

    def _read(self, path: str) -> AnswerRecord:
        if path not in self._known:
            data = self._files.read(path)
            if data is None:
                raise RunError(f"{self._files.path(path)} is missing, and it is a person's answer: restore it")
            try:
                self._known[path] = AnswerRecord.model_validate_json(data)
            except ValidationError as error:
                raise RunError(f"{self._files.path(path)} is damaged: restore it, or remove it to ask again") from error
        return self._known[path]


def _path(set_name: str, task_id: str, answer_id: str) -> str:
    return f"{_FOLDER}/{set_name}/{task_id}.{answer_id}.json"
