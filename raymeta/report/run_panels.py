"""Panels of a run's images: an iteration's network and meta regressor score them once more, with all maps kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from raymeta.boxes import Box, unpack_mask
from raymeta.datasets.registry import open_existing
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle
from raymeta.report.aggregation_panels import aggregation_panel, box_factors
from raymeta.report.panels import QueriedRegion, panel
from raymeta.runs.run_store import RunStore
from raymeta.schemas import IMAGE_ID, LEFT, RANK, SEGMENT, TOP, WIDTH


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
    scorer = ImageScorer(config, dataset, read_bundle(store, iteration), torch.device("cpu"))
    scored = [_score(scorer, image_id) for image_id in chosen]
    tops = _shared_tops(scored)
    return [_render(scorer, found, iteration, queried_regions(query, found.image_id), tops) for found in scored]


@dataclass(frozen=True)
class _Scored:
    """Maps of an image, and the factors of its joint score."""

    image_id: str
    image: NDArray[np.uint8]
    maps: Mapping[str, NDArray[Any]]
    factors: Mapping[str, NDArray[np.float64]]


def _score(scorer: ImageScorer, image_id: str) -> _Scored:
    score, _ = scorer.score(image_id, keep_maps=True)
    maps = {name: values for name, values in (score.maps or {}).items() if values is not None}
    image = scorer.dataset.image(image_id)
    labelled = scorer.bundle.regions.mask(image_id, *image.shape[:2])
    factors = box_factors(maps, labelled, scorer.config.acquisition, scorer.bundle.clicks_max)
    return _Scored(image_id, image, maps, factors)


def _shared_tops(scored: Sequence[_Scored]) -> dict[str, float]:
    """Largest value of each factor and of the joint score over all images: one colour scale a quantity."""
    tops: dict[str, float] = {}
    for found in scored:
        joint = {"joint": found.maps["joint"]} if "joint" in found.maps else {}
        for name, values in {**found.factors, **joint}.items():
            tops[name] = max(tops.get(name, 0.0), float(np.max(values)))
    return tops


def _render(
    scorer: ImageScorer, found: _Scored, iteration: int, regions: Sequence[QueriedRegion], tops: Mapping[str, float]
) -> Panel:
    asked = scorer.config.acquisition.asked
    png = panel(found.maps, found.image, regions, scorer.dataset.palette, tops.get("joint"), asked)
    drawn = partial(aggregation_panel, found.maps, found.factors, found.image, regions, tops, asked)
    aggregation = drawn() if found.factors else None
    return Panel(found.image_id, iteration, png, aggregation)


def queried_regions(query: pa.Table, image_id: str) -> list[QueriedRegion]:
    """What a query asks of an image, best first: boxes, or parts of tiles.

    query: QUERY_SCHEMA, maybe with SEGMENT_FIELDS.
    """
    rows = [row for row in query.to_pylist() if row[IMAGE_ID] == image_id]
    masks = [unpack_mask(row[SEGMENT], row[WIDTH]) if SEGMENT in row else None for row in rows]
    boxes = [Box(row[TOP], row[LEFT], row[WIDTH]) for row in rows]
    return [QueriedRegion(row[RANK], box, mask) for row, box, mask in zip(rows, boxes, masks, strict=True)]
