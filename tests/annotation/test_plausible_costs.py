"""What random boxes cost on painted streets: about as much as their pixels, plus the cuts at their borders."""

import numpy as np
import pytest

from raymeta.annotation.clicks import AnnotatedScene, LabelMapScene, count_clicks
from raymeta.annotation.cost_models import COST_A, COST_B, COST_P
from raymeta.annotation.costs import CostLedger
from raymeta.annotation.events import Events
from raymeta.boxes import Box

HEIGHT, WIDTH, BOX = 512, 1024, 64


def blob(rng, x, y, rx, ry, vertices):
    """A jagged ellipse."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, vertices))
    radius = rng.uniform(0.75, 1.15, vertices)
    return np.round(np.stack([x + rx * radius * np.cos(angles), y + ry * radius * np.sin(angles)], axis=1))


def slab(top, bottom):
    return np.array([[0, top], [WIDTH - 1, top], [WIDTH - 1, bottom], [0, bottom]], np.float64)


# Class, size in pixels, vertices, depth up to which it stands: houses, trees, cars, persons.
THINGS = ((2, 190, 14, 0.4), (3, 110, 60, 0.7), (4, 60, 40, 1.1), (5, 34, 40, 1.1))


def street(rng):
    """Sky, road, then things from far to near, each hiding parts of what is behind.

    As dense as Cityscapes at half its size: about 1,500 visible vertices an image
    (docs/method.md#checks-on-real-polygons).
    """
    polygons = [(0, slab(0, 260)), (1, slab(250, HEIGHT - 1))]
    for depth in np.linspace(0.1, 1, 24):
        ground = 250 + 250 * depth
        for class_id, size, vertices, farthest in THINGS:
            if depth < farthest and rng.random() < 0.75:
                ry = size * (0.3 + depth) / 2
                rx = ry * rng.uniform(0.5, 1.4)
                polygons.append((class_id, blob(rng, rng.uniform(0, WIDTH), ground - ry, rx, ry, vertices)))
    return AnnotatedScene(HEIGHT, WIDTH, 6, polygons)


def random_box_costs(scenes, rng, boxes_per_scene=150):
    """cost_A and cost_B of random boxes, divided by cost_P."""
    pool, query = Events(), Events()
    for scene in scenes:
        whole = scene.whole_image()
        pool += Events(polygon=whole.polygon, class_=whole.class_, pixels=HEIGHT * WIDTH)
        for _ in range(boxes_per_scene):
            box = Box(int(rng.integers(HEIGHT - BOX + 1)), int(rng.integers(WIDTH - BOX + 1)), BOX)
            clicks = count_clicks(scene, box)
            query += Events(*clicks, pixels=BOX**2, boxes=1)
    ledger = CostLedger(pool, Events(), query)
    share = ledger.cost(COST_P).value
    return ledger.cost(COST_A).value / share, ledger.cost(COST_B).value / share


def test_random_boxes_cost_a_little_more_than_their_share():
    rng = np.random.default_rng(0)
    scenes = [street(rng) for _ in range(8)]
    visible = np.mean([len(scene.visible_vertices) for scene in scenes])
    assert 1400 < visible < 1700
    assert visible < 0.8 * np.mean([scene.whole_image().polygon for scene in scenes])
    cost_a, cost_b = random_box_costs(scenes, np.random.default_rng(1))
    # Real Cityscapes polygons give 1.20 and 1.30.
    assert cost_a == pytest.approx(1.2, abs=0.15)
    assert cost_b == pytest.approx(1.3, abs=0.15)


def test_label_map_scenes_cost_alike():
    rng = np.random.default_rng(0)
    scenes = [LabelMapScene(street(rng).label_map, 6, 2.5) for _ in range(4)]
    cost_a, cost_b = random_box_costs(scenes, np.random.default_rng(1))
    assert 1.0 < cost_a < 2.5
    assert 1.0 < cost_b < 2.5


@pytest.mark.parametrize("width", [32, 64, 128])
def test_tiles_hold_every_visible_vertex_once(width):
    scene = street(np.random.default_rng(3))
    inside = scene.visible_vertices
    inside = inside[(inside >= 0).all(axis=1) & (inside < [WIDTH, HEIGHT]).all(axis=1)]
    boxes = [Box(top, left, width) for top in range(0, HEIGHT, width) for left in range(0, WIDTH, width)]
    assert sum(count_clicks(scene, box).polygon for box in boxes) == len(inside)
