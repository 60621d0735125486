import numpy as np
import pytest

from raymeta.boxes import Box, boxes_mask, check_box_width


def test_half_open_sides():
    box = Box(2, 3, 4)
    assert (box.bottom, box.right) == (6, 7)
    image = np.zeros((10, 10), int)
    image[box.slices] = 1
    assert image.sum() == 16
    assert image[2, 3] == 1
    assert image[6, 3] == 0
    assert image[2, 7] == 0


@pytest.mark.parametrize(
    ("other", "expected"),
    [(Box(0, 0, 2), True), (Box(1, 1, 2), True), (Box(2, 0, 2), False), (Box(0, 2, 2), False), (Box(5, 5, 1), False)],
)
def test_boxes_that_only_touch_do_not_overlap(other, expected):
    box = Box(0, 0, 2)
    assert box.overlaps(other) is expected
    assert other.overlaps(box) is expected
    shared = boxes_mask([box], 8, 8) & boxes_mask([other], 8, 8)
    assert bool(shared.any()) is expected


def test_mask_is_the_union():
    assert boxes_mask([Box(0, 0, 2), Box(1, 1, 2)], 4, 4).sum() == 7
    assert boxes_mask([], 4, 4).sum() == 0


@pytest.mark.parametrize("corner", [(-1, 0, 2), (0, -1, 2), (0, 0, 0)])
def test_impossible_boxes_are_refused(corner):
    with pytest.raises(ValueError, match=r"box (top|left) -1 is below 0|box width 0 is below 1"):
        Box(*corner)


@pytest.mark.parametrize("corner", [(0.5, 0, 2), (0, True, 2), (0, 0, "2")])
def test_boxes_are_whole_pixels(corner):
    with pytest.raises(ValueError, match="isn't a whole number: give an int of at least"):
        Box(*corner)


def test_sums_of_numpy_integers_do_not_overflow():
    assert Box(np.uint8(200), np.int8(100), np.uint8(100)).bottom == 300


def test_box_wider_than_the_image_names_the_remedy():
    with pytest.raises(ValueError, match="box_width 512 exceeds the image height 360: choose at most 360"):
        check_box_width(512, 360, 480)
    check_box_width(360, 360, 480)
