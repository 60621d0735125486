"""What a frozen encoder made of each image: computed once a run, or study, kept in memory and in its folder."""

import hashlib
import io
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from raymeta.config import ExperimentConfig
from raymeta.loop.shared_work import settings_of
from raymeta.networks.inference import encode_image
from raymeta.networks.segmentation_network import Encoded, SegmentationNetwork
from raymeta.runs.input_key import input_key
from raymeta.runs.run_store import FEATURES
from raymeta.runs.scratch_files import read_scratch, write_scratch
from raymeta.runs.store_files import RunError, StoreFiles
from raymeta.training.training_set import LabelledExamples

HOW_ENCODED: Final = "batch norms folded"
"""Changes with anything that rounds features in another way, so that those kept before are made anew."""


class KeptFeatures:
    """Features by image, for any number of networks with the same encoder; threads may ask at once.

    They are the same whoever computes them, so that what is lost, damaged or was made by another encoder is made anew,
    and what can't be written is only computed again.
    """

    def __init__(
        self, files: StoreFiles | None, max_bytes: int, device: torch.device | str = "cpu", images: str = ""
    ) -> None:
        """Begin with none.

        Args:
            files: a run folder or a shared one; None keeps them in memory alone.
            max_bytes: of memory.
            device: of the networks.
            images: names the data set and how it is read, where several may meet in one folder.
        """
        self._files = files
        self._images = images
        self._max_bytes = max_bytes
        self._device = device
        self._kept: dict[tuple[str, str, bool], Encoded] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    @classmethod
    def for_run(cls, config: ExperimentConfig, device: torch.device | str) -> "KeptFeatures | None":
        """What the config wants; None where its encoder isn't frozen, or nothing is to be kept."""
        network = config.network
        if network.encoder != "frozen" or network.kept_features == "none":
            return None
        files = StoreFiles(config.shared_dir or config.run_dir) if network.kept_features == "disk" else None
        images = "" if config.shared_dir is None else f"{config.dataset.root} {settings_of(config, ('dataset.',))}"
        return cls(files, network.kept_features_mib << 20, device, images)

    def of_network(self, network: SegmentationNetwork) -> "NetworkFeatures":
        """The features of a network's encoder, which must be on the device."""
        key = encoder_digest(network)
        return NetworkFeatures(self, network, input_key(key, self._images) if self._images else key)

    def get(
        self, key: str, image_id: str, image: Callable[[], NDArray[np.uint8]], network: SegmentationNetwork, flip: bool
    ) -> Encoded:
        """See `NetworkFeatures`; key: of the encoder."""
        found = self._kept.get((key, image_id, flip))
        if found is None:
            found = self._read(key, image_id, flip)
            if found is None:
                pixels = image()
                found = encode_image(network, pixels[:, ::-1] if flip else pixels, self._device)
                self._write(key, image_id, flip, found)
            self._remember((key, image_id, flip), found)
        return found

    def has(self, key: str, image_id: str) -> bool:
        """Whether features seem to be there; read, they may turn out to be damaged."""
        if (key, image_id, False) in self._kept:
            return True
        with suppress(RunError):
            return self._files is not None and self._files.size(_path(key, image_id, False)) is not None
        return False

    def _remember(self, place: tuple[str, str, bool], features: Encoded) -> None:
        with self._lock:
            if place not in self._kept and self._bytes + features.nbytes <= self._max_bytes:
                self._kept[place] = features
                self._bytes += features.nbytes

    def _read(self, key: str, image_id: str, flip: bool) -> Encoded | None:
        if self._files is None:
            return None
        with suppress(RunError):
            data = read_scratch(self._files, _path(key, image_id, flip), _content_key(key, image_id, flip))
            if data is not None:
                values = torch.load(io.BytesIO(data), weights_only=True)
                return Encoded(tuple(values["features"]), values["height"], values["width"])
        return None

    def _write(self, key: str, image_id: str, flip: bool, features: Encoded) -> None:
        if self._files is None:
            return
        buffer = io.BytesIO()
        torch.save({"features": list(features.features), "height": features.height, "width": features.width}, buffer)
        content_key = _content_key(key, image_id, flip)
        # Two processes may write the same file at once: what they leave is read by its checksum, or made anew.
        with suppress(RunError):
            write_scratch(self._files, _path(key, image_id, flip), buffer.getvalue(), content_key)


class NetworkFeatures:
    """The kept features of one network's encoder."""

    def __init__(self, kept: KeptFeatures, network: SegmentationNetwork, key: str) -> None:
        self._kept = kept
        self._network = network
        self._key = key

    def __call__(self, image_id: str, image: Callable[[], NDArray[np.uint8]], flip: bool = False) -> Encoded:
        """Features of an image.

        Args:
            image_id: of the image.
            image: reads its (H, W, 3) uint8 RGB, where they aren't kept yet.
            flip: of the mirrored image.

        Returns:
            (1, channels, h, w) float16 each, in main memory.
        """
        return self._kept.get(self._key, image_id, image, self._network, flip)

    def make(self, image_id: str, image: Callable[[], NDArray[np.uint8]]) -> None:
        """Make them where they aren't kept yet. image: reads (H, W, 3) uint8 RGB."""
        if not self._kept.has(self._key, image_id):
            self(image_id, image)


class ExampleFeatures:
    """The features of one iteration's examples, as training asks for them."""

    def __init__(self, examples: LabelledExamples, features: NetworkFeatures) -> None:
        self._examples = examples
        self._features = features

    def train_features(self, index: int, flip: bool) -> Encoded:
        """Of the image of a training example."""
        image_id = self._examples.train_ids[index]
        return self._features(image_id, lambda: self._examples.cache.image(image_id), flip)

    def validation_features(self, index: int) -> Encoded:
        """Of the image of a validation example."""
        image_id = self._examples.validation_ids[index]
        return self._features(image_id, lambda: self._examples.cache.image(image_id))


def encoder_digest(network: SegmentationNetwork) -> str:
    """Names everything that features depend on besides the image: weights, scale, and what pixels become."""
    digest = hashlib.sha256(repr((HOW_ENCODED, network.spec, getattr(network, "scale", 1.0))).encode())
    for name, value in network.state_dict().items():
        if name.startswith("encoder."):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _path(key: str, image_id: str, flip: bool) -> str:
    """A file name that any image id can have."""
    return f"{FEATURES}/{key[:16]}/{hashlib.sha256(image_id.encode()).hexdigest()[:32]}{'-mirrored' if flip else ''}.pt"


def _content_key(key: str, image_id: str, flip: bool) -> str:
    return f"{key} {flip} {image_id}"
