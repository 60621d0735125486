"""The selector over several selections, and after the loss of its memory, without Ray."""

import pickle

import pyarrow as pa
import pytest

from raymeta.acquisition.box_selection import BoxMerge
from raymeta.cluster.box_selector import BoxSelector
from raymeta.schemas import CANDIDATE_SCHEMA

MERGE = pickle.dumps(BoxMerge(2))


def boxes(*scores):
    rows = [{"image_id": f"{score}", "top": 0, "left": 0, "width": 8, "score": score} for score in scores]
    filled = [{name: row.get(name) for name in CANDIDATE_SCHEMA.names} for row in rows]
    return pa.Table.from_pylist(filled, schema=CANDIDATE_SCHEMA)


def scores(answer):
    return answer[0]["score"].to_pylist()


def test_a_selection_begins_by_its_first_call_and_knows_nothing_of_the_one_before():
    selector = BoxSelector()
    _, first = selector.add(1, MERGE, boxes(0.9, 0.8, 0.7))
    assert scores(selector.result(1, MERGE)) == [0.9, 0.8]
    _, second = selector.add(2, MERGE, boxes(0.3))
    assert scores(selector.result(2, MERGE)) == [0.3]
    assert first != second


def test_rows_of_a_selection_that_is_over_change_nothing():
    selector = BoxSelector()
    _, incarnation = selector.add(2, MERGE, boxes(0.3))
    cutoff, other = selector.add(1, MERGE, boxes(0.9))
    assert cutoff == 0.0
    assert other != incarnation
    assert selector.result(2, MERGE)[1] == incarnation
    assert scores(selector.result(2, MERGE)) == [0.3]
    with pytest.raises(ValueError, match="selection 1"):
        selector.result(1, MERGE)


def test_one_that_was_started_anew_says_so_by_its_incarnation():
    _, before = BoxSelector().add(1, MERGE, boxes(0.9))
    again = BoxSelector()
    _, after = again.add(1, MERGE, boxes(0.8))
    assert before != after
    assert scores(again.result(1, MERGE)) == [0.8]
