"""Whether the pool can give the queries that a config asks for: told before anything is encoded or trained."""

import importlib.util
from collections.abc import Sequence
from typing import Final

from raymeta.boxes import check_box_width
from raymeta.config import AcquisitionConfig, ExperimentConfig
from raymeta.datasets.sample import Dataset
from raymeta.errors import InputError
from raymeta.runs.split import Split

MAX_SIZED: Final = 5_000
"""Local images whose headers are read; in a larger pool, and behind a URI, the first image's size stands for all."""

Size = tuple[int, int]
"""Height and width in pixels."""


def check_query(config: ExperimentConfig, dataset: Dataset, split: Split) -> None:
    """Look whether the pool can give such queries, whichever images the run starts with.

    Raises:
        InputError: no image is left to be asked about, none of the boxes or so few fit, or superpixels can't be found.
    """
    if config.acquisition.strategy == "full_set":
        return
    _check_unlabelled(config, split)
    sizes = _sizes(config, dataset, split.unlabelled)
    _check_box_width(config, sizes)
    _check_query_size(config.acquisition, sizes)
    _check_superpixels(config.acquisition)


def _check_unlabelled(config: ExperimentConfig, split: Split) -> None:
    """Raise InputError where nothing is left to query."""
    if split.unlabelled:
        return
    if config.oracle.kind == "people" and len(split.initial) > config.acquisition.initial_images:
        raise InputError(
            f"all {len(split.pool)} images of the pool have label maps, so people would be asked for nothing: "
            "leave out oracle.kind, and the label maps answer, or add images without label maps"
        )
    raise InputError(
        f"acquisition.initial_images {len(split.initial)} and meta_images {len(split.meta)} take all "
        f"{len(split.pool)} images of the pool, nothing is left to query: choose smaller sets"
    )


def _sizes(config: ExperimentConfig, dataset: Dataset, image_ids: Sequence[str]) -> list[Size]:
    """Of each image that can be read; the run names the others."""
    if config.dataset.height is not None or "://" in config.dataset.root or len(image_ids) > MAX_SIZED:
        return [(dataset.height, dataset.width)] * len(image_ids)
    sizes = list[Size]()
    for image_id in image_ids:
        try:
            sizes.append(dataset.size(image_id))
        except (OSError, ValueError):
            continue
    return sizes or [(dataset.height, dataset.width)]


def _check_box_width(config: ExperimentConfig, sizes: Sequence[Size]) -> None:
    """Raise InputError where a box fits into so few images that scoring them would end the run."""
    width, share = config.acquisition.box_width, config.dataset.max_failed_share
    if len(set(sizes)) == 1:  # the message for one size names the side
        check_box_width(width, *sizes[0])
        return
    sides = sorted(min(size) for size in sizes)
    too_small = sum(side < width for side in sides)
    allowed = max(int(share * len(sizes)), int(share > 0))
    if too_small > allowed:
        raise InputError(
            f"box_width {width} exceeds a side of {too_small} of {len(sizes)} images of the pool, at most {allowed} "
            f"may be left out: choose at most {sides[allowed]}, or leave these images out of the data set"
        )


def _check_query_size(acquisition: AcquisitionConfig, sizes: Sequence[Size]) -> None:
    """Raise InputError where the pool holds fewer boxes than a query asks for. Clicks end a query before that."""
    width = acquisition.box_width
    if acquisition.asks_parts:  # the last tile of a side reaches back over the one before
        held = sum(
            -(-height // width) * -(-across // width) for height, across in sizes if min(height, across) >= width
        )
    else:  # greedy boxes of one image never overlap
        held = sum((height // width) * (across // width) for height, across in sizes)
    if acquisition.query_size <= held or acquisition.has_budget:
        return
    units = {"point": f"points {width} pixels apart"}
    units |= {unit: f"{unit}s in tiles of {width} pixels" for unit in ("segment", "superpixel")}
    several = len(set(sizes)) > 1
    images = f"{len(sizes)} images of {'several sizes' if several else '×'.join(map(str, sizes[0]))}"
    raise InputError(
        f"acquisition.query_size {acquisition.query_size} is more than the pool can give: "
        f"{images} hold {held} {units.get(acquisition.unit, f'boxes of width {width}')}; choose at most {held}"
    )


def _check_superpixels(acquisition: AcquisitionConfig) -> None:
    """Raise InputError where superpixels are asked and nothing here finds any."""
    if acquisition.superpixel_width is not None and importlib.util.find_spec("skimage") is None:
        raise InputError(
            "acquisition.unit superpixel needs the package scikit-image, which isn't installed: "
            "pip install scikit-image, or set acquisition.strategy to segments"
        )
