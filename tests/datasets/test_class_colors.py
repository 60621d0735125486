"""Automatic class colours: apart as far as the eye tells, the same always, and made as the table says."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from raymeta.datasets.class_colors import MIN_DISTANCE, TABLE, with_automatic_colors
from raymeta.datasets.folder import read_class_list

MEANT_OTHERWISE = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (255, 0, 200)]
"""Black, white and grey; the magenta of boxes on pictures."""


def lab(colors):
    """(N, 3) of (N, 3) RGB."""
    return rgb2lab(np.asarray(colors, np.uint8)[None])[0]


def nearest_pair(colors):
    """CIEDE2000 of the two colours that are most alike."""
    values = lab(colors)
    distances = deltaE_ciede2000(values[:, None], values[None])
    return distances[~np.eye(len(values), dtype=bool)].min()


@pytest.mark.parametrize("count", range(2, 33))
def test_classes_are_told_apart(count):
    colors = with_automatic_colors([None] * count)
    assert colors.shape == (count, 3)
    assert nearest_pair(colors) >= (25 if count <= 12 else 18 if count <= 24 else 15)


def test_a_class_keeps_its_colour_when_others_are_added_behind_it():
    everything = with_automatic_colors([None] * 255)
    assert len({tuple(color) for color in everything.tolist()}) == 255
    for count in (1, 2, 20, 254):
        assert (with_automatic_colors([None] * count) == everything[:count]).all()


def test_the_table_is_the_farthest_colour_of_a_grid_each_time():
    levels = np.arange(0, 256, 17)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    values = lab(grid)
    allowed = (values[:, 0] >= 30) & (values[:, 0] <= 90) & (np.hypot(values[:, 1], values[:, 2]) >= 25)
    grid, values = grid[allowed], values[allowed]
    far = deltaE_ciede2000(values[:, None], lab(MEANT_OTHERWISE)[None]).min(axis=1)
    for color in TABLE[:64]:
        chosen = int(np.argmax(far))
        place = int(np.flatnonzero((grid == list(bytes.fromhex(color))).all(axis=1))[0])
        assert far[place] == pytest.approx(far[chosen], abs=1e-3)  # another version of the library may round otherwise
        far = np.minimum(far, deltaE_ciede2000(values, values[place][None]))


def test_explicit_colours_stay_and_others_are_unlike_them(tmp_path):
    alike = [int(channel) + 1 for channel in bytes.fromhex(TABLE[1])[:1]] + list(bytes.fromhex(TABLE[1])[1:])
    text = f"classes:\n- a\n- {{name: b, color: {alike}}}\n- c\n- {{name: d, color: [128, 64, 128]}}\n- e\n"
    (tmp_path / "classes.yaml").write_text(text)
    palette = read_class_list(tmp_path / "classes.yaml").palette
    assert palette[1].tolist() == alike
    assert palette[3].tolist() == [128, 64, 128]
    assert palette[0].tolist() == list(bytes.fromhex(TABLE[0]))
    assert nearest_pair(palette) >= MIN_DISTANCE


def test_more_explicit_colours_than_the_table_can_avoid():
    explicit = [list(bytes.fromhex(color)) for color in TABLE]
    palette = with_automatic_colors([*explicit[:250], None, None])
    assert palette.shape == (252, 3)
    assert (palette[:250] == explicit[:250]).all()
