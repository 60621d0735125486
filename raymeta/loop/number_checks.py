"""Whether the numbers of a config can work on a data set."""

import importlib.util
from collections.abc import Sequence

import numpy as np

from raymeta.boxes import check_box_width
from raymeta.config import ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.loop.cost_matching import check_reference
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


def check_numbers(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Raise ValueError where box width, query size or labels can't work on this data set."""
    if not split.validation:
        raise InputError("the data set has no validation images: training stops by their mIoU; add some")
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
    if config.acquisition.strategy == "full_set":
        return
    check_box_width(config.acquisition.box_width, dataset.height, dataset.width)
    _check_query_size(config, dataset, split)
    _check_superpixels(config)
    check_reference(config, split)


def _check_query_size(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Raise InputError where the pool can't give a query of this size, or none at all."""
    acquisition = config.acquisition
    if not split.unlabelled:
        if config.oracle.kind == "people" and len(split.initial) > acquisition.initial_images:
            raise InputError(
                f"all {len(split.pool)} images of the pool have label maps, so people would be asked for nothing: "
                "leave out oracle.kind, and the label maps answer, or add images without label maps"
            )
        raise InputError(
            f"acquisition.initial_images {len(split.initial)} and meta_images {len(split.meta)} take all "
            f"{len(split.pool)} images of the pool, nothing is left to query: choose smaller sets"
        )
    # Greedy boxes of one image never overlap, so no more than these fit into it. Clicks end a query before that.
    width = acquisition.box_width
    most = (dataset.height // width) * (dataset.width // width) * len(split.unlabelled)
    if acquisition.query_size > most and not acquisition.has_budget:
        tiles = f"in tiles of {width} pixels"
        units = {"point": f"points {width} pixels apart"}
        units |= {unit: f"{unit}s {tiles}" for unit in ("segment", "superpixel")}
        raise InputError(
            f"acquisition.query_size {acquisition.query_size} is more than the pool can give: "
            f"{len(split.unlabelled)} images of {dataset.height}×{dataset.width} hold {most} "
            f"{units.get(acquisition.unit, f'boxes of width {width}')}; choose at most {most}"
        )


def _check_superpixels(config: ExperimentConfig) -> None:
    """Raise InputError where superpixels are asked and nothing here finds any."""
    if config.acquisition.superpixel_width is not None and importlib.util.find_spec("skimage") is None:
        raise InputError(
            "acquisition.unit superpixel needs the package scikit-image, which isn't installed: "
            "pip install scikit-image, or set acquisition.strategy to segments"
        )


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
