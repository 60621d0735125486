"""The initial images as the start network sees them: which of them cover the pool (docs/method.md#covering-start)."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np
import torch

from raymeta.acquisition.covering import k_centre_images, k_means_images
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.loop.kept_features import KeptFeatures, NetworkFeatures
from raymeta.loop.resource_facts import available_cpus
from raymeta.networks.inference import normalise, torch_threads
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import SegmentationNetwork, pooled

MAX_THREADS: Final = 4
"""Images that are encoded at once, at most: each needs the memory of its activations."""


class CoveringStart:
    """Chooses L0 by the features of the network that all iterations start from; on the CPU, the same for all arms."""

    def __init__(self, config: ExperimentConfig, dataset: Dataset, begun: Callable[[], None] = lambda: None) -> None:
        """begun: called once the network has seen the first image, and so is known to tell something of it."""
        self._config = config
        self._dataset = dataset
        self._begun = begun

    def __call__(self, image_ids: Sequence[str], count: int) -> tuple[str, ...]:
        """`count` of the images; those that can't be read are passed over.

        Raises:
            InputError: the network tells nothing of whole images, or too few of them can be read.
        """
        ordered = sorted(image_ids, key=str.encode)
        network = build_network(self._config.network, self._dataset.num_classes, self._config.seed).eval()
        kept = KeptFeatures.for_run(self._config, "cpu")
        features = None if kept is None else kept.of_network(network)
        vectors = self._vectors(network, features, ordered)
        known = {name: vector for name, vector in zip(ordered, vectors, strict=True) if vector is not None}
        names, seed = list(known), self._config.seed
        if count > len(names):
            raise InputError(f"acquisition.initial_images {count}: only {len(names)} images of the pool can be read")
        points = np.stack(list(known.values()))
        if self._config.acquisition.initial_choice == "k_means":
            rows = k_means_images(points, count, seed)
        else:
            rows = k_centre_images(points, count, int(np.random.default_rng(seed).integers(len(names))))
        return tuple(names[row] for row in rows)

    def _vectors(
        self, network: SegmentationNetwork, features: NetworkFeatures | None, image_ids: Sequence[str]
    ) -> list[np.ndarray | None]:
        """As `_vector`, of all images; features that are kept are computed by one thread each, so several at once."""
        vector = partial(self._vector, network, features)
        first = [vector(image_id) for image_id in image_ids[:1]]  # what a network makes once isn't made by all threads
        self._begun()
        threads = min(available_cpus(), MAX_THREADS)
        if features is None or threads == 1:
            return first + [vector(image_id) for image_id in image_ids[1:]]
        with torch_threads(1), ThreadPoolExecutor(threads, "covering-start") as pool:
            return first + list(pool.map(vector, image_ids[1:]))

    def _vector(
        self, network: SegmentationNetwork, features: NetworkFeatures | None, image_id: str
    ) -> np.ndarray | None:
        """(k,) float32; None where the image can't be read."""
        try:
            if features is not None:
                return pooled(features(image_id, lambda: self._dataset.image(image_id)).features[-1])[0].numpy()
            image = self._dataset.image(image_id)
        except (OSError, ValueError):
            return None
        with torch.inference_mode():
            vector = network.pooled_features(normalise(image[None], "cpu", network.spec))
        if vector is None:
            raise InputError(
                f"acquisition.initial_choice {self._config.acquisition.initial_choice}: network.kind "
                f"{self._config.network.kind} tells nothing of whole images; name a layer in network.feature_layer, or "
                "set initial_choice to random"
            )
        return vector[0].numpy()
