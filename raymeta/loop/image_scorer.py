"""One finished iteration as a thing that scores images: network, meta regressor and config together.

The pool job, the panels of the report and the HTTP service score through this one path.
"""

import io
import time
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from raymeta.acquisition.box_features import tiling
from raymeta.acquisition.candidate_noise import noise_beta, with_noise
from raymeta.acquisition.image_prediction import predict_image
from raymeta.acquisition.learned_cost import CostRegressor
from raymeta.acquisition.policies.registry import needs_every_candidate, query_policy, wanted_candidates
from raymeta.acquisition.pool_scoring import ImageScore, largest_box_clicks, score_image
from raymeta.acquisition.predicted_clicks import cost_rows, features_of
from raymeta.acquisition.strategies import at_iteration, strategy_of
from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks
from raymeta.annotation.clicks import LabelMapScene, Scene
from raymeta.annotation.oracle import Oracle
from raymeta.boxes import Box, boxes_mask
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import RunFailedError
from raymeta.labels.prelabels import predicted_segments, prelabel_table
from raymeta.loop.bundle import Bundle
from raymeta.loop.kept_features import KeptFeatures, NetworkFeatures
from raymeta.loop.kept_superpixels import KeptSuperpixels
from raymeta.loop.query_budget import COST_OF_UNIT
from raymeta.metaseg.labelled_parts import labelled_parts
from raymeta.metaseg.meta_regression import MetaRegressor
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.networks.evaluation import confusion_matrix
from raymeta.networks.inference import finite_pixels, predict_softmax
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import Encoded, SegmentationNetwork
from raymeta.schemas import IGNORE, WIDTH

__all__ = ["Bundle", "ImageScorer", "Softmax", "Timed"]

Softmax = NDArray[np.float32] | torch.Tensor
"""(C, H, W) float32, in main memory or on the GPU."""


class NetworkDivergedError(RunFailedError):
    """A committed network whose output isn't made of numbers."""


@dataclass(frozen=True)
class Timed:
    """Seconds that one image took before its score."""

    decode: float
    network: float


class ImageScorer:
    """Network and meta regressor of one bundle, loaded on a device."""

    def __init__(
        self,
        config: ExperimentConfig,
        dataset: Dataset,
        bundle: Bundle,
        device: torch.device,
        earlier: "ImageScorer | None" = None,
        kept_features: KeptFeatures | None = None,
        kept_superpixels: KeptSuperpixels | None = None,
    ) -> None:
        """earlier: of the same config and device; its network is taken over where the bundle brings the same one.

        kept_features: where a frozen encoder's features of pool images are; None computes them each time.
        kept_superpixels: likewise those of the images, where superpixels are asked.
        """
        self.config = config
        self.dataset = dataset
        self.bundle = bundle
        self.device = device
        self.acquisition = at_iteration(config.acquisition, bundle.iteration)
        self.strategy = strategy_of(self.acquisition)
        if earlier is not None and earlier.bundle.network == bundle.network:
            self.network: SegmentationNetwork = earlier.network
            self._features: NetworkFeatures | None = earlier._features
        else:
            self.network = self._load_network()
            self._features = None if kept_features is None else kept_features.of_network(self.network)
        self._superpixels = kept_superpixels or KeptSuperpixels.for_run(config, keep=False)
        self.regressor = MetaRegressor.from_bytes(bundle.regressor) if bundle.regressor else None
        self.cost_regressor = CostRegressor.from_bytes(bundle.cost_regressor) if bundle.cost_regressor else None
        weights = bundle.class_weights
        self.class_weights = None if weights is None else np.array(weights, dtype=np.float64)
        self.oracle = Oracle(dataset, config.acquisition.epsilon)

    def _load_network(self) -> SegmentationNetwork:
        """The bundle's network, on the device, for evaluation."""
        network = build_network(self.config.network, self.dataset.num_classes, self.config.seed, pretrained=False)
        state = torch.load(io.BytesIO(self.bundle.network), map_location="cpu", weights_only=True)
        network.load_state_dict(state)
        return network.to(self.device).eval()

    def read(self, image_id: str) -> NDArray[np.uint8] | Encoded:
        """What `softmax` takes for an image of the pool: (H, W, 3) uint8 RGB, or its kept features."""
        if self._features is None:
            return self.dataset.image(image_id)
        return self._features(image_id, lambda: self.dataset.image(image_id))

    def softmax(self, image: NDArray[np.uint8] | Encoded) -> Softmax:
        """(C, H, W) float32 softmax of what `read` gave, or of any (H, W, 3) uint8 RGB image.

        An array, or a tensor that stays on the GPU.

        Raises:
            NetworkDivergedError: it isn't made of numbers.
        """
        softmax = predict_softmax(self.network, image, self.device)
        if not finite_pixels(softmax[:1]):  # a spoiled pixel is spoiled in every class
            raise NetworkDivergedError(
                f"the network of iteration {self.bundle.iteration} gives nan or infinite logits: its training "
                "diverged; lower training.learning_rate, in a new run_dir"
            )
        if softmax.device.type == "cpu":
            return softmax.numpy()
        torch.cuda.synchronize(softmax.device)  # so that the network's seconds are its own
        return softmax

    def read_softmax(self, image_id: str) -> tuple[Softmax, Timed]:
        """Decode a pool image and run the network on it."""
        start = time.perf_counter()
        image = self.read(image_id)
        decoded = time.perf_counter()
        softmax = self.softmax(image)
        return softmax, Timed(decoded - start, time.perf_counter() - decoded)

    def score(self, image_id: str, min_score: float = 0.0, keep_maps: bool = False) -> tuple[ImageScore, Timed]:
        """Candidates and statistics of one pool image; see `score_image`."""
        softmax, timed = self.read_softmax(image_id)
        return self.score_softmax(softmax, image_id, min_score, keep_maps), timed

    def score_softmax(
        self,
        softmax: Softmax,
        image_id: str,
        min_score: float = 0.0,
        keep_maps: bool = False,
        image: NDArray[np.uint8] | None = None,
    ) -> ImageScore:
        """Score an image whose (C, H, W) float32 softmax is at hand.

        Where noise or the query policy may still choose a box of a low score, all boxes of the image come. image:
        (H, W, 3) uint8 RGB of one that isn't in the pool.
        """
        acquisition = self.acquisition
        height, width = softmax.shape[1:]
        beta = noise_beta(acquisition, self.bundle.iteration, self.config.iterations)
        everything = beta is not None or needs_every_candidate(acquisition)
        score = score_image(
            softmax,
            strategy=self.strategy,
            box_width=acquisition.box_width,
            regressor=self.regressor,
            labelled_mask=self.asked_mask(image_id, height, width),
            true_vertex_map=self.oracle.scene(image_id).vertex_map() if self.strategy.true_clicks else None,
            epsilon=acquisition.epsilon,
            clicks_priority=acquisition.clicks_priority,
            clicks_max=self.bundle.clicks_max,
            seed=self.config.seed,
            iteration=self.bundle.iteration,
            image_id=image_id,
            query_size=None if everything else wanted_candidates(acquisition),
            min_score=0.0 if everything else min_score,
            keep_maps=keep_maps,
            class_weights=self.class_weights,
            cost_regressor=self.cost_regressor,
            needs=query_policy(acquisition).needs,
            segments=acquisition.segments if acquisition.asks_parts else None,
            superpixels=self._superpixels_of(image_id, (height, width), image),
        )
        if beta is None:
            return score
        return replace(score, candidates=with_noise(score.candidates, beta, self.config.seed, self.bundle.iteration))

    def _superpixels_of(
        self, image_id: str, size: tuple[int, int], image: NDArray[np.uint8] | None
    ) -> NDArray[np.int32] | None:
        """(H, W) int32 from 1; None where no superpixels are asked."""
        if self._superpixels is None:
            return None
        if image is not None:
            return self.superpixels_of(image)
        return self._superpixels(image_id, size, lambda: self.dataset.image(image_id))

    def superpixels_of(self, image: NDArray[np.uint8]) -> NDArray[np.int32] | None:
        """(H, W) int32 from 1, of (H, W, 3) uint8 RGB that needn't be of the pool; None where none are asked."""
        return None if self._superpixels is None else self._superpixels.of_image(image)

    def asked_mask(self, image_id: str, height: int, width: int) -> NDArray[np.bool_]:
        """(H, W) bool: what was asked before: labelled pixels, the boxes around labelled points, parts of segments."""
        regions, acquisition = self.bundle.regions, self.acquisition
        if acquisition.unit != "point" or image_id not in regions.boxes:
            return regions.asked_mask(image_id, height, width)
        margin = (acquisition.box_width - acquisition.asked_width) // 2
        boxes = [Box(box.top - margin, box.left - margin, acquisition.box_width) for box in regions.boxes[image_id]]
        return boxes_mask(boxes, height, width)

    def meta_segments(self, image_id: str) -> pa.Table:
        """Segment table of a meta image, with adjusted IoU."""
        return self.meta_segments_of(self.read_softmax(image_id)[0], image_id)

    def meta_segments_of(self, softmax: Softmax, image_id: str) -> pa.Table:
        """As `meta_segments`, where the (C, H, W) float32 softmax is at hand."""
        height, width = softmax.shape[1:]
        target = self.bundle.reference.of(image_id).read(image_id, (height, width), self.dataset)
        _, table = segment_metrics(softmax, target)
        return table

    def labelled_parts_of(self, softmax: Softmax, image_id: str) -> pa.Table:
        """Segments of an image that the bundle's reference labels in parts, with the adjusted IoU of these parts."""
        known, (height, width) = self.bundle.reference, softmax.shape[1:]
        labels = known.of(image_id).read(image_id, (height, width), self.dataset)
        return labelled_parts(softmax, known.regions.apply(labels, image_id))

    def largest_box_clicks(self, image_id: str) -> int:
        """Largest click count of any box of one image under this network: `clicks_max` is made of them."""
        return self.largest_box_clicks_of(self.read_softmax(image_id)[0], image_id)

    def largest_box_clicks_of(self, softmax: Softmax, image_id: str) -> int:
        """As `largest_box_clicks`, where the (C, H, W) float32 softmax is at hand."""
        acquisition = self.config.acquisition
        height, width = softmax.shape[1:]
        return largest_box_clicks(
            softmax,
            box_width=acquisition.box_width,
            labelled_mask=self.bundle.regions.mask(image_id, height, width),
            true_vertex_map=self.oracle.scene(image_id).vertex_map() if self.strategy.true_clicks else None,
            epsilon=acquisition.epsilon,
        )

    def class_pixels_of(self, softmax: Softmax) -> list[int]:
        """Pixels of each class in the prediction: C numbers."""
        prediction = predict_image(softmax, with_entropy=False).segmentation
        counts: list[int] = np.bincount(prediction.ravel(), minlength=self.dataset.num_classes).tolist()
        return counts

    def confusion_of(self, softmax: Softmax, image_id: str) -> NDArray[np.int64]:
        """(C, C) counts of an image's prediction against the data set's labels, rows target."""
        prediction = predict_image(softmax, with_entropy=False).segmentation
        return confusion_matrix(prediction, self.dataset.label_map(image_id), self.dataset.num_classes)

    def labelled_class_pixels(self, image_id: str) -> list[int]:
        """Labelled pixels of each class of an image: C numbers."""
        labels = self.bundle.reference.of(image_id).read(image_id, self.dataset.size(image_id), self.dataset)
        counts: list[int] = np.bincount(labels[labels != IGNORE], minlength=self.dataset.num_classes).tolist()
        return counts

    def cost_tiles_of(self, softmax: Softmax, image_id: str) -> pa.Table:
        """What the cost regressor learns from a wholly labelled image: features and true clicks of its tiles."""
        prediction = predict_image(softmax)
        width, shape = self.acquisition.box_width, prediction.segmentation.shape
        epsilon = default_epsilon(shape[0]) if self.acquisition.epsilon is None else self.acquisition.epsilon
        clicks = estimate_clicks(prediction.segmentation, epsilon)
        tops, lefts = tiling(shape[0], width), tiling(shape[1], width)
        features = features_of(prediction, clicks, tops, lefts, width, self.dataset.num_classes)
        scene = self._known_scene(image_id, shape, epsilon)
        clicks_of = [scene.count(Box(int(top), int(left), width)) for top in tops for left in lefts]
        kinds = ("polygon_clicks", "intersection_clicks", "box_clicks", "class_clicks")
        counted = {name: [clicks[kind] for clicks in clicks_of] for kind, name in enumerate(kinds)}
        table = pa.table({**counted, WIDTH: [width] * len(clicks_of)})
        costs = COST_OF_UNIT[self.acquisition.cost_unit].box_costs(table)
        return cost_rows(features, costs.astype(np.float64))

    def predicted_segments_of(self, softmax: Softmax, image_id: str) -> pa.Table:
        """PRELABEL_SCHEMA: what is seen in each of the bundle's tasks of an image."""
        prediction = predict_image(softmax, self.regressor, with_entropy=False)
        tasks = self.bundle.tasks.get(image_id, ())
        return prelabel_table(
            {task: predicted_segments(prediction.segmentation, prediction.predicted_iou, box) for task, box in tasks}
        )

    def _known_scene(self, image_id: str, size: tuple[int, int], epsilon: float) -> Scene:
        """A wholly labelled image, ready for counting: as people labelled it, else as the data set has it."""
        known = self.bundle.reference.of(image_id)
        if not known.answers:
            return self.oracle.scene(image_id)
        return LabelMapScene(known.read(image_id, size, self.dataset), self.dataset.num_classes, epsilon)
