"""Buildings along the street and the skyline behind it."""

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.canvas import Canvas, Color, jitter, scaled

PLASTER: tuple[Color, ...] = (
    (196, 186, 168), (172, 160, 142), (150, 96, 78), (210, 205, 196), (128, 122, 118), (186, 152, 110), (112, 92, 84),
    (160, 168, 172), (204, 188, 140), (140, 140, 146),
)  # fmt: skip
STOREY = 3.1
"""Metres."""


def draw_building(canvas: Canvas, x: float, near: float, far: float) -> None:
    """Draw and annotate a building whose front stands at x (metres), from depth `near` to `far`."""
    rng = canvas.rng
    side = np.sign(x)
    storeys = int(rng.integers(2, 7))
    height, back = storeys * STOREY + rng.uniform(0.5, 1.5), x + side * rng.uniform(9, 14)
    ridge = height + (rng.uniform(1.5, 4.0) if rng.random() < 0.5 else 0.0)
    middle = (x + back) / 2
    paint = jitter(rng, PLASTER[int(rng.integers(len(PLASTER)))], 14)
    depth = (near + far) / 2
    front_shade, end_shade = canvas.light.shade(-side), canvas.light.shade(0.0)

    outline = [(x, 0, far), (x, height, far), (middle, ridge, far), (middle, ridge, near), (back, height, near),
               (back, 0, near), (x, 0, near)]  # fmt: skip
    if not canvas.annotate("building", canvas.camera.project(outline)):
        return
    if ridge > height:
        roof = [(x, height, far), (middle, ridge, far), (middle, ridge, near), (x, height, near)]
        canvas.fill(canvas.camera.project(roof), jitter(rng, (112, 74, 62), 20), depth, 12)
    end = [(x, 0, near), (x, height, near), (middle, ridge, near), (back, height, near), (back, 0, near)]
    canvas.fill(canvas.camera.project(end), scaled(paint, end_shade), near, 7)
    front = [(x, 0, near), (x, height, near), (x, height, far), (x, 0, far)]
    canvas.fill(canvas.camera.project(front), scaled(paint, front_shade), depth, 7)

    glass = scaled(jitter(rng, (70, 78, 88), 18), rng.uniform(0.6, 1.5))
    _draw_windows(canvas, (x, near), (x, far), storeys, glass, depth)
    if near > 6:
        _draw_windows(canvas, (x, near), (back, near), storeys, glass, near)
    if rng.random() < 0.6:
        _draw_ground_floor(canvas, x, near, far, depth)


def _draw_windows(
    canvas: Canvas, start: tuple[float, float], stop: tuple[float, float], storeys: int, glass: Color, depth: float
) -> None:
    """A grid of windows on the wall over the ground line from start to stop, (x, z) in metres."""
    if canvas.camera.pixels(STOREY, depth) < 4:
        return
    length = float(np.hypot(stop[0] - start[0], stop[1] - start[1]))
    bays = max(1, int(length / canvas.rng.uniform(2.4, 3.6)))
    share = canvas.rng.uniform(0.2, 0.32)  # half of a window's width, in bays
    along = (np.arange(bays) + 0.5) / bays
    level = np.arange(storeys) * STOREY
    left, right = along - share / bays, along + share / bays
    a = np.stack([left, left, right, right], axis=1)[None].repeat(storeys, axis=0)
    y = (level[:, None] + np.array([0.95, 2.5, 2.5, 0.95]))[:, None].repeat(bays, axis=1)
    x = start[0] + a * (stop[0] - start[0])
    z = start[1] + a * (stop[1] - start[1])
    quads = canvas.camera.project(np.stack([x, y, z], axis=-1).reshape(-1, 3)).reshape(-1, 4, 2)
    lit = canvas.rng.random(len(quads)) < 0.15
    for mask, color in ((~lit, glass), (lit, scaled(glass, 1.8))):
        if mask.any():
            canvas.fill_many(list(quads[mask]), color, depth, 5)


def _draw_ground_floor(canvas: Canvas, x: float, near: float, far: float, depth: float) -> None:
    """A shop front: a dark band with a coloured fascia."""
    for low, high, color in (
        (0.0, 2.6, jitter(canvas.rng, (62, 60, 62), 20)),
        (2.6, 3.2, jitter(canvas.rng, (130, 90, 80), 60)),
    ):
        band = [(x, low, near), (x, high, near), (x, high, far), (x, low, far)]
        canvas.fill(canvas.camera.project(band), color, depth, 9)


def draw_skyline(canvas: Canvas, label: str, depth: float, left: float, right: float) -> None:
    """Draw and annotate what closes the view: vegetation or buildings at `depth`, from x `left` to `right` (metres)."""
    rng = canvas.rng
    if label == "building":
        steps = int(rng.integers(4, 9))
        columns = np.repeat(np.linspace(left, right, steps + 1), 2)[1:-1]
        tops = np.repeat(rng.uniform(8, 26, steps), 2)
        color, roughness = jitter(rng, (140, 134, 130), 15), 10
    else:
        columns = np.linspace(left, right, 34) + rng.normal(0, 0.6, 34)
        tops = rng.uniform(6, 13) + np.cumsum(rng.normal(0, 0.8, 34)) + rng.normal(0, 0.5, 34)
        color, roughness = jitter(rng, (72, 88, 56), 12), 28
    tops = np.maximum(tops, 2.5)
    upper = np.stack([columns, tops, np.full(columns.size, depth)], axis=1)
    lower: NDArray[np.float64] = np.array([[columns[-1], 0.0, depth], [columns[0], 0.0, depth]])
    outline = canvas.camera.project(np.concatenate([upper, lower]))
    canvas.annotate(label, outline)
    canvas.fill(outline, color, depth, roughness)
