"""The superpixels of each image: found once a run, or study, and kept in its folder."""

import hashlib
import io
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from raymeta.acquisition.superpixels import at_size, coarse_superpixels
from raymeta.config import ExperimentConfig
from raymeta.loop.shared_work import settings_of
from raymeta.runs.input_key import input_key
from raymeta.runs.run_store import FEATURES
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import RunError, StoreFiles


class KeptSuperpixels:
    """Superpixels by image; threads and processes may ask at once.

    They depend on the image and two settings alone, so that what is lost, damaged or can't be written is found anew.
    """

    def __init__(self, width: int, compactness: float, files: StoreFiles | None = None, images: str = "") -> None:
        """Begin with what lies in a folder.

        Args:
            width: see `coarse_superpixels`; compactness too.
            compactness: of SLIC.
            files: a run folder or a shared one; None keeps nothing.
            images: names the data set and how it is read, where several may meet in one folder.
        """
        self._width, self._compactness, self._files = width, compactness, files
        self._key = input_key(f"superpixels {width} {compactness!r} {images}")

    @classmethod
    def for_run(cls, config: ExperimentConfig, *, keep: bool) -> "KeptSuperpixels | None":
        """What the config asks for; None where it asks for no superpixels.

        keep: whether they are written down, unless `network.kept_features` says that nothing is.
        """
        width = config.acquisition.superpixel_width
        if width is None:
            return None
        keep = keep and config.network.kept_features == "disk"
        files = StoreFiles(config.shared_dir or config.run_dir) if keep else None
        images = "" if config.shared_dir is None else f"{config.dataset.root} {settings_of(config, ('dataset.',))}"
        return cls(width, config.acquisition.superpixels.compactness, files, images)

    def of_image(self, image: NDArray[np.uint8]) -> NDArray[np.int32]:
        """(H, W) int32 numbers from 1. image: (H, W, 3) uint8 RGB; nothing is kept."""
        return at_size(coarse_superpixels(image, self._width, self._compactness), *image.shape[:2])

    def __call__(
        self, image_id: str, size: tuple[int, int], image: Callable[[], NDArray[np.uint8]]
    ) -> NDArray[np.int32]:
        """(H, W) int32 numbers from 1.

        Args:
            image_id: of the image.
            size: H and W in pixels.
            image: reads its (H, W, 3) uint8 RGB, where they aren't kept yet.
        """
        found = self._read(image_id)
        if found is None:
            found = coarse_superpixels(image(), self._width, self._compactness)
            self._write(image_id, found)
        return at_size(found, *size)

    def _read(self, image_id: str) -> NDArray[np.int32] | None:
        if self._files is None:
            return None
        with suppress(RunError):
            data = read_scratch(self._files, self._path(image_id), self._content_key(image_id))
            if data is not None:
                found: NDArray[np.int32] = np.load(io.BytesIO(data))["superpixels"]
                return found
        return None

    def _write(self, image_id: str, found: NDArray[np.int32]) -> None:
        if self._files is None:
            return
        buffer = io.BytesIO()
        np.savez_compressed(buffer, superpixels=found)
        with suppress(RunError):  # two processes may write at once: what they leave is read by its checksum
            write_scratch(self._files, self._path(image_id), buffer.getvalue(), self._content_key(image_id))

    def _path(self, image_id: str) -> str:
        """A file name that any image id can have."""
        return f"{FEATURES}/superpixels-{self._key[:16]}/{hashlib.sha256(image_id.encode()).hexdigest()[:32]}.npz"

    def _content_key(self, image_id: str) -> str:
        return f"{self._key} {image_id}"
