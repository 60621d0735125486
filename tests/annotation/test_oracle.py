from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pytest

from raymeta.annotation.clicks import AnnotatedScene, Clicks, LabelMapScene, count_clicks
from raymeta.annotation.oracle import Oracle
from raymeta.boxes import Box
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA


@dataclass
class Shape:
    class_id: int
    points: np.ndarray


def square(left, top, side):
    return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]], np.float64)


@dataclass
class Images:
    """Image n shows a square of class 1 at (n, n) on ground of class 0."""

    has_polygons: bool
    num_classes: int = 2
    read: list[str] = field(default_factory=list)

    def label_map(self, image_id):
        self.read.append(image_id)
        labels = np.zeros((12, 16), np.uint8)
        labels[int(image_id) : int(image_id) + 5, int(image_id) : int(image_id) + 5] = 1
        return labels

    def polygons(self, image_id):
        assert self.has_polygons
        if image_id == "9":
            return [Shape(0, np.full((3, 2), np.nan))]
        return [Shape(0, square(0, 0, 15)), Shape(1, square(int(image_id), int(image_id), 4))]


def query(*boxes):
    rows = [
        {"image_id": image_id, "top": top, "left": left, "width": width, "rank": rank, "score": 1.0}
        for rank, (image_id, top, left, width) in enumerate(boxes, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=QUERY_SCHEMA)


BOXES = [("2", 0, 0, 8), ("1", 3, 3, 4), ("2", 4, 4, 3), ("3", 1, 2, 9), ("1", 0, 0, 12)]


@pytest.mark.parametrize("has_polygons", [True, False])
def test_answers_in_the_order_of_the_query(has_polygons):
    images = Images(has_polygons)
    answer = Oracle(images, kept_scenes=1).answer(query(*BOXES))
    assert answer.schema.equals(ANNOTATION_SCHEMA)
    assert answer["rank"].to_pylist() == [1, 2, 3, 4, 5]
    for row, (image_id, top, left, width) in zip(answer.to_pylist(), BOXES, strict=True):
        if has_polygons:
            pairs = [(shape.class_id, shape.points) for shape in images.polygons(image_id)]
            scene = AnnotatedScene(12, 16, 2, pairs)
        else:
            scene = LabelMapScene(images.label_map(image_id), 2, 1.0)
        clicks = count_clicks(scene, Box(top, left, width))
        names = ("polygon_clicks", "intersection_clicks", "box_clicks", "class_clicks")
        assert tuple(row[name] for name in names) == tuple(clicks)
        assert (row["image_id"], row["top"], row["left"], row["width"]) == (image_id, top, left, width)


def test_reads_each_image_once():
    images = Images(True)
    progress = []
    Oracle(images, kept_scenes=1).answer(query(*BOXES), progress.append)
    assert images.read == ["2", "1", "3"]
    assert progress == [2, 2, 1]


def test_keeps_the_scenes_asked_for_lately():
    images = Images(True)
    oracle = Oracle(images, kept_scenes=2)
    for image_id in "1213132":
        oracle.scene(image_id)
    assert images.read == ["1", "2", "3", "2"]
    with pytest.raises(ValueError, match="kept_scenes 0"):
        Oracle(images, kept_scenes=0)


def test_whole_image_clicks():
    assert Oracle(Images(True)).whole_image_clicks("2") == Clicks(8, 0, 0, 2)
    counted = Oracle(Images(False)).whole_image_clicks("2")
    assert counted.class_ == 2
    assert counted.polygon == Oracle(Images(False)).scene("2").vertex_map().sum()


def test_epsilon_is_for_label_maps():
    assert Oracle(Images(False), epsilon=50.0).whole_image_clicks("2").polygon < 8


def test_empty_query():
    answer = Oracle(Images(True)).answer(QUERY_SCHEMA.empty_table())
    assert answer.num_rows == 0
    assert answer.schema.equals(ANNOTATION_SCHEMA)


def test_faults_name_the_image():
    oracle = Oracle(Images(True))
    with pytest.raises(ValueError, match="9: polygon 0 has the vertex"):
        oracle.scene("9")
    with pytest.raises(ValueError, match=r"1: Box.*reaches outside the image of 12×16"):
        oracle.answer(query(("1", 8, 0, 8)))
