"""Looks at every file of a data set: headers of all, pixels of a bounded number."""

import hashlib
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.class_list import ClassList
from raymeta.datasets.duplicates import perceptual_hash
from raymeta.datasets.image_files import (
    ImageHeader,
    image_header,
    label_header,
    read_image,
    read_label_map,
)
from raymeta.datasets.label_statistics import label_smoothness, value_counts
from raymeta.datasets.sample import DatasetError
from raymeta.datasets.sample_files import PolygonReader, SampleFiles

Size = tuple[int, int]
T = TypeVar("T")

MAX_THREADS: Final = min(8, os.cpu_count() or 1)
PART: Final = 64
"""Files a task of a thread: handing over one at a time takes longer than reading its header."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What the files of one image hold.

    header: of the image; None where it can't be read. values: (256,) int64 pixels of each label value, smoothness and
    picture: as in `LabelStatistics` and `perceptual_hash`; None where no pixel was looked at.
    """

    header: ImageHeader | None
    faults: list[str] = field(default_factory=list)
    values: NDArray[np.int64] | None = None
    smoothness: float = 1.0
    picture: NDArray[np.uint64] | None = None

    @property
    def size(self) -> Size | None:
        """Height and width in pixels."""
        return None if self.header is None else (self.header.height, self.header.width)


def look_at_files(
    samples: list[SampleFiles],
    classes: ClassList,
    read_polygons: PolygonReader | None,
    *,
    decoded: Collection[int],
    progress: Callable[[], None] | None = None,
) -> list[Finding]:
    """A finding for each of `samples`; never raises.

    decoded: indices of the samples of which every pixel is read; of others it is the headers. progress: called after
    each sample.
    """

    def look(indices: range) -> list[Finding]:
        return [
            _decode(samples[index], classes, read_polygons) if index in decoded else _skim(samples[index])
            for index in indices
        ]

    length = PART if len(samples) > len(decoded) else 1
    parts = [range(start, min(start + length, len(samples))) for start in range(0, len(samples), length)]
    findings: list[Finding] = []
    with ThreadPoolExecutor(max_workers=MAX_THREADS) as pool:
        for part in pool.map(look, parts):
            findings.extend(part)
            for _ in part if progress is not None else ():
                progress()  # type: ignore[misc]
    return findings


def file_digests(samples: dict[str, SampleFiles], max_bytes: int) -> dict[str, object]:
    """Digests of image files that may equal another, those of a size that is there twice; `max_bytes` are read."""
    sizes: dict[int, list[str]] = {}
    for image_id, sample in samples.items():
        try:
            sizes.setdefault(sample.image.stat().st_size, []).append(image_id)
        except OSError:
            continue
    digests: dict[str, object] = {}
    for size, ids in sorted(sizes.items()):
        if len(ids) < 2 or (max_bytes := max_bytes - size * len(ids)) < 0:
            continue
        for image_id in ids:
            try:
                digests[image_id] = hashlib.blake2b(samples[image_id].image.read_bytes(), digest_size=16).digest()
            except OSError:
                continue
    return digests


def _skim(sample: SampleFiles) -> Finding:
    """Headers alone."""
    faults: list[str] = []
    header = _attempt(lambda: image_header(sample.image), faults)
    label = _attempt(lambda: label_header(sample.labels), faults) if sample.has_labels else None
    if header is not None and label is not None and (label.height, label.width) != (header.height, header.width):
        size = header.height, header.width
        faults.append(_mismatch(f"{sample.labels}: label map", (label.height, label.width), size))
    return Finding(header, faults)


def _decode(sample: SampleFiles, classes: ClassList, read_polygons: PolygonReader | None) -> Finding:
    """Every pixel."""
    faults: list[str] = []
    image = _attempt(lambda: read_image(sample.image), faults)
    header = None if image is None else _attempt(lambda: image_header(sample.image), faults)
    size = None if image is None else _size(image.shape)
    label_map = _attempt(lambda: read_label_map(sample.labels), faults) if sample.has_labels else None
    values = None
    if label_map is not None:
        values = value_counts(label_map)
        if size is not None and label_map.shape != size:
            faults.append(_mismatch(f"{sample.labels}: label map", _size(label_map.shape), size))
        if unknown := classes.unknown_values(label_map):
            faults.append(classes.describe_unknown(unknown, sample.labels))
    if read_polygons is not None and sample.polygons is not None:
        path = sample.polygons
        answer = _attempt(lambda: read_polygons(path), faults)
        if answer is not None and size is not None and answer[1] != size:
            faults.append(_mismatch(f"{path}: polygons", answer[1], size))
    smoothness = 1.0 if label_map is None else label_smoothness(label_map)
    return Finding(header, faults, values, smoothness, None if image is None else perceptual_hash(image))


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


def _shown(size: Size) -> str:
    return "×".join(map(str, size))


def _mismatch(what: str, size: Size, image_size: Size) -> str:
    return f"{what} of {_shown(size)} pixels, its image has {_shown(image_size)}: store both in one size"
