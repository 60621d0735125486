import numpy as np
import pytest
import torch

from raymeta.networks.evaluation import confusion_matrix, count_confusion, iou_per_class, mean_iou

TARGET = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 255, 255], [2, 2, 255, 255]], dtype=np.uint8)
PREDICTION = np.array([[0, 1, 1, 1], [0, 0, 1, 0], [2, 2, 0, 1], [0, 0, 2, 2]], dtype=np.uint8)


def test_confusion_by_hand():
    expected = [[3, 1, 0], [1, 3, 0], [2, 0, 2]]  # rows target, columns prediction
    confusion = confusion_matrix(PREDICTION, TARGET, 3)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == expected


def test_iou_by_hand():
    confusion = np.array([[3, 1, 0], [1, 3, 0], [2, 0, 2]])
    np.testing.assert_allclose(iou_per_class(confusion), [3 / 7, 3 / 5, 2 / 4])
    assert mean_iou(confusion) == pytest.approx((3 / 7 + 3 / 5 + 1 / 2) / 3)


def test_empty_union_is_left_out():
    confusion = np.diag([5, 0, 0])
    confusion[0, 2] = 5
    assert np.isnan(iou_per_class(confusion)[1])
    assert mean_iou(confusion) == pytest.approx((0.5 + 0.0) / 2)


def test_all_ignored_is_nan():
    confusion = confusion_matrix(PREDICTION, np.full_like(TARGET, 255), 3)
    assert confusion.sum() == 0
    assert np.isnan(mean_iou(confusion))


@pytest.mark.parametrize("num_classes", [1, 2, 19, 255])
def test_equals_counting_pixel_by_pixel(num_classes):
    rng = np.random.default_rng(num_classes)
    target = rng.integers(0, num_classes, (9, 7)).astype(np.uint8)
    target[rng.random((9, 7)) < 0.3] = 255
    prediction = rng.integers(0, num_classes, (9, 7)).astype(np.uint8)
    expected = np.zeros((num_classes, num_classes), np.int64)
    for t, p in zip(target.flat, prediction.flat, strict=True):
        if t != 255:
            expected[t, p] += 1
    assert np.array_equal(confusion_matrix(prediction, target, num_classes), expected)
    counted = count_confusion(torch.from_numpy(prediction), torch.from_numpy(target), num_classes)
    assert np.array_equal(counted.numpy(), expected)


def test_images_add():
    whole = confusion_matrix(PREDICTION, TARGET, 3)
    assert np.array_equal(sum(confusion_matrix(PREDICTION[[i]], TARGET[[i]], 3) for i in range(4)), whole)


def test_wrong_input_is_named():
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(2, 2\)"):
        confusion_matrix(PREDICTION, TARGET[:2, :2], 3)
    with pytest.raises(ValueError, match="target holds class 2"):
        confusion_matrix(PREDICTION, TARGET, 2)
    with pytest.raises(ValueError, match="prediction holds class 255"):
        confusion_matrix(np.full_like(TARGET, 255), TARGET, 3)


@pytest.mark.parametrize("value", [0.5, np.nan])
def test_classes_are_integers(value):
    with pytest.raises(ValueError, match="prediction has dtype float64: give integers"):
        confusion_matrix(np.full(TARGET.shape, value), TARGET, 3)
    with pytest.raises(ValueError, match="target has dtype float64: give integers"):
        confusion_matrix(PREDICTION, np.full(TARGET.shape, value), 3)
    with pytest.raises(ValueError, match=r"num_classes 2\.5 isn't a whole number"):
        confusion_matrix(PREDICTION, TARGET, 2.5)
    assert confusion_matrix(PREDICTION.astype(np.int64), TARGET, np.int8(3)).sum() == 12
