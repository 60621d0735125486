import numpy as np
import pytest
import torch
from training_examples import network

from raymeta.networks.inference import normalise, predict_labels, predict_softmax

IMAGE = np.random.default_rng(0).integers(0, 256, (37, 50, 3), dtype=np.uint8)


def test_normalise_by_hand():
    image = np.array([[[[255, 0, 128]]]], dtype=np.uint8)
    expected = [(1 - 0.485) / 0.229, -0.456 / 0.224, (128 / 255 - 0.406) / 0.225]
    values = normalise(image, "cpu")
    assert values.shape == (1, 3, 1, 1)
    assert values.dtype == torch.float32
    np.testing.assert_allclose(values.flatten().numpy(), expected, rtol=1e-5)


def test_normalise_takes_tensors_and_leaves_them():
    pixels = torch.from_numpy(IMAGE.copy())[None]
    assert torch.equal(normalise(pixels, "cpu"), normalise(IMAGE[None, :, ::1], "cpu"))
    assert np.array_equal(pixels[0].numpy(), IMAGE)


def test_normalise_takes_mirrored_views():
    assert torch.equal(normalise(IMAGE[None, :, ::-1], "cpu"), normalise(IMAGE[None], "cpu").flip(3))


@pytest.mark.parametrize("images", [IMAGE, IMAGE[None].transpose(0, 3, 1, 2), IMAGE[None] / 255.0])
def test_normalise_refuses_other_arrays(images):
    with pytest.raises(ValueError, match="images of"):
        normalise(images, "cpu")


def test_softmax_is_a_distribution_and_repeats():
    built = network().train()
    softmax = predict_softmax(built, IMAGE, "cpu")
    assert softmax.shape == (3, 37, 50)
    assert softmax.dtype == torch.float32
    assert softmax.is_contiguous()
    np.testing.assert_allclose(softmax.sum(dim=0).numpy(), 1, atol=1e-5)
    assert torch.equal(softmax, predict_softmax(built, IMAGE, "cpu"))
    assert built.training
    assert all(module.training for module in built.modules())


def test_labels_are_the_arg_max():
    built = network(seed=3)
    labels = predict_labels(built, np.stack([IMAGE, IMAGE[::-1]]))
    assert labels.dtype == torch.uint8
    assert labels.shape == (2, 37, 50)
    assert torch.equal(labels[0].long(), predict_softmax(built, IMAGE, "cpu").argmax(dim=0))


def test_lowest_class_wins_a_tie():
    built = network()
    for parameter in built.parameters():
        torch.nn.init.zeros_(parameter)
    assert not predict_labels(built, IMAGE[None]).any()
