"""Ray Data over the pool: blocks of image ids go to long-lived scoring actors, small rows come back."""

import logging
import pickle
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pyarrow as pa
import ray
import ray.data

from raymeta.acquisition.policies.registry import CandidateMerge
from raymeta.cluster.box_selector import start_selector
from raymeta.cluster.cluster_places import CPUS_PER_ACTOR
from raymeta.cluster.connection import cluster_gpus
from raymeta.cluster.part_task import PART, ROWS, ask_worker
from raymeta.cluster.scoring_worker import FAILURE, MAX_PART_BYTES, ScoringWorker
from raymeta.cluster.selector_job import SelectorJob
from raymeta.config import ExperimentConfig
from raymeta.errors import RunFailedError
from raymeta.loop.bundle import Bundle
from raymeta.loop.image_tasks import PART_IMAGES, PARTS_PER_BLOCK
from raymeta.loop.workers import CANDIDATES_STREAM, OnRows, Row
from raymeta.schemas import IMAGE_ID

MAX_SELECTOR_LOSSES = 5

MAX_PASS_IMAGES = 100_000
"""A multiple of PART_IMAGES. Ray Data holds a block and a task for each part of a pass: see docs/scale.md."""


class ScoringFailedError(RunFailedError):
    """The selector was lost again and again."""


def _blocks(dataset: Any) -> Iterator[pa.Table]:
    """Each block as it comes. `iter_batches` without prefetching leaves a thread behind (Ray 2.60), with it waits."""
    for bundle in dataset.iter_internal_ref_bundles():
        for reference in bundle.block_refs:
            yield ray.data.block.BlockAccessor.for_block(ray.get(reference)).to_arrow()


def quieten_ray_data() -> None:
    """The run has its own progress bar; Ray Data sets its log level when it is imported, so this comes after."""
    context = ray.data.DataContext.get_current()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.issue_detectors_config.detectors = []


def _replay(known: Iterable[list[Row]], wanted: set[str], job: SelectorJob) -> dict[str, Row]:
    """Give a new selection the candidates of images that are scored already; their rows, without candidates."""
    done: dict[str, Row] = {}
    for rows in known:
        new = [row for row in rows if row[IMAGE_ID] in wanted and row["error"] is None and row[IMAGE_ID] not in done]
        if not new:
            continue
        tables = [pa.ipc.open_stream(row[CANDIDATES_STREAM]).read_all() for row in new]
        _, incarnation = ray.get(job.add(pa.concat_tables(tables)))
        for row in new:
            kept = {name: value for name, value in row.items() if name != CANDIDATES_STREAM}
            done[row[IMAGE_ID]] = kept | {"incarnation": incarnation}
    return done


class PoolScorer:
    """Scoring actors that stay over an experiment; each call is one pass of Ray Data over image ids.

    An actor pool of Ray Data costs 5 s each time it starts; tasks that call these actors cost 0.1 s.
    """

    def __init__(
        self, config: ExperimentConfig, gpu_share: float | None = None, part_bytes: int = MAX_PART_BYTES
    ) -> None:
        """gpu_share: of a GPU, for each actor, 0 for CPUs; None takes whole GPUs where there are enough.

        part_bytes: what is larger leaves an actor in parts of at most so many bytes.
        """
        self.config = config
        count = config.scoring.actors
        if gpu_share is None:
            gpu_share = float(cluster_gpus() >= count)
        use_gpu = gpu_share > 0
        options: dict[str, Any] = {"num_gpus": gpu_share, "num_cpus": 1} if use_gpu else {"num_cpus": CPUS_PER_ACTOR}
        options["max_concurrency"] = PARTS_PER_BLOCK + 2  # and one that encodes ahead
        options["concurrency_groups"] = {"notes": 2}  # calls that must get through while parts wait
        actor = ray.remote(**options, max_restarts=-1, max_task_retries=-1)(ScoringWorker)
        self._workers: list[Any] = [actor.remote(config.model_dump(), use_gpu, part_bytes) for _ in range(count)]
        self._selector: Any | None = None
        self._selections = 0

    def warm_up(self) -> None:
        """Have Ray Data start its processes, and the actors open the data set, before there is something to score."""
        names = [str(number) for number in range(PART_IMAGES * len(self._workers))]
        self.run("nothing", names, on_rows=lambda _, safe: safe())

    def share(self, bundle: Bundle) -> Any:
        """An ObjectRef: the bundle is sent to every actor once.

        A selection is what bundles are for: the selector starts beside what comes before it.
        """
        self._started_selector()
        return ray.put(bundle)

    def _started_selector(self) -> Any:
        """The selector actor, which stays as the scoring actors do."""
        if self._selector is None:
            self._selector = start_selector()
        return self._selector

    @contextmanager
    def encode_ahead(self, image_ids: Sequence[str]) -> Iterator[None]:
        """See `Scorer.encode_ahead`: each actor takes its share. In memory alone it would lie with the wrong one."""
        network, count = self.config.network, len(self._workers)
        kept = network.encoder == "frozen" and (network.kept_features == "disk" or count == 1)
        workers = self._workers if kept and network.kept_features != "none" else []
        for number, worker in enumerate(workers):
            worker.encode_ahead.options(max_task_retries=0).remote(list(image_ids[number::count]))
        try:
            yield
        finally:
            for worker in workers:
                worker.stop_encoding.remote()

    def run(self, task: str, image_ids: Sequence[str], bundle: Any = None, *, on_rows: OnRows) -> list[Row]:
        """See `Scorer.run`; no actor has more than BLOCK_IMAGES images begun and not called safe.

        Raises:
            RunFailedError: an actor failed.
            InputError: an actor can't use what it was given.
        """
        return self._run(task, image_ids, bundle, None, on_rows)

    def _run(
        self, task: str, image_ids: Sequence[str], bundle: Any, selection: SelectorJob | None, on_rows: OnRows
    ) -> list[Row]:
        if not image_ids:
            return []
        quieten_ray_data()
        ordered = sorted(image_ids, key=str.encode)
        job = uuid.uuid4().hex
        ask = partial(
            ask_worker,
            workers=self._workers,
            job=job,
            task=task,
            bundle=[] if bundle is None else [bundle],
            selection=selection,
        )
        rows: list[Row] = []
        for start in range(0, len(ordered), MAX_PASS_IMAGES):
            for part, found in self._pass(ask, ordered[start : start + MAX_PASS_IMAGES], start // PART_IMAGES):
                if FAILURE in found[0]:
                    raise found[0][FAILURE].error()
                on_rows(found, partial(self._tell_safe, job, part))
                # Candidates are with the selector: only `on_rows` sees them, or the driver would hold the pool's.
                rows.extend({k: v for k, v in row.items() if k != CANDIDATES_STREAM} for row in found)
        return sorted(rows, key=lambda row: row[IMAGE_ID].encode())

    def _pass(self, ask: Any, image_ids: Sequence[str], first_part: int) -> Iterator[tuple[int, list[Row]]]:
        """One pass of Ray Data: the rows of each part with its number, as they come."""
        parts = -(-len(image_ids) // PART_IMAGES)
        items = [{IMAGE_ID: image, PART: first_part + number // PART_IMAGES} for number, image in enumerate(image_ids)]
        dataset = ray.data.from_items(items, override_num_blocks=parts).map_batches(
            ask,
            batch_size=None,
            compute=ray.data.TaskPoolStrategy(size=min(parts, PARTS_PER_BLOCK * len(self._workers))),
            num_cpus=0.05,  # they only wait
        )
        for table in _blocks(dataset):
            yield from zip(table[PART].to_pylist(), map(pickle.loads, table[ROWS].to_pylist()), strict=True)

    def _tell_safe(self, job: str, part: int) -> None:
        """Tell all actors, since one that died may have begun the part before the one that did it."""
        for worker in self._workers:
            worker.saved.remote(job, part)

    def select(
        self,
        image_ids: Sequence[str],
        bundle: Any,
        merge: CandidateMerge,
        *,
        on_rows: OnRows,
        known: Iterable[list[Row]] = (),
    ) -> tuple[pa.Table, list[Row]]:
        """See `Scorer.select`.

        Raises:
            ScoringFailedError: the selector was lost more than MAX_SELECTOR_LOSSES times.
        """
        self._selections += 1
        job = SelectorJob(self._started_selector(), self._selections, pickle.dumps(merge))
        done = _replay(known, set(image_ids), job)
        todo = [image_id for image_id in image_ids if image_id not in done]
        for _ in range(MAX_SELECTOR_LOSSES):
            done |= {row[IMAGE_ID]: row for row in self._run("score", todo, bundle, job, on_rows)}
            candidates, incarnation = ray.get(job.result())
            # Rows that a lost selector had taken are gone with it: score those images again.
            todo = [i for i, row in done.items() if row["error"] is None and row["incarnation"] != incarnation]
            if not todo:
                return candidates, [done[image_id] for image_id in sorted(done, key=str.encode)]
        raise ScoringFailedError(f"the box selector was lost {MAX_SELECTOR_LOSSES} times while the pool was scored")

    def close(self) -> None:
        """End the actors."""
        for actor in [*self._workers, *([] if self._selector is None else [self._selector])]:
            ray.kill(actor)
