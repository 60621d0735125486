import io
from typing import get_args

import numpy as np
from PIL import Image

from raymeta.acquisition.strategies import Priority
from raymeta.boxes import Box
from raymeta.report.panels import TITLES, blend, panel

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
    png = panel(maps, image, [(1, Box(0, 0, 8)), (2, Box(16, 40, 8))], PALETTE)
    drawn = Image.open(io.BytesIO(png))
    drawn.load()
    assert drawn.width > drawn.height > 200


def test_panel_without_any_map_still_shows_the_boxes() -> None:
    png = panel({}, np.zeros((10, 10, 3), dtype=np.uint8), [(1, Box(1, 1, 4))], PALETTE)
    assert Image.open(io.BytesIO(png)).width > 0


def test_every_priority_has_a_title() -> None:
    assert set(get_args(Priority)) <= TITLES.keys()
