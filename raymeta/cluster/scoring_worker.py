"""The long-lived actor that scores images: one forward pass each, only small rows leave it."""

import time
from typing import Any

import pyarrow as pa
import ray

from raymeta.schemas import IMAGE_ID

CANDIDATES_STREAM = "candidates_stream"
"""Field of a scored row: the image's candidates as the bytes of an Arrow stream, for a caller that keeps them."""


class ScoringWorker:
    """Opens the data set once and loads a bundle when its key changes.

    Every call brings the bundle's reference, so an actor that was restarted needs nobody to prepare it.
    """

    def __init__(self, config_values: dict[str, Any], use_gpu: bool) -> None:
        import cv2
        import torch

        from raymeta.config import parse_config
        from raymeta.datasets.registry import open_dataset

        self.config = parse_config(config_values)
        torch.set_num_threads(self.config.scoring.threads_per_actor)
        cv2.setNumThreads(1)
        self.device = torch.device("cuda" if use_gpu else "cpu")
        self.dataset = open_dataset(self.config.dataset, self.config.seed)
        self._scorer: Any = None

    def warm_up(self) -> None:
        """Return once the actor is up."""

    def run(self, task: str, image_ids: list[str], bundle_reference: list[Any], selector: Any) -> list[dict[str, Any]]:
        """Do a task for some images; an image that can't be read gives a row with an `error`, never an exception.

        bundle_reference: list of one ObjectRef (in a list, so that Ray hands over the reference), or empty.
        """
        scorer = self._load(bundle_reference[0]) if bundle_reference else None
        work = getattr(self, f"_{task}")
        rows = []
        for image_id in image_ids:
            try:
                row = work(scorer, image_id, selector)
            except (OSError, ValueError) as error:
                row = {"error": str(error)}
            rows.append({IMAGE_ID: image_id, "error": None} | row)
        return rows

    def _load(self, reference: Any) -> Any:
        from raymeta.experiment.image_scorer import ImageScorer

        if self._scorer is None or self._scorer[0] != reference.hex():
            bundle = ray.get(reference)
            self._scorer = (reference.hex(), ImageScorer(self.config, self.dataset, bundle, self.device))
            self._cutoff = 0.0
        return self._scorer[1]

    def _score(self, scorer: Any, image_id: str, selector: Any) -> dict[str, Any]:
        image, timed = scorer.read_softmax(image_id)
        start = time.perf_counter()
        score = scorer.score_softmax(image, image_id, min_score=max(0.0, self._cutoff))
        seconds = time.perf_counter() - start
        self._cutoff, incarnation = ray.get(selector.add.remote(score.candidates))
        return {
            **score.statistics,
            CANDIDATES_STREAM: _stream_bytes(score.candidates),
            "incarnation": incarnation,
            "seconds_decode": timed.decode,
            "seconds_network": timed.network,
            "seconds_score": seconds,
        }

    def _meta_segments(self, scorer: Any, image_id: str, selector: Any) -> dict[str, Any]:
        return {"segments_table": _stream_bytes(scorer.meta_segments(image_id))}

    def _largest_box_clicks(self, scorer: Any, image_id: str, selector: Any) -> dict[str, Any]:
        return {"clicks": int(scorer.largest_box_clicks(image_id))}

    def _whole_image_clicks(self, scorer: Any, image_id: str, selector: Any) -> dict[str, Any]:
        from raymeta.annotation.oracle import Oracle

        clicks = Oracle(self.dataset, self.config.acquisition.epsilon).whole_image_clicks(image_id)
        height, width = self.dataset.label_map(image_id).shape
        return {"polygon_clicks": clicks.polygon, "class_clicks": clicks.class_, "pixels": height * width}


def _stream_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
