"""Decides what stands where in a generated street scene, and draws it from far to near."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from raymeta.datasets.street_scenes.buildings import draw_building, draw_skyline
from raymeta.datasets.street_scenes.camera import Camera
from raymeta.datasets.street_scenes.canvas import Canvas, Light
from raymeta.datasets.street_scenes.ground import FARTHEST, Street, draw_ground, draw_sky
from raymeta.datasets.street_scenes.rendering import develop
from raymeta.datasets.street_scenes.roadside import draw_barrier, draw_bin, draw_hedge, draw_pole, draw_tree
from raymeta.datasets.street_scenes.traffic import Footprints, Placed, place_people, place_vehicles


@dataclass(frozen=True, eq=False)
class StreetScene:
    """One generated scene.

    image: (H, W, 3) uint8 RGB. label_ids: (H, W) uint8 Cityscapes label ids, painted from `objects` in their order.
    objects: label and (N, 2) int32 vertices, x and y in pixels inside the image.
    """

    image: NDArray[np.uint8]
    label_ids: NDArray[np.uint8]
    objects: list[tuple[str, NDArray[np.int32]]]


def draw_scene(rng: np.random.Generator, height: int, width: int) -> StreetScene:
    """Draw a random scene of `height` × `width` pixels; the same generator state gives the same scene."""
    canvas = Canvas(Camera.random(rng, height, width), Light.random(rng), rng)
    street = Street.random(rng)
    draw_sky(canvas)
    draw_ground(canvas, street)
    draw_skyline(canvas, "vegetation" if rng.random() < 0.6 else "building", FARTHEST, -120, 120)
    taken = Footprints()
    placed = [
        *_frontage(canvas, street),
        *_roadside(canvas, street),
        *place_vehicles(canvas, street, taken),
        *place_people(canvas, street, taken),
    ]
    for _, draw in sorted(placed, key=lambda entry: -entry[0]):
        draw()
    return StreetScene(develop(canvas), canvas.label_ids(), canvas.objects)


def _frontage(canvas: Canvas, street: Street) -> Iterator[Placed]:
    """Both sides of the street: lots with buildings, trees, hedges, walls and fences."""
    rng = canvas.rng
    built_up = rng.beta(2.5, 1)
    for x in (street.left, street.right):
        far = FARTHEST * 0.6
        while far > 3:
            near = max(2.2, far - rng.uniform(9, 26))
            if street.crossing is None or far <= street.crossing[0] - 2 or near >= street.crossing[1] + 2:
                yield from _lot(canvas, x, near, far, built_up)
            elif far > street.crossing[1] + 4:
                near = street.crossing[1] + 2  # the lot at the corner
                yield from _lot(canvas, x, near, far, built_up)
            else:
                near = street.crossing[0] - 2
            far = near


def _lot(canvas: Canvas, x: float, near: float, far: float, built_up: float) -> Iterator[Placed]:
    rng = canvas.rng
    outward = float(np.sign(x))
    if rng.random() < built_up:
        setback = float(rng.choice([0.0, 0.0, 2.5, 4.0]))
        # A building reaches back to `far`: it is sorted by its far end, behind whatever stands in front of it.
        yield far, partial(draw_building, canvas, x + outward * setback, near, far)
        if setback == 0.0:
            return
    else:
        for _ in range(int(rng.integers(1, 5))):
            at = rng.uniform(near, far)
            if at > 5:
                yield at + 0.5, partial(draw_tree, canvas, x + outward * rng.uniform(1, 9), at)
    edge, kind = near + 0.9 * (far - near), rng.random()
    if kind < 0.3:
        yield edge, partial(draw_hedge, canvas, x, near, far)
    elif kind < 0.65:
        yield edge, partial(draw_barrier, canvas, "fence" if kind < 0.5 else "wall", x, near, far)


def _roadside(canvas: Canvas, street: Street) -> Iterator[Placed]:
    """Street trees, poles and bins near the kerbs."""
    rng = canvas.rng
    with_trees = rng.random() < 0.45
    for kerb in (street.left_kerb, street.right_kerb):
        outward = float(np.sign(kerb))
        x = kerb + 0.6 * outward
        for z in np.arange(rng.uniform(5, 22), 90, rng.uniform(14, 26)):
            carries = str(rng.choice(["lamp", "traffic sign", "traffic light"], p=[0.4, 0.44, 0.16]))
            at = float(z) + rng.uniform(-3, 3)
            if rng.random() < 0.75 and at > 3.5 and not street.is_crossing(at, 0.5):
                yield at, partial(draw_pole, canvas, x, at, carries)
        if with_trees and rng.random() < 0.8:
            for z in np.arange(rng.uniform(6, 18), 80, rng.uniform(7, 13)):
                if not street.is_crossing(float(z), 1.0):
                    yield float(z), partial(draw_tree, canvas, x + 0.5 * outward, float(z))
        if rng.random() < 0.35:
            at = rng.uniform(6, 30)
            yield at, partial(draw_bin, canvas, x + 0.7 * outward, at)
