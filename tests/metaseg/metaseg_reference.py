"""Slow, obvious versions of everything in raymeta.metaseg, straight from docs/method.md#metaseg, and random inputs."""

import math

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3), dtype=int)


def random_softmax(rng, classes, height, width, smooth=1.0, temperature=3.0):
    logits = rng.normal(size=(classes, height, width))
    logits = np.stack([ndimage.gaussian_filter(plane, smooth) for plane in logits]) * temperature * (1 + smooth)
    powers = np.exp(logits - logits.max(axis=0))
    return (powers / powers.sum(axis=0)).astype(np.float32)


def random_target(rng, prediction, classes, noise=0.3, ignored=0.1):
    target = np.roll(prediction, 1, axis=1).astype(np.uint8)
    swap = rng.random(target.shape) < noise
    target[swap] = rng.integers(0, classes, size=target.shape)[swap]
    target[rng.random(target.shape) < ignored] = 255
    return target


def neighbours(row, col, height, width):
    for y in range(max(row - 1, 0), min(row + 2, height)):
        for x in range(max(col - 1, 0), min(col + 2, width)):
            if (y, x) != (row, col):
                yield y, x


def slow_segment_map(label_map):
    """Flood fill from each unvisited pixel in raster order."""
    height, width = label_map.shape
    result = np.zeros((height, width), dtype=np.int32)
    count = 0
    for row in range(height):
        for col in range(width):
            if label_map[row, col] == 255 or result[row, col]:
                continue
            count += 1
            result[row, col] = count
            stack = [(row, col)]
            while stack:
                for y, x in neighbours(*stack.pop(), height, width):
                    if not result[y, x] and label_map[y, x] == label_map[row, col]:
                        result[y, x] = count
                        stack.append((y, x))
    return result


def slow_boundary(label_map):
    height, width = label_map.shape
    result = np.zeros((height, width), dtype=bool)
    for row in range(height):
        for col in range(width):
            others = {int(label_map[pixel]) for pixel in neighbours(row, col, height, width)}
            result[row, col] = label_map[row, col] != 255 and bool(others - {int(label_map[row, col])})
    return result


def slow_entropy(softmax):
    p = softmax.astype(np.float64)
    return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=0) / math.log(len(p))


def slow_margin(softmax):
    ordered = np.sort(softmax.astype(np.float64), axis=0)
    return 1 - ordered[-1] + ordered[-2]


def slow_adjusted_iou(label_map, segment_map, target):
    result = []
    for segment in range(1, segment_map.max() + 1):
        mask = segment_map == segment
        label = label_map[mask][0]
        hits = int(np.sum(mask & (target == label)))
        missed, _ = ndimage.label((target == label) & (label_map != label), EIGHT)
        touching = np.unique(missed[ndimage.binary_dilation(mask, EIGHT) & (missed > 0)])
        far = int(np.isin(missed, touching[touching > 0]).sum())
        result.append(hits / (int(mask.sum()) + far) if hits else 0.0)
    return np.array(result)


def _mean(values, mask):
    return float(values[mask].astype(np.float64).mean()) if mask.any() else 0.0


def slow_metrics(softmax, target=None):
    """One dictionary a segment."""
    label_map = softmax.argmax(axis=0).astype(np.uint8)
    if target is not None:
        label_map[target == 255] = 255
    segment_map, boundary = slow_segment_map(label_map), slow_boundary(label_map)
    heatmaps = {"entropy": slow_entropy(softmax), "margin": slow_margin(softmax)}
    iou = None if target is None else slow_adjusted_iou(label_map, segment_map, target)
    rows = []
    for segment in range(1, segment_map.max() + 1):
        mask = segment_map == segment
        inner, edge = mask & ~boundary, mask & boundary
        size, size_inner, size_boundary = int(mask.sum()), int(inner.sum()), int(edge.sum())
        relative, relative_inner = size / max(size_boundary, 1), size_inner / max(size_boundary, 1)
        row = {"segment_id": segment, "class_id": int(label_map[mask][0]), "size": size, "size_inner": size_inner}
        row |= {"size_boundary": size_boundary, "size_relative": relative, "size_relative_inner": relative_inner}
        for name, heatmap in heatmaps.items():
            row |= {name: _mean(heatmap, mask), f"{name}_inner": _mean(heatmap, inner)}
            row |= {f"{name}_boundary": _mean(heatmap, edge), f"{name}_relative": _mean(heatmap, mask) * relative}
            row[f"{name}_relative_inner"] = _mean(heatmap, inner) * relative_inner
        row["center_row"], row["center_col"] = (float(axis.mean()) for axis in np.nonzero(mask))
        row |= {f"class_probability_{index}": _mean(plane, mask) for index, plane in enumerate(softmax)}
        if iou is not None:
            row["iou"] = iou[segment - 1]
        rows.append(row)
    return rows
