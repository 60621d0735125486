"""Storage that drops out is told apart from a damaged file: reads wait for it, and give up after a while."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.sample import Dataset, ImageSource, LostFileError, Polygon, Survey, UnknownImageError
from raymeta.errors import GOES_ON, RunFailedError

STORAGE_ERRORS: Final = frozenset(
    getattr(errno, name)
    for name in (
        "EIO", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENETRESET",
        "ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "EPIPE", "ENODEV", "ENXIO", "EREMOTEIO", "ESHUTDOWN", "ENOLINK",
        "EAGAIN", "EMFILE", "ENFILE", "ENOENT", "ENOTDIR",
    )
    if hasattr(errno, name)
)  # fmt: skip
"""Of a file that was listed: the disk, the mount or the machine fails, whatever the file holds."""

FIRST_PAUSE_S: Final = 0.1
MAX_PAUSE_S: Final = 5.0

T = TypeVar("T")
_LOG: Final = logging.getLogger(__name__)


class DatasetUnreachableError(RunFailedError):
    """The data set's storage didn't come back in time."""


class SteadyDataset:
    """Implements `Dataset` on one whose storage may drop out.

    A read that fails because the storage can't be reached is tried again for `wait_s` seconds. So are images that
    the data set doesn't know, since it may have been opened while some of them were away: it is opened again. What is
    wrong with a file itself is raised at once.

    Raises:
        DatasetUnreachableError: by every member, once the storage has been away for `wait_s` seconds.
    """

    def __init__(
        self, open_again: Callable[[], Dataset], root: str, wait_s: float, dataset: Dataset | None = None
    ) -> None:
        """root: names the storage; also watched, where it is a local folder. dataset: where it is open already."""
        self._open_again = open_again
        self._root = root
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._given_up = False
        self._opened = dataset
        if dataset is None:
            self._read(lambda _: None)

    @property
    def name(self) -> str:
        """Name of the data set."""
        return self._dataset().name

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each of the C evaluated classes."""
        return self._dataset().class_names

    @property
    def class_values(self) -> Mapping[int, int]:
        """Train id of each value that label files may hold; 255 for void."""
        return self._dataset().class_values

    @property
    def num_classes(self) -> int:
        """C, the number of evaluated classes."""
        return self._dataset().num_classes

    @property
    def palette(self) -> NDArray[np.uint8]:
        """(C, 3) uint8, RGB colour of each class."""
        return self._dataset().palette

    @property
    def has_polygons(self) -> bool:
        """Whether `polygons` answers."""
        return self._dataset().has_polygons

    @property
    def height(self) -> int:
        """Pixels."""
        return self._read(lambda dataset: dataset.height)

    @property
    def width(self) -> int:
        """Pixels."""
        return self._read(lambda dataset: dataset.width)

    def pool_ids(self) -> list[str]:
        """Ids of the pool images, sorted by their UTF-8 bytes."""
        return self._dataset().pool_ids()

    def validation_ids(self) -> list[str]:
        """Ids of the validation images, sorted by their UTF-8 bytes."""
        return self._dataset().validation_ids()

    def test_ids(self) -> list[str]:
        """Ids of the images of the test split, sorted by their UTF-8 bytes; none where it isn't asked for."""
        return self._dataset().test_ids()

    def size(self, image_id: str) -> tuple[int, int]:
        """(height, width) of an image in pixels. Raises DatasetError if the file is damaged, or never was there."""
        return self._read(lambda dataset: dataset.size(image_id))

    def has_labels(self, image_id: str) -> bool:
        """Whether the data set has a label map of the image."""
        return self._read(lambda dataset: dataset.has_labels(image_id))

    def image(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, RGB. Raises DatasetError if the file is damaged, or never was there."""
        return self._read(lambda dataset: dataset.image(image_id))

    def label_map(self, image_id: str) -> NDArray[np.uint8]:
        """(H, W) uint8 train ids, 255 ignored. Raises DatasetError if the file is damaged, or never was there."""
        return self._read(lambda dataset: dataset.label_map(image_id))

    def polygons(self, image_id: str) -> list[Polygon]:
        """Polygons in painting order. Raises DatasetError if the file is faulty, or never was there."""
        return self._read(lambda dataset: dataset.polygons(image_id))

    def source(self, image_id: str) -> ImageSource:
        """Where an image comes from. Raises DatasetError if the file is faulty, or never was there."""
        return self._read(lambda dataset: dataset.source(image_id))

    def survey(self, progress: Callable[[], None] | None = None, *, unlabelled: bool = False) -> Survey:
        """What a look at all files shows; waits for nothing."""
        return self._dataset().survey(progress, unlabelled=unlabelled)

    def _dataset(self) -> Dataset:
        if self._opened is None:
            self._opened = self._open_again()
        return self._opened

    def _read(self, read: Callable[[Dataset], T]) -> T:
        """What `read` gives, in the end."""
        pause, began = FIRST_PAUSE_S, time.monotonic()
        while True:
            try:
                with self._lock:
                    dataset = self._dataset()
            except (OSError, ValueError) as error:  # it was open elsewhere, so nothing is wrong with its layout
                fault: Exception = error
            else:
                try:
                    value = read(dataset)
                except (OSError, ValueError) as error:
                    if not self._is_outage(error):
                        raise
                    fault = error
                    self._forget(dataset, error)
                else:
                    self._given_up = False
                    return value
            left = self._wait_s - (time.monotonic() - began)
            # Whoever comes after one who gave up tries once: else each image would wait as long again.
            if self._given_up or left <= 0:
                self._given_up = True
                raise DatasetUnreachableError(
                    f"the data set in {self._root} can't be reached ({_reason(fault)}), tried for "
                    f"{self._wait_s:g} s: restore it; {GOES_ON}"
                ) from fault
            if pause == FIRST_PAUSE_S:
                _LOG.warning("the data set in %s can't be reached (%s): waiting for it", self._root, _reason(fault))
            time.sleep(min(pause, left))
            pause = min(2 * pause, MAX_PAUSE_S)

    def _is_outage(self, error: BaseException) -> bool:
        return (
            isinstance(error, (LostFileError, UnknownImageError))
            or _storage_fault(error)
            or ("://" not in self._root and not _is_folder(Path(self._root).expanduser()))
        )

    def _forget(self, dataset: Dataset, error: Exception) -> None:
        """Open the data set again before the next try, where it was opened without some of its images."""
        with self._lock:
            if isinstance(error, UnknownImageError) and self._opened is dataset:
                self._opened = None


def _storage_fault(error: BaseException | None) -> bool:
    """Whether the error, or one that it was raised from, is a fault of disk, mount or machine."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in STORAGE_ERRORS:
            return True
        error = error.__cause__
    return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _reason(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
