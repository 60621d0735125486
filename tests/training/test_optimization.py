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


@pytest.mark.parametrize(("balance", "expected"), [(0.0, (2 + 4) / 6), (1.0, (2 / 1 + 4 / 5) / 2), (0.5, None)])
def test_examples_in_balance_by_hand(balance, expected):
    """One example has 1 labelled pixel with a loss of 2, the other 5 with a sum of 4."""
    losses = ([2.0], [0.5, 0.5, 1.0, 1.0, 1.0])
    logits, labels = torch.zeros(2, 2, 1, 6), torch.full((2, 1, 6), 255)
    for number, row in enumerate(losses):
        for place, loss in enumerate(row):
            logits[number, 1, 0, place] = np.log(np.exp(loss) - 1)  # cross entropy of class 0 is `loss`
            labels[number, 0, place] = 0
    if expected is None:
        expected = (2 + 4 * 5**-0.5) / (1 + 5 * 5**-0.5)
    normaliser = 1 * 1**-balance + 5 * 5**-balance
    assert summed_cross_entropy(logits, labels, balance=balance).item() / normaliser == pytest.approx(expected)


def test_an_example_without_labels_weighs_nothing_in_balance():
    logits = torch.randn(2, 3, 2, 2, requires_grad=True)
    labels = torch.full((2, 2, 2), 255)
    labels[0, 0, 0] = 1
    loss = summed_cross_entropy(logits, labels, balance=0.5)
    loss.backward()
    assert torch.isfinite(loss)
    assert not logits.grad[1].any()
