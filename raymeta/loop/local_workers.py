"""Workers in this process: the whole loop without a cluster, for one machine, a debugger, and tests."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import cv2
import pyarrow as pa
import torch

from raymeta.acquisition.policies.registry import CandidateMerge
from raymeta.config import ExperimentConfig
from raymeta.datasets.registry import open_steady
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_tasks import PART_IMAGES, PARTS_PER_BLOCK, ImageTasks
from raymeta.loop.kept_features import KeptFeatures
from raymeta.loop.resource_facts import available_cpus
from raymeta.loop.training_job import TrainingReporter, run_training_job
from raymeta.loop.unsaved_work import UnsavedWork
from raymeta.loop.workers import CANDIDATES_STREAM, OnRows, Row, TrainedNetwork, TrainingJob, TrainingProgress
from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory
from raymeta.schemas import IMAGE_ID
from raymeta.training.training_set import ExampleCache, cache_bytes


def local_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class LocalTrainer:
    """Trains in this process."""

    def __init__(self, config: ExperimentConfig, device: torch.device) -> None:
        self._config, self._device = config, device
        self._cache = ExampleCache(open_steady(config.dataset, config.seed), cache_bytes(config.training))
        self._features = KeptFeatures.for_run(config, device)

    def train(
        self,
        job: TrainingJob,
        *,
        on_progress: Callable[[TrainingProgress], None],
        on_state: Callable[[bytes], None],
    ) -> TrainedNetwork:
        """See `Trainer.train`."""
        with _threads(self._config.training.threads_per_worker):
            reporter = TrainingReporter(self._config.training.max_epochs, on_progress, lambda _, state: on_state(state))
            try:
                return run_training_job(
                    job, self._config, self._cache, self._device, reporter=reporter, kept_features=self._features
                )
            finally:
                return_freed_memory()


class LocalScorer:
    """Scores in this process, part by part."""

    def __init__(self, config: ExperimentConfig, device: torch.device, part_images: int = PART_IMAGES) -> None:
        """part_images: at most PARTS_PER_BLOCK such parts are begun and not safe."""
        self._config, self._device = config, device
        self._part_images = part_images
        self._tasks = ImageTasks(config, device)
        self._jobs = 0

    def share(self, bundle: Bundle) -> Bundle:
        """The bundle itself."""
        return bundle

    @contextmanager
    def encode_ahead(self, image_ids: Sequence[str]) -> Iterator[None]:
        """See `Scorer.encode_ahead`; a GPU has better things to do."""
        if self._device.type != "cpu" or available_cpus() < 2:
            yield
            return
        stop = threading.Event()
        thread = threading.Thread(target=self._tasks.encode_ahead, args=(image_ids, stop), name="encode-ahead")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def run(self, task: str, image_ids: Sequence[str], bundle: Bundle | None = None, *, on_rows: OnRows) -> list[Row]:
        """See `Scorer.run`."""
        work = getattr(self._tasks, task)
        if bundle is not None:
            work = partial(work, self._tasks.load(bundle, lambda: bundle))
        return self._parts(image_ids, work, on_rows)

    def select(
        self,
        image_ids: Sequence[str],
        bundle: Bundle,
        merge: CandidateMerge,
        *,
        on_rows: OnRows,
        known: Iterable[list[Row]],
    ) -> tuple[pa.Table, list[Row]]:
        """See `Scorer.select`."""
        lock = threading.Lock()

        def send(candidates: pa.Table) -> None:
            with lock:  # several threads score images where a GPU runs the network
                merge.add(candidates)

        wanted, done = set(image_ids), dict[str, Row]()
        for rows in known:
            for row in rows:
                if row[IMAGE_ID] in wanted and row["error"] is None and row[IMAGE_ID] not in done:
                    send(pa.ipc.open_stream(row[CANDIDATES_STREAM]).read_all())
                    done[row[IMAGE_ID]] = _without_candidates(row)
        scorer = self._tasks.load(bundle, lambda: bundle)
        work = partial(self._tasks.score, scorer, cutoff=lambda: max(0.0, merge.cutoff()), send=send)
        rows = self._parts([i for i in image_ids if i not in done], work, on_rows)
        return merge.result(), sorted([*done.values(), *rows], key=_image_order)

    def _parts(self, image_ids: Sequence[str], work: Callable[..., list[Row]], on_rows: OnRows) -> list[Row]:
        ordered = sorted(image_ids, key=str.encode)
        found: list[Row] = []
        unsaved, self._jobs = UnsavedWork(PARTS_PER_BLOCK), self._jobs + 1
        job = str(self._jobs)
        with _threads(self._config.scoring.threads_per_actor):
            for part, start in enumerate(range(0, len(ordered), self._part_images)):
                unsaved.begin(job, part)
                rows = work(image_ids=ordered[start : start + self._part_images])
                for row in rows:
                    row.pop("sent", None)
                on_rows(rows, partial(unsaved.saved, job, part))
                found += map(_without_candidates, rows)
        return_freed_memory()
        return found


@contextmanager
def local_workers(config: ExperimentConfig) -> Iterator[tuple[LocalTrainer, LocalScorer]]:
    """A trainer and a scorer in this process."""
    keep_freed_memory()
    device = local_device()
    yield LocalTrainer(config, device), LocalScorer(config, device)


@contextmanager
def local_scorer(config: ExperimentConfig) -> Iterator[LocalScorer]:
    """A scorer alone, in this process."""
    yield LocalScorer(config, local_device())


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """As many threads as a worker on a cluster would have: sums over threads round alike then."""
    before, images = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(count)
    cv2.setNumThreads(1)  # images are decoded in threads beside the network
    try:
        yield
    finally:
        torch.set_num_threads(before)
        cv2.setNumThreads(images)


def _without_candidates(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != CANDIDATES_STREAM}


def _image_order(row: Row) -> bytes:
    return str(row[IMAGE_ID]).encode()
