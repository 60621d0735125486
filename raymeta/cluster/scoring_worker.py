"""The long-lived actor that scores images: one forward pass each, only small rows leave it."""

import threading
import time
from functools import partial
from typing import Any

import pyarrow as pa
import ray

from raymeta.cluster.box_selector import SelectorLink
from raymeta.experiment.unsaved_work import UnsavedWork
from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory
from raymeta.schemas import IMAGE_ID

PARTS_A_BLOCK = 2
"""One part that is worked on, and one whose images are decoded, or whose rows are kept, meanwhile."""

CANDIDATES_STREAM = "candidates_stream"
"""Field of a scored row: the image's candidates as the bytes of an Arrow stream, for a caller that keeps them."""

SEGMENTS_TABLE = "segments_table"
"""Field of a row of the meta set: the image's segment table as the bytes of an Arrow stream."""

PARTS_LEFT = "parts_left"
"""Field of a row whose segment table was too large: parts that its worker still holds; see `add_rest`."""

MOST_PART_BYTES = 1_000_000
"""Most bytes of a segment table that leave an actor at once: about 2,800 segments of 19 classes."""


class ScoringWorker:
    """Opens the data set once and loads a bundle when its key changes.

    Every call brings the bundle's reference, so an actor that was restarted needs nobody to prepare it. Calls may
    overlap: the pipeline is shared, so that decoders, network and workers don't wait between two blocks.
    """

    def __init__(self, config_values: dict[str, Any], use_gpu: bool, part_bytes: int = MOST_PART_BYTES) -> None:
        import cv2
        import torch

        from raymeta.config import parse_config
        from raymeta.datasets.registry import open_dataset
        from raymeta.experiment.image_pipeline import ImagePipeline

        keep_freed_memory()
        self.config = parse_config(config_values)
        torch.set_num_threads(self.config.scoring.threads_per_actor)
        cv2.setNumThreads(1)
        # Ray may grant GPUs that torch can't use: a build for CPUs only, or resources that were merely declared.
        self.device = torch.device("cuda" if use_gpu and torch.cuda.is_available() else "cpu")
        self.dataset = open_dataset(self.config.dataset, self.config.seed)
        # Without a GPU the network itself uses all threads: one more of each kind only fills its gaps.
        self.pipeline = ImagePipeline(self.config.scoring.threads_per_actor if self.device.type == "cuda" else 1)
        self._scorer: Any = None
        self._link: Any = None
        self._lock = threading.Lock()
        self._running = 0
        self._unsaved = UnsavedWork(PARTS_A_BLOCK)
        self._part_bytes = part_bytes
        self._rest: dict[str, list[bytes]] = {}

    @ray.method(concurrency_group="notes")
    def load(self) -> int:
        """Parts that are being worked on."""
        return self._running

    @ray.method(concurrency_group="notes")
    def saved(self, job: str, part: int) -> None:
        """The rows of a part are safe, whoever made them."""
        self._unsaved.saved(job, part)

    def run(
        self, part: tuple[str, int], task: str, image_ids: list[str], bundle_reference: list[Any], selector: Any
    ) -> list[dict[str, Any]]:
        """Do a task for some images; an image that can't be read gives a row with an `error`, never an exception.

        part: job and number; begun once fewer than PARTS_A_BLOCK others are begun here and not `saved`.
        bundle_reference: list of one ObjectRef (in a list, so that Ray hands over the reference), or empty.
        """
        with self._lock:
            self._running += 1
        try:
            self._unsaved.begin(*part)
            if task == "whole_image_clicks":  # of the annotation: no network
                return [self._row(image_id) for image_id in image_ids]
            scorer, link = self._load(bundle_reference[0], selector)
            work = partial(getattr(self, f"_{task}"), scorer, link)
            outcomes = self.pipeline.run(image_ids, self.dataset.image, scorer.softmax, work)
            rows = [{IMAGE_ID: o.image_id, "error": o.error} | (o.value or {}) for o in outcomes]
            for row in rows:
                if "answer" in row:
                    row["incarnation"] = SelectorLink.incarnation(row.pop("answer"))
            return rows
        finally:
            with self._lock:
                self._running -= 1
                idle = self._running == 0
            if idle:
                return_freed_memory()

    def _load(self, reference: Any, selector: Any) -> tuple[Any, SelectorLink | None]:
        from raymeta.experiment.image_scorer import ImageScorer

        with self._lock:
            if self._scorer is None or self._scorer[0] != reference.hex():
                bundle = ray.get(reference)
                # An iteration has up to three bundles with one network: meta set, sample of the pool, pool.
                earlier = None if self._scorer is None else self._scorer[1]
                scorer = ImageScorer(self.config, self.dataset, bundle, self.device, earlier)
                self._scorer = (reference.hex(), scorer)
                self._link = None if selector is None else SelectorLink(selector)
            return self._scorer[1], self._link

    def _score(self, scorer: Any, link: SelectorLink, image_id: str, softmax: Any, timed: Any) -> dict[str, Any]:
        start = time.perf_counter()
        score = scorer.score_softmax(softmax, image_id, min_score=link.cutoff())
        seconds = time.perf_counter() - start
        return {
            **score.statistics,
            CANDIDATES_STREAM: _stream_bytes(score.candidates),
            "answer": link.send(score.candidates),
            "seconds_decode": timed.decode,
            "seconds_network": timed.network,
            "seconds_score": seconds,
        }

    def _meta_segments(self, scorer: Any, link: Any, image_id: str, softmax: Any, timed: Any) -> dict[str, Any]:
        stream, size = _stream_bytes(scorer.meta_segments_of(softmax, image_id)), self._part_bytes
        rest = [stream[start : start + size] for start in range(size, len(stream), size)]
        if rest:
            with self._lock:
                self._rest[image_id] = rest
        return {SEGMENTS_TABLE: stream[:size], PARTS_LEFT: len(rest)}

    @ray.method(concurrency_group="notes")
    def next_part(self, image_id: str, left: int) -> bytes | None:
        """The next part of an image's segment table, of which `left` are left; None where they aren't at hand."""
        with self._lock:
            parts = self._rest.get(image_id, [])
            if len(parts) < left:
                return None
            if left == 1:  # asked for again after a loss, it is None, and the image is done again
                del self._rest[image_id]
            return parts[len(parts) - left]

    def _largest_box_clicks(self, scorer: Any, link: Any, image_id: str, softmax: Any, timed: Any) -> dict[str, Any]:
        return {"clicks": int(scorer.largest_box_clicks_of(softmax, image_id))}

    def _row(self, image_id: str) -> dict[str, Any]:
        try:
            return {IMAGE_ID: image_id, "error": None} | self._whole_image_clicks(image_id)
        except (OSError, ValueError) as error:
            return {IMAGE_ID: image_id, "error": str(error)}

    def _whole_image_clicks(self, image_id: str) -> dict[str, Any]:
        from raymeta.annotation.oracle import Oracle

        clicks = Oracle(self.dataset, self.config.acquisition.epsilon).whole_image_clicks(image_id)
        height, width = self.dataset.label_map(image_id).shape
        return {"polygon_clicks": clicks.polygon, "class_clicks": clicks.class_, "pixels": height * width}


def add_rest(row: dict[str, Any], worker: Any) -> bool:
    """Complete a row by the parts that its worker (actor handle) still holds; False where these are lost."""
    parts = [row.get(SEGMENTS_TABLE, b"")]
    for left in range(row.pop(PARTS_LEFT, 0), 0, -1):
        part = ray.get(worker.next_part.remote(row[IMAGE_ID], left))
        if part is None:
            return False
        parts.append(part)
    if len(parts) > 1:
        row[SEGMENTS_TABLE] = b"".join(parts)
    return True


def _stream_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())
