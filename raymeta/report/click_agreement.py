"""Estimated against true clicks of the boxes that were queried: the paper's claim that the estimate will do."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from raymeta.acquisition.strategies import strategy_of
from raymeta.report.run_results import RunResults
from raymeta.runs.run_store import RunError
from raymeta.schemas import ESTIMATED_CLICKS, IMAGE_ID, LEFT, TOP, WIDTH


@dataclass(frozen=True)
class ClickPairs:
    """Boxes of queries with both counts, all of them wholly unlabelled when they were chosen.

    iteration, estimated, true: (boxes,) int64. left_out: boxes that overlapped a label, where the estimate counts the
    rest of the box only and the truth all of it.
    """

    iteration: NDArray[np.int64]
    estimated: NDArray[np.int64]
    true: NDArray[np.int64]
    left_out: int = 0

    @classmethod
    def join(cls, parts: "list[ClickPairs]") -> "ClickPairs":
        """All boxes of all parts."""

        def column(name: str) -> NDArray[np.int64]:
            return np.concatenate([np.zeros(0, np.int64), *(getattr(part, name) for part in parts)])

        left_out = sum(part.left_out for part in parts)
        return cls(column("iteration"), column("estimated"), column("true"), left_out)


@dataclass(frozen=True)
class Agreement:
    """How well the estimate follows the truth; None where it can't be told (fewer than 3 boxes, or no spread).

    ratio: sum of the estimates over the sum of the true clicks.
    """

    boxes: int
    pearson: float | None
    spearman: float | None
    ratio: float | None


def click_pairs(query: pa.Table, annotation: pa.Table, iteration: int) -> ClickPairs:
    """Match boxes by image and corner; those that the oracle did not answer are left out.

    query: QUERY_SCHEMA. annotation: ANNOTATION_SCHEMA.
    """
    keys = [IMAGE_ID, TOP, LEFT]
    true = annotation.select([*keys, "polygon_clicks"])
    joined = query.join(true, keys=keys, join_type="inner").sort_by([(IMAGE_ID, "ascending"), (TOP, "ascending")])
    width = joined[WIDTH].to_numpy().astype(np.int64)
    whole = joined["unlabelled_pixels"].to_numpy() == width * width
    return ClickPairs(
        np.full(int(whole.sum()), iteration, np.int64),
        joined[ESTIMATED_CLICKS].to_numpy()[whole].astype(np.int64),
        joined["polygon_clicks"].to_numpy()[whole].astype(np.int64),
        int((~whole).sum()),
    )


def run_click_pairs(run: RunResults) -> tuple[ClickPairs, list[str]]:
    """Pairs of all finished iterations of a run, and what could not be read.

    Strategies that see true clicks have no estimates, so they give none.
    """
    if strategy_of(run.config.acquisition).true_clicks:
        return ClickPairs.join([]), []
    parts, notes = [], []
    for summary in run.summaries:
        folder = run.store.iteration(summary.iteration)
        try:
            query, annotation = (folder.read_table(f"{name}.parquet") for name in ("query", "annotation"))
        except RunError as error:
            notes.append(str(error))
            continue
        parts.append(click_pairs(query, annotation, summary.iteration))
    return ClickPairs.join(parts), notes


def agreement(estimated: ArrayLike, true: ArrayLike) -> Agreement:
    """Correlations of two (boxes,) arrays of counts."""
    x, y = np.asarray(estimated, np.float64), np.asarray(true, np.float64)
    ratio = float(x.sum() / y.sum()) if y.sum() else None
    return Agreement(len(x), _correlation(x, y), _correlation(_ranks(x), _ranks(y)), ratio)


def agreement_rows(pairs: ClickPairs) -> list[dict[str, Any]]:
    """One row an iteration with at least one box, for the CSV."""
    rows = []
    for iteration in np.unique(pairs.iteration).tolist():
        now = pairs.iteration == iteration
        found = agreement(pairs.estimated[now], pairs.true[now])
        rows.append({"iteration": iteration, **vars(found)})
    return rows


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(x, y)[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]
