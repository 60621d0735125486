"""Each suspicion on a hand-made set of label maps, and none on sound ones."""

import os

import numpy as np
import pytest

from raymeta.config import DatasetConfig
from raymeta.datasets.class_list import consecutive_classes
from raymeta.datasets.label_statistics import (
    LabelStatistics,
    class_pixels,
    label_facts,
    label_smoothness,
    label_suspicions,
    value_counts,
    void_values,
)
from raymeta.datasets.registry import open_dataset

THREE = consecutive_classes(("ground", "car", "tree"), [(0, 0, 0), (9, 9, 9), (5, 5, 5)], void=(255,))
TWO = consecutive_classes(("ground", "car"), [(0, 0, 0), (9, 9, 9)], void=(255,))


def scene(*values):
    """A 16×16 label map: the first value, and a 6×6 block of each other one."""
    label_map = np.full((16, 16), values[0], dtype=np.uint8)
    for index, value in enumerate(values[1:]):
        top, left = divmod(index, 2)
        label_map[1 + 8 * top : 7 + 8 * top, 1 + 8 * left : 7 + 8 * left] = value
    return label_map


def statistics(*label_maps):
    return LabelStatistics(
        [f"{index}.png" for index in range(len(label_maps))],
        np.array([value_counts(label_map) for label_map in label_maps]),
        np.array([label_smoothness(label_map) for label_map in label_maps]),
    )


def suspicions(pool, classes=THREE, validation=None):
    return label_suspicions(statistics(*pool), statistics(*(validation or pool)), classes)


def test_counts_by_hand():
    label_map = np.uint8([[0, 0, 1, 255], [2, 2, 2, 2]])
    totals = value_counts(label_map)
    assert totals.sum() == 8
    assert class_pixels(totals, THREE).tolist() == [2, 1, 4]
    assert void_values(totals, THREE) == {255: 1}
    assert label_smoothness(label_map) == pytest.approx(4 / 6)
    assert label_smoothness(label_map[:, :1]) == 1.0


def test_facts_name_shares_of_classes_and_void():
    half = np.uint8([[0, 0, 1, 255]])
    shares, void = label_facts(statistics(half), statistics(half), TWO)
    assert "ground 50.0 %, car 25.0 %" in shares
    assert "255 (25.0 %)" in void
    assert label_facts(LabelStatistics(), LabelStatistics(), TWO) == []


def test_sound_labels_raise_no_suspicion():
    with_void = scene(0, 1, 2)
    with_void[0, :4] = 255
    assert suspicions([with_void, scene(0, 2, 1), scene(1, 0)]) == []
    assert label_suspicions(LabelStatistics(), LabelStatistics(), THREE) == []


def test_masks_of_0_and_255():
    found = suspicions([scene(0, 255), scene(0, 255)], TWO)
    assert any("0 and 255 alone" in line and "car" in line and "`void: []`" in line for line in found)
    assert any("remap: {255: 1}" in line for line in found)


def test_a_void_value_that_may_be_a_class():
    classes = consecutive_classes(("ground", "car", "tree"), [(0, 0, 0)] * 3, void=(9,))
    found = suspicions([scene(0, 1, 9)], classes)
    assert any("value 9 covers 14.1 %" in line and "tree" in line for line in found)
    assert not any("value 9 covers" in line for line in suspicions([scene(0, 1, 9, 2)], classes))


def test_mostly_void():
    assert any("void covers" in line for line in suspicions([scene(255, 0, 1, 2)]))


def test_ids_from_1():
    found = suspicions([scene(1, 2, 3), scene(2, 3, 1)])
    assert any("begin at 1" in line and "remap: {1: 0, 2: 1, 3: 2" in line for line in found)
    camvid_like = consecutive_classes(("ground", "car", "tree"), [(0, 0, 0)] * 3, void=(3,))
    assert any("begin at 1" in line for line in suspicions([scene(1, 2, 3)], camvid_like))


def test_blended_edges():
    blended = scene(0, 1, 2)
    blended[3, 3:11] = range(100, 108)
    found = suspicions([blended, scene(0, 1, 2)])
    assert any("8 values outside the class list" in line and "anti-aliasing" in line for line in found)


def test_label_maps_that_are_pictures():
    noise = np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8)
    found = suspicions([noise, scene(0, 1, 2)])
    assert any(line.startswith("2 label maps look like photographs (0.png, 0.png)") for line in found)  # and validation


def test_classes_that_never_occur():
    (nowhere,) = suspicions([scene(0, 1)])
    assert "no pixel of 2 label maps is tree" in nowhere
    (unseen,) = suspicions([scene(0, 1)], validation=[scene(0, 1, 2)])
    assert unseen.startswith("tree occurs in 1 label maps of the validation images")
    (unjudged,) = suspicions([scene(0, 1, 2)], validation=[scene(0, 1)])
    assert unjudged.startswith("tree occurs in no label map of 1 validation images")
    pool = statistics(scene(0, 1))
    assert label_suspicions(pool, pool, THREE, absent=False) == []


def test_constant_label_maps():
    constant = [scene(0), scene(1), scene(2)]
    assert any("6 of 8 label maps hold one value only" in line for line in suspicions([*constant, scene(0, 1, 2)]))
    assert suspicions([scene(0), scene(0, 1, 2), scene(0, 1, 2)]) == []
    assert any("void throughout" in line for line in suspicions([scene(255), scene(0, 1, 2), scene(0, 1, 2)]))


@pytest.mark.skipif("RAYMETA_CAMVID" not in os.environ, reason="RAYMETA_CAMVID names no folder")
def test_no_false_alarm_on_camvid():
    config = DatasetConfig(kind="camvid", root=os.environ["RAYMETA_CAMVID"], max_pool_images=100)
    survey = open_dataset(config).survey()
    assert survey.warnings == []
    assert survey.faults == []
    assert any("road 3" in fact for fact in survey.facts)


def test_no_false_alarm_on_generated_scenes(tmp_path):
    scenes = {"train_images": 6, "validation_images": 2, "height": 64, "width": 128}
    survey = open_dataset(DatasetConfig(kind="street_scenes", root=str(tmp_path), scenes=scenes)).survey()
    assert survey.warnings == []
    assert survey.faults == []
