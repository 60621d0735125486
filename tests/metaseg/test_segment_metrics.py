from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metaseg_reference import random_softmax, random_target, slow_metrics

from raymeta import schemas
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.npz"))
METASEG_SUFFIXES = {"": "", "_in": "_inner", "_bd": "_boundary", "_rel": "_relative", "_rel_in": "_relative_inner"}
METASEG_NAMES = {"iou": "iou", "class": "class_id"} | {
    f"{short}{metaseg}": f"{name}{suffix}"
    for short, name in (("E", "entropy"), ("D", "margin"), ("S", "size"))
    for metaseg, suffix in METASEG_SUFFIXES.items()
}
EXACT = {"iou", "class_id", "size", "size_inner", "size_boundary", "size_relative", "size_relative_inner"}


def column(table, name):
    return table[name].to_numpy()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden(path):
    with np.load(path) as golden:
        segments, table = segment_metrics(golden["probs"].astype(np.float32), golden["target"])
        np.testing.assert_array_equal(segments.segment_map, golden["segments"])
        np.testing.assert_array_equal(segments.boundary_mask, golden["boundary"])
        checked = set()
        for key in set(golden.files) - {"probs", "target", "segments", "boundary", "metric_iou0"}:
            metaseg = key.removeprefix("metric_")
            name = METASEG_NAMES.get(metaseg, metaseg.replace("cprob", "class_probability_"))
            tolerance = 0 if name in EXACT else 5e-6
            np.testing.assert_allclose(column(table, name), golden[key], rtol=tolerance, atol=0, err_msg=name)
            checked.add(name)
    assert checked == set(table.column_names) - {"segment_id", "center_row", "center_col"}


def compare(table, expected, with_target):
    classes = sum(name.startswith("class_probability_") for name in table.column_names)
    assert table.schema == schemas.segment_schema(classes, with_target)
    rows = table.to_pylist()
    assert len(rows) == len(expected)
    for row, slow in zip(rows, expected, strict=True):
        assert row.keys() == slow.keys()
        for name, value in slow.items():
            if name in EXACT:
                assert row[name] == value, name
            else:
                assert row[name] == pytest.approx(value, rel=1e-5, abs=2e-5), name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 24), st.integers(1, 24), st.booleans())
def test_equals_slow_reference(seed, classes, height, width, with_target):
    rng = np.random.default_rng(seed)
    softmax = random_softmax(rng, classes, height, width)
    target = random_target(rng, softmax.argmax(axis=0), classes) if with_target else None
    _, table = segment_metrics(softmax, target)
    compare(table, slow_metrics(softmax, target), with_target)


@pytest.mark.parametrize("classes", [2, 3, 4, 5, 255])
def test_any_number_of_classes(classes):
    rng = np.random.default_rng(classes)
    softmax = random_softmax(rng, classes, 12, 17, smooth=2)
    target = random_target(rng, softmax.argmax(axis=0), classes)
    compare(segment_metrics(softmax, target)[1], slow_metrics(softmax, target), True)


def test_by_hand():
    softmax = np.empty((2, 4, 4), dtype=np.float32)
    softmax[0], softmax[1] = 0.75, 0.25
    softmax[:, 3, 3] = 0, 1
    target = np.zeros((4, 4), dtype=np.uint8)
    target[3, 2:] = 1
    segments, table = segment_metrics(softmax, target)
    assert segments.count == 2
    first, second = table.to_pylist()
    assert (first["size"], first["size_inner"], first["size_boundary"]) == (15, 12, 3)
    assert (first["size_relative"], first["size_relative_inner"]) == (5, 4)
    assert first["margin"] == first["margin_inner"] == first["margin_boundary"] == 0.5
    assert (first["margin_relative"], first["margin_relative_inner"]) == (2.5, 2)
    assert first["entropy"] == pytest.approx(0.8112781)
    assert (first["center_row"], first["center_col"]) == (pytest.approx(21 / 15), pytest.approx(21 / 15))
    assert (first["class_probability_0"], first["class_probability_1"]) == (0.75, 0.25)
    assert first["iou"] == 14 / 15
    assert (second["size"], second["size_inner"], second["size_relative_inner"]) == (1, 0, 0)
    assert (second["entropy_inner"], second["margin_inner"], second["margin"]) == (0, 0, 0)
    assert (second["center_row"], second["center_col"]) == (3, 3)
    assert second["iou"] == 1 / 2


def test_single_segment_has_no_boundary():
    softmax = np.empty((2, 5, 7), dtype=np.float32)
    softmax[0], softmax[1] = 0.25, 0.75
    (row,) = segment_metrics(softmax)[1].to_pylist()
    assert (row["class_id"], row["size"], row["size_inner"], row["size_boundary"]) == (1, 35, 35, 0)
    assert (row["size_relative"], row["size_relative_inner"], row["margin_boundary"]) == (35, 35, 0)
    assert (row["center_row"], row["center_col"]) == (2, 3)
    assert "iou" not in row


def test_one_pixel_image():
    (row,) = segment_metrics(np.array([0.1, 0.9], dtype=np.float32).reshape(2, 1, 1), np.array([[1]], np.uint8))[
        1
    ].to_pylist()
    assert (row["size"], row["iou"], row["center_row"]) == (1, 1, 0)


def test_all_ignored_target_gives_an_empty_table():
    softmax = random_softmax(np.random.default_rng(0), 3, 6, 8)
    segments, table = segment_metrics(softmax, np.full((6, 8), 255, dtype=np.uint8))
    assert segments.count == table.num_rows == 0
    assert table.schema == schemas.segment_schema(3, with_target=True)
    assert not predicted_iou_map(segments, np.empty(0)).any()


def test_any_memory_layout_and_read_only():
    rng = np.random.default_rng(0)
    softmax = random_softmax(rng, 4, 20, 30)
    target = random_target(rng, softmax.argmax(axis=0), 4)
    expected = segment_metrics(softmax, target)[1]
    target_before = target.copy()
    softmax.flags.writeable = target.flags.writeable = False
    assert segment_metrics(softmax, target)[1].equals(expected)
    assert segment_metrics(np.asfortranarray(softmax), np.asfortranarray(target))[1].equals(expected)
    np.testing.assert_array_equal(target, target_before)


def test_predicted_iou_map():
    softmax = random_softmax(np.random.default_rng(0), 4, 20, 30)
    target = random_target(np.random.default_rng(1), softmax.argmax(axis=0), 4)
    segments, _ = segment_metrics(softmax, target)
    values = np.random.default_rng(2).random(segments.count)
    painted = predicted_iou_map(segments, values)
    assert painted.dtype == np.float32
    assert not painted[target == 255].any()
    for number, value in enumerate(values, start=1):
        assert (painted[segments.segment_map == number] == np.float32(value)).all()
    with pytest.raises(ValueError, match="one value for each"):
        predicted_iou_map(segments, values[1:])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros((6, 9), dtype=np.uint8), r"\(6, 9\) pixels, the softmax \(6, 8\)"),
        (np.zeros((6, 8), dtype=np.int64), "target has type int64"),
        (np.full((6, 8), 3, dtype=np.uint8), "label 3: use classes 0..2, or 255"),
        (np.full((6, 8), 254, dtype=np.uint8), "label 254"),
    ],
)
def test_wrong_targets_are_refused(target, message):
    with pytest.raises(ValueError, match=message):
        segment_metrics(random_softmax(np.random.default_rng(0), 3, 6, 8), target)
