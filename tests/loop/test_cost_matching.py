"""Queries cut at the cost of a reference run, on a data set of three label maps."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_runs import make_config, write_iteration

from raymeta.acquisition.policies.registry import wanted_candidates
from raymeta.acquisition.policies.score_policies import CANDIDATES_PER_BOX
from raymeta.annotation.cost_models import COST_A
from raymeta.annotation.oracle import Oracle
from raymeta.config import ConfigError, ExperimentConfig
from raymeta.loop.cost_matching import check_reference, match_target
from raymeta.loop.query_choice import choose_query
from raymeta.runs.run_store import RunError, RunStore
from raymeta.runs.split import Split
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA, WHOLE_IMAGE_CLICKS_SCHEMA

BOX = 4


class LabelMaps:
    """A data set without polygons: noise in blocks of 2 pixels, so that boxes differ in their clicks."""

    has_polygons = False
    num_classes = 3

    def label_map(self, image_id: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if image_id == "broken":
            raise OSError("broken can't be read")
        blocks = np.random.default_rng(ord(image_id)).integers(0, 3, (8, 12), dtype=np.uint8)
        return blocks.repeat(2, axis=0).repeat(2, axis=1)

    def polygons(self, image_id: str) -> list[Any]:
        raise AssertionError(f"{image_id}: there are none")


def ranked(image_ids: str = "ab", rows: int = 20) -> pa.Table:
    corners = [(i, y, x) for y in range(0, 16, BOX) for x in range(0, 24, BOX) for i in image_ids][:rows]
    columns = [
        {"image_id": i, "top": y, "left": x, "width": BOX, "score": 1.0 / r, "rank": r} | dict.fromkeys(ZERO, 0)
        for r, (i, y, x) in enumerate(corners, 1)
    ]
    return pa.Table.from_pylist(columns, schema=QUERY_SCHEMA)


ZERO = ("estimated_clicks", "unlabelled_pixels")


def annotation(*clicks: int) -> pa.Table:
    """One box each with this many polygon clicks; the four box clicks never count."""
    row = {"image_id": "c", "top": 0, "left": 0, "width": BOX, "intersection_clicks": 0, "class_clicks": 0}
    rows = [row | {"rank": r, "polygon_clicks": n, "box_clicks": 4} for r, n in enumerate(clicks, 1)]
    return pa.Table.from_pylist(rows, schema=ANNOTATION_SCHEMA)


def write(folder: Path, answers: list[pa.Table], strategy: str = "metabox", **top: Any) -> RunStore:
    config = make_config(folder, strategy, **top)
    store = RunStore(str(folder))
    store.create(config)
    meta = ("m",) if strategy == "metabox" else ()
    store.write_split(Split(("l",), meta, tuple("abcm")[: 4 - len(meta)], ("v",)).to_table())
    whole = [{"image_id": i, "polygon_clicks": 50, "class_clicks": 7, "pixels": 384} for i in "abclm"]
    store.write_pool_clicks(pa.Table.from_pylist(whole, schema=WHOLE_IMAGE_CLICKS_SCHEMA))
    for index, answer in enumerate(answers):
        write_iteration(store, config, index, 0.5, 5.0)
        folder_ = store.iteration(index)
        folder_.write_table("annotation.parquet", answer)
        folder_.commit("annotate", ["annotation.parquet"])
        folder_.commit("summary", ["summary.json"])
    return store


def matched(tmp_path: Path, **acquisition: Any) -> ExperimentConfig:
    values = make_config("x").acquisition.model_dump() | {
        "strategy": "random_box",
        "match_cost_of": str(tmp_path / "r"),
    }
    return make_config(tmp_path / "own", "random_box", acquisition=values | acquisition)


def costs(table: pa.Table) -> np.ndarray[Any, np.dtype[np.int64]]:
    return COST_A.box_costs(Oracle(LabelMaps()).answer(table))


def cut_query(
    rows: pa.Table, config: ExperimentConfig, store: RunStore, dataset: Any, iteration: int
) -> tuple[pa.Table, dict[str, Any]]:
    """As the score stage does; what is told of the match."""
    query, _, notes = choose_query(rows, config, store, dataset, iteration)
    return query, notes.get("matched", {})


def test_box_clicks_do_not_enter_cost_a() -> None:
    row = {"image_id": "a", "top": 0, "left": 0, "width": 4, "rank": 1, "polygon_clicks": 5, "intersection_clicks": 2}
    table = pa.Table.from_pylist([row | {"box_clicks": 4, "class_clicks": 3}], schema=ANNOTATION_SCHEMA)
    assert COST_A.box_costs(table).tolist() == [10]


@settings(max_examples=30, deadline=None)
@given(wanted=st.integers(1, 400))
def test_no_other_prefix_is_nearer(tmp_path_factory: pytest.TempPathFactory, wanted: int) -> None:
    folder = tmp_path_factory.mktemp("match")
    write(folder / "r", [annotation(wanted)])
    own = write(folder / "own", [], "random_box")
    query, told = cut_query(ranked(), matched(folder), own, LabelMaps(), 0)
    everything = np.cumsum(costs(ranked()))
    misses = np.abs(everything - wanted)
    assert query.num_rows == int(misses.argmin()) + 1
    assert query.equals(ranked().slice(0, query.num_rows))
    assert told == {
        "run": str(folder / "r"),
        "strategy": "metabox",
        "clicks_wanted": wanted,
        "clicks_taken": int(everything[query.num_rows - 1]),
        "reached": bool(everything[-1] >= wanted),
    }


def test_what_an_iteration_missed_is_made_up_in_the_next(tmp_path: Path) -> None:
    write(tmp_path / "r", [annotation(60, 20), annotation(100)])
    own = write(tmp_path / "own", [annotation(73)], "random_box")
    _, told = cut_query(ranked(), matched(tmp_path), own, LabelMaps(), 1)
    assert told["clicks_wanted"] == 180 - 73


def test_total_matches_the_meta_set_too(tmp_path: Path) -> None:
    write(tmp_path / "r", [annotation(40)])
    own = write(tmp_path / "own", [], "random_box")
    _, told = cut_query(ranked(), matched(tmp_path, match_cost="total"), own, LabelMaps(), 0)
    assert told["clicks_wanted"] == 40 + 50 + 7


def test_the_nearest_cut_keeps_one_box_even_when_nothing_is_left_to_spend(tmp_path: Path) -> None:
    write(tmp_path / "r", [annotation(0)])
    own = write(tmp_path / "own", [], "random_box")
    query, _ = cut_query(ranked(), matched(tmp_path), own, LabelMaps(), 0)
    assert query.num_rows == 1


def test_an_unreadable_image_stays_in_the_query_and_costs_nothing(tmp_path: Path) -> None:
    write(tmp_path / "r", [annotation(60)])
    own = write(tmp_path / "own", [], "random_box")
    rows = ranked("a", 12).to_pylist()
    rows[1]["image_id"] = "broken"
    query, told = cut_query(pa.Table.from_pylist(rows, schema=QUERY_SCHEMA), matched(tmp_path), own, LabelMaps(), 0)
    assert "broken" in query["image_id"].to_pylist()
    kept = pa.Table.from_pylist([row for row in query.to_pylist() if row["image_id"] == "a"], schema=QUERY_SCHEMA)
    assert told["clicks_taken"] == costs(kept).sum()


def test_without_a_reference_nothing_is_matched(tmp_path: Path) -> None:
    config = make_config(tmp_path / "own", "random_box")
    query, _, notes = choose_query(ranked(), config, RunStore(str(tmp_path / "own")), LabelMaps(), 0)
    assert query.equals(ranked().slice(0, config.acquisition.query_size))
    assert notes == {}
    assert match_target(config, RunStore(str(tmp_path / "own")), 0) is None
    assert wanted_candidates(config.acquisition) == config.acquisition.query_size
    check_reference(config, Split(("l",), (), ("a",), ("v",)))


def test_scorers_rank_more_boxes_than_the_reference_asks(tmp_path: Path) -> None:
    config = matched(tmp_path)
    assert wanted_candidates(config.acquisition) == CANDIDATES_PER_BOX * config.acquisition.query_size


def test_matching_without_a_run_and_another_policy_beside_it_are_refused(tmp_path: Path) -> None:
    for values in ({"match_cost_of": None, "policy": {"name": "matched_cost"}}, {"policy": {"name": "none"}}):
        with pytest.raises(ConfigError, match="policy"):
            matched(tmp_path, **values)


def test_repetitions_are_matched_by_their_seed(tmp_path: Path) -> None:
    write(tmp_path / "r/seed_0", [annotation(60)])
    own = write(tmp_path / "own", [], "random_box")
    _, told = cut_query(ranked(), matched(tmp_path), own, LabelMaps(), 0)
    assert told["clicks_wanted"] == 60


@pytest.mark.parametrize(
    ("initial", "iterations", "words"),
    [("l", 2, "answers for 1 iterations, this run has 2"), ("a", 1, "other initial images")],
)
def test_references_that_can_not_be_matched(tmp_path: Path, initial: str, iterations: int, words: str) -> None:
    write(tmp_path / "r", [annotation(60)])
    config = matched(tmp_path).model_copy(update={"iterations": iterations})
    split = Split((initial,), (), tuple(sorted(set("abclm") - {initial})), ("v",))
    with pytest.raises(RunError, match=words):
        check_reference(config, split)


def test_no_reference_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run, and no seed_0 either"):
        check_reference(matched(tmp_path), Split(("l",), (), ("a",), ("v",)))
