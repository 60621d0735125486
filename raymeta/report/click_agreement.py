"""Estimated against true clicks of the boxes that were queried: the paper's claim that the estimate will do."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from raymeta.acquisition.strategies import strategy_of
from raymeta.report.run_results import RunResults
from raymeta.runs.run_store import RunError
from raymeta.schemas import ESTIMATED_CLICKS, IMAGE_ID, LEFT, TOP, WIDTH

SKILLS: Final = {0.7: "good", 0.4: "fair", 0.2: "weak"}
"""Least Pearson's r, and what an estimate is worth then; below 0.2 it explains less than 4 % of the spread."""


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

    ratio: sum of the estimates over the sum of the true clicks. zero_share: share (0..1) of the boxes that are
    estimated at 0 clicks; true_at_zero: what these cost in truth, on average. None without boxes.
    """

    boxes: int
    pearson: float | None
    spearman: float | None
    ratio: float | None
    zero_share: float | None = None
    true_at_zero: float | None = None

    @property
    def use(self) -> str:
        """What the estimate is good for, in words."""
        if self.pearson is None:
            return "can't be told"
        skill = (words for least, words in SKILLS.items() if self.pearson >= least)
        return next(skill, "no skill: the estimate says nothing about these boxes")


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

    Strategies that see true clicks have no estimates, so they give none; nor do points and segments, which are a click.
    """
    if strategy_of(run.config.acquisition).true_clicks or run.config.acquisition.unit != "box":
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
    zero = x == 0
    at_zero = (float(zero.mean()) if len(x) else None, float(y[zero].mean()) if zero.any() else None)
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Agreement(len(x), None, None, ratio, *at_zero)
    from scipy.stats import pearsonr, spearmanr  # takes half a second to load

    return Agreement(len(x), float(pearsonr(x, y).statistic), float(spearmanr(x, y).statistic), ratio, *at_zero)


def agreement_rows(pairs: ClickPairs) -> list[dict[str, Any]]:
    """One row an iteration with at least one box, for the CSV."""
    rows = []
    for iteration in np.unique(pairs.iteration).tolist():
        now = pairs.iteration == iteration
        found = agreement(pairs.estimated[now], pairs.true[now])
        rows.append({"iteration": iteration, **vars(found)})
    return rows
