import numpy as np
import pytest
import torch
from training_examples import network, training_config

from raymeta.training.optimization import build_optimizer, learning_rate, set_learning_rate, summed_cross_entropy


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.003), (50_000, 0.003 * (2 / 3) ** 0.8), (150_000, 0.0), (200_000, 0.0)]
)
def test_poly(step, expected):
    config = training_config(schedule="poly", learning_rate=0.003, poly_power=0.8, poly_steps=150_000)
    assert learning_rate(config, step) == pytest.approx(expected)


def test_constant():
    assert learning_rate(training_config(learning_rate=0.01), 10**6) == 0.01


@pytest.mark.parametrize(("name", "kind"), [("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)])
def test_optimizers(name, kind):
    config = training_config(optimizer=name, beta1=0.99, beta2=0.999, momentum=0.8, weight_decay=0.1)
    optimizer = build_optimizer(config, network())
    assert type(optimizer) is kind
    group = optimizer.param_groups[0]
    assert group["weight_decay"] == 0.1
    assert group.get("betas") == (0.99, 0.999) if name == "adam" else group["momentum"] == 0.8
    set_learning_rate(optimizer, 0.5)
    assert group["lr"] == 0.5


def test_loss_by_hand():
    logits = torch.zeros(1, 2, 2, 2)
    logits[0, :, 0, 0] = torch.tensor([np.log(3.0), 0.0])
    labels = torch.tensor([[[0, 255], [1, 255]]])
    assert summed_cross_entropy(logits, labels).item() == pytest.approx(-np.log(0.75) - np.log(0.5))


def test_loss_equals_torch_on_images():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 5, 7, 9, generator=generator)
    labels = torch.randint(0, 5, (2, 7, 9), generator=generator)
    labels[:, :3] = 255
    expected = torch.nn.functional.cross_entropy(logits, labels, ignore_index=255, reduction="sum")
    torch.testing.assert_close(summed_cross_entropy(logits, labels), expected)


def test_nothing_labelled_is_zero_with_zero_gradient():
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    loss = summed_cross_entropy(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
