"""The long-lived actor that scores images: one forward pass each, only small rows leave it."""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import ray
from ray.exceptions import RayError

from raymeta.cluster.box_selector import SelectorLink
from raymeta.cluster.part_task import PARTS_LEFT
from raymeta.cluster.selector_job import SelectorJob
from raymeta.cluster.worker_failures import WorkerFailure
from raymeta.loop.unsaved_work import UnsavedWork
from raymeta.loop.workers import SEGMENTS_TABLE, Row
from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory
from raymeta.schemas import IMAGE_ID

if TYPE_CHECKING:  # loads torch
    from raymeta.loop.image_tasks import ImageTasks

FAILURE = "failure"
"""Only field of the only row of a part that failed: a WorkerFailure."""

MAX_PART_BYTES = 1_000_000
"""Most bytes of a segment table that leave an actor at once: about 2,800 segments of 19 classes."""


class ScoringWorker:
    """Opens the data set once and loads a bundle when its key changes.

    Every call brings the bundle's reference, so an actor that was restarted needs nobody to prepare it. Calls may
    overlap: the pipeline is shared, so that decoders, network and workers don't wait between two blocks. An error of
    its own comes back as a value, see FAILURE; it would come again in another actor.
    """

    def __init__(self, config_values: dict[str, Any], use_gpu: bool, part_bytes: int = MAX_PART_BYTES) -> None:
        import cv2
        import torch

        from raymeta.config import parse_config
        from raymeta.loop.image_tasks import PARTS_PER_BLOCK

        keep_freed_memory()
        config = parse_config(config_values)
        torch.set_num_threads(config.scoring.threads_per_actor)
        cv2.setNumThreads(1)
        # Ray may grant GPUs that torch can't use: a build for CPUs only, or resources that were merely declared.
        self._device = torch.device("cuda" if use_gpu and torch.cuda.is_available() else "cpu")
        self._config = config
        self._opened: ImageTasks | None = None
        self._link: tuple[tuple[str, int], SelectorLink] | None = None
        self._lock = threading.Lock()
        self._running = 0
        self._unsaved = UnsavedWork(PARTS_PER_BLOCK)
        self._part_bytes = part_bytes
        self._stop_encoding = threading.Event()
        self._rest: dict[str, list[bytes]] = {}

    @ray.method(concurrency_group="notes")
    def load(self) -> int:
        """Parts that are being worked on."""
        return self._running

    @ray.method(concurrency_group="notes")
    def saved(self, job: str, part: int) -> None:
        """The rows of a part are safe, whoever made them."""
        self._unsaved.saved(job, part)

    def encode_ahead(self, image_ids: list[str]) -> None:
        """See `Scorer.encode_ahead`; until `stop_encoding`."""
        with suppress(Exception):  # of the data set: told where it is needed
            self._tasks().encode_ahead(image_ids, self._stop_encoding)

    @ray.method(concurrency_group="notes")
    def stop_encoding(self) -> None:
        """Features are made only where they are needed from now on."""
        self._stop_encoding.set()

    def run(
        self,
        part: tuple[str, int],
        task: str,
        image_ids: list[str],
        bundle_reference: list[Any],
        selection: SelectorJob | None,
    ) -> list[Row]:
        """Do a task of `ImageTasks` for some images.

        part: job and number; begun once fewer than PARTS_PER_BLOCK others are begun here and not `saved`.
        bundle_reference: list of one ObjectRef (in a list, so that Ray hands over the reference), or empty.
        selection: of task `score` alone.
        """
        with self._lock:
            self._running += 1
        try:
            self._unsaved.begin(*part)
            return self._rows(task, image_ids, bundle_reference, selection)
        except RayError:
            raise  # a process or object was lost: Ray, or whoever asked, makes it good
        except Exception as error:
            return [{FAILURE: WorkerFailure.of(error)}]
        finally:
            with self._lock:
                self._running -= 1
                idle = self._running == 0
            if idle:
                return_freed_memory()

    def _rows(
        self, task: str, image_ids: list[str], bundle_reference: list[Any], selection: SelectorJob | None
    ) -> list[Row]:
        tasks = self._tasks()
        if not bundle_reference:
            return list(getattr(tasks, task)(image_ids))
        reference = bundle_reference[0]
        scorer = tasks.load(reference.hex(), lambda: ray.get(reference))
        if selection is not None:
            return self._score(scorer, image_ids, self._linked(reference.hex(), selection))
        return [self._cut(row) for row in getattr(tasks, task)(scorer, image_ids)]

    def _tasks(self) -> "ImageTasks":
        """Opened by the first call, which can tell what went wrong."""
        from raymeta.loop.image_tasks import ImageTasks

        with self._lock:
            if self._opened is None:
                self._opened = ImageTasks(self._config, self._device)
            return self._opened

    def _linked(self, bundle: str, selection: SelectorJob) -> SelectorLink:
        """One link a selection and bundle, so that what it knows of the cut-off stays."""
        key = bundle, selection.number
        with self._lock:
            if self._link is None or self._link[0] != key:
                self._link = key, SelectorLink(selection)
            return self._link[1]

    def _score(self, scorer: Any, image_ids: list[str], link: SelectorLink) -> list[Row]:
        rows = self._tasks().score(scorer, image_ids, link.cutoff, link.send)
        for row in rows:
            if "sent" in row:
                row["incarnation"] = SelectorLink.incarnation(row.pop("sent"))
        return rows

    def _cut(self, row: Row) -> Row:
        """Keep what is too large of a segment table back, for `next_part`."""
        if SEGMENTS_TABLE not in row:
            return row
        stream, size = row[SEGMENTS_TABLE], self._part_bytes
        rest = [stream[start : start + size] for start in range(size, len(stream), size)]
        if rest:
            with self._lock:
                self._rest[row[IMAGE_ID]] = rest
        return row | {SEGMENTS_TABLE: stream[:size], PARTS_LEFT: len(rest)}

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
