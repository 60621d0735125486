"""Steps that follow the labels, rates, weights of classes, focal loss, running mean, and how examples are drawn."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from training_examples import Examples, examples, network, training_config

from raymeta.config import ConfigError, TrainingConfig, parse_config
from raymeta.training.communicator import SingleProcess
from raymeta.training.network_training import train_network
from raymeta.training.optimization import (
    build_optimizer,
    class_weights,
    learning_rate,
    move_mean,
    summed_cross_entropy,
    total_steps,
)
from raymeta.training.training_batches import BatchPlanner, every_pixel

FROZEN = {"encoder": "frozen", "weights": "package://imagenet"}


def rates(total, **values):
    config = TrainingConfig(learning_rate=1.0, **values)
    return [learning_rate(config, step, total) for step in range(total)]


def test_cosine_rises_and_falls():
    """4 of 12 steps rise; then half a wave over 8: 1, …, at its middle 1/2."""
    found = rates(12, schedule="cosine", warmup=1 / 3)
    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    assert found[4] == 1.0
    assert found[8] == pytest.approx(0.5)
    assert found[10] == pytest.approx((1 + math.cos(math.pi * 6 / 8)) / 2)
    assert learning_rate(TrainingConfig(schedule="cosine"), 12, 12) == pytest.approx(0)


def test_one_cycle_rises_for_three_tenths():
    found = rates(10, schedule="one_cycle")
    assert found[:3] == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]
    assert all(a >= b for a, b in pairwise(found[2:]))


def test_warm_up_before_a_constant_rate():
    assert rates(10, warmup=0.2)[:4] == [0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(("labelled", "expected"), [(0.1, 50), (4, 50), (9, 75), (16, 100), (36, 150), (400, 200)])
def test_steps_grow_with_the_root_of_the_labels(labelled, expected):
    """200 at 64 labelled images: 25 a root, but 50 at least."""
    config = TrainingConfig(steps=200, full_steps_at=64, min_steps=50)
    assert total_steps(config, labelled) == expected


def test_an_epoch_is_an_equal_share_of_the_steps():
    data = examples(train=3)
    config = training_config(steps=11, full_steps_at=None, max_epochs=4)
    state = train_network(network(), data, config, 0)
    assert [record.steps for record in state.history] == [3, 6, 9, 11]


def test_labelled_images_are_counted_by_their_pixels():
    """Half an image, and a whole one: 1.5 of 6 images, a quarter, whose root is a half."""
    image = np.zeros((8, 8, 3), np.uint8)
    half = np.full((8, 8), 255, np.uint8)
    half[:4] = 1
    data = Examples([(image, half), (image, np.zeros((8, 8), np.uint8))], [(image, half)])
    for stride in (1, 2):
        config = training_config(steps=100, full_steps_at=6, loss_stride=stride)
        assert BatchPlanner(data, config, 0, 3, SingleProcess()).total_steps == 50


def test_class_weights_by_hand():
    """Shares 1/4, 3/4 and none: weights in the ratio of 1 to their roots' inverses, 2 to 2/√3; mean over pixels 1."""
    config = TrainingConfig(class_balance=0.5)
    weights = class_weights(config, np.array([100, 300, 0]))
    scale = 0.25 * 2 + 0.75 * 2 / math.sqrt(3)
    np.testing.assert_allclose(weights, [2 / scale, 2 / math.sqrt(3) / scale, 0], rtol=1e-6)
    assert class_weights(TrainingConfig(), np.array([1, 2])) is None
    np.testing.assert_allclose(class_weights(TrainingConfig(class_balance=1), np.array([1, 3])), [2, 2 / 3], rtol=1e-6)


def test_weighted_and_focal_loss_are_sums_over_pixels():
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor(np.random.default_rng(0).choice([0, 1, 2, 255], (2, 4, 5)))
    weights = torch.tensor([1.0, 2.0, 0.5])
    expected = {0.0: 0.0, 2.0: 0.0}
    for n, y, x in np.ndindex(2, 4, 5):
        label = int(labels[n, y, x])
        if label != 255:
            p = float(torch.softmax(logits[n, :, y, x], 0)[label])
            for gamma in expected:
                expected[gamma] -= float(weights[label]) * (1 - p) ** gamma * math.log(p)
    for gamma, value in expected.items():
        assert float(summed_cross_entropy(logits, labels, weights, gamma)) == pytest.approx(value, rel=1e-5)


def test_the_loss_of_a_batch_is_the_weighted_mean(monkeypatch):
    """One step of one image: what the history says is the weighted mean over its labelled pixels."""
    data = examples(train=1)
    config = training_config(class_balance=1.0, max_epochs=1, steps=1, learning_rate=1e-9, batch_size=1)
    built = network(dropout=False)
    image, labels = data.train[0]
    state = train_network(built, data, config, 0)
    from raymeta.networks.inference import normalise

    logits = built.train()(normalise(image[None], "cpu"))
    weights = torch.from_numpy(class_weights(config, np.bincount(labels.ravel(), minlength=256)[:3]))
    target = torch.from_numpy(labels.astype(np.int64))[None]
    expected = torch.nn.functional.cross_entropy(logits, target, weights, ignore_index=255)
    assert state.history[0].train_loss == pytest.approx(expected.item(), rel=1e-4)


def test_a_stride_looks_at_first_and_last_rows():
    labels = np.arange(35, dtype=np.uint8).reshape(5, 7)
    assert every_pixel(labels, 2).tolist() == labels[::2, ::2].tolist()
    assert every_pixel(labels, 1) is labels
    assert every_pixel(labels[:4, :6], 2).tolist() == labels[[0, 3]][:, [0, 2, 5]].tolist()


def test_a_running_mean_of_the_weights():
    mean, other = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    with torch.no_grad():
        mean.weight.fill_(0.0)
        other.weight.fill_(1.0)
    move_mean(mean, other, 0.9, 0)  # 1/10 is kept
    assert mean.weight.item() == pytest.approx(0.9)
    move_mean(mean, other, 0.9, 10**6)
    assert mean.weight.item() == pytest.approx(0.91)


def test_the_running_mean_is_what_is_kept():
    built = network()
    state = train_network(built, examples(), training_config(ema=0.5, max_epochs=1), 0)
    assert any(not torch.equal(state.best_weights[name], value) for name, value in built.state_dict().items())
    assert all(torch.equal(state.best_weights[name], value) for name, value in state.mean_network.items())


@pytest.mark.parametrize(
    ("sampling", "shares"),
    [("labelled_pixels", [0.8, 0.2]), ("root_pixels", [2 / 3, 1 / 3]), ("classes", [0.5, 0.5])],
)
def test_how_often_images_are_drawn(sampling, shares):
    """64 pixels of class 0, and 16 of class 1."""
    image = np.zeros((8, 8, 3), np.uint8)
    few = np.full((8, 8), 255, np.uint8)
    few[:2] = 1
    data = Examples([(image, np.zeros((8, 8), np.uint8)), (image, few)], [(image, few)])
    planner = BatchPlanner(data, training_config(sampling=sampling), 0, 2, SingleProcess())
    weights = planner._sampling_weights()
    np.testing.assert_allclose(weights / weights.sum(), shares)


def test_adamw_decays_weights_and_leaves_frozen_ones_out():
    built = network()
    next(built.parameters()).requires_grad_(False)
    optimizer = build_optimizer(TrainingConfig(optimizer="adamw", weight_decay=0.1), built)
    assert isinstance(optimizer, torch.optim.AdamW)
    assert len(optimizer.param_groups[0]["params"]) == len(list(built.parameters())) - 1


@pytest.mark.parametrize(
    ("training", "network_values", "named"),
    [
        ({"steps": 10, "max_steps": 5}, {}, "max_steps"),
        ({"full_steps_at": 10.0}, {}, "full_steps_at"),
        ({"steps": 10, "min_steps": 11}, {}, "min_steps"),
        ({}, {"encoder": "frozen"}, "frozen"),
        ({"crop_height": 8, "crop_width": 8, "loss_stride": 2}, FROZEN, "loss_stride"),
        ({"crop_height": 8, "crop_width": 8, "scale_min": 0.5}, FROZEN, "scale_min"),
        ({}, {"mean": [1.0, 2.0, 3.0]}, "std"),
        ({}, {"mean": [1.0, 2.0, 3.0], "std": [1.0, 0.0, 1.0]}, "std"),
    ],
)
def test_values_that_contradict_each_other(training, network_values, named):
    values = {"run_dir": "run", "dataset": {"kind": "camvid", "root": "x"}, "acquisition": {"strategy": "full_set"}}
    with pytest.raises(ConfigError, match=named):
        parse_config(values | {"training": training, "network": network_values})
