import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from softmax_of_patches import softmax_of_patches

from raymeta.acquisition.box_clicks import MIN_FACTOR
from raymeta.acquisition.pool_scoring import SCORED_SCHEMA, largest_box_clicks, score_image
from raymeta.acquisition.priority_maps import quantize, random_priority
from raymeta.acquisition.strategies import STRATEGIES, Priority, Strategy, find_strategy
from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks
from raymeta.config import STRATEGY_NAMES, SegmentsConfig
from raymeta.metaseg.heatmaps import entropy
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics
from raymeta.schemas import POOL_IMAGE_SCHEMA

HEIGHT, WIDTH, B, CLICKS_MAX = 30, 44, 7, 9


class SizeRegressor:
    """Predicts an IoU that only the size of the segment decides."""

    def predict(self, table):
        size = table["size"].to_numpy()
        return size / (size + 20)


@pytest.fixture(scope="module")
def softmax():
    return softmax_of_patches(5, HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def labelled():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[5:16, 3:20] = True
    return mask


@pytest.fixture(scope="module")
def vertices():
    return (np.random.default_rng(6).random((HEIGHT, WIDTH)) < 0.05).astype(np.uint8)


def score(softmax, labelled, vertices, strategy, **changes):
    values = {
        "box_width": B, "seed": 3, "iteration": 2, "image_id": "city/a", "regressor": SizeRegressor(),
        "labelled_mask": labelled, "true_vertex_map": vertices, "clicks_max": CLICKS_MAX,
    }  # fmt: skip
    return score_image(softmax, strategy=strategy, **(values | changes))


def slow_candidates(softmax, labelled, vertices, strategy, clicks_priority):
    """The definition, box by box."""
    plan = STRATEGIES[strategy]
    prediction = np.argmax(softmax, axis=0).astype(np.uint8)
    clicks = vertices if plan.true_clicks else estimate_clicks(prediction, default_epsilon(HEIGHT))
    segments, table = segment_metrics(softmax)
    maps = {
        "random": random_priority(3, 2, "city/a", HEIGHT, WIDTH),
        "entropy": quantize(entropy(softmax)),
        "metaseg": quantize(1 - predicted_iou_map(segments, SizeRegressor().predict(table))),
        "clicks": 1.0 - clicks,
    }
    free = ~labelled
    scores = np.zeros((HEIGHT - B + 1, WIDTH - B + 1))
    for top, left in np.ndindex(scores.shape):
        box = np.s_[top : top + B, left : left + B]
        factors = [float((maps[name] * free)[box].sum(dtype=np.float64)) for name in plan.priorities]
        if "clicks" in plan.priorities and clicks_priority == "normalized":
            rest = max(MIN_FACTOR, 1 - int((clicks * free)[box].sum()) / CLICKS_MAX)
            factors[plan.priorities.index("clicks")] = free[box].sum() / B**2 * rest
        scores[top, left] = np.prod(factors) if factors else 0.0
    found = []
    while scores.max() > 1e-12:
        top, left = (int(i) for i in np.unravel_index(np.argmax(scores), scores.shape))
        box = np.s_[top : top + B, left : left + B]
        found.append((scores[top, left], top, left, int((clicks * free)[box].sum()), int(free[box].sum())))
        scores[max(top - B + 1, 0) : top + B, max(left - B + 1, 0) : left + B] = 0
    return found


@pytest.mark.parametrize("clicks_priority", ["paper", "normalized"])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_follows_its_definition(softmax, labelled, vertices, strategy, clicks_priority):
    result = score(softmax, labelled, vertices, strategy, clicks_priority=clicks_priority)
    expected = slow_candidates(softmax, labelled, vertices, strategy, clicks_priority)
    assert result.candidates.schema.equals(SCORED_SCHEMA)
    assert set(result.candidates["image_id"].to_pylist()) <= {"city/a"}
    found = [tuple(row.values())[1:] for row in result.candidates.to_pylist()]
    assert [row[1:] for row in found] == [row[1:] for row in expected]
    assert [row[0] for row in found] == pytest.approx([row[0] for row in expected], rel=1e-12)
    assert bool(found) == bool(STRATEGIES[strategy].priorities)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_contract_of_every_strategy(softmax, labelled, vertices, strategy):
    whole = score(softmax, labelled, vertices, strategy, keep_maps=True)
    rows = whole.candidates.to_pylist()
    scores = [row["score"] for row in rows]
    assert scores == sorted(scores, reverse=True)
    assert all(row["score"] > 0 and 0 < row["unlabelled_pixels"] <= B * B for row in rows)
    for i, one in enumerate(rows):
        assert all(abs(one["top"] - o["top"]) >= B or abs(one["left"] - o["left"]) >= B for o in rows[:i])
    assert whole.candidates.equals(score(softmax, labelled, vertices, strategy).candidates)
    # A limit and a lower bound only cut the sequence off; a score equal to the bound stays.
    if rows:
        assert score(softmax, labelled, vertices, strategy, query_size=2).candidates.to_pylist() == rows[:2]
        bounded = score(softmax, labelled, vertices, strategy, min_score=scores[3]).candidates.to_pylist()
        assert bounded == [row for row in rows if row["score"] >= scores[3]]
    assert set(whole.statistics) <= set(POOL_IMAGE_SCHEMA.names)
    assert whole.statistics["candidates"] == len(rows)
    assert whole.statistics["unlabelled_pixels"] == int((~labelled).sum())
    assert whole.statistics["best_score"] == (scores[0] if rows else None)
    assert {"segmentation", "predicted_iou", "metaseg", "clicks", "entropy", "joint"} <= set(whole.maps)
    assert whole.maps["joint"].shape == (HEIGHT - B + 1, WIDTH - B + 1)
    for name in get_args(Priority):
        if name in whole.maps:
            assert whole.maps[name].dtype == np.float32
            assert (whole.maps[name][labelled] == 0).all()
            assert 0 <= whole.maps[name].min() <= whole.maps[name].max() <= 1


@pytest.mark.parametrize("clicks_priority", ["normalized", "paper"])
def test_maps_of_one_click_segments_show_the_scores_of_boxes(softmax, labelled, vertices, clicks_priority):
    options = {"clicks_priority": clicks_priority, "keep_maps": True}
    boxes = score(softmax, labelled, vertices, "metabox_plus", **options)
    parts = score(softmax, labelled, vertices, "metabox_plus", **options, segments=SegmentsConfig())
    np.testing.assert_array_equal(parts.maps["joint"], boxes.maps["joint"])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_wholly_labelled_image_gives_nothing(softmax, vertices, strategy):
    everything = np.ones((HEIGHT, WIDTH), dtype=bool)
    assert score(softmax, everything, vertices, strategy).candidates.num_rows == 0


@pytest.mark.parametrize("strategy", ["random_box", "entropy_box", "metabox_plus"])
def test_statistics(softmax, labelled, vertices, strategy):
    numbers = score(softmax, labelled, vertices, strategy).statistics
    assert numbers["mean_entropy"] == pytest.approx(float(entropy(softmax).mean()), abs=1e-5)
    assert (numbers["segments"] is None) == (numbers["mean_predicted_iou"] is None) == (strategy != "metabox_plus")
    clicks = estimate_clicks(np.argmax(softmax, axis=0).astype(np.uint8), default_epsilon(HEIGHT))
    assert numbers["estimated_clicks"] == int(clicks[~labelled].sum())


def test_a_new_strategy_is_one_entry(softmax, labelled, vertices, monkeypatch):
    monkeypatch.setitem(STRATEGIES, "both", Strategy("both", ("entropy", "metaseg")))
    found = score(softmax, labelled, vertices, "both", keep_maps=True)
    assert found.candidates.num_rows > 0


def test_registry_and_config_name_the_same_strategies():
    assert tuple(STRATEGIES) == STRATEGY_NAMES
    assert [name for name, plan in STRATEGIES.items() if plan.needs_meta_regressor] == [
        name for name in STRATEGY_NAMES if name.startswith("metabox")
    ]
    assert all(plan.true_clicks == name.endswith("_star") for name, plan in STRATEGIES.items())
    assert all(plan.uses_clicks == ("plus" in name) for name, plan in STRATEGIES.items())
    assert find_strategy("metabox_plus").priorities == ("metaseg", "clicks")


def test_largest_box_clicks_by_brute_force(softmax, labelled, vertices):
    clicks = estimate_clicks(np.argmax(softmax, axis=0).astype(np.uint8), 1.5)
    for mask, kept in ((None, np.ones_like(labelled)), (labelled, ~labelled)):
        for given, counted in ((None, clicks), (vertices, vertices)):
            counts = [
                (counted * kept)[top : top + B, left : left + B].sum()
                for top in range(HEIGHT - B + 1)
                for left in range(WIDTH - B + 1)
            ]
            found = largest_box_clicks(softmax, box_width=B, labelled_mask=mask, true_vertex_map=given, epsilon=1.5)
            assert found == max(counts)
            assert isinstance(found, int)


@pytest.mark.parametrize(
    ("strategy", "changes", "message"),
    [
        ("metabos", {}, "strategy 'metabos' is unknown: choose one of random_box"),
        ("random_box", {"box_width": 31}, "box_width 31 exceeds the image height 30"),
        ("metabox", {"regressor": None}, "give a fitted meta regressor"),
        ("metabox_plus_star", {"true_vertex_map": None}, "give true_vertex_map"),
        ("metabox_plus_star", {"true_vertex_map": np.zeros((2, 2), dtype=np.uint8)}, "true_vertex_map has shape"),
        ("metabox_plus", {"clicks_max": None}, "clicks_max None"),
        ("random_box", {"labelled_mask": np.zeros((2, 2), dtype=bool)}, "labelled_mask has shape"),
        ("random_box", {"labelled_mask": np.zeros((HEIGHT, WIDTH), dtype=np.uint8)}, "uint8"),
        ("random_box", {"epsilon": 0.0}, "epsilon 0.0"),
        (
            "metabox_plus",
            {"clicks_priority": "foo"},
            "priority 'foo' is unknown: choose one of paper, normalized",
        ),
        ("random_box", {"box_width": 2.5}, "box_width 2.5 isn't a whole number"),
        ("random_box", {"query_size": True}, "query_size True isn't a whole number"),
        ("metabox_plus", {"clicks_max": float("nan")}, "clicks_max nan isn't a whole number"),
        ("random_box", {"min_score": float("nan")}, "min_score nan"),
        ("random_box", {"seed": -1}, "seed -1 is below 0"),
        ("random_box", {"iteration": 1.5}, "iteration 1.5 isn't a whole number"),
        ("random_box", {"image_id": 7}, "image_id 7 isn't text"),
        ("random_box", {"labelled_mask": [[True]]}, "labelled_mask is a list"),
        ("metabox_plus_star", {"true_vertex_map": [[1]]}, "true_vertex_map is a list"),
    ],
)
def test_bad_input_is_named(softmax, labelled, vertices, strategy, changes, message):
    with pytest.raises(ValueError, match=message):
        score(softmax, labelled, vertices, strategy, **changes)


def test_logits_are_refused(labelled, vertices):
    with pytest.raises(ValueError, match="softmax"):
        score(np.full((3, HEIGHT, WIDTH), 5, dtype=np.float32), labelled, vertices, "random_box")
    with pytest.raises(ValueError, match="shape"):
        score(np.ones((HEIGHT, WIDTH), dtype=np.float32), labelled, vertices, "random_box")
    with pytest.raises(ValueError, match="softmax is a list: give a numpy array or a tensor"):
        score([[[1.0]]], labelled, vertices, "random_box")


def test_the_core_never_imports_ray():
    code = "import raymeta.acquisition.pool_scoring, sys; assert 'ray' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_tensor_is_scored_as_an_array_is(softmax, labelled, vertices, strategy):
    import torch

    expected = score(softmax, labelled, vertices, strategy)
    found = score(torch.from_numpy(softmax), labelled, vertices, strategy)
    columns = ["top", "left", "estimated_clicks", "unlabelled_pixels"]
    assert found.candidates.select(columns).equals(expected.candidates.select(columns))
    scores = [table["score"].to_numpy() for table in (found.candidates, expected.candidates)]
    np.testing.assert_allclose(*scores, rtol=1e-5)
    assert found.statistics["segments"] == expected.statistics["segments"]
    assert found.statistics["mean_entropy"] == pytest.approx(expected.statistics["mean_entropy"], rel=1e-6)


def test_numpy_integers_are_taken(softmax, labelled, vertices):
    plain = score(softmax, labelled, vertices, "metabox_plus", box_width=14, query_size=3)
    sized = score(softmax, labelled, vertices, "metabox_plus", box_width=np.int8(14), query_size=np.uint8(3))
    assert sized.candidates.equals(plain.candidates)
