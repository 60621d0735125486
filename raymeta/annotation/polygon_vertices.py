"""The vertices of closed borders that Ramer-Douglas-Peucker keeps (docs/method.md#estimated-clicks).

The points are those of `approxPolyDP` of OpenCV 5, which measures distances from segments; before, it did from lines.
Coordinates are whole, so that what is compared is exact. The distances of a part are computed side by side, and its
farthest point is looked up only where the part has to be divided.
"""

import numpy as np
from numpy.typing import NDArray

from raymeta.compilation import njit


def mark_vertices(
    points: NDArray[np.int32], starts: NDArray[np.int64], epsilon: float, marks: NDArray[np.uint8]
) -> None:
    """Set `marks` to 1 at the vertices of every border.

    Args:
        points: (N, 2) int32, x before y, inside the map.
        starts: (K+1,) int64, border k has the points from the k-th of them to the next, at least one.
        epsilon: tolerance, pixels.
        marks: (H, W) uint8.
    """
    longest = int(np.diff(starts).max(initial=0))
    _mark_all(points, starts, epsilon * epsilon, np.empty((2, 2 * longest)), np.empty((2, longest)), marks)


@njit(cache=True, nogil=True, boundscheck=False)
def _mark_all(points, starts, squared, twice, kept, marks):  # type: ignore[no-untyped-def]
    """See `mark_vertices`; squared: the tolerance times itself; twice, kept: room to work in."""
    parts = np.empty((kept.shape[1] + 2, 2), np.int64)
    xs, ys = twice[0], twice[1]
    for border in range(len(starts) - 1):
        begin, count = starts[border], starts[border + 1] - starts[border]
        for index in range(count):
            xs[index] = xs[count + index] = points[begin + index, 0]
            ys[index] = ys[count + index] = points[begin + index, 1]
        found = _divide(xs, ys, count, squared, parts, kept)
        found = _without_straight(kept, found, squared)
        for index in range(found):
            marks[np.int64(kept[1, index]), np.int64(kept[0, index])] = 1


@njit(cache=True, nogil=True, boundscheck=False)
def _divide(xs, ys, count, squared, parts, kept):  # type: ignore[no-untyped-def]
    """Write the points that divide a border to `kept` (2, …), in its order; returns how many.

    xs, ys: its `count` points, twice, so that a part that goes over its start is in one piece. parts: room for first
    and last points of parts that wait.
    """
    first, reach, farthest = 0, 0, 0.0
    for _ in range(3):  # towards the two points that are farthest from each other
        first = (first + reach) % count
        x, y = xs[first], ys[first]
        farthest = _highest_square(xs[first : first + count], ys[first : first + count], x, y)
        reach = 0
        while reach < count - 1 and _square(xs[first + reach] - x, ys[first + reach] - y) != farthest:
            reach += 1
    parts[0, 0], parts[0, 1] = first + reach, first + count
    parts[1, 0], parts[1, 1] = first, first + reach
    waiting = 2
    if farthest <= squared:
        parts[0, 0], waiting = first, 1
        parts[0, 1] = first + 1
    found = 0
    while waiting > 0:
        waiting -= 1
        begin, end = parts[waiting, 0], parts[waiting, 1]
        x, y = xs[begin], ys[begin]
        dx, dy = xs[end] - x, ys[end] - y
        away = _farthest(xs[begin + 1 : end], ys[begin + 1 : end], x, y, dx, dy)
        if away <= squared * (dx * dx + dy * dy):
            kept[0, found], kept[1, found] = x, y
            found += 1
            continue
        place = begin + 1
        while place < end - 1 and _distance(xs[place] - x, ys[place] - y, dx, dy) != away:
            place += 1
        parts[waiting, 0], parts[waiting, 1] = place, end
        parts[waiting + 1, 0], parts[waiting + 1, 1] = begin, place
        waiting += 2
    return found


@njit(inline="always")
def _square(x, y):  # type: ignore[no-untyped-def]
    """Squared length."""
    return x * x + y * y


@njit(inline="always")
def _distance(x, y, dx, dy):  # type: ignore[no-untyped-def]
    """Squared distance of (x, y) from the segment between the origin and (dx, dy), times the squared length of that."""
    length, along, across = dx * dx + dy * dy, x * dx + y * dy, y * dx - x * dy
    distance = across * across
    distance = _square(x, y) * length if along < 0 else distance
    return _square(x - dx, y - dy) * length if along > length else distance


@njit(cache=True, nogil=True, boundscheck=False, fastmath={"nnan", "nsz", "reassoc"})
def _highest_square(xs, ys, x, y):  # type: ignore[no-untyped-def]
    """Highest squared distance of points from (x, y)."""
    highest = 0.0
    for index in range(xs.shape[0]):
        square = _square(xs[index] - x, ys[index] - y)
        highest = square if square > highest else highest
    return highest


@njit(cache=True, nogil=True, boundscheck=False, fastmath={"nnan", "nsz", "reassoc"})
def _farthest(xs, ys, x, y, dx, dy):  # type: ignore[no-untyped-def]
    """Highest `_distance` of points from the segment between (x, y) and (x + dx, y + dy)."""
    highest = 0.0
    for index in range(xs.shape[0]):
        distance = _distance(xs[index] - x, ys[index] - y, dx, dy)
        highest = distance if distance > highest else highest
    return highest


@njit(cache=True, nogil=True, boundscheck=False)
def _without_straight(kept, count, squared):  # type: ignore[no-untyped-def]
    """Take points out of `kept` that lie nearly on the line between those beside them; returns how many are left."""
    left, place, following = count, 0, 1 % count
    first_x, first_y = kept[0, count - 1], kept[1, count - 1]
    x, y = kept[0, 0], kept[1, 0]
    index = 0
    while index < count and left > 2:
        next_x, next_y = kept[0, following], kept[1, following]
        following = (following + 1) % count
        dx, dy = next_x - first_x, next_y - first_y
        distance = abs((x - first_x) * dy - (y - first_y) * dx)
        onwards = (x - first_x) * (next_x - x) + (y - first_y) * (next_y - y) >= 0
        if distance * distance <= 0.5 * squared * (dx * dx + dy * dy) and dx != 0 and dy != 0 and onwards:
            left -= 1
            first_x, first_y = next_x, next_y
            x, y = kept[0, following], kept[1, following]
            following = (following + 1) % count
            index += 1
        else:
            first_x, first_y = x, y
            x, y = next_x, next_y
        kept[0, place], kept[1, place] = first_x, first_y
        place = (place + 1) % count
        index += 1
    return left
