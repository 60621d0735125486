"""The worked examples of the sections "Basic objects", "The split" and "MetaSeg", computed."""

import numpy as np
import pyarrow as pa
from method_page import grid, grids, mark, number, side_by_side

from raymeta.acquisition.pool_scoring import SCORED_SCHEMA
from raymeta.annotation.known_labels import with_points
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box, boxes_mask
from raymeta.config import AcquisitionConfig
from raymeta.loop.query_choice import query_table
from raymeta.metaseg.meta_regression import r_squared
from raymeta.metaseg.segment_metrics import segment_metrics
from raymeta.runs.split import split_pool

P_0 = np.array(
    [[1, 1, 0, 0, 0], [1, 0.75, 0, 0, 0.25], [0.75, 0.5, 1, 1, 1], [0.25, 0.25, 0.75, 1, 1], [0.25, 0.25, 1, 1, 1]],
    np.float32,
)
SOFTMAX = np.stack([P_0, 1 - P_0])
TARGET = np.array([[0, 0, 1, 1, 255], [0, 1, 1, 1, 255], [0, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 1, 0, 0, 0]], np.uint8)


def box():
    first, second, third = Box(0, 0, 2), Box(1, 1, 2), Box(0, 3, 1)
    assert first.overlaps(second)
    assert not second.overlaps(third)
    union = boxes_mask([first, second], 4, 4)
    assert union.sum() == 7  # "7 of 16 pixels" under "Labelled regions"
    columns = [grid(boxes_mask([first], 4, 4), mark), grid(boxes_mask([second], 4, 4), mark), grid(union, mark)]
    return [side_by_side(["Box(0, 0, 2)", "Box(1, 1, 2)", "union"], columns)]


def points():
    truth = np.array([[0, 0, 0, 1, 1], [0, 0, 0, 1, 1], [0, 0, 2, 2, 2], [0, 0, 2, 2, 2], [0, 0, 0, 1, 1]], np.uint8)
    whole = {"image_id": "a", "top": 0, "left": 0, "score": 1.0, "estimated_clicks": 0, "unlabelled_pixels": 25}
    row = query_table(pa.Table.from_pylist([whole], schema=SCORED_SCHEMA), 5, 3).to_pylist()[0]
    square = Box(row["top"], row["left"], row["width"])
    labels = LabelledRegions(boxes={"a": (square,)}).apply(with_points(truth, [square]), "a")
    names = {0: "a", 1: "b", 2: "c", 255: "."}
    columns = [[" ".join(names[value] for value in values) for values in array.tolist()] for array in (truth, labels)]
    return [side_by_side(["truth", "labels"], columns)]


def initial_set():
    acquisition = AcquisitionConfig(strategy="metabox", initial_images=2, meta_images=1)
    split = split_pool("fedcba", [], acquisition, needs_meta_set=True, seed=0)
    other = split_pool("abcdef", [], acquisition, needs_meta_set=False, seed=0)
    assert split.initial == other.initial
    assert set(other.unlabelled) == {*split.unlabelled, *split.meta}
    order = [*"abcdef"]
    permuted = [order[index] for index in np.random.default_rng(0).permutation(6)]
    names = ["permutation of a b c d e f", "L0", "M", "U at the start"]
    parts = [permuted, split.initial, split.meta, split.unlabelled]
    return ["\n".join(f"{name:<29}{' '.join(ids)}" for name, ids in zip(names, parts, strict=True))]


def prediction():
    segments, _ = segment_metrics(SOFTMAX)
    return [grids(p_0=P_0, prediction=segments.label_map, target=TARGET)]


def segment():
    without, with_target = segment_metrics(SOFTMAX)[0], segment_metrics(SOFTMAX, TARGET)[0]
    return [grids(without__target=without.segment_map, with__target=with_target.segment_map)]


def boundary():
    without, with_target = segment_metrics(SOFTMAX)[0], segment_metrics(SOFTMAX, TARGET)[0]
    return [grids(mark, without__target=without.boundary_mask, with__target=with_target.boundary_mask)]


def metrics():
    _, table = segment_metrics(SOFTMAX, TARGET)
    names = table.column_names
    return ["\n".join(f"{name:<23}" + "".join(f"{number(v):>8}" for v in table[name].to_pylist()) for name in names)]


def adjusted_iou():
    segments, table = segment_metrics(SOFTMAX, TARGET)
    missed = {label: (label == TARGET) & (segments.label_map != label) for label in (0, 1)}
    lines = []
    for row in table.to_pylist():
        mine = segments.segment_map == row["segment_id"]
        hits = int((mine & (row["class_id"] == TARGET)).sum())
        touched = round(hits / row["iou"]) - row["size"]
        value = f"{hits:>2} / ({row['size']:>2} + {touched}) = {number(row['iou'])}"
        lines.append(f"segment {row['segment_id']}   I = {hits:>2}   F = {touched}   iou = {value}")
    maps = grids(mark, **{f"missed__{label}": mask for label, mask in missed.items()})
    return ["\n".join([maps, "", *lines])]


def r_squared_example():
    v, p = np.array([0.2, 0.4, 0.9]), np.array([0.3, 0.4, 0.8])
    rows = [f"{name}     {'  '.join(map(number, values))}" for name, values in (("v", v), ("p", p))]
    ratio = f"{number(((v - p) ** 2).sum())} / {number(((v - v.mean()) ** 2).sum())}"
    return ["\n".join([*rows, f"R²    1 - {ratio} = {number(r_squared(v, p))}"])]


EXAMPLES = {
    "Box": box,
    "Points": points,
    "Initial set": initial_set,
    "Prediction": prediction,
    "Segment": segment,
    "Boundary": boundary,
    "Segment metrics": metrics,
    "Adjusted IoU": adjusted_iou,
    "R squared": r_squared_example,
}
