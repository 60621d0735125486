"""Self-training: what is taught where nobody labelled, and by whom."""

import math

import numpy as np
import pytest
import torch
from training_examples import Examples, equal, examples, network, training_config

from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.config import ConfigError, parse_config
from raymeta.networks.inference import evaluation_mode, normalise
from raymeta.networks.segmentation_network import Encoded
from raymeta.training.batch_loading import BatchLoader
from raymeta.training.feature_crops import cut_features
from raymeta.training.network_training import train_network
from raymeta.training.pseudo_labels import disturbed, pseudo_labels
from raymeta.training.random_crops import Crop
from raymeta.training.training_batches import Batch, Share
from raymeta.training.training_set import ExampleCache, LabelledExamples

TAUGHT = {"ema": 0.9, "steps": 8, "max_epochs": 2}


def test_labels_by_hand():
    """Softmaxes 0.5/0.5, 0.8/0.2 and 0.2/0.8 at 0.7: the second and third are sure, and the third is labelled."""
    shares = torch.tensor([[0.5, 0.8, 0.2], [0.5, 0.2, 0.8]])
    open_pixels = torch.tensor([[[True, True, False]]])
    assert pseudo_labels(shares.log()[None, :, None], open_pixels, 0.7).tolist() == [[[255, 0, 255]]]
    assert pseudo_labels(shares.log()[None, :, None], open_pixels, 0.49).tolist() == [[[0, 0, 255]]]


def test_channels_of_features_are_left_out_whole():
    torch.manual_seed(0)
    features = torch.ones((3, 400, 2, 5), dtype=torch.float16)
    [found] = disturbed(Encoded((features,), 8, 20), 0.25).features
    channels = found.reshape(1200, 10)
    assert (channels == channels[:, :1]).all()
    assert channels.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert 0.2 < (channels[:, 0] == 0).float().mean() < 0.3


def test_brightness_and_contrast_vary_by_channel():
    """An image whose pixels are 0 and 1 shows shift and gain."""
    torch.manual_seed(0)
    images = torch.zeros((40, 3, 1, 2))
    images[..., 1] = 1
    found = disturbed(images, 0.3)
    shift, gain = found[..., 0, 0], found[..., 0, 1] - found[..., 0, 0]
    assert shift.abs().max() <= 0.3
    assert shift.abs().max() > 0.25
    assert (gain - 1).abs().max() <= 0.3 + 1e-6
    assert len(gain.unique()) > 100


def test_nothing_is_disturbed_by_0():
    images = torch.rand((2, 3, 4, 4))
    assert disturbed(images, 0) is images


class Scene:
    """One image of 4 × 6 pixels whose labels hold void."""

    def image(self, _):
        return np.zeros((4, 6, 3), np.uint8)

    def label_map(self, _):
        return np.where(np.arange(24) % 2, 255, 1).astype(np.uint8).reshape(4, 6)


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (LabelledRegions(frozenset("a")), np.zeros((4, 6), bool)),
        (LabelledRegions(boxes={"a": (Box(1, 2, 3),)}), ~np.pad(np.ones((3, 3), bool), ((1, 0), (2, 1)))),
    ],
    ids=["whole", "box"],
)
def test_what_was_labelled_as_void_is_not_unlabelled(regions, expected):
    data = LabelledExamples(ExampleCache(Scene(), 1 << 20), KnownLabels(regions), [])
    assert np.array_equal(data.unlabelled(0), expected)
    assert (data.train_example(0)[1][~expected] == 255).any()


def loaded(data, *shares, **options):
    loader = BatchLoader(data, 3, 8, torch.device("cpu"), threads=1, with_unlabelled=True, **options)
    [part] = loader.load_batch(Batch(shares, 1)).parts
    return part


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("crop", [None, Crop(10, 14, 0.5, 0.3, 0.6), Crop(30, 40, 1.0, 0.0, 0.0)])
def test_unlabelled_pixels_go_the_way_of_the_labels(crop, stride):
    """All that is ignored in these examples is unlabelled, but what lies beyond the image, and fillers."""
    data = examples()
    shares = [Share(1, False, crop=crop), Share(1, True, crop=crop), Share(2, True, counts=False, crop=crop)]
    part = loaded(data, *shares, loss_stride=stride)
    seen = np.ones((24, 32), bool)
    beyond = loaded(Examples([(data.train[1][0], np.where(seen, 1, 255).astype(np.uint8))] * 3, []), *shares)
    inside = (beyond.labels == 1)[:, ::stride, ::stride] if stride > 1 else beyond.labels == 1
    assert torch.equal(part.unlabelled[:2], ((part.labels == 255) & inside)[:2])
    assert not part.unlabelled[2].any()
    assert part.unlabelled[:2].any()


def test_unlabelled_cells_of_features_lie_where_the_labels_lie():
    labels = np.random.default_rng(0).choice(np.array([0, 1, 255], np.uint8), (96, 100))
    levels = tuple(torch.zeros((1, 1, 96 // s + 1, 128 // s + 1)) for s in (4, 8, 16, 32))
    closed = np.where(labels == 255, 0, 255).astype(np.uint8)
    _, cut, cut_closed = cut_features(
        Encoded(levels, 96, 100), labels, Crop(64, 64, 1.0, 0.4, 0.9), lambda _, cells: np.arange(cells) * 4, closed
    )
    assert np.array_equal((cut_closed == 0)[cut_closed != 255], (cut == 255)[cut_closed != 255])
    assert (cut != 255).any()
    assert ((cut_closed == 0) & (cut != 255)).sum() == 0


def test_the_first_step_by_hand():
    """The loss of one step: the mean over labels, and weight times the teacher's sure classes over all pixels."""
    data, built = examples(train=2), network(dropout=False)
    images = np.stack([image for image, _ in data.train])
    labels = torch.from_numpy(np.stack([each for _, each in data.train])).long()
    with evaluation_mode(built), torch.no_grad():
        logits = built(normalise(images, "cpu", built.spec))
    losses = -torch.log_softmax(logits, 1)
    shares, classes = torch.softmax(logits, 1).max(1)
    by_labels = losses.gather(1, labels.where(labels != 255, 0)[:, None])[:, 0][labels != 255].mean()
    confidence = float(shares[labels == 255].median())
    sure = (labels == 255) & (shares > confidence)
    assert 0 < sure.sum() < (labels == 255).sum()
    by_teacher = losses.gather(1, classes[:, None])[:, 0][sure].sum() / labels.numel()
    settings = {"weight": 0.5, "confidence": confidence, "start": 0, "disturbance": 0}
    config = training_config(ema=0.9, steps=1, max_epochs=1, optimizer="sgd", pseudo_labels=settings)
    state = train_network(built, data, config, seed=0)
    assert state.history[0].train_loss == pytest.approx(float(by_labels + 0.5 * by_teacher), rel=1e-5)


def test_labels_alone_teach_first():
    """Until half of the steps it is the training without pseudo-labels, and then it isn't."""
    data, losses = examples(), []
    for weight in (0.0, 1.0):
        settings = {"weight": weight, "start": 0.5, "confidence": 0.0}
        state = train_network(network(), data, training_config(**TAUGHT, pseudo_labels=settings), seed=0)
        losses.append([record.train_loss for record in state.history])
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]


def test_resume_is_bit_identical():
    config = training_config(**TAUGHT, pseudo_labels={"weight": 1.0, "start": 0.25, "confidence": 0.3})
    states = []
    whole = train_network(
        network(True), examples(), config, 0, on_epoch=lambda _, state: states.append(state.to_bytes())
    )
    resumed = train_network(network(True, seed=9), examples(), config, 0, resume=states[0])
    assert equal(resumed.best_weights, whole.best_weights)
    assert math.isfinite(whole.history[-1].train_loss)
    assert [record.train_loss for record in resumed.history] == [record.train_loss for record in whole.history]


@pytest.mark.parametrize("left_out", ["ema", "steps"])
def test_without_a_teacher_or_an_end_it_is_refused(left_out):
    training = {"ema": 0.99, "steps": 10, "pseudo_labels": {"weight": 1.0}}
    del training[left_out]
    values = {"run_dir": "r", "dataset": {"kind": "camvid", "root": "d"}, "training": training}
    with pytest.raises(ConfigError, match=f"set {left_out}"):
        parse_config(values)
