"""Pedestrians, cyclists, bicycles and motorcycles: upright silhouettes that face the camera."""

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.canvas import Canvas, Color, jitter, scaled

Points = NDArray[np.float64]

CLOTHES: tuple[Color, ...] = (
    (35, 38, 48), (60, 70, 100), (150, 40, 45), (200, 195, 185), (90, 85, 75), (40, 80, 70), (190, 150, 70),
    (110, 110, 118), (25, 25, 28), (120, 70, 110), (70, 100, 150), (215, 215, 220),
)  # fmt: skip
SKIN: tuple[Color, ...] = ((224, 180, 150), (190, 140, 105), (120, 80, 58))

# Shares of the body height: (to the right, up).
_HEAD = ((0.0, 1.0), (0.045, 0.985), (0.062, 0.93), (0.04, 0.875), (-0.04, 0.875), (-0.062, 0.93), (-0.045, 0.985))
_TORSO = ((0.035, 0.88), (0.12, 0.83), (0.155, 0.7), (0.16, 0.5), (0.11, 0.5), (0.1, 0.45),
          (-0.1, 0.45), (-0.11, 0.5), (-0.16, 0.5), (-0.155, 0.7), (-0.12, 0.83), (-0.035, 0.88))  # fmt: skip

# Metres, seen from the side: (forward, up).
_BICYCLE = (
    (-0.86, 0.33),
    (-0.76, 0.58),
    (-0.52, 0.68),
    (-0.3, 0.98),
    (-0.12, 0.96),
    (0.3, 1.02),
    (0.45, 0.95),
    (0.56, 0.68),
    (0.78, 0.56),
    (0.86, 0.33),
    (0.74, 0.07),
    (0.52, 0.0),
    (0.28, 0.12),
    (0.0, 0.2),
    (-0.28, 0.12),
    (-0.52, 0.0),
    (-0.74, 0.07),
)
_MOTORCYCLE = (
    (-0.95, 0.33),
    (-0.95, 0.8),
    (-0.6, 0.9),
    (-0.1, 0.78),
    (0.2, 0.98),
    (0.4, 1.15),
    (0.55, 0.95),
    (0.7, 0.66),
    (0.95, 0.5),
    (0.98, 0.25),
    (0.75, 0.0),
    (0.45, 0.1),
    (-0.4, 0.12),
    (-0.65, 0.0),
    (-0.88, 0.1),
)
_RIDER_HEAD = ((0.15, 1.8), (0.26, 1.74), (0.27, 1.62), (0.18, 1.54), (0.06, 1.58), (0.04, 1.72))
_RIDER_TORSO = (
    (0.18, 1.55),
    (0.48, 1.16),
    (0.44, 1.04),
    (0.16, 1.28),
    (0.04, 0.96),
    (-0.3, 0.95),
    (-0.18, 1.38),
    (0.05, 1.58),
)
_RIDER_LEGS = (
    (0.04, 0.98),
    (0.27, 0.74),
    (0.12, 0.36),
    (0.22, 0.24),
    (-0.02, 0.24),
    (0.06, 0.66),
    (-0.2, 0.76),
    (-0.3, 0.97),
)


def draw_person(canvas: Canvas, x: float, z: float, label: str = "person") -> None:
    """Draw and annotate a pedestrian standing at x, z (metres)."""
    rng = canvas.rng
    height, build = rng.uniform(1.45, 1.92), rng.uniform(0.9, 1.25)
    right, left = rng.uniform(0.02, 0.17), rng.uniform(0.02, 0.17)
    legs = ((0.1, 0.5), (0.095, 0.28), (right + 0.06, 0.0), (right - 0.045, 0.0), (0.0, 0.4), (0.045 - left, 0.0),
            (-left - 0.06, 0.0), (-0.095, 0.28), (-0.1, 0.5))  # fmt: skip

    def place(shares: tuple[tuple[float, float], ...]) -> Points:
        return canvas.camera.project([(x + a * build * height, y * height, z) for a, y in shares])

    canvas.darken(place(((-0.2, 0.02), (0.2, 0.02), (0.25, -0.03), (-0.25, -0.03))), 0.55)
    outline = _HEAD[:4] + _TORSO[1:4] + legs + _TORSO[8:11] + _HEAD[4:]
    if not canvas.annotate(label, place(outline)):
        return
    canvas.fill(place(legs), _clothing(rng), z, 10)
    canvas.fill(place(_TORSO), _clothing(rng), z, 10)
    canvas.fill(place(_HEAD), jitter(rng, SKIN[int(rng.integers(3))], 12), z, 6)
    hair = ((0.0, 1.0), (0.05, 0.985), (0.062, 0.945), (-0.062, 0.945), (-0.05, 0.985))
    canvas.fill(place(hair), jitter(rng, (60, 45, 35), 25), z, 6)


def draw_bicycle(canvas: Canvas, x: float, z: float, ridden: bool) -> None:
    """Draw and annotate a bicycle, and its rider if it is ridden, at x, z (metres)."""
    rng = canvas.rng
    # Seen from the side (1) to from behind (0.15), to either direction.
    turn = float(rng.choice([-1.0, 1.0])) * (
        rng.uniform(0.15, 0.4) if ridden and rng.random() < 0.7 else rng.uniform(0.5, 1.0)
    )

    def place(points: tuple[tuple[float, float], ...]) -> Points:
        return canvas.camera.project([(x + a * turn, y, z) for a, y in points])

    canvas.darken(
        canvas.camera.project([(x + a, 0.0, z + b) for a, b in ((-0.8, 0.2), (0.8, 0.2), (0.8, -0.2), (-0.8, -0.2))]),
        0.7,
    )
    if canvas.annotate("bicycle", place(_BICYCLE)):
        _draw_bicycle_parts(canvas, x, z, turn)
    if ridden:
        _draw_rider(canvas, x, z, turn)


def draw_motorcycle(canvas: Canvas, x: float, z: float, ridden: bool) -> None:
    """Draw and annotate a motorcycle, and its rider if it is ridden, at x, z (metres)."""
    turn = float(canvas.rng.choice([-1.0, 1.0])) * canvas.rng.uniform(0.45, 1.0)
    outline = canvas.camera.project([(x + a * turn, y, z) for a, y in _MOTORCYCLE])
    canvas.darken(outline + np.array([0.0, canvas.camera.pixels(0.1, z)]), 0.6)
    if not canvas.annotate("motorcycle", outline):
        return
    canvas.fill(outline, jitter(canvas.rng, (45, 45, 50), 15), z, 12)
    upper = [
        (x + a * turn, y, z) for a, y in ((-0.8, 0.62), (-0.6, 0.86), (-0.1, 0.76), (0.3, 1.0), (0.5, 0.6), (-0.2, 0.5))
    ]
    canvas.fill(canvas.camera.project(upper), _clothing(canvas.rng), z, 4)
    for middle in (-0.65, 0.7):
        _draw_ring(canvas, x + middle * turn, 0.31, 0.31, turn, z, (18, 18, 20))
    if ridden:
        _draw_rider(canvas, x, z, turn)


def _draw_rider(canvas: Canvas, x: float, z: float, turn: float) -> None:
    rng = canvas.rng
    # From behind a rider is as wide as a person, however narrow the bicycle is.
    spread = np.sign(turn) * max(abs(turn), 0.62)

    def place(points: tuple[tuple[float, float], ...]) -> Points:
        return canvas.camera.project([(x + a * spread, y, z) for a, y in points])

    outline = _RIDER_HEAD[:4] + _RIDER_TORSO[1:5] + _RIDER_LEGS[1:7] + _RIDER_TORSO[5:7] + _RIDER_HEAD[4:]
    if not canvas.annotate("rider", place(outline)):
        return
    canvas.fill(place(_RIDER_LEGS), _clothing(rng), z, 10)
    canvas.fill(place(_RIDER_TORSO), _clothing(rng), z, 10)
    head = jitter(rng, SKIN[int(rng.integers(3))] if rng.random() < 0.5 else (200, 200, 205), 20)
    canvas.fill(place(_RIDER_HEAD), head, z, 6)


def _draw_bicycle_parts(canvas: Canvas, x: float, z: float, turn: float) -> None:
    color = _clothing(canvas.rng)
    # Between spokes and tubes the ground shows through, yet all of it is annotated as bicycle.
    for middle in (-0.52, 0.52):
        _draw_ring(canvas, x + middle * turn, 0.33, 0.33, turn, z, (30, 30, 32))
    tubes = (
        ((-0.52, 0.33), (-0.2, 0.85)),
        ((-0.2, 0.85), (0.35, 0.85)),
        ((0.52, 0.33), (0.36, 1.0)),
        ((-0.1, 0.3), (0.37, 0.8)),
        ((-0.2, 0.85), (-0.1, 0.3)),
        ((-0.52, 0.33), (-0.1, 0.3)),
    )
    for (a0, y0), (a1, y1) in tubes:
        quad = [
            (x + a0 * turn, y0 - 0.03, z),
            (x + a0 * turn, y0 + 0.03, z),
            (x + a1 * turn, y1 + 0.03, z),
            (x + a1 * turn, y1 - 0.03, z),
        ]
        canvas.fill(canvas.camera.project(quad), color, z, 4)
    for a, y in ((-0.24, 0.95), (0.37, 1.0)):  # saddle and handlebar
        bar = [
            (x + a * turn - 0.16, y - 0.03, z),
            (x + a * turn - 0.16, y + 0.03, z),
            (x + a * turn + 0.16, y + 0.03, z),
            (x + a * turn + 0.16, y - 0.03, z),
        ]
        canvas.fill(canvas.camera.project(bar), (26, 26, 28), z, 4)


def _draw_ring(canvas: Canvas, x: float, y: float, radius: float, turn: float, z: float, color: Color) -> None:
    angle = np.linspace(0, 2 * np.pi, 17)
    across = max(abs(turn), 0.12)
    rims = [
        np.stack(
            [x + share * radius * across * np.cos(angle), y + share * radius * np.sin(angle), np.full(17, z)], axis=1
        )
        for share in (1.0, 0.82)
    ]
    canvas.fill(canvas.camera.project(np.concatenate([rims[0], rims[1][::-1]])), color, z, 4)


def _clothing(rng: np.random.Generator) -> Color:
    return scaled(jitter(rng, CLOTHES[int(rng.integers(len(CLOTHES)))], 14), rng.uniform(0.75, 1.15))
