"""The best of the whole and of every class: the same in any order, in parts, with copies."""

import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.candidate_columns import CLASS_SHARES
from raymeta.acquisition.stratified_merge import StratifiedMerge, class_scores

CLASSES = 3


def table(rows):
    """rows: (image, score, top, shares)."""
    flat = pa.array(np.array([share for row in rows for share in row[3]], np.float16), pa.float16())
    return pa.table(
        {
            "image_id": pa.array([row[0] for row in rows], pa.string()),
            "score": pa.array([row[1] for row in rows], pa.float64()),
            "top": pa.array([row[2] for row in rows], pa.int32()),
            "left": pa.array([0] * len(rows), pa.int32()),
            CLASS_SHARES: pa.FixedSizeListArray.from_arrays(flat, CLASSES),
        }
    )


def slow(rows, wanted):
    """Rank all rows by the whole and by each class; keep what reaches the `wanted`-th of one of them."""
    distinct = list({(row[0], row[2]): row for row in rows}.values())
    kept = set()
    for value in (lambda row: row[1], *((lambda row, c=c: row[1] * row[3][c]) for c in range(CLASSES))):
        ranked = sorted((value(row) for row in distinct), reverse=True)
        bound = ranked[min(wanted, len(ranked)) - 1] if ranked else 0
        kept |= {(row[0], row[2]) for row in distinct if value(row) >= bound and value(row) > 0}
    if len(distinct) <= wanted:
        kept = {(row[0], row[2]) for row in distinct}
    ordered = sorted((row for row in distinct if (row[0], row[2]) in kept), key=lambda r: (-r[1], r[0].encode(), r[2]))
    return [(row[0], row[2]) for row in ordered]


SHARES = st.sampled_from([(1.0, 0.0, 0.0), (0.5, 0.25, 0.25), (0.0, 0.5, 0.5), (0.25, 0.0, 0.75)])
KEY = st.tuples(st.sampled_from("abé"), st.integers(0, 5))
VALUE = st.tuples(st.sampled_from([0.5, 1.0, 2.0, 3.0]), SHARES)


@settings(max_examples=60)
@given(st.dictionaries(KEY, VALUE, max_size=18), st.integers(1, 4), st.integers(0, 999))
def test_equals_the_slow_ranking_in_any_order(found, wanted, seed):
    rows = [(image, score, top, shares) for (image, top), (score, shares) in found.items()]
    order = random.Random(seed)
    copies = rows + order.sample(rows, len(rows) // 2)
    order.shuffle(copies)
    merge = StratifiedMerge(wanted)
    for start in range(0, len(copies), 3):
        merge.add(table(copies[start : start + 3]))
        if order.random() < 0.3:
            merge.result()  # what is dropped on the way must not matter
    kept = [(row["image_id"], row["top"]) for row in merge.result().to_pylist()]
    assert kept == slow(rows, wanted)
    assert merge.cutoff() == 0.0


def test_memory_is_bounded():
    merge, rng = StratifiedMerge(10), np.random.default_rng(0)
    for image in range(200):
        shares = rng.dirichlet(np.ones(CLASSES), 50)
        scores = rng.random(50)
        merge.add(table([(f"im{image}", float(s), i, tuple(shares[i])) for i, s in enumerate(scores)]))
        assert sum(part.num_rows for part in merge._kept) < 4096 + 50 + 40
    assert 10 <= merge.result().num_rows <= 40


def test_class_scores_and_bad_sizes():
    rows = table([("a", 2.0, 0, (0.5, 0.25, 0.25))])
    assert class_scores(rows).tolist() == [[1.0, 0.5, 0.5]]
    assert StratifiedMerge(3).result().num_rows == 0
    with pytest.raises(ValueError, match="wanted 0"):
        StratifiedMerge(0)
