"""Segments of an image that is labelled in parts."""

import numpy as np
import pytest

from raymeta import schemas
from raymeta.metaseg import labelled_parts as module
from raymeta.metaseg.labelled_parts import MIN_PIXELS, labelled_parts
from raymeta.metaseg.segment_metrics import segment_metrics


def softmax_of(prediction, sure=0.8):
    """(2, H, W) whose arg-max is the prediction."""
    one = np.where(np.asarray(prediction) == 1, sure, 1 - sure)
    return np.stack([1 - one, one]).astype(np.float32)


def test_two_boxes_cut_a_segment_into_two_rows_with_the_metrics_of_the_whole():
    prediction = np.zeros((8, 16), np.uint8)
    prediction[:, 12:] = 1
    target = np.full((8, 16), schemas.IGNORE, np.uint8)
    target[:4, :4] = 0  # the first part is right
    target[4:, 6:12] = 1  # the second one is wrong in all of its 24 pixels
    target[6:, 6:12] = 0  # but for 12 of them
    table, (_, whole) = labelled_parts(softmax_of(prediction), target), segment_metrics(softmax_of(prediction))
    assert table.column_names == [*whole.column_names, schemas.IOU]
    assert table[schemas.CLASS_ID].to_pylist() == [0, 0]
    assert table[schemas.SIZE].to_pylist() == [96, 96]  # not 16 and 24
    assert table.drop_columns([schemas.IOU]).equals(whole.take([0, 0]))
    assert table[schemas.IOU].to_pylist() == pytest.approx([1.0, 12 / 24])


def test_an_image_that_is_labelled_wholly_has_its_segments(monkeypatch):
    monkeypatch.setattr(module, "MIN_PIXELS", 1)
    rng = np.random.default_rng(0)
    softmax = rng.dirichlet(np.ones(3), size=(20, 30)).transpose(2, 0, 1).astype(np.float32)
    target = rng.integers(0, 3, (20, 30), dtype=np.uint8)
    assert labelled_parts(softmax, target).equals(segment_metrics(softmax, target)[1])


def test_small_parts_are_left_out():
    target = np.full((8, 16), schemas.IGNORE, np.uint8)
    assert labelled_parts(softmax_of(np.zeros((8, 16))), target).num_rows == 0
    target[0, : MIN_PIXELS - 1] = 0
    assert labelled_parts(softmax_of(np.zeros((8, 16))), target).num_rows == 0
    target[0, MIN_PIXELS - 1] = 0
    assert labelled_parts(softmax_of(np.zeros((8, 16))), target).num_rows == 1
