"""The split that a config makes of a data set."""

from collections.abc import Callable

from raymeta.acquisition.strategies import strategy_of
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import ChooseImages, Split, split_pool


def experiment_split(config: ExperimentConfig, dataset: Dataset, choose: ChooseImages | None = None) -> Split:
    """The split that this config makes of this data set.

    choose: chooses L0 where `acquisition.initial_choice` isn't random; without it L0 has as many random images.
    """
    needs_meta_set = strategy_of(config.acquisition).needs_meta_regressor
    return split_pool(
        dataset.pool_ids(),
        dataset.validation_ids(),
        config.acquisition,
        needs_meta_set=needs_meta_set,
        seed=config.seed,
        labelled=_labelled(dataset) if config.oracle.kind == "people" else None,
        choose=choose,
        test_ids=dataset.test_ids(),
    )


def run_split(
    config: ExperimentConfig,
    store: RunStore,
    dataset: Dataset,
    choosing: Callable[[ExperimentConfig], None] | None = None,
) -> Split:
    """The split of the config; where people label the one that the run began with: labels that come later don't count.

    So is a chosen start, which takes seconds to find: the same images, whatever the labels.

    choosing: called where a start is being chosen whose labels nobody has to be waited for.

    Raises:
        ValueError: the pool is too small; where a start is to be chosen, numbers don't fit the data set.
    """
    split = experiment_split(config, dataset)
    chosen = config.acquisition.initial_choice != "random"
    kept = store.read_split() if store.exists() and (chosen or config.oracle.kind == "people") else None
    if kept is not None:
        known = Split.from_table(kept)
        if sorted(known.pool) == sorted(split.pool) and sorted(known.validation) == sorted(split.validation):
            return known
    if not chosen:
        return split
    from raymeta.loop.covering_start import CoveringStart
    from raymeta.loop.number_checks import check_before_choosing

    check_before_choosing(config, dataset, split)
    if choosing is None or config.oracle.kind == "people":
        return experiment_split(config, dataset, CoveringStart(config, dataset))
    return experiment_split(config, dataset, CoveringStart(config, dataset, lambda: choosing(config)))


def _labelled(dataset: Dataset) -> list[str]:
    return [image_id for image_id in dataset.pool_ids() if dataset.has_labels(image_id)]
