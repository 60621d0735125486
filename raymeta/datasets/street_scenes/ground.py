"""Sky, ground and road of a street scene: annotated first, so that all else lies in front of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.canvas import Canvas, Color, jitter

FARTHEST = 220.0
"""Metres."""


@dataclass(frozen=True)
class Street:
    """Cross-section in metres, from left to right: building line, kerb, kerb, building line.

    crossing: depths between which another road crosses, None without one. green: whether there
    may be grass between kerb and building line.
    """

    left: float
    left_kerb: float
    right_kerb: float
    right: float
    lane: float
    crossing: tuple[float, float] | None
    green: bool

    def is_crossing(self, z: float, margin: float) -> bool:
        """Whether depth z lies on the crossing road, or nearer to it than the margin (metres)."""
        return self.crossing is not None and self.crossing[0] - margin < z < self.crossing[1] + margin

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Street":
        """Narrow lanes to avenues; the camera drives in the right half."""
        lane = rng.uniform(2.9, 3.6)
        left_lanes, right_lanes = int(rng.integers(1, 3)), int(rng.choice([0, 0, 1]))
        left_kerb = -lane * (left_lanes + 0.5) - rng.uniform(0, 2.2)
        right_kerb = lane * (right_lanes + 0.5) + rng.uniform(0, 2.2)
        near = rng.uniform(14, 45)
        return cls(
            left=left_kerb - rng.uniform(1.8, 6),
            left_kerb=left_kerb,
            right_kerb=right_kerb,
            right=right_kerb + rng.uniform(1.8, 6),
            lane=lane,
            crossing=(near, near + rng.uniform(7, 12)) if rng.random() < 0.35 else None,
            green=bool(rng.random() < 0.4),
        )


def draw_sky(canvas: Canvas) -> None:
    """Draw and annotate the sky: a gradient with clouds."""
    rng, camera = canvas.rng, canvas.camera
    bottom = camera.horizon + 0.02 * camera.height
    right, low = camera.width - 1.0, bottom
    canvas.annotate("sky", np.array([[0.0, 0.0], [right, 0.0], [right, low], [0.0, low]]))
    blue: NDArray[np.float64] = np.array(jitter(rng, (118, 160, 212), 18))
    overcast = rng.random() ** 0.7
    top = (1 - overcast) * blue + overcast * np.array(canvas.light.haze_color)
    share = np.linspace(0, 1, max(1, int(bottom)))[:, None] ** 1.5
    rows = (1 - share) * top + share * np.array(canvas.light.haze_color)
    canvas.image[: len(rows)] = np.clip(rows, 0, 255)[:, None].astype(np.uint8)
    for _ in range(int(rng.integers(0, 6))):
        center = np.array([rng.uniform(0, camera.width), rng.uniform(0, 0.7 * bottom)])
        size = np.array([rng.uniform(0.05, 0.25) * camera.width, rng.uniform(0.01, 0.05) * camera.height])
        angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
        radius = 1 + 0.25 * np.cos(3 * angle + rng.uniform(0, 6)) + rng.normal(0, 0.06, 20)
        outline = center + size * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        canvas.fill(outline, jitter(rng, (232, 234, 238), 8), 0.0, 4)


def draw_ground(canvas: Canvas, street: Street) -> None:
    """Draw and annotate ground, road, crossing and markings, and the shadow of the buildings."""
    rng = canvas.rng
    paving = jitter(rng, (142, 136, 132), 16)
    asphalt = jitter(rng, (98, 98, 102), 15)
    _draw_plain(canvas, street, paving)
    grass = jitter(rng, (92, 108, 62), 14)
    if street.green:
        for kerb, line in ((street.left_kerb, street.left), (street.right_kerb, street.right)):
            if rng.random() < 0.7:
                inner, outer = kerb + 0.3 * (line - kerb), kerb + rng.uniform(0.5, 0.7) * (line - kerb)
                _draw_strip(canvas, "terrain", inner, outer, grass, 24)
    _draw_strip(canvas, "road", street.left_kerb, street.right_kerb, asphalt, 10)
    kerbstone = jitter(rng, (160, 158, 154), 10)
    for kerb in (street.left_kerb, street.right_kerb):
        _fill_strip(canvas, kerb - 0.12, kerb + 0.12, kerbstone, 5)
    if street.crossing is not None:
        near, far = street.crossing
        outline = canvas.camera.project([(-70, 0, near), (-70, 0, far), (70, 0, far), (70, 0, near)])
        canvas.annotate("road", outline)
        canvas.fill(outline, asphalt, near, 10)
    _draw_markings(canvas, street)
    _draw_cast_shadow(canvas, street)


def _draw_plain(canvas: Canvas, street: Street, paving: Color) -> None:
    """Everything below the horizon: pavement, far away without borders."""
    camera = canvas.camera
    right, bottom = camera.width - 1.0, camera.height - 1.0
    outline = np.array([[0.0, camera.horizon], [right, camera.horizon], [right, bottom], [0.0, bottom]])
    canvas.annotate("sidewalk", outline)
    canvas.fill(outline + np.array([[-2, 0], [2, 0], [2, 2], [-2, 2]]), paving, 12.0, 12)
    for x in np.arange(street.left, street.right, 1.2):
        _fill_strip(canvas, x, x + 0.05, jitter(canvas.rng, paving, 10), 12)


def _strip(canvas: Canvas, left: float, right: float) -> NDArray[np.float64]:
    depths = np.geomspace(0.5 * canvas.camera.bottom_depth, FARTHEST, 9)
    sides = [np.stack([np.full(9, x), np.zeros(9), depths], axis=1) for x in (left, right)]
    return canvas.camera.project(np.concatenate([sides[0], sides[1][::-1]]))


def _fill_strip(canvas: Canvas, left: float, right: float, color: Color, roughness: int) -> None:
    canvas.fill(_strip(canvas, left, right), color, 12.0, roughness)


def _draw_strip(canvas: Canvas, label: str, left: float, right: float, color: Color, roughness: int) -> None:
    outline = _strip(canvas, left, right)
    canvas.annotate(label, outline)
    canvas.fill(outline, color, 12.0, roughness)


def _draw_markings(canvas: Canvas, street: Street) -> None:
    """Lane lines, a zebra crossing, patches of newer asphalt: texture of the road, not annotated."""
    rng = canvas.rng
    white = jitter(rng, (205, 205, 200), 14)
    start = rng.uniform(0, 6)
    middle = street.left_kerb + street.lane * round((0 - street.left_kerb) / street.lane - 0.5)
    dashes = [
        canvas.camera.project([(x - 0.07, 0, z), (x - 0.07, 0, z + 3), (x + 0.07, 0, z + 3), (x + 0.07, 0, z)])
        for x in (middle, middle + street.lane)
        for z in np.arange(3 + start, 70, 8)
    ]
    for dash in dashes:
        canvas.fill(dash, white, 15.0, 8)
    for _ in range(int(rng.integers(0, 5))):
        x, z = rng.uniform(street.left_kerb, street.right_kerb - 2), rng.uniform(4, 30)
        w, d = rng.uniform(0.5, 2), rng.uniform(1, 8)
        patch = canvas.camera.project([(x, 0, z), (x, 0, z + d), (x + w, 0, z + d), (x + w, 0, z)])
        canvas.darken(patch, rng.uniform(0.8, 0.95))
    if street.crossing is not None and rng.random() < 0.7:
        near = street.crossing[0]
        for x in np.arange(street.left_kerb + 0.3, street.right_kerb - 0.6, 1.0):
            bar = [(x, 0, near - 3), (x, 0, near), (x + 0.5, 0, near), (x + 0.5, 0, near - 3)]
            canvas.fill(canvas.camera.project(bar), white, near, 8)


def _draw_cast_shadow(canvas: Canvas, street: Street) -> None:
    """The shadow that the buildings on the sunny side throw across the pavement and the road."""
    rng = canvas.rng
    if canvas.light.contrast < 0.15:
        return
    edge = street.left if canvas.light.sun < 0 else street.right
    reach = edge - canvas.light.sun * rng.uniform(2, 9)
    corners = [(edge * 3, 2.0), (edge * 3, FARTHEST)]
    depth, shift = FARTHEST, 0.0
    while depth > 3:
        corners += [(reach + shift, depth), (reach + shift, depth * 0.6)]
        depth, shift = depth * 0.6, rng.uniform(-2, 2)
    canvas.darken(
        canvas.camera.project([(x, 0, z) for x, z in corners]), 1 - rng.uniform(0.5, 1.2) * canvas.light.contrast
    )
