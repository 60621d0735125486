import io
from typing import get_args

import numpy as np
import pyarrow as pa
from matplotlib.path import Path
from PIL import Image

from raymeta.acquisition.strategies import Priority
from raymeta.boxes import Box
from raymeta.report.panels import TITLES, QueriedRegion, blend, panel, region_outline
from raymeta.report.run_panels import queried_regions

PALETTE = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=np.uint8)


def test_blend_weighs_class_colours_over_the_image() -> None:
    image = np.full((1, 3, 3), 100, dtype=np.uint8)
    mixed = blend(image, np.array([[0, 1, 255]], dtype=np.uint8), PALETTE)
    assert mixed[0].tolist() == [[35, 35, 35], [200, 35, 35], [118, 118, 118]]


def test_panel_draws_pixel_and_box_maps() -> None:
    rng = np.random.default_rng(0)
    maps = {
        "segmentation": rng.integers(0, 3, (24, 48)).astype(np.uint8),
        "predicted_iou": rng.random((24, 48)).astype(np.float32),
        "metaseg": rng.random((24, 48)).astype(np.float32),
        "clicks": None,
        "joint": rng.random((17, 41)),
    }
    image = rng.integers(0, 256, (24, 48, 3)).astype(np.uint8)
    mask = rng.random((8, 8)) < 0.5
    png = panel(maps, image, [QueriedRegion(1, Box(0, 0, 8)), QueriedRegion(2, Box(16, 40, 8), mask)], PALETTE)
    drawn = Image.open(io.BytesIO(png))
    drawn.load()
    assert drawn.width > drawn.height > 200


def test_panel_without_any_map_still_shows_the_boxes() -> None:
    png = panel({}, np.zeros((10, 10, 3), dtype=np.uint8), [QueriedRegion(1, Box(1, 1, 4))], PALETTE)
    assert Image.open(io.BytesIO(png)).width > 0


def test_every_priority_has_a_title() -> None:
    assert set(get_args(Priority)) <= TITLES.keys()


def test_a_part_is_drawn_by_its_own_outline() -> None:
    """A ring of eight pixels: the outline holds their middles, not that of the hole, and nothing else of the tile."""
    mask = np.zeros((5, 5), bool)
    mask[1:4, 1:4] = True
    mask[2, 2] = False
    outline = region_outline(QueriedRegion(3, Box(10, 20, 5), mask))
    path = outline.get_path()
    middles = np.stack(np.meshgrid(20.5 + np.arange(5), 10.5 + np.arange(5)), axis=-1).reshape(-1, 2)
    within = sum(Path(ring).contains_points(middles).astype(int) for ring in path.to_polygons())
    inside = (within % 2 == 1).reshape(5, 5)
    np.testing.assert_array_equal(inside, mask)
    assert path.get_extents().bounds == (21, 11, 3, 3)
    assert region_outline(QueriedRegion(3, Box(10, 20, 5))).get_bbox().bounds == (20, 10, 5, 5)


def test_the_regions_of_an_image_are_its_boxes_or_parts() -> None:
    rows = [
        {"image_id": "a", "top": 0, "left": 8, "width": 2, "rank": 1, "segment": bytes([0b10110000])},
        {"image_id": "b", "top": 0, "left": 0, "width": 2, "rank": 2, "segment": bytes([0b11110000])},
        {"image_id": "a", "top": 2, "left": 0, "width": 2, "rank": 3, "segment": bytes([0b00010000])},
    ]
    first, last = queried_regions(pa.Table.from_pylist(rows), "a")
    assert (first.rank, first.box, last.rank, last.box) == (1, Box(0, 8, 2), 3, Box(2, 0, 2))
    np.testing.assert_array_equal(first.mask, [[True, False], [True, True]])
    np.testing.assert_array_equal(last.mask, [[False, False], [False, True]])
    [plain] = queried_regions(pa.Table.from_pylist(rows).drop_columns("segment"), "b")
    assert (plain.box, plain.mask) == (Box(0, 0, 2), None)
