import math
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raymeta.acquisition.box_selection import MAX_HELD, MIN_ROWS_PER_MERGE, BoxMerge, select_boxes
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.schemas import CANDIDATE_SCHEMA

ROW = st.tuples(
    st.sampled_from(["a", "b", "ab", "é", "z", "\U0001f600", "\uff5e", ""]),
    st.sampled_from([-1.0, 0.0, 0.5, 1.0, 2.0]),
    st.integers(0, 2),
    st.integers(0, 2),
)


def table(rows):
    columns = list(zip(*rows, strict=True)) or [[]] * 4
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, CANDIDATE_SCHEMA, strict=True)], CANDIDATE_SCHEMA)


def rows(candidates):
    return [tuple(row.values()) for row in candidates.to_pylist()]


def slow_select(all_rows, query_size):
    best = {}
    for image_id, score, top, left in all_rows:
        key = (image_id, top, left)
        best[key] = max(score, best.get(key, 0.0))
    ordered = sorted((-score, key[0].encode(), *key[1:], key[0]) for key, score in best.items() if score > 0)
    return [(image_id, -score, top, left) for score, _, top, left, image_id in ordered[:query_size]]


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=40), st.integers(1, 8), st.integers(0, 2**32 - 1), st.booleans())
def test_equals_brute_force_in_any_order_and_in_parts(all_rows, query_size, seed, part_result):
    expected = slow_select(all_rows, query_size)
    shuffled = random.Random(seed).sample(all_rows, len(all_rows))
    assert rows(select_boxes(table(shuffled), query_size)) == expected
    merge, seen = BoxMerge(query_size), []
    for start in range(0, len(shuffled), 3):
        merge.add(table(shuffled[start : start + 3]))
        seen += shuffled[start : start + 3]
        known = slow_select(seen, query_size)
        exact = known[-1][1] if len(known) == query_size else -math.inf
        assert merge.cutoff() <= exact
        if part_result:
            assert rows(merge.result()) == known
            assert merge.cutoff() == exact
    assert rows(merge.result()) == rows(merge.result()) == expected


def test_image_ids_are_ordered_as_utf8_bytes():
    ids = ["\U0001f600", "\uff5e", "b", "B", "a/1", "a-1"]
    chosen = select_boxes(table([(image_id, 1.0, 0, 0) for image_id in ids]), 9)
    assert chosen["image_id"].to_pylist() == ["B", "a-1", "a/1", "b", "\uff5e", "\U0001f600"]


def test_equals_global_brute_force_over_all_images():
    rng, b, query_size = np.random.default_rng(0), 4, 25
    maps = {f"image{i}": rng.integers(0, 9, (15, 20)).astype(float) for i in range(4)}
    parts = []
    for image_id, scores in maps.items():
        boxes = greedy_boxes(scores, b, query_size)
        parts.append(boxes.add_column(0, CANDIDATE_SCHEMA.field(0), pa.array([image_id] * boxes.num_rows)))
    expected = []
    while len(expected) < query_size:  # mark every box of every image, take the best, forbid what overlaps it
        best = max(scores.max() for scores in maps.values())
        if best <= 0:
            break
        image_id = min(name for name, scores in maps.items() if scores.max() == best)
        top, left = (int(i) for i in np.unravel_index(np.argmax(maps[image_id]), maps[image_id].shape))
        expected.append((image_id, best, top, left))
        maps[image_id][max(top - b + 1, 0) : top + b, max(left - b + 1, 0) : left + b] = -1
    assert rows(select_boxes(pa.concat_tables(parts[::-1]), query_size)) == expected


def test_stopping_at_the_cutoff_changes_nothing():
    rng, b, query_size = np.random.default_rng(3), 3, 12
    maps = [rng.integers(0, 30, (12, 18)).astype(float) for _ in range(8)]

    def query(order, bounded):
        merge = BoxMerge(query_size)
        for i in order:
            boxes = greedy_boxes(maps[i], b, query_size, merge.cutoff() if bounded else 0.0)
            merge.add(boxes.add_column(0, CANDIDATE_SCHEMA.field(0), pa.array([str(i)] * boxes.num_rows)))
        return rows(merge.result())

    full = query(range(8), bounded=False)
    assert query(range(8), bounded=True) == query([5, 2, 7, 0, 1, 6, 4, 3], bounded=True) == full


@pytest.mark.parametrize("copies", [1, 30])
def test_large_tables_with_copies(copies):
    rng = np.random.default_rng(2)
    distinct = [(f"im{i % 7}", float(rng.integers(1, 50)), i, int(rng.integers(9))) for i in range(300)]
    many = distinct * copies
    assert rows(select_boxes(table(many), 5)) == slow_select(many, 5)


def test_a_copy_with_another_score_counts_once_with_the_higher():
    merge = BoxMerge(2)
    merge.add(table([("a", 1.0, 0, 0), ("b", 2.0, 0, 0)]))
    merge.add(table([("a", 3.0, 0, 0)]))
    assert rows(merge.result()) == [("a", 3.0, 0, 0), ("b", 2.0, 0, 0)]
    assert merge.cutoff() == 2.0


def test_extra_columns_stay_behind_the_candidate_columns():
    extra = table([("a", 1.0, 0, 0), ("b", 2.0, 5, 5)]).append_column("clicks", pa.array([7, 8]))
    shuffled = extra.select(["clicks", "left", "image_id", "top", "score"])
    merge = BoxMerge(5)
    merge.add(shuffled)
    for chosen in (select_boxes(shuffled, 5), merge.result()):
        assert chosen.column_names == [*CANDIDATE_SCHEMA.names, "clicks"]
        assert chosen["clicks"].to_pylist() == [8, 7]
    assert select_boxes(shuffled, 5).schema.field("top").type == pa.int32()


def test_memory_is_bounded_by_the_query():
    merge, rng = BoxMerge(50), np.random.default_rng(0)
    cutoffs = []
    for part in range(200):
        score = np.sort(rng.random(40)) + part  # every part beats all before it
        merge.add(table([(f"im{part}", s, i, 0) for i, s in enumerate(score.tolist())]))
        waiting = sum(rows.num_rows for rows in merge._waiting)
        assert waiting == merge._rows_waiting <= MIN_ROWS_PER_MERGE + 40
        cutoffs.append(merge.cutoff())
    assert merge.result().num_rows == 50
    # It is published while rows come in, not only at the end.
    assert cutoffs == sorted(cutoffs)
    assert cutoffs[-1] > 150


def test_parts_of_tables_are_held_in_bounded_memory():
    merge, parts = BoxMerge(2000), []
    for image in range(3000):  # of each table one row reaches the cut-off, which only the first 2000 rows set
        scores = [1000.0 + image, *[0.5 - i / 1000 for i in range(60)]] if image > 40 else [1.0 + image] * 61
        parts.append(table([(f"im{image}", score, i, 0) for i, score in enumerate(scores)]))
        merge.add(parts[-1])
        assert merge._rows_held <= MAX_HELD * 2000
        assert sum(part.num_rows for part in merge._waiting) == merge._rows_waiting <= 4000 + 61
    expected = slow_select([row for part in parts for row in rows(part)], 2000)
    assert rows(merge.result()) == expected
    assert merge._rows_held == 0


@pytest.mark.parametrize("ascending", [False, True])
def test_a_long_stream_equals_the_full_sort(ascending):
    rng, query_size = np.random.default_rng(5), 700
    merge, parts = BoxMerge(query_size), []
    for image in range(300):
        score = np.round(rng.random(60), 2) + (image / 50 if ascending else 0)
        part = table([(f"im{image}", s, i // 9, i % 9) for i, s in enumerate(score.tolist())])
        parts += [part] * (1 + (image % 7 == 0))  # a retried task sends its rows again
        merge.add(part.filter(pa.array(score >= merge.cutoff())))
        if image % 7 == 0:
            merge.add(part)
    everything = [row for part in parts for row in rows(part)]
    assert rows(merge.result()) == slow_select(everything, query_size)


def test_bad_input_is_named():
    for make in (BoxMerge, lambda size: select_boxes(table([]), size)):
        with pytest.raises(ValueError, match="query_size 0"):
            make(0)
        for wrong in (2.5, True, "3"):
            with pytest.raises(ValueError, match=f"query_size {wrong!r} isn't a whole number"):
                make(wrong)
    with pytest.raises(ValueError, match="candidates are a list: give a pyarrow table"):
        select_boxes([], 3)
    with pytest.raises(ValueError, match="lack the columns score"):
        select_boxes(pa.table({"image_id": ["a"], "top": [1], "left": [1]}), 1)
    assert select_boxes(table([]), 3).num_rows == 0


def test_a_record_batch_is_a_table():
    batch = table([("b", 0.5, 0, 0), ("a", 2.0, 1, 1), ("a", 2.0, 1, 1), ("c", -1.0, 0, 0)]).to_batches()[0]
    assert rows(select_boxes(batch, 2)) == [("a", 2.0, 1, 1), ("b", 0.5, 0, 0)]
    wider = batch.append_column("gain", pa.array([1, 2, 2, 3]))
    assert select_boxes(wider, 1).to_pylist() == [{"image_id": "a", "score": 2.0, "top": 1, "left": 1, "gain": 2}]
