"""A data set made of files: what CamVid, Cityscapes and a plain folder have in common."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.class_list import ClassList
from raymeta.datasets.data_paths import DataPath
from raymeta.datasets.image_files import (
    GREY_BITS,
    image_size,
    read_image,
    read_label_map,
    resize_image,
    resize_label_map,
)
from raymeta.datasets.read_sizes import ReadSize
from raymeta.datasets.sample import (
    DatasetError,
    ImageSource,
    LostFileError,
    MissingFileError,
    Polygon,
    Survey,
    UnknownImageError,
)
from raymeta.datasets.sample_files import FoundFiles, PolygonReader, SampleFiles
from raymeta.datasets.survey import survey_files


@dataclass(frozen=True, eq=False)
class DatasetFiles:
    """Files found in the layout of one kind of data set.

    pool, validation, test: files by image id. orphans: faults seen while listing, such as labels without image. absent:
    files of these images that weren't there. own_classes: the class list was written for these images, so that a class
    without a pixel is a slip.
    """

    name: str
    classes: ClassList
    pool: Mapping[str, SampleFiles]
    validation: Mapping[str, SampleFiles]
    orphans: tuple[str, ...] = ()
    read_polygons: PolygonReader | None = None
    absent: frozenset[DataPath] = frozenset()
    own_classes: bool = False
    test: Mapping[str, SampleFiles] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        name: str,
        classes: ClassList,
        pool: FoundFiles,
        validation: FoundFiles,
        read_polygons: PolygonReader | None = None,
        *,
        own_classes: bool = False,
        test: FoundFiles | None = None,
    ) -> Self:
        """The files of all parts."""
        parts = [pool, validation, *([] if test is None else [test])]
        return cls(
            name,
            classes,
            pool.samples,
            validation.samples,
            tuple(orphan for part in parts for orphan in part.orphans),
            read_polygons,
            frozenset().union(*(part.absent for part in parts)),
            own_classes,
            {} if test is None else test.samples,
        )

    def __post_init__(self) -> None:
        # Layouts keep the parts in folders of their own, so both may have a 0001.png: the pool keeps the plain id.
        ids = {i: f"validation/{i}" if i in self.pool else i for i in self.validation}
        object.__setattr__(self, "validation", {ids[i]: files for i, files in self.validation.items()})
        taken = {*self.pool, *self.validation}
        renamed = {f"test/{i}" if i in taken else i: files for i, files in self.test.items()}
        object.__setattr__(self, "test", renamed)

    def limited(self, max_pool: int | None, max_validation: int | None, seed: int) -> "DatasetFiles":
        """At most so many pool images, by seeded choice, and validation images, evenly spaced."""
        pool, validation = sorted_ids(self.pool), sorted_ids(self.validation)
        if max_pool is not None and max_pool < len(pool):
            chosen = np.random.default_rng(seed).choice(len(pool), size=max_pool, replace=False)
            pool = [pool[index] for index in chosen]
        if max_validation is not None and max_validation < len(validation):
            validation = [validation[index * len(validation) // max_validation] for index in range(max_validation)]
        return replace(
            self,
            pool={image_id: self.pool[image_id] for image_id in pool},
            validation={image_id: self.validation[image_id] for image_id in validation},
        )


def sorted_ids(ids: Iterable[str]) -> list[str]:
    """Image ids in the order of their UTF-8 bytes."""
    return sorted(ids, key=str.encode)


class FileDataset:
    """Implements `Dataset` on files.

    size: to which images are resized. grey_bits: as in `read_image`.
    """

    def __init__(self, files: DatasetFiles, size: ReadSize = ReadSize(), grey_bits: int = GREY_BITS) -> None:  # noqa: B008
        self._files = files
        self._samples = {**files.pool, **files.validation, **files.test}
        self._read_size = size
        self._grey_bits = grey_bits

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self._files.name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each of the C evaluated classes."""
        return self._files.classes.names

    @property
    def num_classes(self) -> int:
        """C, the number of evaluated classes."""
        return len(self.class_names)

    @property
    def class_values(self) -> Mapping[int, int]:
        """Train id of each value that label files may hold; 255 for void."""
        return self._files.classes.train_ids

    @property
    def palette(self) -> NDArray[np.uint8]:
        """(C, 3) uint8, RGB colour of each class."""
        return self._files.classes.palette

    @property
    def has_polygons(self) -> bool:
        """Whether the annotation is there as polygons."""
        return self._files.read_polygons is not None

    @property
    def height(self) -> int:
        """Pixels. Raises DatasetError if no image is readable."""
        return self._size[0]

    @property
    def width(self) -> int:
        """Pixels. Raises DatasetError if no image is readable."""
        return self._size[1]

    @cached_property
    def _size(self) -> tuple[int, int]:
        if self._read_size.fixed is not None:
            return self._read_size.fixed
        first_fault = f"{self.name}: has no images"
        for image_id in self.pool_ids() + self.validation_ids():
            try:
                return self.size(image_id)
            except DatasetError as error:
                first_fault = str(error)
        raise DatasetError(f"no image of the data set is readable: {first_fault}")

    def pool_ids(self) -> list[str]:
        """Ids of the pool images, sorted by their UTF-8 bytes."""
        return sorted_ids(self._files.pool)

    def validation_ids(self) -> list[str]:
        """Ids of the validation images, sorted by their UTF-8 bytes."""
        return sorted_ids(self._files.validation)

    def test_ids(self) -> list[str]:
        """Ids of the images of the test split, sorted by their UTF-8 bytes; none where it isn't asked for."""
        return sorted_ids(self._files.test)

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of an image in pixels. Raises DatasetError if the file is missing or unreadable."""
        fixed, path = self._read_size.fixed, self._sample(image_id).image
        return self._read_size.of(*image_size(path)) if fixed is None else fixed

    def has_labels(self, image_id: str) -> bool:
        """Whether the data set has a label map of the image; unlabelled ones are for people to label."""
        return self._sample(image_id).has_labels

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, RGB. Raises DatasetError if the file is missing or unreadable."""
        with self._files_were_there():
            image = read_image(self._sample(image_id).image, self._grey_bits)
        return resize_image(image, *self._read_size.of(*image.shape[:2]))

    def label_map(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8 train ids, 255 ignored. Raises DatasetError if missing, unreadable or with unknown values.

        A label map of another size than its image is refused as well.
        """
        sample = self._sample(image_id)
        with self._files_were_there():
            file_values, expected = read_label_map(sample.labels), image_size(sample.image)
        if file_values.shape != expected:
            raise DatasetError(
                f"{sample.labels}: label map of {file_values.shape[0]}×{file_values.shape[1]} pixels, "
                f"its image has {expected[0]}×{expected[1]}: store both in one size"
            )
        label_map = self._files.classes.to_train_ids(file_values, sample.labels)
        size = self._read_size.of(*expected)
        return label_map if size == expected else resize_label_map(label_map, *size)

    def polygons(self, image_id: str) -> list[Polygon]:
        """Polygons in painting order, scaled with the resize; class 255 only covers.

        Raises:
            DatasetError: the data set has no polygons, or the file is missing or faulty.
        """
        sample = self._sample(image_id)
        if self._files.read_polygons is None or sample.polygons is None:
            raise DatasetError(f"{self.name} has no polygons: count clicks on its label maps")
        with self._files_were_there():
            polygons, (height, width) = self._files.read_polygons(sample.polygons)
            expected = image_size(sample.image)
        if (height, width) != expected:
            raise DatasetError(
                f"{sample.polygons}: polygons of {height}×{width} pixels, "
                f"its image has {expected[0]}×{expected[1]}: store both in one size"
            )
        size = self._read_size.of(height, width)
        if size == expected:
            return polygons
        scale = np.array([size[1] / width, size[0] / height])
        return [Polygon(polygon.class_id, polygon.points * scale) for polygon in polygons]

    def source(self, image_id: str) -> ImageSource:
        """Where an image comes from, before the resize. Raises DatasetError if the file is missing or unreadable."""
        path = self._sample(image_id).image
        with self._files_were_there():
            return ImageSource(path, *image_size(path))

    def survey(self, progress: Callable[[], None] | None = None, *, unlabelled: bool = False) -> Survey:
        """What a look at all files shows; never raises. `progress` is called after each image."""
        # The test split is held out like validation: what is told of one's labels holds for the other's.
        held_out = self.validation_ids() + self.test_ids()
        pool, validation = ({i: self._samples[i] for i in ids} for ids in (self.pool_ids(), held_out))
        files = self._files
        survey = survey_files(
            pool, validation, files.classes, files.read_polygons, own_classes=files.own_classes, progress=progress
        )
        samples = () if unlabelled else self._samples.values()
        missing = [f"{sample.labels}: file is missing" for sample in samples if not sample.has_labels]
        return replace(survey, faults=[*files.orphans, *missing, *survey.faults])

    def _sample(self, image_id: str) -> SampleFiles:
        try:
            return self._samples[image_id]
        except KeyError:
            raise UnknownImageError(f"{self.name} has no image {image_id!r}") from None

    @contextmanager
    def _files_were_there(self) -> Iterator[None]:
        """Raise LostFileError for a missing file that was listed when the data set was opened."""
        try:
            yield
        except MissingFileError as error:
            if error.path in self._files.absent:
                raise
            raise LostFileError(error.path) from None
