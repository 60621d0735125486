"""Panels of a run's images: an iteration's network and meta regressor score them once more, with all maps kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import torch

from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.config import DatasetConfig
from raymeta.datasets.registry import open_dataset
from raymeta.datasets.sample import Dataset, DatasetError
from raymeta.experiment.aggregation_panels import aggregation_panel, box_factors
from raymeta.experiment.image_scorer import Bundle, ImageScorer
from raymeta.experiment.panels import panel
from raymeta.experiment.run_store import RunError, RunStore
from raymeta.experiment.split import Split
from raymeta.schemas import IMAGE_ID, LEFT, RANK, TOP, WIDTH

REGRESSOR: Final = "meta_regressor.bin"


@dataclass(frozen=True)
class Panel:
    """PNGs of one pool image under one iteration.

    png: segmentation, priority maps, boxes (Figure 4). aggregation: each priority map with its aggregated map, up to
    the chosen boxes (Figure 7).
    """

    image_id: str
    iteration: int
    png: bytes
    aggregation: bytes | None


def open_existing(config: DatasetConfig, seed: int) -> Dataset:
    """Open a data set that must be there already: a report generates nothing.

    Raises:
        DatasetError: the folder is not there.
    """
    if "://" not in config.root and not Path(config.root).is_dir():
        raise DatasetError(f"dataset.root {config.root} is not there: restore it to see class names and panels")
    return open_dataset(config, seed)


def last_queried(store: RunStore) -> int | None:
    """The last iteration with a sound query; None if there is none."""
    return next((index for index in reversed(store.iterations()) if store.iteration(index).is_committed("score")), None)


def most_queried(query: pa.Table, count: int) -> list[str]:
    """Images with the most queried boxes; the better best rank wins a tie."""
    boxes: dict[str, list[int]] = {}
    for image_id, rank in zip(query[IMAGE_ID].to_pylist(), query[RANK].to_pylist(), strict=True):
        boxes.setdefault(image_id, []).append(rank)
    return sorted(boxes, key=lambda image_id: (-len(boxes[image_id]), min(boxes[image_id])))[:count]


def render_run_panels(store: RunStore, iteration: int, count: int) -> list[Panel]:
    """Draw the `count` images with the most queried boxes of an iteration.

    Raises:
        RunError: an artefact of the iteration is missing or damaged.
        DatasetError: the data set is no longer there, or an image can't be read.
    """
    config = store.load_config()
    query = store.iteration(iteration).read_table("query.parquet")
    chosen = most_queried(query, count)
    if not chosen:
        return []
    dataset = open_existing(config.dataset, config.seed)
    scorer = ImageScorer(config, dataset, saved_bundle(store, iteration), torch.device("cpu"))
    return [_render(scorer, image_id, iteration, _boxes(query, image_id)) for image_id in chosen]


def _render(scorer: ImageScorer, image_id: str, iteration: int, boxes: Sequence[tuple[int, Box]]) -> Panel:
    score, _ = scorer.score(image_id, keep_maps=True)
    maps = score.maps or {}
    image = scorer.dataset.image(image_id)
    labelled = scorer.bundle.regions.mask(image_id, *image.shape[:2])
    factors = box_factors(maps, labelled, scorer.config.acquisition, scorer.bundle.clicks_max)
    aggregation = aggregation_panel(maps, factors, image, boxes) if factors else None
    return Panel(image_id, iteration, panel(maps, image, boxes, scorer.dataset.palette), aggregation)


def saved_bundle(store: RunStore, iteration: int) -> Bundle:
    """What an iteration scored the pool with, as it was left in the run folder.

    Raises:
        RunError: an artefact of the iteration, or an answer before it, is missing or damaged.
    """
    folder = store.iteration(iteration)
    clicks_max = folder.read_json("score.json")["clicks_max"] if folder.is_named("score.json") else None
    return Bundle(
        key=f"{iteration}-saved",
        iteration=iteration,
        network=folder.read_bytes("network.pt"),
        regressor=folder.read_bytes(REGRESSOR) if folder.is_named(REGRESSOR) else None,
        regions=_labelled_before(store, iteration),
        clicks_max=clicks_max,
    )


def _labelled_before(store: RunStore, iteration: int) -> LabelledRegions:
    """Labels that the iteration was trained on: L0 and the boxes answered before."""
    table = store.read_split()
    if table is None:
        raise RunError(f"{store.location}/split.parquet is missing or damaged: resume the run with `raymeta run`")
    regions = LabelledRegions.from_images(Split.from_table(table).initial)
    for earlier in range(iteration):
        regions = regions.with_boxes(store.iteration(earlier).read_table("annotation.parquet"))
    return regions


def _boxes(query: pa.Table, image_id: str) -> Sequence[tuple[int, Box]]:
    return [(row[RANK], Box(row[TOP], row[LEFT], row[WIDTH])) for row in query.to_pylist() if row[IMAGE_ID] == image_id]
