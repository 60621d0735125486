"""The split that a config makes of a data set."""

from raymeta.acquisition.strategies import strategy_of
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
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


def _labelled(dataset: Dataset) -> list[str]:
    return [image_id for image_id in dataset.pool_ids() if dataset.has_labels(image_id)]
