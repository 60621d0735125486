"""Names what unfinished work was made from, so that it is never continued on other inputs."""

import hashlib
import json

from raymeta import __version__
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.config import ExperimentConfig
from raymeta.runs.run_format import config_digest


def input_key(*inputs: bytes | str | int | LabelledRegions | KnownLabels | None) -> str:
    """A digest of everything that a stage's results depend on; 64 hexadecimal digits.

    This version of raymeta is part of it: what another version left is done again.
    """
    digest = hashlib.sha256(__version__.encode())
    for value in inputs:
        digest.update(hashlib.sha256(_canonical(value)).digest())
    return digest.hexdigest()


def work_key(config: ExperimentConfig, *inputs: bytes | str | int | LabelledRegions | KnownLabels | None) -> str:
    """`input_key` of inputs and of all settings that a resumed run may not change: names a stage's unfinished work."""
    return input_key(config_digest(config), *inputs)


def labels_key(known: KnownLabels) -> str:
    """A digest of the labels that an iteration is trained on, the same in every version of raymeta.

    Labels of the data set count by their regions, those of people by their content too.
    """
    return hashlib.sha256(_canonical(known)).hexdigest()


def _canonical(value: bytes | str | int | LabelledRegions | KnownLabels | None) -> bytes:
    if isinstance(value, bytes):
        return b"bytes" + value
    if isinstance(value, KnownLabels):
        answers = b"answers" + json.dumps(value.digests).encode() if value.answers else b""
        return _canonical(value.regions) + answers + (b"points" if value.points else b"")
    if isinstance(value, LabelledRegions):
        boxes = {image: [[box.top, box.left, box.width] for box in boxes] for image, boxes in value.boxes.items()}
        known = b"regions" + json.dumps([sorted(value.images), boxes], sort_keys=True).encode()
        return known + _segments(value) if value.segments else known
    return type(value).__name__.encode() + str(value).encode()


def _segments(regions: LabelledRegions) -> bytes:
    """Answered segments with their masks and classes, image by image."""
    rows = {
        image: [[each.top, each.left, each.width, each.asked.hex(), each.labelled.hex(), each.class_id] for each in of]
        for image, of in regions.segments.items()
    }
    return b"segments" + json.dumps(rows, sort_keys=True).encode()
