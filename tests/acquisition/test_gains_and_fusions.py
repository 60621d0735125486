"""Gains, class weights, costs and fusions of score_image, each beside its definition worked out box by box."""

import numpy as np
import pytest
from softmax_of_patches import softmax_of_patches

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_features import box_features, lattice
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.acquisition.candidate_columns import CLASS_SHARES, FEATURE, column_matrix
from raymeta.acquisition.fusion import gain_per_click, weighted_sum
from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.predicted_clicks import COST_FEATURES, PREDICTED_CLICKS, feature_matrix
from raymeta.acquisition.priority_maps import quantize
from raymeta.acquisition.strategies import at_iteration, expansion, strategy_of
from raymeta.annotation.click_estimation import default_epsilon, estimate_clicks
from raymeta.config import (
    PRESETS,
    STRATEGY_NAMES,
    AcquisitionConfig,
    ConfigError,
    apply_overrides,
    parse_config,
    run_configs,
)
from raymeta.config.presets import BOX_WIDTHS
from raymeta.metaseg.heatmaps import entropy, margin

HEIGHT, WIDTH, B, CLICKS_MAX, C0 = 26, 40, 8, 9, 2.5
WEIGHTS = np.array([1.0, 0.2, 0.0, 0.7])


class InnerChanges:
    """A cost regressor that counts half a click for every label change inside."""

    def predict(self, features):
        return 0.5 * features[:, 2]


@pytest.fixture(scope="module")
def softmax():
    return softmax_of_patches(4, HEIGHT, WIDTH)


@pytest.fixture(scope="module")
def labelled():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[4:15, 3:17] = True
    return mask


def score(softmax, labelled, acquisition, **changes):
    values = {"class_weights": WEIGHTS, "cost_regressor": InnerChanges(), "clicks_max": CLICKS_MAX}
    return score_image(
        softmax, strategy=strategy_of(acquisition), box_width=B, seed=0, iteration=0, image_id="a",
        labelled_mask=labelled, clicks_priority=acquisition.clicks_priority, **(values | changes),
    )  # fmt: skip


def slow_scores(softmax, labelled, acquisition):
    """(H-b+1, W-b+1): the definitions of docs/method.md, one box after the other."""
    prediction = np.argmax(softmax, axis=0).astype(np.uint8)
    clicks = estimate_clicks(prediction, default_epsilon(HEIGHT))
    gain = quantize({"entropy": entropy, "margin": margin}[acquisition.gain](softmax)).astype(np.float64)
    if acquisition.class_weights.source != "none":
        gain = quantize(gain * np.tensordot(WEIGHTS, softmax.astype(np.float64), axes=1)).astype(np.float64)
    free = ~labelled
    tops, lefts = set(lattice(HEIGHT, B).tolist()), set(lattice(WIDTH, B).tolist())
    scores = np.zeros((HEIGHT - B + 1, WIDTH - B + 1))
    for top, left in np.ndindex(scores.shape):
        box = np.s_[top : top + B, left : left + B]
        worth, unlabelled, count = (gain * free)[box].sum(), free[box].sum(), (clicks * free)[box].sum()
        if acquisition.cost == "none":
            scores[top, left] = worth
        elif acquisition.fusion == "weighted_sum":
            rest = max(0.001, 1 - count / CLICKS_MAX) * unlabelled / B**2
            if acquisition.clicks_priority == "paper":
                rest = ((1 - clicks) * free)[box].sum() / B**2
            scores[top, left] = (0.3 * worth / B**2 + 0.7 * rest) if worth > 0 else 0
        elif acquisition.cost == "estimated":
            scores[top, left] = worth / (count + C0)
        elif top in tops and left in lefts:
            labels = prediction[box]
            changes = (labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum()
            scores[top, left] = worth / (0.5 * changes + C0)
    return scores


CASES = [
    {"gain": "margin", "cost": "none"},
    {"gain": "entropy", "cost": "none", "class_weights": {"source": "labels"}},
    {"gain": "margin", "cost": "estimated", "fusion": "ratio", "class_weights": {"source": "predictions"}},
    {"gain": "entropy", "cost": "estimated", "fusion": "weighted_sum"},
    {"gain": "margin", "cost": "estimated", "fusion": "weighted_sum", "clicks_priority": "paper"},
    {"gain": "entropy", "cost": "learned", "fusion": "ratio"},
]


@pytest.mark.parametrize("values", CASES)
def test_candidates_follow_the_definition(softmax, labelled, values):
    acquisition = AcquisitionConfig.model_validate({"open_cost": C0, "gain_weight": 0.3} | values)
    scores = slow_scores(softmax, labelled, acquisition)
    found = score(softmax, labelled, acquisition).candidates.to_pylist()
    assert len(found) > 5
    for row in found:
        # A tie of the slow sums may fall another way: what counts is that no better box was left.
        assert row["score"] == pytest.approx(scores.max(), rel=2e-6)
        assert row["score"] == pytest.approx(scores[row["top"], row["left"]], rel=2e-6)
        scores[max(row["top"] - B + 1, 0) : row["top"] + B, max(row["left"] - B + 1, 0) : row["left"] + B] = 0
    assert scores.max() <= 1e-9


@pytest.mark.parametrize("weighed", ["none", "labels"])
def test_learned_candidates_are_those_of_all_boxes_bit_for_bit(softmax, labelled, weighed):
    """The slow way: every box of the image, of which those outside the lattice cost infinitely much."""
    values = {"gain": "margin", "cost": "learned", "fusion": "ratio", "open_cost": C0}
    acquisition = AcquisitionConfig.model_validate(values | {"class_weights": {"source": weighed}})
    found = score(softmax, labelled, acquisition, keep_maps=True)
    gain = aggregate(found.maps["margin"], B)
    clicks = np.full_like(gain, np.inf)
    prediction, heat = found.maps["segmentation"], quantize(entropy(softmax))
    for top in lattice(HEIGHT, B):
        for left in lattice(WIDTH, B):
            corner = np.array([top]), np.array([left])
            features = box_features(prediction, found.maps["estimated_clicks"], heat, *corner, B, 4)
            clicks[top, left] = 0.5 * features.astype(np.float32)[0, 2]
    scores = gain / (clicks + C0)
    assert np.array_equal(found.maps["joint"], scores)
    slow = greedy_boxes(scores, B)
    assert found.candidates.select(slow.column_names).equals(slow)
    assert score(softmax, labelled, acquisition).candidates.equals(found.candidates)


def test_learned_candidates_carry_what_they_were_predicted_from(softmax, labelled):
    acquisition = AcquisitionConfig(gain="entropy", cost="learned", fusion="ratio")
    rows = score(softmax, labelled, acquisition).candidates
    prediction = np.argmax(softmax, axis=0).astype(np.uint8)
    clicks, heat = estimate_clicks(prediction, default_epsilon(HEIGHT)), quantize(entropy(softmax))
    features = feature_matrix(rows)
    for index, row in enumerate(rows.to_pylist()):
        corner = np.array([row["top"]]), np.array([row["left"]])
        expected = box_features(prediction, clicks, heat, *corner, B, 4)[0]
        np.testing.assert_allclose(features[index], expected, rtol=1e-6)
        assert row[PREDICTED_CLICKS] == pytest.approx(0.5 * expected[2])
    assert {PREDICTED_CLICKS, COST_FEATURES} <= set(rows.column_names)


def test_candidates_carry_what_the_policy_needs(softmax, labelled):
    acquisition = AcquisitionConfig(gain="margin", class_weights={"source": "labels"})
    rows = score(softmax, labelled, acquisition, needs={"class_shares", "feature"}).candidates
    weighted = quantize(quantize(margin(softmax), labelled) * np.tensordot(WEIGHTS, softmax, axes=1))
    for index, row in enumerate(rows.to_pylist()):
        box = np.s_[row["top"] : row["top"] + B, row["left"] : row["left"] + B]
        shares = (softmax[:, box[0], box[1]] * weighted[box]).sum(axis=(1, 2)) / weighted[box].sum()
        np.testing.assert_allclose(column_matrix(rows, CLASS_SHARES)[index], shares, atol=2e-3)
        np.testing.assert_allclose(
            column_matrix(rows, FEATURE)[index], softmax[:, box[0], box[1]].mean(axis=(1, 2)), atol=2e-3
        )


def test_fusions_by_hand():
    gain, cheap = np.array([[16.0, 0.0]]), np.array([[0.5, 1.0]])
    assert weighted_sum(gain, cheap, 0.25, 8).tolist() == [[0.25 * 0.25 + 0.75 * 0.5, 0.0]]
    assert gain_per_click(np.array([[6.0, 6.0]]), np.array([[2.0, np.inf]]), 4.0).tolist() == [[1.0, 0.0]]


def test_what_a_strategy_lacks_is_named(softmax, labelled):
    weighed = AcquisitionConfig(gain="margin", class_weights={"source": "labels"})
    with pytest.raises(ValueError, match="class_weights"):
        score(softmax, labelled, weighed, class_weights=None)
    learned = AcquisitionConfig(gain="margin", cost="learned", fusion="ratio")
    with pytest.raises(ValueError, match="cost_regressor"):
        score(softmax, labelled, learned, cost_regressor=None)


@pytest.mark.parametrize("name", STRATEGY_NAMES)
def test_presets_expand(name):
    acquisition = AcquisitionConfig(strategy=name)
    assert (acquisition.gain_name, acquisition.cost_name) == PRESETS[name][:2]
    assert expansion(acquisition).startswith(f"{name}: gain {acquisition.gain_name}")
    if name == "full_set":
        return
    same = AcquisitionConfig(gain=acquisition.gain_name, cost=acquisition.cost_name)
    one, other = strategy_of(acquisition), strategy_of(same)
    assert (one.priorities, one.true_clicks, one.fusion) == (other.priorities, other.true_clicks, other.fusion)
    assert strategy_of(AcquisitionConfig(strategy=name, gain="margin")).gains == ("margin",)


def test_the_first_iterations_may_ask_at_random():
    acquisition = AcquisitionConfig(
        strategy="metabox_plus", random_iterations=2, policy={"name": "strata"}, noise={"beta_start": 1.0}
    )
    first, third = at_iteration(acquisition, 1), at_iteration(acquisition, 2)
    assert third is acquisition
    assert strategy_of(first).priorities == ("random",)
    assert (first.policy.name, first.noise.beta_start) == ("top_scores", None)
    assert first.query_size == acquisition.query_size


@pytest.mark.parametrize("values", [{}, {"strategy": "superpixels"}, {"query_clicks": 5.0}])
def test_superpixels_are_asked_for_without_further_words(values):
    acquisition = AcquisitionConfig(**values)
    assert (acquisition.strategy, acquisition.gain_name, acquisition.unit) == ("superpixels", "margin", "superpixel")
    assert acquisition.box_width == BOX_WIDTHS["superpixel"] == 96
    assert (acquisition.class_weights.source, acquisition.class_weights.power) == ("predictions", 1.0)
    assert AcquisitionConfig(**acquisition.model_dump()) == acquisition


def test_what_is_said_counts_before_a_preset():
    acquisition = AcquisitionConfig(strategy="points", gain="entropy", class_weights={"source": "none"})
    assert (acquisition.gain_name, acquisition.class_weights.source) == ("entropy", "none")
    assert AcquisitionConfig(strategy="points", unit="box").asked_width == 128
    plain = AcquisitionConfig(gain="entropy")
    assert (plain.strategy, plain.unit, plain.class_weights.source) == ("custom", "box", "none")
    chance = AcquisitionConfig(strategy="random_points")
    assert (chance.gain_name, chance.unit, chance.class_weights.source) == ("random", "point", "none")


def test_a_study_of_a_config_of_points_has_arms_of_boxes():
    values = {"run_dir": "/run", "dataset": {"kind": "camvid", "root": "/nowhere"}, "acquisition": {"box_width": 8}}
    study = {"strategies": ["points", "random_box", "metabox_plus", "random_points"]}
    for named in ({}, {"strategy": "points"}):
        runs = run_configs(parse_config({**values, "acquisition": {"box_width": 8, **named}, "study": study}))
        arms = [(run.acquisition.unit, run.acquisition.class_weights.source) for run in runs]
        assert arms == [("point", "predictions"), ("box", "none"), ("box", "none"), ("point", "none")]


@pytest.mark.parametrize("strategy", ["metabox_plus", "random_box", "random_points", "points"])
@pytest.mark.parametrize("kept", ["points", "segments", "superpixels", "metabox_plus"])
def test_a_kept_run_is_asked_by_another_strategy(kept, strategy):
    """A run's config holds all values; those that its strategy's name stands for go with that name."""
    values = {"run_dir": "/run", "dataset": {"kind": "camvid", "root": "/nowhere"}}
    begun = parse_config({**values, "acquisition": {"strategy": kept}})
    whole = parse_config(begun.model_dump())
    changed = apply_overrides(whole, [f"acquisition.strategy={strategy}", "acquisition.box_width=8"]).acquisition
    assert changed == AcquisitionConfig(strategy=strategy, box_width=8)
    as_begun = apply_overrides(whole, [f"acquisition.strategy={strategy}"]).acquisition
    assert as_begun == AcquisitionConfig(strategy=strategy)
    own = apply_overrides(whole, [f"acquisition.strategy={strategy}", "acquisition.class_weights.source=labels"])
    assert own.acquisition.class_weights.source == "labels"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"strategy": "custom"}, "without a gain"),
        ({"strategy": "points", "cost": "estimated"}, "costs one click"),
        ({"gain": "doubt"}, "acquisition.gain"),
        ({"strategy": "full_set", "gain": "margin"}, "full_set asks for no boxes"),
        ({"gain": "margin", "fusion": "ratio"}, "name a cost"),
        ({"gain": "margin", "cost": "learned"}, "set fusion to ratio"),
        ({"gain": "margin", "class_weights": {"source": "given"}}, "give values"),
        ({"gain": "margin", "class_weights": {"source": "given", "values": {300: 1.0}}}, "class ids from 0"),
        ({"gain": "margin", "noise": {"beta_end": 2.0}}, "without beta_start"),
        ({"gain": "margin", "policy": {"clip_pattern": "("}}, "regular expression"),
        ({"gain": "margin", "policy": {"clip_pattern": "a"}}, "has no group"),
        ({"gain": "margin", "query_clicks": 5.0, "query_seconds": 5.0}, "give one"),
        ({"gain": "margin", "cost": "learned", "fusion": "ratio", "query_seconds": 5.0}, "learned_cost.unit"),
        ({"gain": "margin", "match_cost_of": "there", "query_clicks": 5.0}, "match_cost_of"),
    ],
)
def test_configs_that_can_not_work_are_named(values, words):
    dataset = {"kind": "camvid", "root": "nowhere"}
    with pytest.raises(ConfigError, match=words):
        parse_config({"run_dir": "run", "dataset": dataset, "acquisition": values})
