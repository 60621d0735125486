import numpy as np
from dataset_layouts import write_cityscapes

from raymeta.config import DatasetConfig
from raymeta.datasets.cityscapes_labels import CITYSCAPES_LABELS, EVALUATED_LABELS, label_of
from raymeta.datasets.registry import open_dataset

TRAIN_CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip


def test_label_table():
    assert tuple(label.name for label in EVALUATED_LABELS) == TRAIN_CLASSES
    assert [label.train_id for label in EVALUATED_LABELS] == list(range(19))
    assert [label.label_id for label in CITYSCAPES_LABELS] == [*range(34), -1]
    ids = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]
    assert [label.label_id for label in EVALUATED_LABELS] == ids


def test_groups_count_as_their_base_class():
    assert label_of("cargroup") == label_of("car")
    assert label_of("persongroup").train_id == 11
    assert label_of("group") is None
    assert label_of("dragon") is None


def test_ids_labels_and_polygons(tmp_path):
    dataset = open_dataset(DatasetConfig(kind="cityscapes", root=str(write_cityscapes(tmp_path))))
    assert dataset.pool_ids() == [f"bonn_train_{index:06d}" for index in range(3)]
    label_map = dataset.label_map("bonn_train_000000")
    assert label_map[0, :5].tolist() == [13, 255, 255, 18, 0]
    polygons = dataset.polygons("bonn_train_000000")
    # Painting order; the group is a car, what isn't evaluated covers, frame and deleted objects are absent.
    assert [polygon.class_id for polygon in polygons] == [0, 13, 255, 10]
    np.testing.assert_array_equal(polygons[3].points, [[-3.5, -2], [4, -2], [4, 1]])


def test_polygons_scale_with_the_resize(tmp_path):
    config = DatasetConfig(kind="cityscapes", root=str(write_cityscapes(tmp_path)), height=24, width=10)
    points = open_dataset(config).polygons("bonn_train_000000")[1].points
    np.testing.assert_allclose(points, [[1, 4], [4, 4], [4, 16]])
