"""The labels that are known at one moment, and the only way to their pixels: nobody reads what wasn't answered."""

import io
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.annotation.segment_answers import SegmentAnswer, with_segments
from raymeta.boxes import Box
from raymeta.errors import InputError
from raymeta.schemas import IGNORE


class LabelMaps(Protocol):
    """A data set's own annotation."""

    def label_map(self, image_id: str, /) -> NDArray[np.uint8]:
        """(H, W) uint8 class ids, 255 void."""


@dataclass(frozen=True)
class StoredAnswer:
    """What people answered for one region: its place in the image, and its label map as a PNG file.

    sha256: of the label map's shape and values, in hexadecimal; the PNG may be compressed otherwise.
    """

    top: int
    left: int
    height: int
    width: int
    sha256: str
    png: bytes = field(repr=False, compare=False, default=b"")

    def labels(self) -> NDArray[np.uint8]:
        """(height, width) uint8 class ids, 255 where nobody knows."""
        from PIL import Image

        with Image.open(io.BytesIO(self.png)) as image:
            labels = np.asarray(image)
        if labels.shape != (self.height, self.width) or labels.dtype != np.uint8:
            raise InputError(
                f"a stored label map is {labels.shape} {labels.dtype}, not {self.height}×{self.width} uint8"
            )
        return labels


@dataclass(frozen=True)
class ImageLabels:
    """What is known of one image. Equal values stand for equal labels.

    whole: the data set's annotation of the whole image counts. boxes: there it counts where the image isn't whole.
    answers: label maps of people, the later one on top; where there are some, the data set is not asked at all.
    points: a box has the class at its middle (docs/method.md#points), not what the annotation says of each pixel.
    segments: parts that have the class that was answered for them.
    """

    whole: bool = False
    boxes: tuple[Box, ...] = ()
    answers: tuple[StoredAnswer, ...] = ()
    points: bool = False
    segments: tuple[SegmentAnswer, ...] = ()

    def read(self, image_id: str, size: tuple[int, int], dataset: LabelMaps) -> NDArray[np.uint8]:
        """The labels that are known, 255 elsewhere.

        Args:
            image_id: names the image to the data set.
            size: (height, width) of the image in pixels.
            dataset: asked only where its annotation counts.

        Returns:
            (H, W) uint8.

        Raises:
            ValueError: an annotation that can't be used, or a region that reaches outside the image.
            OSError: an annotation file can't be read.
        """
        if self.answers:
            return paint_answers(image_id, size, self.answers)
        if not self.whole and not self.boxes and not self.segments:
            return np.full(size, IGNORE, dtype=np.uint8)
        labels = dataset.label_map(image_id)
        if self.whole:
            return labels
        if self.points:
            labels = with_points(labels, self.boxes)
        if self.segments:
            labels = with_segments(labels, self.boxes, self.segments)
        regions = LabelledRegions(boxes={image_id: self.boxes}, segments={image_id: self.segments})
        return regions.apply(labels, image_id)


def with_points(labels: NDArray[np.uint8], boxes: Collection[Box]) -> NDArray[np.uint8]:
    """A copy of a label map in which each box has the class at its middle, or is void where that is.

    Args:
        labels: (H, W) uint8, 255 void.
        boxes: inside it; the middle of an even width is the pixel below and to the right of it. Later ones cover.
    """
    answered = labels.copy()
    for box in boxes:
        answered[box.slices] = labels[box.slices][middle(box.width)]
    return answered


def middle(width: int) -> tuple[int, int]:
    """Row and column of the pixel of a square that a point asks for; width: of the square in pixels."""
    return width // 2, width // 2


def paint_answers(image_id: str, size: tuple[int, int], answers: Collection[StoredAnswer]) -> NDArray[np.uint8]:
    """One label map of answers, in their order: a class covers what was there, void covers nothing.

    Raises:
        ValueError: an answer reaches outside the image.
    """
    painted = np.full(size, IGNORE, dtype=np.uint8)
    for answer in answers:
        bottom, right = answer.top + answer.height, answer.left + answer.width
        if bottom > size[0] or right > size[1]:
            raise InputError(
                f"{image_id}: an answer of {answer.height}×{answer.width} pixels at row {answer.top}, column "
                f"{answer.left} reaches outside the image of {size[0]}×{size[1]}: read the data set at the size at "
                "which it was asked"
            )
        labels, below = answer.labels(), painted[answer.top : bottom, answer.left : right]
        below[labels != IGNORE] = labels[labels != IGNORE]
    return painted


@dataclass(frozen=True)
class KnownLabels:
    """Everything that is labelled at one moment, as an iteration is trained on it.

    Labels that stand in the data set are referred to, so that a simulated run stores no pixel twice; those of people
    travel with this value, a few hundred bytes a box.

    regions: what is trained on. reference: images labelled wholly and never trained on: meta set and validation.
    answers: label maps of people by image; the labels of all other images are the data set's.
    points: its boxes have the class at their middles.
    """

    regions: LabelledRegions = field(default_factory=LabelledRegions)
    reference: frozenset[str] = frozenset()
    answers: Mapping[str, tuple[StoredAnswer, ...]] = field(default_factory=dict)
    points: bool = False

    def of(self, image_id: str) -> ImageLabels:
        """What is known of one image; nothing, where nobody was asked."""
        whole = image_id in self.regions.images or image_id in self.reference
        boxes = () if whole else self.regions.boxes.get(image_id, ())
        segments = () if whole else self.regions.segments.get(image_id, ())
        return ImageLabels(whole, boxes, self.answers.get(image_id, ()), self.points, segments)

    def only(self, image_ids: Collection[str]) -> "KnownLabels":
        """The labels of some images of the meta set or validation alone."""
        answers = {image_id: self.answers[image_id] for image_id in image_ids if image_id in self.answers}
        return KnownLabels(LabelledRegions(), self.reference & frozenset(image_ids), answers)

    @cached_property
    def digests(self) -> list[list[str]]:
        """Image id and checksums of people's answers, sorted: with the regions, all that decides the labels."""
        return sorted([image_id, *(a.sha256 for a in answers)] for image_id, answers in self.answers.items())
