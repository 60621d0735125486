"""The best candidates of the whole pool, over all and of every class (docs/method.md#strata)."""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raymeta.acquisition.box_selection import select_boxes
from raymeta.acquisition.candidate_columns import CLASS_SHARES, column_matrix
from raymeta.argument_checks import whole_number
from raymeta.schemas import CANDIDATE_SCHEMA, SCORE

MIN_ROWS_PER_MERGE: Final = 4096
"""So many rows wait at least before they are sorted in."""


def class_scores(candidates: pa.Table) -> NDArray[np.float64]:
    """(rows, C) float64: `score · share_c`, what each candidate is worth to each class."""
    scores: NDArray[np.float64] = candidates[SCORE].to_numpy()[:, None] * column_matrix(candidates, CLASS_SHARES)
    return scores


class StratifiedMerge:
    """Keeps every candidate that is among the `wanted` best of the whole, or of a class; ties stay.

    Candidates may come in any order, in parts, and more than once: what is kept in the end is the same. Memory is that
    of (C + 1)·wanted rows.
    """

    def __init__(self, wanted: int) -> None:
        """Raise ValueError when `wanted` is no whole number of at least 1."""
        self.wanted = whole_number("wanted", wanted, least=1)
        self._kept: list[pa.Table] = []
        self._rows_waiting = 0

    def add(self, candidates: pa.Table) -> None:
        """Take candidates of one or more images, with CLASS_SHARES."""
        if candidates.num_rows == 0:
            return
        self._kept.append(candidates)
        self._rows_waiting += candidates.num_rows
        if self._rows_waiting >= max(MIN_ROWS_PER_MERGE, 4 * self.wanted):
            self._merge()

    def cutoff(self) -> float:
        """No candidate can be left out by its score alone: it may be the best of a class."""
        return 0.0

    def result(self) -> pa.Table:
        """The candidates so far, best first."""
        self._merge()
        return self._kept[0] if self._kept else CANDIDATE_SCHEMA.empty_table()

    def _merge(self) -> None:
        if not self._kept:
            return
        together = pa.concat_tables(self._kept)
        distinct = select_boxes(together, together.num_rows)  # without copies: a copy would take another's place
        self._kept, self._rows_waiting = [distinct.filter(pa.array(self._reaching(distinct)))], 0

    def _reaching(self, table: pa.Table) -> NDArray[np.bool_]:
        """(rows,) bool: rows as good as the `wanted`-th best of the whole, or of a class in which they have a share."""
        if table.num_rows <= self.wanted:
            return np.ones(table.num_rows, dtype=bool)
        scores = np.column_stack([table[SCORE].to_numpy(), class_scores(table)])
        bounds = np.partition(scores, -self.wanted, axis=0)[-self.wanted]
        reaching: NDArray[np.bool_] = ((scores >= bounds) & (scores > 0)).any(axis=1)
        return reaching
