"""What every data set offers: images, label maps and annotation polygons by image id."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.data_paths import DataPath
from raymeta.errors import InputError

IGNORED = 255
"""Train id of pixels and polygons that are not evaluated."""


class DatasetError(InputError):
    """Data that can't be used; the message names the file or folder and the remedy."""


class MissingFileError(DatasetError):
    """A file that isn't there. path: where it should be."""

    def __init__(self, path: DataPath) -> None:
        super().__init__(f"{path}: file is missing")
        self.path = path

    def __reduce__(self) -> tuple[type, tuple[DataPath]]:
        return type(self), (self.path,)


class LostFileError(MissingFileError):
    """A file that isn't there any more, though it was when the data set was opened."""


class UnknownImageError(DatasetError):
    """An image id that the data set didn't list when it was opened."""


@dataclass(frozen=True, eq=False)
class Polygon:
    """One annotated polygon.

    class_id: train id 0..C-1, or 255 for a polygon that only covers what lies below it.
    points: (N, 2) float64, x and y in pixels of the (resized) image; may lie outside of it.
    """

    class_id: int
    points: NDArray[np.float64]


@dataclass(frozen=True)
class ImageSource:
    """file: of the image. height, width: of the stored image, in pixels."""

    file: DataPath
    height: int
    width: int


@dataclass(frozen=True)
class Survey:
    """What a look at all of a data set shows.

    faults: of files, one line each. warnings: legal, and probably not meant. facts: one line each.
    """

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)


class Dataset(Protocol):
    """Images with labels, split into a pool, validation images and, where it is asked for, a test split.

    `height` and `width` are the pixels of an image after the optional resize. Where the files differ in size and no
    resize is asked for, they are those of the first readable pool image, and `image` tells the size of each.
    """

    @property
    def name(self) -> str:
        """Name of the data set."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each of the C evaluated classes."""

    @property
    def num_classes(self) -> int:
        """C, the number of evaluated classes."""

    @property
    def class_values(self) -> Mapping[int, int]:
        """Train id of each value that label files may hold; 255 for void."""

    @property
    def palette(self) -> NDArray[np.uint8]:
        """(C, 3) uint8, RGB colour of each class."""

    @property
    def has_polygons(self) -> bool:
        """Whether `polygons` answers."""

    @property
    def height(self) -> int:
        """Pixels."""

    @property
    def width(self) -> int:
        """Pixels."""

    def pool_ids(self) -> list[str]:
        """Ids of the pool images, sorted by their UTF-8 bytes."""

    def validation_ids(self) -> list[str]:
        """Ids of the validation images, sorted by their UTF-8 bytes."""

    def test_ids(self) -> list[str]:
        """Ids of the images of the test split, sorted by their UTF-8 bytes; none where it isn't asked for."""

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of an image in pixels. Raises DatasetError if the file is missing or unreadable."""

    def has_labels(self, image_id: str) -> bool:
        """Whether the data set has a label map of the image."""

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, RGB. Raises DatasetError if the file is missing or unreadable."""

    def label_map(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8 train ids, 255 ignored. Raises DatasetError if missing, unreadable, or with unknown values."""

    def polygons(self, image_id: str) -> list[Polygon]:
        """Polygons in painting order. Raises DatasetError if the set has none, or the file is missing or faulty."""

    def source(self, image_id: str) -> ImageSource:
        """Where an image comes from, before the optional resize. Raises DatasetError if missing or unreadable."""

    def survey(self, progress: Callable[[], None] | None = None, *, unlabelled: bool = False) -> Survey:
        """What a look at all files shows; never raises.

        progress: called after each image. unlabelled: whether images may lack a label map.
        """
