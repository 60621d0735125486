"""What a look at all of a data set shows: faults, what is probably not meant, and facts."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from raymeta.datasets.class_list import ClassList
from raymeta.datasets.duplicates import duplicate_warnings
from raymeta.datasets.file_check import Finding, Size, file_digests, look_at_files
from raymeta.datasets.image_files import image_size
from raymeta.datasets.label_statistics import NUM_VALUES, LabelStatistics, label_facts, label_suspicions
from raymeta.datasets.sample import DatasetError, Survey
from raymeta.datasets.sample_files import PolygonReader, SampleFiles

MAX_DECODED: Final = 2000
MIN_DECODED: Final = 200
MAX_DECODED_PIXELS: Final = 1_000_000_000
"""Pixels are looked at in up to 2,000 images, fewer where they are large: headers tell the rest."""

MAX_HASHED_BYTES: Final = 256 << 20
MIN_OTHER_ORIENTATION: Final = 0.02


def survey_files(
    pool: Mapping[str, SampleFiles],
    validation: Mapping[str, SampleFiles],
    classes: ClassList,
    read_polygons: PolygonReader | None = None,
    *,
    own_classes: bool = True,
    progress: Callable[[], None] | None = None,
) -> Survey:
    """Look at the files of a data set; never raises.

    own_classes: whether somebody wrote the class list for these images, so that a class without a pixel is a slip.
    progress: called after each image.
    """
    samples = {**pool, **validation}
    ids = list(samples)
    decoded = decoded_indices(len(ids), _first_pixels(samples))
    findings = look_at_files(list(samples.values()), classes, read_polygons, decoded=decoded, progress=progress)
    found = dict(zip(ids, findings, strict=True))
    faults = [fault for finding in findings for fault in finding.faults]
    parts = [_statistics({i: found[i] for i in part}, samples) for part in (pool, validation)]
    hashes = {i: finding.picture for i, finding in found.items() if finding.picture is not None}
    digests = file_digests(samples, MAX_HASHED_BYTES)
    suspicions = label_suspicions(parts[0], parts[1], classes, absent=own_classes)
    sizes = Counter(finding.size for finding in findings if finding.size is not None)
    return Survey(
        faults,
        [*suspicions, *_orientation(sizes), *duplicate_warnings(digests, hashes, frozenset(validation))],
        [*_looked_at(len(ids), len(decoded)), *_image_facts(findings), *label_facts(parts[0], parts[1], classes)],
    )


def decoded_indices(count: int, pixels: int) -> frozenset[int]:
    """Which of `count` images to decode, evenly spaced. pixels: of one of them."""
    most = max(MIN_DECODED, min(MAX_DECODED, MAX_DECODED_PIXELS // max(1, pixels)))
    if count <= most:
        return frozenset(range(count))
    return frozenset(index * count // most for index in range(most))


def _first_pixels(samples: Mapping[str, SampleFiles]) -> int:
    for sample in list(samples.values())[:20]:
        try:
            height, width = image_size(sample.image)
        except (DatasetError, OSError):
            continue
        return height * width
    return 1


def _statistics(found: Mapping[str, Finding], samples: Mapping[str, SampleFiles]) -> LabelStatistics:
    looked = {i: finding for i, finding in found.items() if finding.values is not None}
    counts = [finding.values for finding in looked.values() if finding.values is not None]
    return LabelStatistics(
        [samples[i].labels.name for i in looked],
        np.array(counts, dtype=np.int64).reshape(-1, NUM_VALUES),
        np.array([finding.smoothness for finding in looked.values()]),
    )


def _looked_at(count: int, decoded: int) -> list[str]:
    if decoded == count:
        return []
    return [f"pixels of {decoded} of {count} images were looked at, evenly spaced; of the others the headers"]


def _image_facts(findings: Sequence[Finding]) -> list[str]:
    """Sizes, channels and bits, where there is more to say than one size of 8-bit RGB."""
    lines = []
    sizes = Counter(finding.size for finding in findings if finding.size is not None)
    if len(sizes) > 1:
        shown = ", ".join(f"{count} of {height}×{width}" for (height, width), count in sizes.most_common(5))
        lines.append(f"images of {len(sizes)} sizes (height×width): {shown}{', …' if len(sizes) > 5 else ''}")
    kinds = Counter(finding.header.kind for finding in findings if finding.header is not None)
    if set(kinds) - {"8-bit RGB"}:
        lines.append("images as stored: " + ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    return lines


def _orientation(sizes: Mapping[Size, int]) -> list[str]:
    """Portrait among landscape, of the same sides: mostly turned by a viewer."""
    turned = [(size, count) for size, count in sizes.items() if sizes.get((size[1], size[0]), 0) > count]
    total = sum(sizes.values())
    few = [(size, count) for size, count in turned if count < total * 0.2]
    if not few:
        return []
    (height, width), count = few[0]
    return [
        f"{count} images have {height}×{width} pixels (height×width) and {sizes[width, height]} have "
        f"{width}×{height}: were some turned, and their label maps with them?"
    ]
