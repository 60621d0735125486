"""The query: the best boxes of the whole pool (docs/method.md#query)."""

import math
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raymeta.argument_checks import whole_number
from raymeta.schemas import CANDIDATE_SCHEMA, IMAGE_ID, LEFT, SCORE, TOP

MIN_ROWS_PER_MERGE: Final = 1024
"""`BoxMerge` lets at least so many rows wait before it sorts them in: a sort has a fixed cost."""

MAX_HELD: Final = 8
"""Rows, a row of the query, that may be held in tables of which `BoxMerge` needs only a part, before it copies."""


def select_boxes(candidates: pa.Table | pa.RecordBatch, query_size: int) -> pa.Table:
    """The `query_size` best candidates, best first.

    candidates: the columns of CANDIDATE_SCHEMA, and any others, which are kept behind them; greedy sequences of images,
    rows in any order. Rows with the same image id, top and left count once, with their highest score; scores of 0 or
    below never. Ties break by (score descending, image id as UTF-8 bytes, top, left): nothing else matters
    (docs/method.md#ties).

    Raises:
        ValueError: a query size that is no whole number of at least 1, no table, or a missing column.
    """
    query_size = whole_number("query_size", query_size, least=1)
    table = _candidate_columns(candidates)
    table = table.filter(pc.greater(table[SCORE], 0.0)).combine_chunks()
    reach = query_size + query_size // 16
    while reach < table.num_rows:  # most rows are far below the query: look at the best ones first
        near = _at_least_best(table, reach)
        chosen = _distinct_best(near, query_size)
        if chosen.num_rows == query_size:
            return chosen
        reach = 8 * max(reach, near.num_rows)
    return _distinct_best(table, query_size)


def _candidate_columns(candidates: pa.Table | pa.RecordBatch) -> pa.Table:
    """The columns of CANDIDATE_SCHEMA with its types, then the others."""
    if not isinstance(candidates, (pa.Table, pa.RecordBatch)):
        raise ValueError(f"candidates are a {type(candidates).__name__}: give a pyarrow table")
    if isinstance(candidates, pa.RecordBatch):
        candidates = pa.Table.from_batches([candidates])
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
    """The `count` best distinct boxes in the order of docs/method.md#ties, after comparing all rows."""
    order = _without_copies(table, _ranked(table))
    return table.take(pa.array(order[:count])).combine_chunks()


def _ranked(table: pa.Table) -> NDArray[np.int64]:
    """(rows,) int64: all rows by score descending, image id, top, left; ids are compared only where scores tie."""
    score = table[SCORE].to_numpy()
    order = np.argsort(-score)
    ordered = score[order]
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if len(same):
        tied = np.union1d(same, same + 1)  # places in the order; rows of equal score only change places with each other
        rows = order[tied]
        image, corner = _image_ranks(table.take(pa.array(rows))), _corners(table)[rows]
        order[tied] = rows[np.lexsort((corner, image, -score[rows]))]
    return order


def _without_copies(table: pa.Table, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The order without rows that are copies of a box that comes earlier in it."""
    codes, corner = _image_codes(table)[1][order], _corners(table)[order]
    # Boxes that differ may share a hash, copies always do: mostly no two hashes are equal, and all is said.
    hashes = codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ corner.view(np.uint64)
    sorted_hashes = np.sort(hashes)
    if not (sorted_hashes[1:] == sorted_hashes[:-1]).any():
        return order
    places = np.lexsort((corner, codes))  # stable: copies side by side, in their order
    keys = np.stack((codes[places], corner[places]))
    is_copy = np.zeros(len(order), dtype=bool)
    is_copy[places[1:]] = (keys[:, 1:] == keys[:, :-1]).all(axis=0)
    return order[~is_copy]


def _corners(table: pa.Table) -> NDArray[np.int64]:
    """(rows,) int64 that orders by top, then left."""
    corners: NDArray[np.int64] = table[TOP].to_numpy().astype(np.int64) << 32 | table[LEFT].to_numpy()
    return corners


def _image_codes(table: pa.Table) -> tuple[pa.Array, NDArray[np.int64]]:
    """The distinct image ids, and for each row which of them it has, (rows,) int64."""
    codes = pc.dictionary_encode(table[IMAGE_ID].combine_chunks())
    if isinstance(codes, pa.ChunkedArray):
        codes = codes.combine_chunks()
    return codes.dictionary, codes.indices.to_numpy().astype(np.int64)


def _image_ranks(table: pa.Table) -> NDArray[np.int64]:
    """(rows,) int64: the place of each row's image id among all, ordered as UTF-8 bytes."""
    distinct, codes = _image_codes(table)
    ids = distinct.cast(pa.binary())  # Arrow orders binary values byte by byte
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[pc.sort_indices(ids).to_numpy()] = np.arange(len(ids))
    return ranks[codes]


class BoxMerge:
    """The best `query_size` of all candidates seen so far, in O(query_size) memory.

    Candidates may come in any order, in parts, and more than once (docs/method.md#copies): the result is
    `select_boxes` of all of them.
    """

    def __init__(self, query_size: int) -> None:
        """Raise ValueError when `query_size` is no whole number of at least 1."""
        self.query_size = whole_number("query_size", query_size, least=1)
        self._kept: pa.Table | None = None
        self._waiting: list[pa.Table] = []
        self._rows_waiting = 0
        self._rows_held = 0  # those that wait, and what of their tables can't be let go without a copy
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
        found = int(np.count_nonzero(reach))
        if not found:
            return
        self._wait(rows, reach, found)
        # The first cut-off comes as early as it can; later ones cost a sort of what is kept too, so they may wait.
        most = self.query_size if self._cutoff == -math.inf else 2 * self.query_size
        if self._rows_waiting >= max(MIN_ROWS_PER_MERGE, most):
            self._merge()

    def _wait(self, rows: pa.Table, reach: NDArray[np.bool_], found: int) -> None:
        """Keep the `found` rows that reach the cut-off for the next merge."""
        if len(reach) <= MIN_ROWS_PER_MERGE and reach[:found].all():
            # The first rows of an image, its best: a slice takes a hundredth of a filter, but holds the whole table.
            self._waiting.append(rows.slice(0, found))
            self._rows_held += len(reach)
        else:
            self._waiting.append(rows.filter(pa.array(reach)))
            self._rows_held += found
        self._rows_waiting += found
        if self._rows_held > MAX_HELD * max(MIN_ROWS_PER_MERGE, self.query_size):
            self._waiting = [pa.concat_tables(self._waiting, promote_options="default").combine_chunks()]
            self._rows_held = self._rows_waiting

    def cutoff(self) -> float:
        """A lower bound of the lowest score in the result; -inf until `query_size` distinct boxes are sorted in.

        It lets scorers stop early (docs/method.md#early-stop).

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
        alike = all(part.schema.equals(parts[0].schema) for part in parts)
        together = pa.concat_tables(parts, promote_options="none" if alike else "default")
        kept = select_boxes(together, self.query_size)
        self._kept, self._waiting, self._rows_waiting, self._rows_held = kept, [], 0, 0
        if kept.num_rows == self.query_size:
            self._cutoff = float(kept[SCORE][-1].as_py())
