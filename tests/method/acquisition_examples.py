"""The worked examples of the sections "Priority maps" and "Selection", computed."""

import numpy as np
import pyarrow as pa
from method_page import grid, grids, mark, number, side_by_side
from segment_examples import SOFTMAX

from raymeta.acquisition.aggregated_maps import aggregate
from raymeta.acquisition.box_clicks import box_click_counts, normalized_clicks
from raymeta.acquisition.box_features import box_features, feature_names
from raymeta.acquisition.box_selection import select_boxes
from raymeta.acquisition.candidate_boxes import greedy_boxes
from raymeta.acquisition.class_weights import rarity_weights
from raymeta.acquisition.covering import k_centre_images
from raymeta.acquisition.fusion import gain_per_click, weighted_sum
from raymeta.acquisition.policies.query_policy import QueryBudget, QueryContext
from raymeta.acquisition.policies.strata import Strata
from raymeta.acquisition.pool_scoring import score_image
from raymeta.acquisition.priority_maps import entropy_priority, metaseg_priority, random_priority
from raymeta.acquisition.segment_candidates import segment_candidates
from raymeta.acquisition.superpixels import at_size, coarse_superpixels
from raymeta.annotation.click_estimation import estimate_clicks
from raymeta.boxes import Box, boxes_mask, unpack_mask
from raymeta.config import PolicyConfig
from raymeta.loop.query_budget import budget_until, cut_at_cost
from raymeta.metaseg.heatmaps import entropy
from raymeta.metaseg.segment_metrics import predicted_iou_map, segment_metrics
from raymeta.schemas import CANDIDATE_SCHEMA

LABELLED = boxes_mask([Box(0, 0, 2)], 5, 5)
CLICKS_MAX = 4
VOID = 255


def scored():
    """The chain for the image of the examples, by the strategy `entropy_box_plus`."""
    return score_image(
        SOFTMAX,
        strategy="entropy_box_plus",
        box_width=2,
        seed=0,
        iteration=0,
        image_id="a",
        labelled_mask=LABELLED,
        clicks_max=CLICKS_MAX,
        keep_maps=True,
    )


def entropy_example():
    heatmap = entropy(SOFTMAX)
    priority = entropy_priority(heatmap, LABELLED)
    np.testing.assert_array_equal(scored().maps["entropy"], priority)
    columns = [grid(heatmap), grid(LABELLED, mark), grid(priority)]
    return [side_by_side(["heat map", "labelled", "priority map"], columns)]


def metaseg_example():
    segments, _ = segment_metrics(SOFTMAX)
    predicted = predicted_iou_map(segments, np.array([0.75, 0.5, 0.25]))
    return [grids(q=predicted, g1=metaseg_priority(predicted, LABELLED))]


def estimated_clicks():
    label_map = np.full((7, 9), VOID, np.uint8)
    label_map[2:6, 1:8] = 1
    label_map[1, 4] = 1
    fine, coarse = estimate_clicks(label_map, 0.5), estimate_clicks(label_map, 1.0)
    titles = ["label map", "epsilon 0.5", "epsilon 1"]
    return [side_by_side(titles, [grid(label_map), grid(fine, mark), grid(coarse, mark)])]


def normalised_clicks():
    kappa = scored().maps["estimated_clicks"]
    clicks = box_click_counts(kappa, 2, LABELLED)
    factor = normalized_clicks(kappa, 2, CLICKS_MAX, LABELLED)
    columns = [grid(kappa, mark), grid(clicks), grid(aggregate(~LABELLED, 2)), grid(factor)]
    return [side_by_side(["kappa", "clicks(B)", "unlabelled(B)", "factor"], columns)]


def random_example():
    return ["\n".join(grid(random_priority(0, 0, "a", 1, 4)))]


def aggregated_map():
    return ["\n".join(grid(aggregate(scored().maps["entropy"], 2)))]


def one_click_segments():
    segments, _ = segment_metrics(SOFTMAX)
    gain = metaseg_priority(predicted_iou_map(segments, np.array([0.75, 0.5, 0.25])))
    nothing = np.zeros(gain.shape, bool)
    parts = segment_candidates(segments.segment_map, segments.label_map, gain, nothing, tile_width=3).to_pylist()
    rows = ["top left segment score"]
    picture = np.zeros(gain.shape, np.uint8)
    for row in sorted(parts, key=lambda each: (each["top"], each["left"])):
        tile = np.s_[row["top"] : row["top"] + 3, row["left"] : row["left"] + 3]
        mask = unpack_mask(row["segment"], 3)
        [number_of] = np.unique(segments.segment_map[tile][mask])
        picture[tile][mask] = number_of
        assert (segments.label_map[tile][mask] == row["predicted_class"]).all()
        rows.append(f"{row['top']:<4}{row['left']:<5}{number_of:<8}{number(row['score'])}")
    shown = [" ".join(str(value) if value else "." for value in line) for line in picture.tolist()]
    return [side_by_side(["segments", "parts"], [grid(segments.segment_map), shown]), "\n".join(rows)]


def superpixels():
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 5:, 0] = 255
    found = at_size(coarse_superpixels(image, 4, 10.0), 4, 8)
    prediction = np.zeros((4, 8), np.uint8)
    prediction[:, 6:] = 1
    gain, nothing = np.full((4, 8), 0.25, np.float32), np.zeros((4, 8), bool)
    parts = segment_candidates(found, prediction, gain, nothing, tile_width=4).to_pylist()
    rows = ["top left superpixel pixels score class"]
    for row in parts:
        tile = np.s_[row["top"] : row["top"] + 4, row["left"] : row["left"] + 4]
        [name] = np.unique(found[tile][unpack_mask(row["segment"], 4)])
        score = number(row["score"])
        rows.append(f"{row['top']:<4}{row['left']:<5}{name:<11}{row['pixels']:<7}{score:<6}{row['predicted_class']}")
    return [side_by_side(["superpixels", "prediction"], [grid(found), grid(prediction)]), "\n".join(rows)]


def joint_score():
    joint = scored().maps["joint"]
    factors = (
        aggregate(scored().maps["entropy"], 2),
        normalized_clicks(scored().maps["estimated_clicks"], 2, CLICKS_MAX, LABELLED),
    )
    np.testing.assert_array_equal(joint, factors[0] * factors[1])
    return ["\n".join(grid(joint))]


def candidates():
    rows = scored().candidates.to_pylist()
    lines = [
        f"{rank:<6}{number(row['score']):<8}{row['top']:>3}{row['left']:>6}" for rank, row in enumerate(rows, start=1)
    ]
    return ["\n".join(["rank  score   top  left", *lines])]


def query():
    joint = {
        "a": np.array([[5, 2, 1], [1, 0, 1]], np.float64),
        "b": np.array([[8, 7, 5], [0, 0, 0]], np.float64),
    }
    lines, tables = [], []
    for image_id, scores in joint.items():
        boxes = greedy_boxes(scores, 2)
        tables.append(pa.table([pa.array([image_id] * boxes.num_rows), *boxes.columns], schema=CANDIDATE_SCHEMA))
        listed = [f"(score {number(r['score'])}, top {r['top']}, left {r['left']})" for r in boxes.to_pylist()]
        lines.append(f"candidates of {image_id}   {' '.join(listed)}")
    chosen = select_boxes(pa.concat_tables(tables), 3).to_pylist()
    table = [
        f"{rank:<6}{row['image_id']}{number(row['score']):>11}{row['top']:>5}{row['left']:>6}"
        for rank, row in enumerate(chosen, start=1)
    ]
    maps = grids(joint__score__of__a=joint["a"], joint__score__of__b=joint["b"])
    return ["\n".join([maps, "", *lines, "", "rank  image  score  top  left", *table])]


def fusion():
    gain, cheapness, clicks = np.array([[2.0, 1.0]]), np.array([[0.5, 1.0]]), np.array([[6.0, 1.0]])
    rows = {
        "product": gain * cheapness,
        "weighted_sum": weighted_sum(gain.copy(), cheapness, 0.5, 2),
        "ratio": gain_per_click(gain.copy(), clicks, 4.0),
    }
    return ["\n".join(f"{name:<14}{number(row[0, 0]):<7}{number(row[0, 1])}" for name, row in rows.items())]


def class_weights():
    pixels = np.array([10, 10, 0])
    return ["\n".join([_row("pixels", pixels), _row("weight", rarity_weights(pixels, 2.0))])]


def _row(name, values):
    return (f"{name:<8}" + "".join(f"{number(value):<5}" for value in values)).rstrip()


def strata():
    scores, shares = [10.0, 8.0, 7.0, 4.0], [(1.0, 0.0), (0.75, 0.25), (1.0, 0.0), (0.0, 1.0)]
    flat = pa.array(np.array(shares, np.float16).reshape(-1), pa.float16())
    table = pa.table(
        {"image_id": list("abcd"), "score": scores, "class_shares": pa.FixedSizeListArray.from_arrays(flat, 2)}
    ).append_column("top", pa.array(range(4)))
    context = QueryContext(QueryBudget(4), 0, 0, lambda rows: np.zeros(rows.num_rows, np.int64))
    order = Strata(PolicyConfig(name="strata", share=1.0)).choose(table, context)["top"].to_pylist()
    lines = [
        f"{box:<5}{number(scores[box]):<7}{number(shares[box][0]):<6}{number(shares[box][1]):<6}{order.index(box) + 1}"
        for box in range(4)
    ]
    return ["\n".join(["box  score  s_0   s_1   order", *lines])]


def budget():
    costs = np.array([4.0, 3.0, 4.0])
    lines = [
        f"{name:<10}" + "  ".join(map(number, row)) for name, row in (("expected", costs), ("sum", costs.cumsum()))
    ]
    spent = [number(budget_until(iteration, 10.0, 2.0)) for iteration in range(3)]
    growing = [
        f"{name:<11}" + "".join(f"{v:<4}" for v in row).rstrip()
        for name, row in (("iteration", "012"), ("clicks", spent))
    ]
    return ["\n".join([*lines, f"boxes     {cut_at_cost(costs, 6.0).boxes}"]), "\n".join(growing)]


def covering_start():
    names, features = "abcd", [0, 1, 9, 10]
    taken = k_centre_images(np.array(features, float)[:, None], 3, first=0)
    rows = (("image", names), ("feature", features), ("L0", [names[row] for row in taken]))
    return ["\n".join(f"{name:<9}" + "  ".join(map(str, row)) for name, row in rows)]


def features_of_a_box():
    labels = np.array([[0, 0, 1], [0, 1, 1], [2, 2, 1]], np.uint8)
    corner = np.array([0])
    row = box_features(labels, np.zeros_like(labels), np.zeros((3, 3), np.float32), corner, corner, 3, 3)[0]
    named = dict(zip(feature_names(3), row, strict=True))
    lines = [f"{name:<14}{number(named[name])}" for name in ("ring_changes", "inner_changes", "components")]
    return ["\n".join(["label map", *grid(labels), "", *lines])]


EXAMPLES = {
    "Entropy": entropy_example,
    "MetaSeg priority": metaseg_example,
    "Estimated clicks": estimated_clicks,
    "Normalised click priority": normalised_clicks,
    "Random priority": random_example,
    "Aggregated map": aggregated_map,
    "Joint score": joint_score,
    "One-click segments": one_click_segments,
    "Superpixels": superpixels,
    "Fusion": fusion,
    "Class weights": class_weights,
    "Strata": strata,
    "Budget": budget,
    "Covering start": covering_start,
    "Box features": features_of_a_box,
    "Candidates": candidates,
    "Query": query,
}
