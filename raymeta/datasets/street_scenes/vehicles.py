"""Cars, vans, trucks, buses and trams: side profiles extruded to bodies."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from raymeta.datasets.street_scenes.canvas import Canvas, Color, jitter, scaled

Points = NDArray[np.float64]


@dataclass(frozen=True)
class VehicleKind:
    """Shape of a vehicle.

    length, width, height: metres. profile: outline of the side, from the lower rear over the roof to the lower front,
    as shares of length (-0.5 rear .. 0.5 front) and height. windows: panes of the side, likewise. glass: edges of the
    profile (by number) that are windscreens.
    """

    label: str
    length: float
    width: float
    height: float
    profile: tuple[tuple[float, float], ...]
    windows: tuple[tuple[tuple[float, float], ...], ...]
    glass: tuple[int, ...]
    wheels: tuple[float, ...] = (-0.31, 0.31)


def _panes(
    first: float, last: float, count: int, low: float, high: float
) -> tuple[tuple[tuple[float, float], ...], ...]:
    edges = np.linspace(first, last, count + 1)
    gap = 0.08 * (edges[1] - edges[0])
    return tuple(((a + gap, low), (a + gap, high), (b - gap, high), (b - gap, low)) for a, b in pairwise(edges))


_SEDAN = (
    (-0.5, 0.18),
    (-0.5, 0.58),
    (-0.36, 0.66),
    (-0.24, 0.97),
    (0.02, 1.0),
    (0.2, 0.68),
    (0.46, 0.56),
    (0.5, 0.4),
    (0.5, 0.18),
)
_HATCH = (
    (-0.5, 0.18),
    (-0.5, 0.55),
    (-0.47, 0.63),
    (-0.38, 0.95),
    (0.05, 1.0),
    (0.24, 0.66),
    (0.46, 0.55),
    (0.5, 0.4),
    (0.5, 0.18),
)
_VAN = (
    (-0.5, 0.12),
    (-0.5, 0.5),
    (-0.49, 0.6),
    (-0.47, 1.0),
    (0.25, 1.0),
    (0.38, 0.6),
    (0.48, 0.5),
    (0.5, 0.35),
    (0.5, 0.12),
)
_BOX = (
    (-0.5, 0.1),
    (-0.5, 0.45),
    (-0.5, 0.55),
    (-0.495, 1.0),
    (0.47, 1.0),
    (0.49, 0.42),
    (0.5, 0.4),
    (0.5, 0.25),
    (0.5, 0.1),
)

CARS = (
    VehicleKind("car", 4.5, 1.8, 1.45, _SEDAN, (((-0.3, 0.67), (-0.21, 0.92), (0.0, 0.94), (0.13, 0.68)),), (2, 4)),
    VehicleKind("car", 4.0, 1.75, 1.5, _HATCH, (((-0.42, 0.65), (-0.34, 0.9), (0.03, 0.94), (0.17, 0.67)),), (2, 4)),
    VehicleKind("car", 4.7, 1.9, 1.75, _HATCH, (((-0.42, 0.63), (-0.36, 0.91), (0.03, 0.93), (0.18, 0.65)),), (2, 4)),
    VehicleKind("car", 5.0, 1.95, 2.1, _VAN, (((0.02, 0.62), (0.02, 0.92), (0.22, 0.92), (0.32, 0.62)),), (2, 4)),
)
TRUCK = VehicleKind("truck", 8.5, 2.5, 3.3, _BOX, _panes(0.34, 0.46, 1, 0.45, 0.68), (4,), (-0.33, -0.2, 0.38))
BUS = VehicleKind("bus", 11.5, 2.55, 3.1, _BOX, _panes(-0.47, 0.46, 8, 0.42, 0.82), (2, 4), (-0.3, 0.32))
TRAIN = VehicleKind("train", 26.0, 2.5, 3.5, _BOX, _panes(-0.48, 0.47, 14, 0.42, 0.8), (2, 4), ())

PAINTS: tuple[Color, ...] = (
    (225, 226, 228), (30, 31, 34), (150, 153, 158), (90, 94, 100), (45, 58, 92), (135, 28, 30), (58, 74, 60),
    (178, 165, 140), (200, 200, 205), (24, 40, 60), (165, 90, 40), (60, 62, 66),
)  # fmt: skip
GLASS: Color = (46, 54, 62)


def draw_vehicle(canvas: Canvas, kind: VehicleKind, x: float, z: float, heading: float, paint: Color) -> None:
    """Draw and annotate a vehicle.

    x, z: its middle in metres. heading: radians, 0 drives away from the camera, pi towards it.
    """
    body = _Body(canvas, kind, x, z, heading)
    profile = [(s, y, t) for s, y in kind.profile for t in (-1.0, 1.0)]
    feet = [(s + a, 0.0, t) for s in kind.wheels or (-0.4, 0.4) for a in (-0.04, 0.04) for t in (-0.95, 0.95)]
    outline = cv2.convexHull(body.project(profile + feet).astype(np.float32))[:, 0].astype(np.float64)
    if not canvas.annotate(kind.label, outline):
        return
    shadow = [(s, 0.0, t) for s, t in ((-0.53, -1.12), (-0.53, 1.12), (0.53, 1.12), (0.53, -1.12))]
    canvas.darken(body.project(shadow), 0.35)
    _draw_wheels_across(canvas, body)
    _draw_body(canvas, body, paint)
    _draw_side(canvas, body, paint)
    if canvas.camera.pixels(1.0, z) > 5:
        _draw_lamps(canvas, body)


class _Body:
    """Places a kind of vehicle in the world; local points are (share of length, share of height, side -1..1)."""

    def __init__(self, canvas: Canvas, kind: VehicleKind, x: float, z: float, heading: float) -> None:
        self.canvas, self.kind, self.x, self.z, self.heading = canvas, kind, x, z, heading
        # The side towards the camera, and how squarely each face looks sideways (for the light).
        across = np.array([np.cos(heading), -np.sin(heading)])
        self.near_side = -1.0 if across @ [x, z] > 0 else 1.0
        self.side_normal = float(self.near_side * across[0])
        along = np.array([np.sin(heading), np.cos(heading)])
        self.near_end = -1.0 if along @ [x, z] > 0 else 1.0
        self.end_normal = float(self.near_end * along[0])

    def project(self, local: ArrayLike) -> Points:
        """(N, 3) local points → (N, 2) pixels."""
        s, y, t = np.asarray(local, dtype=np.float64).T
        # Cabins lean inwards above the doors.
        lean = 1.0 - 0.35 * np.maximum(0.0, y - 0.62) * (self.kind.height < 2.5)
        s, t = s * self.kind.length, 0.5 * t * lean * self.kind.width
        x = self.x + s * np.sin(self.heading) + t * np.cos(self.heading)
        z = self.z + s * np.cos(self.heading) - t * np.sin(self.heading)
        return self.canvas.camera.project(np.stack([x, y * self.kind.height, z], axis=1))


def _draw_body(canvas: Canvas, body: _Body, paint: Color) -> None:
    """The surfaces across the vehicle that face the camera: bumper, bonnet, windscreen, roof."""
    light = canvas.light
    edges = list(pairwise(body.kind.profile))
    order = range(len(edges)) if body.near_end > 0 else range(len(edges) - 1, -1, -1)
    for index in order:
        (s0, y0), (s1, y1) = edges[index]
        quad = body.project([(s0, y0, -1.0), (s1, y1, -1.0), (s1, y1, 1.0), (s0, y0, 1.0)])
        rising = (y1 - y0) * body.near_end
        if abs(s1 - s0) < 0.3 and rising > 0:
            continue  # faces away
        flatness = abs(s1 - s0) / (abs(s1 - s0) + abs(y1 - y0))
        shade = light.shade(body.end_normal) * (1.0 + 0.25 * flatness) * (0.8 if flatness < 0.05 else 1.0)
        glass = index in body.kind.glass and flatness < 0.9
        canvas.fill(quad, scaled(paint, shade), body.z, 3)
        if glass:
            inner = quad.mean(axis=0) + 0.86 * (quad - quad.mean(axis=0))
            canvas.fill(inner, scaled(GLASS, canvas.rng.uniform(0.7, 1.9)), body.z, 3)


def _draw_side(canvas: Canvas, body: _Body, paint: Color) -> None:
    """The side that faces the camera, with panes and wheels."""
    kind, side = body.kind, body.near_side
    canvas.fill(
        body.project([(s, y, side) for s, y in kind.profile]),
        scaled(paint, 0.92 * canvas.light.shade(body.side_normal)), body.z, 3,
    )  # fmt: skip
    color = scaled(GLASS, canvas.rng.uniform(0.6, 1.6))
    if canvas.camera.pixels(1.0, body.z) < 4:
        return
    for pane in kind.windows:
        canvas.fill(body.project([(s, y, side) for s, y in pane]), color, body.z, 3)
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = 0.33 if kind.height < 2.5 else 0.5
    for wheel in kind.wheels:
        for share, rim in ((1.0, (24.0, 24.0, 26.0)), (0.55, (120.0, 122.0, 126.0))):
            circle = np.stack(
                [
                    wheel + share * radius * np.cos(turn) / kind.length,
                    (radius + share * radius * np.sin(turn)) / kind.height,
                    np.full(turn.size, side),
                ],
                axis=1,
            )
            canvas.fill(body.project(circle), rim, body.z, 3)


def _draw_wheels_across(canvas: Canvas, body: _Body) -> None:
    """Tyres and the dark below the bumper, seen from the end."""
    s, low = 0.47 * body.near_end, body.kind.profile[0][1] + 0.06
    for t in (-0.78, 0.78):
        quad = [(s, 0.0, t - 0.15), (s, low, t - 0.15), (s, low, t + 0.15), (s, 0.0, t + 0.15)]
        canvas.fill(body.project(quad), (22, 22, 24), body.z, 3)
    under = body.project([(s, 0.06, -0.75), (s, low, -0.9), (s, low, 0.9), (s, 0.06, 0.75)])
    canvas.fill(under, (28, 28, 30), body.z, 3)


def _draw_lamps(canvas: Canvas, body: _Body) -> None:
    """Lamps and plate on the end that faces the camera."""
    s = 0.503 * body.near_end
    low, high = (0.44, 0.54) if body.kind.height < 2.5 else (0.2, 0.26)
    color: Color = (235, 232, 215) if body.near_end > 0 else (190, 20, 22)
    for t in (-0.82, 0.82):
        lamp = [(s, low, t - 0.13), (s, high, t - 0.13), (s, high, t + 0.13), (s, low, t + 0.13)]
        canvas.fill(body.project(lamp), color, body.z, 3)
    plate = [(s, low - 0.13, -0.28), (s, low - 0.05, -0.28), (s, low - 0.05, 0.28), (s, low - 0.13, 0.28)]
    canvas.fill(body.project(plate), (225, 225, 215), body.z, 3)


def random_paint(rng: np.random.Generator) -> Color:
    """The paint of some vehicle."""
    return jitter(rng, PAINTS[int(rng.integers(len(PAINTS)))], 10)
