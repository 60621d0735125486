"""Vertices that neighbours share: where shapes meet along an edge, all rings that pass a corner have it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from raymeta.exchange.drawn_pictures import DrawnShape

Ring = NDArray[np.float64]


def with_junctions(shapes: Sequence[DrawnShape], height: int, width: int) -> list[DrawnShape]:
    """Shapes along pixel edges, with every corner of any of them also in each ring that runs straight through it.

    Which pixels a shape covers doesn't change. Somebody who drags such a vertex in a tool that moves shared ones leaves
    no gap, and borders can be simplified alike on both sides.

    Args:
        shapes: whose vertices are corners of pixels and whose edges run along rows and columns.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    corners = np.zeros((height + 1, width + 1), np.bool_)
    for shape in shapes:
        for ring in shape.rings:
            x, y = ring.astype(np.int64).T
            corners[y, x] = True
    return [replace(shape, rings=tuple(_through(ring, corners) for ring in shape.rings)) for shape in shapes]


def _through(ring: Ring, corners: NDArray[np.bool_]) -> Ring:
    """A ring with all corners that lie on its edges."""
    points = ring.astype(np.int64)
    steps = np.roll(points, -1, axis=0) - points
    lengths = np.abs(steps).sum(axis=1)
    owner = np.repeat(np.arange(len(points)), lengths)
    along = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    passed = points[owner] + np.sign(steps)[owner] * along[:, None]
    kept = (along == 0) | corners[passed[:, 1], passed[:, 0]]
    result: Ring = passed[kept].astype(np.float64)
    return result
