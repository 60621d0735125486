"""The loop: train → fit meta regressor → score pool → select → ask oracle, repeated (docs/method.md#iteration).

What trains and scores is imported once there is something to do: a run that is over is told to be so in a second.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from raymeta.config import ExperimentConfig, absolute_paths
from raymeta.datasets.registry import open_dataset, open_steady
from raymeta.datasets.sample import Dataset
from raymeta.loop.experiment_split import run_split
from raymeta.loop.progress import RunProgress
from raymeta.loop.workers import Scorer, StartWorkers, Trainer
from raymeta.runs.kept_classes import keep_classes
from raymeta.runs.records import SummaryRecord
from raymeta.runs.run_state import is_over, planned_iterations, run_state, state_of
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split
from raymeta.tracking.notification import finished_text, notify, notifying
from raymeta.tracking.run_trackers import RunTrackers
from raymeta.tracking.tracker import check_trackers


def run_experiment(
    config: ExperimentConfig,
    workers: StartWorkers,
    console: Console | None = None,
    begin_workers: Callable[[ExperimentConfig], None] | None = None,
) -> None:
    """Run an experiment, or resume it where it stopped.

    Args:
        config: one strategy, one seed; relative paths start in the folder of this process.
        workers: starts what trains and scores, once there is something to do.
        console: for progress; None makes one.
        begin_workers: called where that is known to come, but the run has much to prepare before; it may start them in
            the background, and must not wait for them.

    Raises:
        ValueError: data, numbers or run folder don't fit; the message names the value and the remedy.
        RunFailedError: the workers can't go on.
    """
    config = absolute_paths(config)
    planned = planned_iterations(config.acquisition.strategy, config.iterations)
    progress = RunProgress(config.acquisition.strategy, planned, console, config.acquisition.asked)
    with notifying(config, progress.say):
        if _run(config, workers, begin_workers, progress):
            notify(config, "finished", finished_text(config), progress.say)


def run_locally(config: ExperimentConfig, console: Console | None = None) -> None:
    """As `run_experiment`, with workers in this process."""

    @contextmanager
    def workers(config: ExperimentConfig) -> Iterator[tuple[Trainer, Scorer]]:
        from raymeta.loop.local_workers import local_workers

        with local_workers(config) as started:
            yield started

    run_experiment(config, workers, console)


def _run(
    config: ExperimentConfig,
    workers: StartWorkers,
    begin_workers: Callable[[ExperimentConfig], None] | None,
    progress: RunProgress,
) -> bool:
    """Run it; False where all was done before."""
    store = RunStore(config.run_dir)
    check_trackers(config)
    dataset = open_steady(config.dataset, config.seed, open_dataset(config.dataset, config.seed))
    split = run_split(config, store, dataset, begin_workers)
    looks_over = _looks_over(store, config)
    if not looks_over:
        _check(config, dataset, split, progress)
    with store.lock(progress.say):
        for fault in store.damaged():
            progress.say(f"{fault}; it is written anew")
        store.create(config)
        store.write_split(split.to_table())
        keep_classes(store, dataset.class_names, dataset.class_values)
        checked = _checked_stages(store)
        if _is_complete(store, config, checked):
            with RunTrackers(config, store, dataset.class_names, progress.say) as trackers:
                for index in store.iterations():
                    store.iteration(index).delete_scratch_files()
                    trackers.iteration(SummaryRecord.read(store.iteration(index)))
            store.delete_features()
            progress.say(f"{store.location}: all iterations are done")
            _tell_untrained(config, store, progress)
            return False
        if looks_over:  # something of it is damaged
            _check(config, dataset, split, progress)
        from raymeta.loop.open_run import run_open

        run_open(config, store, dataset, split, workers, checked, progress)
        store.delete_features()
        _tell_untrained(config, store, progress)
    return True


def _tell_untrained(config: ExperimentConfig, store: RunStore, progress: RunProgress) -> None:
    if config.oracle.kind != "people":
        return
    from raymeta.loop.people import untrained_answers  # brings much that computes

    if (text := untrained_answers(config, store)) is not None:
        progress.say(text)


def _looks_over(store: RunStore, config: ExperimentConfig) -> bool:
    """Whether nothing is left to do, as far as summaries tell; artefacts are checked later."""
    try:
        return store.exists() and is_over(run_state(store, config))
    except RunError:
        return False


def _check(config: ExperimentConfig, dataset: Dataset, split: Split, progress: RunProgress) -> None:
    """Raise ValueError where network or numbers can't work on the data set; tell what can't be answered."""
    from raymeta.loop.number_checks import check_answerable, check_numbers
    from raymeta.networks.registry import check_kind

    check_kind(config.network)
    check_numbers(config, dataset, split)
    if (unanswerable := check_answerable(config, dataset)) is not None:
        progress.say(unanswerable)


def _checked_stages(store: RunStore) -> dict[int, list[str]]:
    """The sound stages of each iteration up to the first unfinished one; each artefact is read and checked once."""
    checked: dict[int, list[str]] = {}
    for index in store.iterations():
        checked[index] = store.iteration(index).committed_stages()
        if "summary" not in checked[index]:
            break
    return checked


def _is_complete(store: RunStore, config: ExperimentConfig, checked: dict[int, list[str]]) -> bool:
    """Whether all iterations are done and sound, or the pool is dry; and what the summaries were made from is there."""
    boxes: list[int] = []
    while "summary" in checked.get(len(boxes), []):
        boxes.append(SummaryRecord.read(store.iteration(len(boxes))).query_boxes)
    counted = store.read_pool_clicks(config) is not None and not store.is_held_out_damaged()
    return counted and is_over(state_of(config.acquisition.strategy, config.iterations, boxes))
