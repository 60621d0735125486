"""What a scorer does with images, task by task, in whatever process: decode, network, and what is wanted of it."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa
import torch

from raymeta.annotation.oracle import Oracle
from raymeta.config import ExperimentConfig
from raymeta.datasets.registry import open_steady
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_pipeline import ImagePipeline
from raymeta.loop.image_scorer import ImageScorer, Softmax, Timed
from raymeta.loop.kept_features import KeptFeatures
from raymeta.loop.kept_superpixels import KeptSuperpixels
from raymeta.loop.workers import CANDIDATES_STREAM, SEGMENTS_TABLE, Row
from raymeta.networks.registry import build_network
from raymeta.schemas import IMAGE_ID

PARTS_PER_BLOCK = 2
"""One part that is worked on, and one whose images are decoded, or whose rows are kept, meanwhile."""

BLOCK_IMAGES = 8
"""Images of a worker that are begun and not safe yet, at most: what is done twice after a kill."""

PART_IMAGES = BLOCK_IMAGES // PARTS_PER_BLOCK
"""Images a call: small enough that workers end together, large enough that a call's cost doesn't count."""


class ImageTasks:
    """Opens the data set once and loads a bundle when its key changes.

    Calls may overlap: the pipeline is shared, so that decoders, network and post-processing don't wait between two
    parts. An image that can't be read gives a row with an `error`, no exception; storage that can't be reached, or a
    network that gives no numbers, ends the call with a RunFailedError.
    """

    def __init__(self, config: ExperimentConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        self.dataset = open_steady(config.dataset, config.seed)
        # Without a GPU the network itself uses all threads: one more of each kind only fills its gaps.
        self.pipeline = ImagePipeline(config.scoring.threads_per_actor if device.type == "cuda" else 1)
        self._features = KeptFeatures.for_run(config, device)
        self._superpixels = KeptSuperpixels.for_run(config, keep=True)
        self._loaded: tuple[object, ImageScorer] | None = None
        self._lock = threading.Lock()

    def load(self, key: object, bundle: Callable[[], Bundle]) -> ImageScorer:
        """The scorer of a bundle; `bundle` is called only where another key was loaded last."""
        with self._lock:
            if self._loaded is None or self._loaded[0] != key:
                # An iteration has up to three bundles with one network: meta set, sample of the pool, pool.
                earlier = None if self._loaded is None else self._loaded[1]
                kept = (self._features, self._superpixels)
                self._loaded = (key, ImageScorer(self.config, self.dataset, bundle(), self.device, earlier, *kept))
            return self._loaded[1]

    def encode_ahead(self, image_ids: Sequence[str], stop: threading.Event) -> None:
        """Keep the features of images until `stop` is set."""
        if self._features is None:
            return
        with suppress(Exception):  # the same goes wrong again where the features are needed, and is told there
            network = build_network(self.config.network, self.dataset.num_classes, self.config.seed)
            features = self._features.of_network(network.to(self.device).eval())
            for image_id in image_ids:
                if stop.is_set():
                    return
                with suppress(OSError, ValueError):
                    features.make(image_id, partial(self.dataset.image, image_id))

    def nothing(self, image_ids: Sequence[str]) -> list[Row]:
        """Rows without a field: whoever asks wants to know that the data set is open."""
        return [{IMAGE_ID: image_id, "error": None} for image_id in image_ids]

    def whole_image_clicks(self, image_ids: Sequence[str]) -> list[Row]:
        """Clicks and pixels of whole images as annotated: no network."""
        return [_row(image_id, self._whole_image_clicks) for image_id in image_ids]

    def score(
        self,
        scorer: ImageScorer,
        image_ids: Sequence[str],
        cutoff: Callable[[], float],
        send: Callable[[pa.Table], Any],
    ) -> list[Row]:
        """Candidates and statistics. send: takes each image's candidates at once; `sent` holds what it gave."""

        def work(image_id: str, softmax: Softmax, timed: Timed) -> dict[str, Any]:
            start = time.perf_counter()
            score = scorer.score_softmax(softmax, image_id, min_score=cutoff())
            seconds = time.perf_counter() - start
            return {
                **score.statistics,
                CANDIDATES_STREAM: stream_bytes(score.candidates),
                "sent": send(score.candidates),
                "seconds_decode": timed.decode,
                "seconds_network": timed.network,
                "seconds_score": seconds,
            }

        return self._run(scorer, image_ids, work)

    def meta_segments(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Segment tables of the meta set, with adjusted IoU."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {SEGMENTS_TABLE: stream_bytes(scorer.meta_segments_of(softmax, image_id))}

        return self._run(scorer, image_ids, work)

    def labelled_parts(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Segment tables of what is labelled of images, with adjusted IoU."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {SEGMENTS_TABLE: stream_bytes(scorer.labelled_parts_of(softmax, image_id))}

        return self._run(scorer, image_ids, work)

    def largest_box_clicks(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """The largest click count of any box of each image."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {"clicks": int(scorer.largest_box_clicks_of(softmax, image_id))}

        return self._run(scorer, image_ids, work)

    def class_pixels(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Pixels of each class in the prediction of each image."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {"pixels": scorer.class_pixels_of(softmax)}

        return self._run(scorer, image_ids, work)

    def test_confusion(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Confusion matrix of each image against the data set's labels: C·C counts, row by row."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {"confusion": scorer.confusion_of(softmax, image_id).ravel().tolist()}

        return self._run(scorer, image_ids, work)

    def labelled_class_pixels(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Labelled pixels of each class of each image: no network."""
        return [_row(image_id, lambda i: {"pixels": scorer.labelled_class_pixels(i)}) for image_id in image_ids]

    def cost_tiles(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Features and true clicks of the tiles of wholly labelled images."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {SEGMENTS_TABLE: stream_bytes(scorer.cost_tiles_of(softmax, image_id))}

        return self._run(scorer, image_ids, work)

    def predicted_segments(self, scorer: ImageScorer, image_ids: Sequence[str]) -> list[Row]:
        """Pre-annotations of the bundle's tasks in each image (PRELABEL_SCHEMA)."""

        def work(image_id: str, softmax: Softmax, _: Timed) -> dict[str, Any]:
            return {SEGMENTS_TABLE: stream_bytes(scorer.predicted_segments_of(softmax, image_id))}

        return self._run(scorer, image_ids, work)

    def _run(self, scorer: ImageScorer, image_ids: Sequence[str], work: Callable[..., dict[str, Any]]) -> list[Row]:
        outcomes = self.pipeline.run(image_ids, scorer.read, scorer.softmax, work)
        return [{IMAGE_ID: o.image_id, "error": o.error} | (o.value or {}) for o in outcomes]

    def _whole_image_clicks(self, image_id: str) -> dict[str, Any]:
        clicks = Oracle(self.dataset, self.config.acquisition.epsilon).whole_image_clicks(image_id)
        height, width = self.dataset.label_map(image_id).shape
        return {"polygon_clicks": clicks.polygon, "class_clicks": clicks.class_, "pixels": height * width}


def stream_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _row(image_id: str, work: Callable[[str], dict[str, Any]]) -> Row:
    """What `work` gives of an image, or the error of its file."""
    try:
        return {IMAGE_ID: image_id, "error": None} | work(image_id)
    except (OSError, ValueError) as error:
        return {IMAGE_ID: image_id, "error": str(error)}
