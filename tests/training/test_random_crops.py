import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training_examples import training_config

from raymeta.training.random_crops import PADDING_COLOUR, Crop, cut_crop, draw_crops

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 5, (11, 17)).astype(np.uint8)
IMAGE = RNG.integers(0, 256, (11, 17, 3)).astype(np.uint8)


def slow_crop(image, labels, crop):
    """Pixel by pixel: what lies under the centre of each pixel of the crop."""
    height, width = labels.shape
    tall, wide = max(1, round(height * crop.scale)), max(1, round(width * crop.scale))
    first_row = int(crop.top * (max(0, tall - crop.height) + 1))
    first_column = int(crop.left * (max(0, wide - crop.width) + 1))
    cut_image = np.empty((crop.height, crop.width, 3))
    cut_labels = np.full((crop.height, crop.width), 255, np.uint8)
    cut_image[:] = PADDING_COLOUR
    for i in range(min(crop.height, tall - first_row)):
        for j in range(min(crop.width, wide - first_column)):
            y, x = (first_row + i + 0.5) / crop.scale, (first_column + j + 0.5) / crop.scale
            cut_labels[i, j] = labels[min(int(y), height - 1), min(int(x), width - 1)]
            cut_image[i, j] = bilinear(image, y - 0.5, x - 0.5)
    return cut_image, cut_labels


def bilinear(image, y, x):
    height, width = image.shape[:2]
    y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = image[top, left] * (1 - x + left) + image[top, right] * (x - left)
    lower = image[bottom, left] * (1 - x + left) + image[bottom, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


@given(
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    scale=st.sampled_from([0.05, 0.5, 0.75, 1.0, 1.25, 1.9, 2.0]),
    top=st.floats(0, 1, exclude_max=True),
    left=st.floats(0, 1, exclude_max=True),
)
def test_equals_pixel_by_pixel(height, width, scale, top, left):
    crop = Crop(height, width, scale, top, left)
    image, labels = cut_crop(IMAGE, LABELS, crop)
    expected_image, expected_labels = slow_crop(IMAGE, LABELS, crop)
    assert image.dtype == labels.dtype == np.uint8
    assert np.array_equal(labels, expected_labels)
    assert np.abs(image - expected_image).max() <= 10  # OpenCV interpolates between 32 places a pixel


def test_part_of_an_image_by_hand():
    image, labels = cut_crop(IMAGE, LABELS, Crop(5, 6, 1.0, 0.5, 0.99))
    assert np.array_equal(image, IMAGE[3:8, 11:17])  # 7 places for the top, 12 for the left
    assert np.array_equal(labels, LABELS[3:8, 11:17])


def test_smaller_images_are_filled_up_and_ignored():
    image, labels = cut_crop(IMAGE, LABELS, Crop(20, 30, 1.0, 0.7, 0.3))
    assert np.array_equal(image[:11, :17], IMAGE)
    assert np.array_equal(labels[:11, :17], LABELS)
    assert (labels[11:] == 255).all()
    assert (labels[:, 17:] == 255).all()
    assert (image[11:] == PADDING_COLOUR).all()


def test_twice_as_large():
    _, labels = cut_crop(IMAGE, LABELS, Crop(22, 34, 2.0, 0.0, 0.0))
    assert np.array_equal(labels, LABELS.repeat(2, axis=0).repeat(2, axis=1))


def test_image_and_labels_stay_together():
    """Halves of two colours: every pixel has its label's colour, apart from the mixed ones at the edge."""
    labels = np.repeat(np.array([[0, 1]], np.uint8), 32, axis=1).repeat(48, axis=0)
    image = np.where(labels[..., None] == 1, 200, 40).astype(np.uint8).repeat(3, axis=2)
    for scale in (0.5, 0.75, 1.5, 2.0):
        cut_image, cut_labels = cut_crop(image, labels, Crop(24, 30, scale, 0.4, 0.5))
        agree = (cut_image[..., 0] > 120) == (cut_labels == 1)
        assert agree.mean() > 0.96


def test_every_place_is_drawn_and_scales_are_steps():
    config = training_config(crop_height=4, crop_width=4, scale_min=0.5, scale_max=2.0, scale_step=0.25)
    crops = draw_crops(config, 4000, np.random.default_rng(1))
    assert {crop.scale for crop in crops} == {0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0}
    tops = [int(crop.top * 8) for crop in crops]
    assert 400 < min(np.bincount(tops)) <= max(np.bincount(tops)) < 600
    assert abs(np.corrcoef([crop.top for crop in crops], [crop.left for crop in crops])[0, 1]) < 0.1


def test_scales_without_steps():
    config = training_config(crop_height=4, crop_width=4, scale_min=0.5, scale_max=2.0, scale_step=0.0)
    scales = [crop.scale for crop in draw_crops(config, 500, np.random.default_rng(1))]
    assert len(set(scales)) == 500
    assert 0.5 <= min(scales) < 0.52 < 1.98 < max(scales) <= 2.0


def test_no_crop_unless_asked_for():
    assert draw_crops(training_config(), 3, np.random.default_rng(0)) is None


@pytest.mark.parametrize(("low", "high", "step", "expected"), [(1.0, 1.0, 0.25, {1.0}), (0.5, 0.9, 0.25, {0.5, 0.75})])
def test_scales_at_the_ends(low, high, step, expected):
    config = training_config(crop_height=4, crop_width=4, scale_min=low, scale_max=high, scale_step=step)
    assert {crop.scale for crop in draw_crops(config, 100, np.random.default_rng(1))} == expected
