"""Finds every fault in the files of a data set."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from raymeta.datasets.class_list import ClassList
from raymeta.datasets.image_files import read_image, read_label_map
from raymeta.datasets.sample import DatasetError
from raymeta.datasets.sample_files import PolygonReader, SampleFiles

Size = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True)
class _Finding:
    image_size: Size | None
    faults: list[str]


def check_files(
    samples: list[SampleFiles],
    classes: ClassList,
    read_polygons: PolygonReader | None,
    *,
    one_size: bool,
    progress: Callable[[], None] | None = None,
) -> list[str]:
    """One line for every fault, in the order of `samples`; never raises.

    one_size: whether images of another size than most are a fault.
    """
    findings: list[_Finding] = []
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for finding in pool.map(lambda sample: _check_sample(sample, classes, read_polygons), samples):
            findings.append(finding)
            if progress is not None:
                progress()
    sizes = Counter(finding.image_size for finding in findings if finding.image_size is not None)
    usual = sizes.most_common(1)[0][0] if sizes and one_size else None
    faults: list[str] = []
    for sample, finding in zip(samples, findings, strict=True):
        if usual is not None and finding.image_size not in (None, usual):
            faults.append(
                f"{sample.image}: image of {_shown(finding.image_size)} pixels, most have {_shown(usual)}: "
                "set dataset.height and dataset.width to resize all of them"
            )
        faults.extend(finding.faults)
    return faults


def _check_sample(sample: SampleFiles, classes: ClassList, read_polygons: PolygonReader | None) -> _Finding:
    faults: list[str] = []
    image_size = _attempt(lambda: _size(read_image(sample.image).shape), faults)
    label_map = _attempt(lambda: read_label_map(sample.labels), faults)
    if label_map is not None:
        if image_size is not None and label_map.shape != image_size:
            faults.append(_mismatch(f"{sample.labels}: label map", _size(label_map.shape), image_size))
        if unknown := classes.unknown_values(label_map):
            faults.append(classes.describe_unknown(unknown, sample.labels))
    if read_polygons is not None and sample.polygons is not None:
        path = sample.polygons
        answer = _attempt(lambda: read_polygons(path), faults)
        if answer is not None and image_size is not None and answer[1] != image_size:
            faults.append(_mismatch(f"{path}: polygons", answer[1], image_size))
    return _Finding(image_size, faults)


def _attempt(action: Callable[[], T], faults: list[str]) -> T | None:
    """The action's result; None, with its faults noted, where it fails."""
    try:
        return action()
    except DatasetError as error:
        faults.extend(str(error).splitlines())
    except Exception as error:  # whatever a strange file sets off, the others are still to be checked
        faults.append(f"{type(error).__name__}: {error}")
    return None


def _size(shape: tuple[int, ...]) -> Size:
    return shape[0], shape[1]


def _shown(size: Size | None) -> str:
    return "×".join(map(str, size or ()))


def _mismatch(what: str, size: Size, image_size: Size) -> str:
    return f"{what} of {_shown(size)} pixels, its image has {_shown(image_size)}: store both in one size"
