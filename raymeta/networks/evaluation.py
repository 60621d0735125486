"""Confusion matrices and intersection over union: integer counts first, ratios last."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raymeta.argument_checks import check_array, whole_number
from raymeta.errors import InputError
from raymeta.schemas import IGNORE


def confusion_matrix(
    prediction: NDArray[np.integer], target: NDArray[np.integer], num_classes: int
) -> NDArray[np.int64]:
    """Count pixels by target class (rows) and predicted class (columns); targets of 255 are skipped.

    prediction, target: any equal shape, integers 0..num_classes-1. Returns (C, C) int64; matrices of images add.

    Raises:
        ValueError: shapes differ, values aren't integers, or a value is no class.
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    num_classes = whole_number("num_classes", num_classes, least=1, most=IGNORE)
    for name, labels in (("prediction", prediction), ("target", target)):
        check_array(name, labels, kinds="biu")
    if prediction.shape != target.shape:
        raise InputError(f"prediction {prediction.shape} and target {target.shape} differ in shape: give equal ones")
    check_labels(target, num_classes, "target")
    counted = target != IGNORE
    check_labels(np.where(counted, prediction, 0), num_classes, "prediction", ignore=None)
    return count_confusion(_tensor(prediction), _tensor(target), num_classes).numpy()


def count_confusion(prediction: Tensor, target: Tensor, num_classes: int) -> Tensor:
    """`confusion_matrix` on a device: same inputs as tensors, not checked; (C, C) int64 there, without a sync."""
    cells = num_classes * num_classes
    index = target.long() * num_classes + prediction.long()
    index = torch.where(target == IGNORE, cells, index)  # one more bin for what is skipped: no masked copy, no sync
    return torch.bincount(index.flatten(), minlength=cells + 1)[:cells].reshape(num_classes, num_classes)


def iou_per_class(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(C, C) counts → (C,) intersection over union, nan where a class is neither in target nor prediction."""
    intersection = np.diag(confusion).astype(np.float64)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - np.diag(confusion)
    return np.divide(intersection, union, out=np.full(len(confusion), np.nan), where=union > 0)


def mean_iou(confusion: NDArray[np.int64]) -> float:
    """Mean IoU over the classes with a union that isn't empty; nan if there is none (docs/method.md#miou)."""
    values = iou_per_class(confusion)
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else float("nan")


def check_labels(labels: NDArray[np.integer], num_classes: int, name: str, ignore: int | None = IGNORE) -> None:
    """Raise ValueError unless every value is a class, or `ignore`."""
    wrong = (labels < 0) | (labels >= num_classes)
    if ignore is not None:
        wrong &= labels != ignore
    if wrong.any():
        allowed = f"0 to {num_classes - 1}" + ("" if ignore is None else f", or {ignore} for ignored")
        raise InputError(f"{name} holds class {int(labels[wrong][0])}: allowed are {allowed}")


def _tensor(values: NDArray[np.integer]) -> Tensor:
    return torch.from_numpy(values.astype(np.int64))
