"""The oracle: knows the ground truth of every image and answers a query with the clicks that it costs."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.annotation.click_estimation import default_epsilon
from raymeta.annotation.clicks import AnnotatedScene, Clicks, LabelMapScene, Scene
from raymeta.boxes import Box
from raymeta.errors import InputError
from raymeta.schemas import ANNOTATION_SCHEMA, IMAGE_ID, LEFT, RANK, TOP, WIDTH


class AnnotatedPolygon(Protocol):
    """A polygon of class `class_id` (255: covers only) with points (N, 2) float64, x before y."""

    @property
    def class_id(self) -> int: ...

    @property
    def points(self) -> NDArray[np.float64]: ...


class GroundTruth(Protocol):
    """What the oracle needs of a data set."""

    @property
    def num_classes(self) -> int:
        """C, the number of evaluated classes."""

    @property
    def has_polygons(self) -> bool:
        """Whether `polygons` answers."""

    def label_map(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8 class ids, 255 void."""

    def polygons(self, image_id: str) -> Sequence[AnnotatedPolygon]:
        """Polygons in painting order."""


class Oracle:
    """Answers queries from a data set's annotations: from polygons where it has them, else from label maps.

    epsilon: Ramer-Douglas-Peucker tolerance (pixels) for label maps; None takes that of the image's height.
    kept_scenes: painted scenes that stay in memory, the most recently asked ones.
    """

    def __init__(self, dataset: GroundTruth, epsilon: float | None = None, kept_scenes: int = 4) -> None:
        if kept_scenes < 1:
            raise InputError(f"kept_scenes {kept_scenes} is below 1: keep at least 1")
        self.dataset = dataset
        self.epsilon = epsilon
        self.kept_scenes = kept_scenes
        self._scenes: OrderedDict[str, Scene] = OrderedDict()
        self._lock = threading.Lock()  # scorers ask from several threads

    def answer(self, query: pa.Table, progress: Callable[[int], None] | None = None) -> pa.Table:
        """True clicks of every box of a query.

        query: QUERY_SCHEMA, rows in any order. progress: called with the number of boxes after each image.
        Returns ANNOTATION_SCHEMA, a row for each row of the query, in its order.

        Raises:
            ValueError: a box reaches outside its image, or an annotation can't be used; the message names the image.
            OSError: an annotation file can't be read.
        """
        boxes = query.select([IMAGE_ID, TOP, LEFT, WIDTH, RANK]).to_pylist()
        rows_of_image: dict[str, list[dict[str, Any]]] = {}
        for row in boxes:
            rows_of_image.setdefault(row[IMAGE_ID], []).append(row)
        for image_id, rows in rows_of_image.items():
            scene = self.scene(image_id)
            for row in rows:
                row.update(_click_columns(image_id, scene, Box(row[TOP], row[LEFT], row[WIDTH])))
            if progress is not None:
                progress(len(rows))
        return pa.Table.from_pylist(boxes, schema=ANNOTATION_SCHEMA)

    def whole_image_clicks(self, image_id: str) -> Clicks:
        """c_p and c_c of a whole image; see `scene` for errors."""
        return self.scene(image_id).whole_image()

    def scene(self, image_id: str) -> Scene:
        """Ground truth of one image, from memory if it was asked for lately.

        Raises:
            ValueError: an annotation can't be used; the message names the image.
            OSError: an annotation file can't be read.
        """
        with self._lock:
            scene = self._scenes.get(image_id)
        if scene is None:
            scene = self._read_scene(image_id)
        with self._lock:
            self._scenes[image_id] = scene
            self._scenes.move_to_end(image_id)
            if len(self._scenes) > self.kept_scenes:
                self._scenes.popitem(last=False)
        return scene

    def _read_scene(self, image_id: str) -> Scene:
        label_map = self.dataset.label_map(image_id)
        polygons = self.dataset.polygons(image_id) if self.dataset.has_polygons else None
        height, width = label_map.shape
        try:
            if polygons is None:
                epsilon = default_epsilon(height) if self.epsilon is None else self.epsilon
                return LabelMapScene(label_map, self.dataset.num_classes, epsilon)
            pairs = [(polygon.class_id, polygon.points) for polygon in polygons]
            return AnnotatedScene(height, width, self.dataset.num_classes, pairs)
        except ValueError as error:
            raise InputError(f"{image_id}: {error}") from error


def _click_columns(image_id: str, scene: Scene, box: Box) -> dict[str, int]:
    try:
        clicks = scene.count(box)
    except ValueError as error:
        raise InputError(f"{image_id}: {error}") from error
    return {
        "polygon_clicks": clicks.polygon,
        "intersection_clicks": clicks.intersection,
        "box_clicks": clicks.box,
        "class_clicks": clicks.class_,
    }
