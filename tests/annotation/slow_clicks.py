"""Slow, obvious references of the definitions from docs/method.md#annotation-cost on."""

import math

import cv2
import numpy as np

from raymeta.boxes import Box

SPIKE = np.array([[0, 4], [6, 5], [0, 2], [1, 1]], np.int32)
"""A border whose last point lies near the line through those beside it, but far from the segment between them."""

SEGMENT_DISTANCES = len(cv2.approxPolyDP(SPIKE.reshape(-1, 1, 2), 1.0, True)) == len(SPIKE)
"""Whether this OpenCV measures the distance from a segment, as raymeta does; before 5 it measured that from a line."""

Polygons = list[tuple[int, np.ndarray]]


def slow_owners(height: int, width: int, polygons: Polygons) -> np.ndarray:
    """Paints every polygon as a mask of its own."""
    owners = np.full((height, width), -1)
    for number, (_, points) in enumerate(polygons):
        mask = np.zeros((height, width), np.uint8)
        if len(points):
            cv2.fillPoly(mask, [np.array([[math.floor(v + 0.5) for v in point] for point in points], np.int32)], 1)
        owners[mask == 1] = number
    return owners


def slow_visible(height: int, width: int, polygons: Polygons) -> list[tuple[float, float]]:
    """(x, y) of every visible vertex of an evaluated class inside the image."""
    owners = slow_owners(height, width, polygons)
    found = []
    for number, (class_id, points) in enumerate(polygons):
        for x, y in points:
            col = min(max(math.floor(x + 0.5), 0), width - 1)
            row = min(max(math.floor(y + 0.5), 0), height - 1)
            around = owners[max(0, row - 1) : row + 2, max(0, col - 1) : col + 2]
            inside = 0 <= x < width and 0 <= y < height
            if inside and class_id != 255 and (around == number).any():
                found.append((x, y))
    return found


def slow_labels(height: int, width: int, polygons: Polygons) -> np.ndarray:
    """Class of the owner of each pixel, 255 where there is none."""
    owners = slow_owners(height, width, polygons)
    return np.array([[255 if owner < 0 else polygons[owner][0] for owner in row] for row in owners])


def slow_ring(labels: np.ndarray) -> int:
    """Walks once around the outermost pixels."""
    last = len(labels) - 1
    walk = [(0, col) for col in range(last)] + [(row, last) for row in range(last)]
    walk += [(last, col) for col in range(last, 0, -1)] + [(row, 0) for row in range(last, 0, -1)]
    return sum(labels[walk[i]] != labels[walk[i - 1]] for i in range(len(walk)))


def slow_components(labels: np.ndarray) -> int:
    """Floods one component after the other."""
    todo = {(r, c) for r in range(labels.shape[0]) for c in range(labels.shape[1]) if labels[r, c] != 255}
    count = 0
    while todo:
        count += 1
        stack = [todo.pop()]
        while stack:
            row, col = stack.pop()
            for place in [(row + dr, col + dc) for dr in (-1, 0, 1) for dc in (-1, 0, 1)]:
                if place in todo and labels[place] == labels[row, col]:
                    todo.remove(place)
                    stack.append(place)
    return count


def slow_clicks(height: int, width: int, polygons: Polygons, box: Box) -> tuple[int, int, int, int]:
    """c_p, c_i, c_b and c_c of one box."""
    inside = [
        (x, y)
        for x, y in slow_visible(height, width, polygons)
        if box.left <= x < box.left + box.width and box.top <= y < box.top + box.width
    ]
    labels = slow_labels(height, width, polygons)[box.slices]
    return len(inside), slow_ring(labels), 4, slow_components(labels)


def slow_estimate(label_map: np.ndarray, epsilon: float) -> np.ndarray:
    """κ class by class on the whole image."""
    clicks = np.zeros_like(label_map)
    for class_id in range(255):
        contours, _ = cv2.findContours((label_map == class_id).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            for x, y in cv2.approxPolyDP(contour, epsilon, True).reshape(-1, 2):
                clicks[y, x] = 1
    return clicks
