"""Pre-annotations: the segments that the network sees in each box when it is handed out, kept with the task."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.labels.task_sets import PRELABELS_FILE, PRELABELS_SHA256, TASK_ID, Task, TaskSets, set_file
from raymeta.runs.sealed_table import open_sealed, seal
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.schemas import CLASS_ID, IGNORE

PRELABEL_ID: Final = "prelabel_id"
PREDICTED_IOU: Final = "predicted_iou"
PRELABEL_SCHEMA: Final = pa.schema(
    [
        (TASK_ID, pa.string()),
        (PRELABEL_ID, pa.string()),
        (CLASS_ID, pa.int32()),
        (PREDICTED_IOU, pa.float32()),
        ("pixels", pa.int32()),
        ("rings", pa.list_(pa.list_(pa.int32()))),
    ]
)
"""A row a segment, in painting order, enclosing ones first. rings: x and y in turn, the outer ring, then the holes."""


@dataclass(frozen=True, eq=False)
class PredictedSegment:
    """One predicted segment of a task: 4-connected pixels of one class inside its region.

    id: `p1`, `p2`, … of its task. class_id: that the network sees. predicted_iou: of the segment in the whole image, in
    [0, 1]; None without a meta regressor. pixels: inside the region. rings: the outer one, then holes, each (N, 2)
    int32, x before y, corners of pixels of the image at the data set's size.
    """

    id: str
    class_id: int
    predicted_iou: float | None
    pixels: int
    rings: tuple[NDArray[np.int32], ...]


def predicted_segments(
    segmentation: NDArray[np.uint8],
    predicted_iou: NDArray[np.float32] | None,
    region: tuple[int, int, int, int],
) -> list[PredictedSegment]:
    """The segments of a region: together they have each of its pixels once, and neighbours share their vertices.

    Args:
        segmentation: (H, W) uint8, the class that the network sees at each pixel of the image.
        predicted_iou: (H, W) float32, of each pixel's segment; None without a meta regressor.
        region: top, left, height and width.
    """
    # They load numba, which commands that only read a run's labels do without.
    from raymeta.exchange.drawn_pictures import DrawnShape
    from raymeta.exchange.junctions import with_junctions
    from raymeta.exchange.outlines import find_outlines

    top, left, height, width = region
    inside = segmentation[top : top + height, left : left + width]
    outlines = find_outlines(inside, ignored=IGNORE)
    shapes = with_junctions([DrawnShape("", outline.rings) for outline in outlines], height, width)
    segments = []
    for number, (outline, shape) in enumerate(zip(outlines, shapes, strict=True), start=1):
        x, y = min(outline.rings[0].astype(int).tolist(), key=lambda point: (point[1], point[0]))  # its first pixel
        iou = None if predicted_iou is None else float(predicted_iou[top + y, left + x])
        rings = tuple((ring + np.array([left, top])).astype(np.int32) for ring in shape.rings)
        segments.append(PredictedSegment(f"p{number}", outline.value, iou, outline.pixels, rings))
    return segments


def prelabel_table(segments: Mapping[str, Sequence[PredictedSegment]]) -> pa.Table:
    """PRELABEL_SCHEMA of segments by task id."""
    rows = [
        {
            TASK_ID: task_id,
            PRELABEL_ID: segment.id,
            CLASS_ID: segment.class_id,
            PREDICTED_IOU: segment.predicted_iou,
            "pixels": segment.pixels,
            "rings": [ring.ravel().tolist() for ring in segment.rings],
        }
        for task_id, each in segments.items()
        for segment in each
    ]
    return pa.Table.from_pylist(rows, schema=PRELABEL_SCHEMA)


def prelabel_raster(task: Task, segments: Iterable[PredictedSegment]) -> NDArray[np.uint8]:
    """(h, w) uint8 class ids over a task's region, 255 where there is no segment."""
    from raymeta.exchange.rasterizer import fill_rings  # loads numba

    labels = np.full((task.height, task.width), IGNORE, np.uint8)
    for segment in segments:
        rings = [ring.astype(np.float64) - [task.left, task.top] for ring in segment.rings]
        labels[fill_rings(rings, task.height, task.width)] = segment.class_id
    return labels


class Prelabels:
    """The pre-annotations of a run below RUN/labels/sets. They are read once a process, as they never change."""

    def __init__(self, files: StoreFiles, sets: TaskSets) -> None:
        self._files, self._sets = files, sets
        self._known: dict[str, dict[str, list[PredictedSegment]]] = {}

    def keep(self, name: str, table: pa.Table) -> dict[str, str]:
        """Keep what was predicted for a set that is about to be handed out.

        Args:
            name: of the set.
            table: PRELABEL_SCHEMA.

        Returns:
            Checksums by task id, for `TaskSets.seal`.
        """
        self._files.write(set_file(name, PRELABELS_FILE), seal(table))
        return digests(table)

    def of_set(self, name: str) -> dict[str, list[PredictedSegment]]:
        """Segments by task id, in painting order; none where nothing was predicted when the set was handed out.

        Raises:
            RunError: the file is damaged, or another one than was handed out.
        """
        if name not in self._known:
            path = set_file(name, PRELABELS_FILE)
            data = self._files.read(path)
            table = self._sets.table(name)
            promised = {} if table is None else _promised(table)
            if data is None and not promised:
                return {}
            rows = None if data is None else open_sealed(data)
            if rows is None or any(digest != promised.get(task, digest) for task, digest in digests(rows).items()):
                raise RunError(f"{self._files.path(path)} is missing or damaged: restore it from a copy")
            self._known[name] = _by_task(rows)
        return self._known[name]

    def of_task(self, task: Task) -> list[PredictedSegment]:
        """Segments of a task. Raises RunError as `of_set` does."""
        return self.of_set(task.set).get(task.id, [])


def digests(table: pa.Table) -> dict[str, str]:
    """What was predicted for each task of a PRELABEL_SCHEMA, as a checksum by task id."""
    found: dict[str, Any] = {}
    for row in table.to_pylist():
        digest = found.setdefault(row[TASK_ID], hashlib.sha256())
        digest.update(repr((row[PRELABEL_ID], row[CLASS_ID], row["rings"])).encode())
    return {task_id: digest.hexdigest() for task_id, digest in found.items()}


def _promised(table: pa.Table) -> dict[str, str]:
    """The digests that a sealed set names."""
    if PRELABELS_SHA256 not in table.column_names:  # a set of an earlier raymeta
        return {}
    pairs = zip(table[TASK_ID].to_pylist(), table[PRELABELS_SHA256].to_pylist(), strict=True)
    return {task_id: digest for task_id, digest in pairs if digest is not None}


def _by_task(table: pa.Table) -> dict[str, list[PredictedSegment]]:
    found: dict[str, list[PredictedSegment]] = {}
    for row in table.to_pylist():
        rings = tuple(np.array(ring, dtype=np.int32).reshape(-1, 2) for ring in row["rings"])
        segment = PredictedSegment(row[PRELABEL_ID], row[CLASS_ID], row[PREDICTED_IOU], row["pixels"], rings)
        found.setdefault(row[TASK_ID], []).append(segment)
    return found
