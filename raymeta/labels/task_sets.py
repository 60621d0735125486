"""Sealed sets of tasks: what was handed out once, and never changes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.boxes import unpack_mask
from raymeta.labels.annotator import WHOLE_IMAGE_SETS, TaskSet
from raymeta.runs.iteration_folder import checksum
from raymeta.runs.sealed_table import open_sealed, seal
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.schemas import IMAGE_ID, LEFT, PREDICTED_CLASS, QUERY_SCHEMA, RANK, SEGMENT, SEGMENT_FIELDS, TOP, WIDTH

HEIGHT: Final = "height"
TASK_ID: Final = "task_id"
PRELABELS_SHA256: Final = "prelabels_sha256"
POINT: Final = "point"
PICTURE_SHA256: Final = "picture_sha256"
DOUBLE: Final = "double"
TASK_SCHEMA: Final = pa.schema(
    [
        (TASK_ID, pa.string()),
        (HEIGHT, pa.int32()),
        *QUERY_SCHEMA,
        (PRELABELS_SHA256, pa.string()),
        (POINT, pa.bool_()),
        (PICTURE_SHA256, pa.string()),
        (DOUBLE, pa.bool_()),
        *SEGMENT_FIELDS,
    ]
)
"""A row a task: QUERY_SCHEMA, whose score and clicks are null for whole images, the height of the region, the checksum
of its pre-annotations, null where it has none, whether the class at its middle is asked, the checksum of the image
file, whether two people answer, and what part of the region is asked as a segment, and the class seen there, both null
where none is. Sets that earlier versions handed out lack the last columns."""

PRELABELS_FILE: Final = "prelabels.parquet"
_FOLDER: Final = "labels/sets"
_FILE: Final = "tasks.parquet"


def task_id(set_name: str, rank: int) -> str:
    """Id of a task of a set: `q003-000001`."""
    return f"{set_name.replace('query-', 'q')}-{rank:06d}"


def set_file(set_name: str, file: str) -> str:
    """Where a file of a set lies in the run folder."""
    return f"{_FOLDER}/{set_name}/{file}"


@dataclass(frozen=True)
class Task:
    """One region to label, in the data set's pixels.

    point: whether the class at its middle is asked, which labels all of it. picture_sha256: of the image file when it
    was asked; None where nobody knows. double: whether two people answer, independently. segment: `boxes.pack_mask` of
    the part whose class is asked by one click, all of it predicted_class as the network sees it; both None where no
    segment is asked.
    """

    id: str
    set: str
    image_id: str
    top: int
    left: int
    height: int
    width: int
    rank: int
    estimated_clicks: int | None = None
    point: bool = False
    picture_sha256: str | None = None
    double: bool = False
    segment: bytes | None = None
    predicted_class: int | None = None

    @property
    def segment_mask(self) -> NDArray[np.bool_] | None:
        """(height, width) bool: the part whose class is asked; None where no segment is."""
        return None if self.segment is None else unpack_mask(self.segment, self.width)

    @property
    def whole(self) -> bool:
        """Whether the region is all of its image."""
        return self.set in WHOLE_IMAGE_SETS


class TaskSets:
    """The sets of a run, each a sealed file below RUN/labels/sets."""

    def __init__(self, files: StoreFiles) -> None:
        self._files = files
        self._known: dict[str, pa.Table] = {}
        self._tasks: dict[str, tuple[Task, ...]] = {}
        self._by_id: dict[str, dict[str, Task]] = {}

    def names(self) -> list[str]:
        """Sets that were handed out: whole images first, then the queries in their order."""
        first = {name: place for place, name in enumerate(WHOLE_IMAGE_SETS)}
        return sorted(self._files.folders(_FOLDER), key=lambda name: (first.get(name, len(first)), name))

    def table(self, name: str) -> pa.Table | None:
        """TASK_SCHEMA of a set; None if it was never handed out.

        Raises:
            RunError: its file is damaged.
        """
        if name not in self._known:
            path = set_file(name, _FILE)
            data = self._files.read(path)
            if data is None:
                return None
            table = open_sealed(data)
            if table is None:
                raise RunError(
                    f"{self._files.path(path)} is damaged, and it says what people were asked: restore it from a copy"
                )
            self._known[name] = table
        return self._known[name]

    def tasks(self, name: str) -> Sequence[Task]:
        """Tasks of a set, by their rank; none if it was never handed out."""
        table = self.table(name)
        if table is None:
            return ()
        if name not in self._tasks:  # a set never changes, and services ask for it at every answer
            self._tasks[name] = tuple(_task(name, row) for row in table.to_pylist())
        return self._tasks[name]

    def task(self, name: str, task_id: str) -> Task:
        """A task of a set by its id.

        Raises:
            RunError: the set has no such task, or its file is damaged.
        """
        if name not in self._by_id:
            self._by_id[name] = {task.id: task for task in self.tasks(name)}
        try:
            return self._by_id[name][task_id]
        except KeyError:
            raise RunError(
                f"{self._files.path(set_file(name, _FILE))} has no task {task_id}, which was answered: restore it"
            ) from None

    def seal(
        self,
        tasks: TaskSet,
        sizes: Mapping[str, tuple[int, int]],
        prelabels: Mapping[str, str] | None = None,
        pictures: Mapping[str, str | None] | None = None,
    ) -> pa.Table:
        """Hand out a set, or take the one that is there.

        sizes: (height, width) of each whole image. prelabels: checksums of pre-annotations by task id. pictures:
        checksums of image files by image id, None of one that can't be read.
        """
        known = self.table(tasks.name)
        if known is not None:
            return known
        table = _task_table(tasks, sizes, prelabels or {}, pictures or {})
        self._files.write(set_file(tasks.name, _FILE), seal(table))
        self._known[tasks.name] = table
        return table


def _task(set_name: str, row: dict[str, Any]) -> Task:
    """A task by its row of TASK_SCHEMA, of earlier versions too."""
    return Task(
        id=row[TASK_ID],
        set=set_name,
        image_id=row[IMAGE_ID],
        top=row[TOP],
        left=row[LEFT],
        height=row[HEIGHT],
        width=row[WIDTH],
        rank=row[RANK],
        estimated_clicks=row["estimated_clicks"],
        point=bool(row.get(POINT)),
        picture_sha256=row.get(PICTURE_SHA256),
        double=bool(row.get(DOUBLE)),
        segment=row.get(SEGMENT),
        predicted_class=row.get(PREDICTED_CLASS),
    )


def _task_table(
    tasks: TaskSet,
    sizes: Mapping[str, tuple[int, int]],
    prelabels: Mapping[str, str],
    pictures: Mapping[str, str | None],
) -> pa.Table:
    rows: list[dict[str, Any]] = [
        {IMAGE_ID: image_id, TOP: 0, LEFT: 0, HEIGHT: sizes[image_id][0], WIDTH: sizes[image_id][1], RANK: rank}
        for rank, image_id in enumerate(tasks.images, start=1)
    ]
    rows += [{**row, HEIGHT: row[WIDTH], POINT: tasks.points} for row in tasks.boxes.to_pylist()]
    for row in rows:
        row[TASK_ID] = task_id(tasks.name, row[RANK])
        row[PRELABELS_SHA256] = prelabels.get(row[TASK_ID])
        row[PICTURE_SHA256] = pictures.get(row[IMAGE_ID])
        row.setdefault(POINT, False)
    double = doubled([row[TASK_ID] for row in rows], tasks.double_share)
    for row in rows:
        row[DOUBLE] = row[TASK_ID] in double
    return pa.Table.from_pylist(rows, schema=TASK_SCHEMA)


def doubled(task_ids: Sequence[str], share: float) -> frozenset[str]:
    """Those of a set's tasks that two people answer: `share` of them, rounded, at least one unless it is 0.

    They follow from the ids alone, so that the same set handed out again by another process has the same ones.
    """
    count = min(len(task_ids), max(round(share * len(task_ids)), int(share > 0)))
    return frozenset(sorted(task_ids, key=lambda each: hashlib.sha256(each.encode()).digest())[:count])


def query_of(table: pa.Table) -> pa.Table:
    """QUERY_SCHEMA of a set's boxes, with SEGMENT_FIELDS where segments are asked."""
    further = SEGMENT_FIELDS if _asks_segments(table) else ()
    return table.select([*QUERY_SCHEMA.names, *(field.name for field in further)])


def table_digest(table: pa.Table) -> str:
    """What a set asks for, as the beginning of a checksum."""
    names = [IMAGE_ID, TOP, LEFT, WIDTH, *([SEGMENT] if _asks_segments(table) else [])]
    return checksum(repr(table.select(names).to_pylist()).encode())[:12]


def _asks_segments(table: pa.Table) -> bool:
    """Whether a set or query asks for segments; an empty one asks for nothing."""
    return SEGMENT in table.column_names and table[SEGMENT].null_count < table.num_rows
