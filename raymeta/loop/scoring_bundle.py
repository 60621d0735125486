"""What an iteration's pool is scored with: its network, and what a sample of the pool and the labels tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from raymeta.acquisition.class_weights import given_weights, rarity_weights
from raymeta.acquisition.strategies import at_iteration, strategy_of
from raymeta.annotation.known_labels import KnownLabels
from raymeta.config import AcquisitionConfig
from raymeta.loop.block_runs import failed_images, run_from_blocks
from raymeta.loop.bundle import Bundle
from raymeta.loop.cost_fitting import COST_REGRESSOR
from raymeta.loop.session import Session
from raymeta.loop.workers import Row
from raymeta.runs.input_key import input_key, work_key
from raymeta.runs.iteration_folder import IterationFolder
from raymeta.runs.split import clicks_sample

RunTask = Callable[[str, Sequence[str]], list[Row]]
"""Runs a task of `ImageTasks` for images, with the bundle that is being completed."""


def scoring_bundle(
    session: Session, folder: IterationFolder, index: int, known: KnownLabels, pool: Sequence[str]
) -> tuple[Bundle, str]:
    """The bundle that scores the pool, and the key of all that its scores depend on.

    Args:
        session: of the run.
        folder: of the iteration, whose `fit` stage is committed.
        index: of the iteration.
        known: labels that the network was trained on.
        pool: images that will be scored.
    """
    acquisition = at_iteration(session.config.acquisition, index)
    strategy = strategy_of(acquisition)
    network = folder.read_bytes("network.pt")
    regressor = folder.read_bytes("meta_regressor.bin") if strategy.needs_meta_regressor else None
    cost_regressor = folder.read_bytes(COST_REGRESSOR) if strategy.learned_clicks else None
    key = work_key(session.config, network, regressor, known.regions)
    bundle = Bundle(f"{index}-sample", index, network, regressor, known.regions, cost_regressor=cost_regressor)
    shared = session.scorer.share(replace(bundle, reference=known if reads_labels(acquisition) else KnownLabels()))

    def run(task: str, image_ids: Sequence[str]) -> list[Row]:
        session.progress.begin_stage(stage_of(task))
        with folder.finished_blocks(f"sample_{task}", input_key(key, known)) as finished:
            rows = run_from_blocks(session, finished, task, image_ids, shared)
        session.leave_out(failed_images(rows), len(rows), "images of the sample for clicks_max and class weights")
        return rows

    sample = PoolSample(session.split.unlabelled, pool, session.config.seed, session.dataset.num_classes)
    bundle = replace(sample.complete(bundle, acquisition, run), key=f"{index}-score")
    key = input_key(key, bundle.clicks_max)
    if bundle.class_weights is not None or cost_regressor is not None:
        key = input_key(key, str(bundle.class_weights), cost_regressor)
    return bundle, key


def stage_of(task: str) -> str:
    """The stage that progress names while a task of `PoolSample` runs."""
    return "sample" if task == "largest_box_clicks" else "classes"


def reads_labels(acquisition: AcquisitionConfig) -> bool:
    """Whether the bundle is completed by what the known labels hold."""
    return acquisition.class_weights.source == "labels"


@dataclass(frozen=True)
class PoolSample:
    """The fixed seeded sample of the pool that tells what a bundle lacks. pool: images that can be read."""

    unlabelled: Sequence[str]
    pool: Sequence[str]
    seed: int
    num_classes: int

    def complete(self, bundle: Bundle, acquisition: AcquisitionConfig, run: RunTask) -> Bundle:
        """The bundle with clicks_max and class weights, where the strategy uses them.

        Args:
            bundle: of the iteration; its network and regions are what `run` works with.
            acquisition: of the iteration.
            run: runs a task.
        """
        strategy, clicks_max, weights = strategy_of(acquisition), None, None
        if strategy.uses_clicks_max and acquisition.clicks_priority == "normalized":
            rows = run("largest_box_clicks", self._images(acquisition))
            clicks_max = max([1, *(row["clicks"] for row in rows if row["error"] is None)])
        if strategy.weighs_classes:
            weights = self._class_weights(bundle, acquisition, run)
        return replace(bundle, clicks_max=clicks_max, class_weights=weights)

    def _class_weights(self, bundle: Bundle, acquisition: AcquisitionConfig, run: RunTask) -> tuple[float, ...]:
        """A weight a class: of predictions on the sample, of the labels so far, or given."""
        options = acquisition.class_weights
        if options.source == "given":
            return tuple(given_weights(options.values, self.num_classes).tolist())
        if options.source == "labels":
            rows = run("labelled_class_pixels", bundle.regions.image_ids())
        else:
            rows = run("class_pixels", self._images(acquisition))
        counts = [row["pixels"] for row in rows if row["error"] is None]
        pixels = np.array([np.zeros(self.num_classes), *counts]).sum(axis=0).astype(np.int64)
        return tuple(rarity_weights(pixels, options.power).tolist())

    def _images(self, acquisition: AcquisitionConfig) -> list[str]:
        readable = set(self.pool)
        sample = clicks_sample(self.unlabelled, self.seed, acquisition.clicks_sample_images)
        return [image_id for image_id in sample if image_id in readable]
