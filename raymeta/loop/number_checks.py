"""Whether the numbers of a config can work on a data set."""

from collections.abc import Sequence

import numpy as np

from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.loop.cost_matching import check_reference
from raymeta.loop.query_checks import check_query
from raymeta.runs.split import Split
from raymeta.schemas import IGNORE

NAMED = 3
"""Images named in a message."""


def check_answerable(config: ExperimentConfig, dataset: Dataset) -> str | None:
    """Which images the simulated annotator can't answer, for want of a label map; None where it can answer all."""
    if config.oracle.kind == "people":
        return None
    ids = [*dataset.pool_ids(), *dataset.validation_ids()]
    missing = [image_id for image_id in ids if not dataset.has_labels(image_id)]
    if not missing:
        return None
    named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
    return (
        f"{len(missing)} of {len(ids)} images have no label map ({named}): the simulated annotator can't answer them; "
        "set oracle.kind=people, so that people are asked, or add the label maps"
    )


def check_before_choosing(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Look at what holds whichever images the run starts with, before the network has to see them all to choose.

    Args:
        config: of the run.
        dataset: of the run.
        split: as large as the one to come, with other images in it.

    Raises:
        InputError: the network isn't known, nothing validates, or the pool can't give such queries.
    """
    from raymeta.networks.registry import check_kind  # torch takes seconds to import

    check_kind(config.network)
    _check_validation(split)
    check_query(config, dataset, split)


def check_numbers(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Raise ValueError where box width, query size or labels can't work on this data set."""
    _check_validation(split)
    validation = _check_labels(dataset, split.validation, "validation images: their mIoU can't be told")
    _check_test_split(dataset, split.test)
    initial = _check_labels(dataset, split.initial, "initially labelled images: there is nothing to train on")
    if len(validation | initial) == 1:
        only = dataset.class_names[next(iter(validation | initial))]
        raise InputError(
            f"{only} is the only class in the label maps of {len(split.initial)} initially labelled and "
            f"{len(split.validation)} validation images, beside void: there is nothing to tell apart; if a value that "
            "counts as void is a class, correct `void` in the class list (`void: []` where nothing is)"
        )
    check_query(config, dataset, split)
    if config.acquisition.strategy != "full_set":
        check_reference(config, split)


def _check_validation(split: Split) -> None:
    """Raise InputError where there are no validation images."""
    if not split.validation:
        raise InputError("the data set has no validation images: training stops by their mIoU; add some")


def _check_test_split(dataset: Dataset, image_ids: Sequence[str]) -> None:
    """Raise InputError where the test split has no labels to be judged by: nobody is asked for them."""
    missing = [image_id for image_id in image_ids if not dataset.has_labels(image_id)]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(image_ids)} images of the test split have no label map ({missing[0]}, …): add "
            "them, or leave dataset.test out"
        )
    _check_labels(dataset, image_ids, "images of the test split: leave dataset.test out")


def _check_labels(dataset: Dataset, image_ids: Sequence[str], what: str) -> set[int]:
    """Train ids in the label maps, until two are known: mostly the first map holds them, and no other is read.

    Raises:
        InputError: no readable label map holds a class.
    """
    found: set[int] = set()
    void = 0
    for image_id in image_ids:
        if not dataset.has_labels(image_id):
            continue  # people are asked, or `check_answerable` tells
        try:
            label_map = dataset.label_map(image_id)
        except (OSError, ValueError):
            continue  # left out and named during the run
        found |= set(np.unique(label_map).tolist()) - {IGNORE}
        if len(found) > 1:
            return found
        void += 1
    if void and not found:
        raise InputError(f"void is all that the label maps hold of {void} {what}; correct the labels or the class list")
    return found
