"""The camera of a generated street scene: a pinhole above a flat, gently bending road."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

NEAREST = 2.0
"""Metres; whatever lies nearer is moved to here, which is outside the image for all but the road's middle."""


@dataclass(frozen=True)
class Camera:
    """Projects metres to pixels.

    World axes: x to the right, y up from the ground, z forward along the road.

    focal: pixels. center: column of the vanishing point. horizon: its row. elevation: metres above the ground.
    curve: lateral shift of the road in metres per squared metre forward.
    """

    height: int
    width: int
    focal: float
    center: float
    horizon: float
    elevation: float
    curve: float

    @classmethod
    def random(cls, rng: np.random.Generator, height: int, width: int) -> "Camera":
        """A camera as a car carries it, with some variation."""
        return cls(
            height=height,
            width=width,
            focal=min(width, 2 * height) * rng.uniform(0.95, 1.2),
            center=width * rng.uniform(0.4, 0.6),
            horizon=height * rng.uniform(0.38, 0.5),
            elevation=rng.uniform(1.2, 1.7),
            curve=rng.normal(0, 0.0012),
        )

    def project(self, points: ArrayLike) -> NDArray[np.float64]:
        """(N, 3) metres → (N, 2) float64 pixels, x and y."""
        x, y, z = np.asarray(points, dtype=np.float64).T
        z = np.maximum(z, NEAREST)
        pixels = np.empty((len(z), 2))
        pixels[:, 0] = self.center + self.focal * (x / z + self.curve * z)
        pixels[:, 1] = self.horizon + self.focal * (self.elevation - y) / z
        return pixels

    def pixels(self, metres: float, depth: float) -> float:
        """Length in pixels of so many metres at a depth in metres."""
        return self.focal * metres / max(depth, NEAREST)

    @property
    def bottom_depth(self) -> float:
        """Depth in metres at which the ground meets the lower border of the image."""
        return self.focal * self.elevation / (self.height - self.horizon)
