"""The query: the best boxes of the whole pool (DESIGN 2.5)."""

import math
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.schemas import CANDIDATE_SCHEMA, IMAGE_ID, LEFT, SCORE, TOP

LEAST_ROWS_A_MERGE: Final = 1024
"""`BoxMerge` lets at least so many rows wait before it sorts them in: a sort has a fixed cost."""


def select_boxes(candidates: pa.Table, query_size: int) -> pa.Table:
    """The `query_size` best candidates, best first.

    candidates: the columns of CANDIDATE_SCHEMA, and any others, which are kept behind them; greedy sequences of images,
    rows in any order. Rows with the same image id, top and left count once, with their highest score; scores of 0 or
    below never. Ties break by (score descending, image id as UTF-8 bytes, top, left): nothing else matters.

    Raises:
        ValueError: a query size below 1, or a missing column.
    """
    _check_query_size(query_size)
    table = _candidate_columns(candidates)
    table = table.filter(pc.greater(table[SCORE], 0.0)).combine_chunks()
    reach = 2 * query_size
    while reach < table.num_rows:  # most rows are far below the query: look at the best ones first
        near = _at_least_best(table, reach)
        chosen = _distinct_best(near, query_size)
        if chosen.num_rows == query_size:
            return chosen
        reach = 8 * max(reach, near.num_rows)
    return _distinct_best(table, query_size)


def _check_query_size(query_size: int) -> None:
    if query_size < 1:
        raise ValueError(f"query_size {query_size} is below 1: choose at least 1")


def _candidate_columns(candidates: pa.Table) -> pa.Table:
    """The columns of CANDIDATE_SCHEMA with its types, then the others."""
    if candidates.schema.equals(CANDIDATE_SCHEMA):
        return candidates
    missing = [name for name in CANDIDATE_SCHEMA.names if name not in candidates.column_names]
    if missing:
        raise ValueError(f"candidates lack the columns {', '.join(missing)}: give {CANDIDATE_SCHEMA.names}")
    others = [field for field in candidates.schema if field.name not in CANDIDATE_SCHEMA.names]
    schema = pa.schema([*CANDIDATE_SCHEMA, *others])
    return candidates if candidates.schema.equals(schema) else candidates.select(schema.names).cast(schema)


def _at_least_best(table: pa.Table, count: int) -> pa.Table:
    """Rows that score at least as much as the `count`-th best."""
    score = table[SCORE].to_numpy()
    return table.filter(pa.array(score >= np.partition(score, -count)[-count]))


def _distinct_best(table: pa.Table, count: int) -> pa.Table:
    """The `count` best distinct boxes in the order of DESIGN 2.5, after comparing all rows."""
    image, score = _image_ranks(table), table[SCORE].to_numpy()
    corner = table[TOP].to_numpy().astype(np.int64) << 32 | table[LEFT].to_numpy()  # orders by top, then left
    order = np.lexsort((-score, corner, image))  # copies of a box side by side, the highest score first
    keys = np.stack((image[order], corner[order]))
    order = order[np.concatenate(([True], (keys[:, 1:] != keys[:, :-1]).any(axis=0)))[: len(order)]]
    order = order[np.argsort(-score[order], kind="stable")]
    return table.take(pa.array(order[:count])).combine_chunks()


def _image_ranks(table: pa.Table) -> NDArray[np.int64]:
    """(rows,) int64: the place of each row's image id among all, ordered as UTF-8 bytes."""
    codes = pc.dictionary_encode(table[IMAGE_ID].combine_chunks())
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    ids = codes.dictionary.cast(pa.binary())  # Arrow orders binary values byte by byte
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return ranks[codes.indices.to_numpy()]


class BoxMerge:
    """The best `query_size` of all candidates seen so far, in O(query_size) memory.

    Candidates may come in any order, in parts, and more than once: the result is `select_boxes` of all of them.
    """

    def __init__(self, query_size: int) -> None:
        """Raise ValueError when `query_size` is below 1."""
        _check_query_size(query_size)
        self.query_size = query_size
        self._kept: pa.Table | None = None
        self._waiting: list[pa.Table] = []
        self._rows_waiting = 0
        self._cutoff = -math.inf

    def add(self, candidates: pa.Table) -> None:
        """Take candidates; those that can't be in the result any more are dropped at once.

        Raises:
            ValueError: a missing column.
        """
        rows = _candidate_columns(candidates)
        score = rows.column(SCORE).to_numpy()
        reach = score >= self._cutoff
        reach &= score > 0.0
        found = np.count_nonzero(reach)
        if not found:
            return
        rows = rows.filter(pa.array(reach))  # a copy: the caller's memory isn't held
        self._waiting.append(rows)
        self._rows_waiting += rows.num_rows
        if self._rows_waiting >= max(LEAST_ROWS_A_MERGE, self.query_size):
            self._merge()

    def cutoff(self) -> float:
        """A lower bound of the lowest score in the result; -inf until `query_size` distinct boxes are sorted in.

        A box that scores strictly less is never chosen; one that scores as much may be. After `result` it is exact for
        what was added before; between, the rows that wait to be sorted in could only raise it.
        """
        return self._cutoff

    def result(self) -> pa.Table:
        """The query so far, best first."""
        self._merge()
        return CANDIDATE_SCHEMA.empty_table() if self._kept is None else self._kept

    def _merge(self) -> None:
        """Sort in what waits, and keep only what is in the query so far."""
        if not self._waiting:
            return
        parts = self._waiting if self._kept is None else [self._kept, *self._waiting]
        kept = select_boxes(pa.concat_tables(parts, promote_options="default"), self.query_size)
        self._kept, self._waiting, self._rows_waiting = kept, [], 0
        if kept.num_rows == self.query_size:
            self._cutoff = float(kept[SCORE][-1].as_py())
