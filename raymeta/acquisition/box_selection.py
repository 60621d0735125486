"""The query: the best boxes of the whole pool (DESIGN 2.5)."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from raymeta.schemas import CANDIDATE_SCHEMA, IMAGE_ID, LEFT, SCORE, TOP


def select_boxes(candidates: pa.Table, query_size: int) -> pa.Table:
    """The `query_size` best candidates, best first.

    candidates: at least the columns of CANDIDATE_SCHEMA, greedy sequences of images with rows in any order; further
    columns are kept. Rows with the same image id, top and left count once; scores must be > 0. Ties break by (score
    descending, image id as UTF-8 bytes, top, left), so the result depends on nothing else.

    Raises:
        ValueError: a query size below 1, or a missing column.
    """
    if query_size < 1:
        raise ValueError(f"query_size {query_size} is below 1: choose at least 1")
    missing = [name for name in CANDIDATE_SCHEMA.names if name not in candidates.column_names]
    if missing:
        raise ValueError(f"candidates lack the columns {', '.join(missing)}")
    table = _reach_query(candidates.combine_chunks(), query_size)
    ids = np.array([image_id.encode() for image_id in table[IMAGE_ID].to_pylist()], dtype=object)
    top, left, score = (table[name].to_numpy() for name in (TOP, LEFT, SCORE))
    _, codes = np.unique(ids, return_inverse=True) if len(ids) else (ids, np.empty(0, dtype=np.int64))
    order = np.lexsort((left, top, codes, -score))
    keys = np.column_stack((codes[order], top[order], left[order])).astype(np.int64)
    if len(keys):
        # Duplicates have the same score, so after sorting they are neighbours.
        distinct = np.concatenate(([True], (keys[1:] != keys[:-1]).any(axis=1)))
        order = order[distinct]
    return table.take(pa.array(order[:query_size]))


def _reach_query(table: pa.Table, query_size: int) -> pa.Table:
    """Drop scores of 0, and rows that can't be in the query, before the costly comparison of ids."""
    table = table.filter(pc.greater(table[SCORE], 0.0))
    copies = 4 * query_size
    if table.num_rows <= copies:
        return table
    score = table[SCORE].to_numpy()
    bound = np.partition(score, len(score) - copies)[len(score) - copies]
    near = table.filter(pa.array(score >= bound))
    distinct = near.select([IMAGE_ID, TOP, LEFT]).group_by([IMAGE_ID, TOP, LEFT]).aggregate([])
    # Too many duplicates among the best rows: then all rows have to be compared.
    return near if distinct.num_rows >= query_size else table


class BoxMerge:
    """The best `query_size` of all candidates seen so far, in O(query_size) memory.

    Candidates may come in any order, in parts, and more than once.
    """

    def __init__(self, query_size: int) -> None:
        if query_size < 1:
            raise ValueError(f"query_size {query_size} is below 1: choose at least 1")
        self.query_size = query_size
        self._kept: pa.Table | None = None
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._cutoff = -math.inf

    def add(self, candidates: pa.Table) -> None:
        """Take candidates; those strictly below the cut-off are dropped at once."""
        reach = candidates.filter(pc.greater_equal(candidates[SCORE], self._cutoff))
        self._waiting.append(reach)
        self._rows += reach.num_rows
        if self._rows >= self.query_size:
            self._merge()

    def cutoff(self) -> float:
        """A score below which no box is chosen any more: -inf until `query_size` distinct boxes are known."""
        return self._cutoff

    def result(self) -> pa.Table:
        """The query so far, best first."""
        self._merge()
        return CANDIDATE_SCHEMA.empty_table() if self._kept is None else self._kept

    def _merge(self) -> None:
        parts = [table for table in (self._kept, *self._waiting) if table is not None]
        self._waiting, self._rows = [], 0
        if not parts:
            return
        self._kept = select_boxes(pa.concat_tables(parts), self.query_size)
        if self._kept.num_rows == self.query_size:
            self._cutoff = float(self._kept[SCORE][-1].as_py())
