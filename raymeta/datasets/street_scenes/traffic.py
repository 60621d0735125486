"""Vehicles and people of a generated street scene: who stands where on the ground."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from raymeta.datasets.street_scenes.canvas import Canvas
from raymeta.datasets.street_scenes.ground import Street
from raymeta.datasets.street_scenes.people import draw_bicycle, draw_motorcycle, draw_person
from raymeta.datasets.street_scenes.vehicles import BUS, CARS, TRAIN, TRUCK, VehicleKind, draw_vehicle, random_paint

Placed = tuple[float, Callable[[], None]]
"""Depth in metres, and what draws it."""

HEAVY_KINDS = ((TRUCK, 0.12), (BUS, 0.09), (TRAIN, 0.05))
"""Rare vehicles and the share of scenes with one."""


class Footprints:
    """Ground that vehicles and people stand on, so that no two of them stand in each other."""

    def __init__(self) -> None:
        self._taken: list[tuple[float, float, float, float]] = []

    def take(self, x: float, z: float, half_width: float, half_length: float) -> bool:
        """Whether this rectangle (metres) was free; it is taken then."""
        for other_x, other_z, other_width, other_length in self._taken:
            if abs(x - other_x) < half_width + other_width and abs(z - other_z) < half_length + other_length:
                return False
        self._taken.append((x, z, half_width, half_length))
        return True


def place_vehicles(canvas: Canvas, street: Street, taken: Footprints) -> Iterator[Placed]:
    """The rare heavy vehicles, moving cars in the lanes and on the crossing, parked ones along the kerbs."""
    rng = canvas.rng
    wanted = [*_heavy(rng, street), *_moving(rng, street), *_parked(rng, street)]
    for kind, x, z, heading in wanted:
        paint = random_paint(rng)
        across, along = kind.width / 2 + 0.2, kind.length / 2 + 0.3
        if abs(np.sin(heading)) > 0.7:
            across, along = along, across
        if taken.take(x, z, across, along):
            yield z, partial(draw_vehicle, canvas, kind, x, z, heading, paint)


Wanted = tuple[VehicleKind, float, float, float]
"""Kind, x and z in metres, heading."""


def _car(rng: np.random.Generator) -> VehicleKind:
    return CARS[int(rng.integers(len(CARS)))]


def _heavy(rng: np.random.Generator, street: Street) -> Iterator[Wanted]:
    for kind, share in HEAVY_KINDS:
        if rng.random() < share:
            oncoming = bool(rng.random() < 0.6)
            x = -street.lane if oncoming else rng.normal(0, 0.3)
            yield kind, x, rng.uniform(12, 45) + kind.length / 2, np.pi * oncoming + rng.normal(0, 0.02)


def _moving(rng: np.random.Generator, street: Street) -> Iterator[Wanted]:
    for z in np.geomspace(rng.uniform(8, 25), 110, int(rng.integers(0, 4))):
        yield _car(rng), rng.normal(0, 0.3), float(z), rng.normal(0, 0.03)
    for z in np.geomspace(rng.uniform(8, 25), 110, int(rng.integers(0, 5))):
        yield _car(rng), -street.lane + rng.normal(0, 0.3), float(z + rng.uniform(0, 4)), np.pi + rng.normal(0, 0.03)
    if street.crossing is not None and rng.random() < 0.5:
        z = sum(street.crossing) / 2 + rng.uniform(-1.5, 1.5)
        yield _car(rng), rng.uniform(-9, 9), z, float(rng.choice([-1, 1])) * np.pi / 2 + rng.normal(0, 0.1)


def _parked(rng: np.random.Generator, street: Street) -> Iterator[Wanted]:
    for kerb in (street.left_kerb, street.right_kerb):
        density = rng.beta(0.8, 0.8)
        for z in np.arange(rng.uniform(4.5, 9), 75, rng.uniform(5.7, 6.8)):
            turned = bool(kerb < 0 and rng.random() < 0.8)
            if rng.random() < density and not street.is_crossing(float(z), 6.0):
                x = kerb - float(np.sign(kerb)) * rng.uniform(0.9, 1.2)
                yield _car(rng), x, float(z), rng.normal(0, 0.03) + np.pi * turned


def place_people(canvas: Canvas, street: Street, taken: Footprints) -> Iterator[Placed]:
    """Pedestrians on the pavements and the crossing, cyclists, parked bicycles and the rare motorcycle."""
    rng = canvas.rng
    for _ in range(int(rng.poisson(rng.gamma(1.2, 3.0)))):
        x, z = _on_pavement(rng, street), _depth(rng)
        for member in range(1 + int(rng.random() < 0.3)):
            if taken.take(x + 0.55 * member, z, 0.25, 0.2):
                yield z, partial(draw_person, canvas, x + 0.55 * member, z)
    for _ in range(int(rng.random() < 0.25) * int(rng.integers(1, 4))):
        x, z = rng.uniform(street.left_kerb, street.right_kerb), _depth(rng) + 5
        z = z if street.crossing is None else street.crossing[0] - 1.5
        if taken.take(x, z, 0.4, 0.3):
            yield z, partial(draw_person, canvas, x, z)
    for _ in range(int(rng.poisson(0.7))):
        x, z = rng.uniform(street.left_kerb + 0.5, street.right_kerb - 0.5), _depth(rng) + 2
        if taken.take(x, z, 0.5, 0.9):
            yield z, partial(draw_bicycle, canvas, x, z, ridden=True)
    for _ in range(int(rng.random() < 0.4) * int(rng.integers(1, 5))):
        x, z = _on_pavement(rng, street), _depth(rng)
        if taken.take(x, z, 0.7, 0.3):
            yield z, partial(draw_bicycle, canvas, x, z, ridden=False)
    if rng.random() < 0.15:
        x, z = rng.uniform(street.left_kerb + 1, street.right_kerb - 0.5), _depth(rng) + 2
        if taken.take(x, z, 0.9, 0.5):
            yield z, partial(draw_motorcycle, canvas, x, z, ridden=bool(rng.random() < 0.5))


def _depth(rng: np.random.Generator) -> float:
    return float(rng.uniform(0, 1) ** 1.6 * 50 + 5)


def _on_pavement(rng: np.random.Generator, street: Street) -> float:
    kerb, line = (street.left_kerb, street.left) if rng.random() < 0.5 else (street.right_kerb, street.right)
    return float(kerb + rng.uniform(0.2, 0.85) * (line - kerb))
