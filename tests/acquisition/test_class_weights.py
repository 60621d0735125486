"""Class weights and the map that they make."""

import numpy as np
import pytest
import torch

from raymeta.acquisition.class_weights import given_weights, rarity_weights
from raymeta.metaseg.softmax_scan import open_scan


def test_rarity_by_hand():
    # Shares 1/2, 1/2 and 0 of 3 classes: 1 / (1 + 3/2)² = 0.16.
    assert rarity_weights(np.array([10, 10, 0]), 2.0) == pytest.approx([0.16, 0.16, 1.0])
    assert rarity_weights(np.array([3, 1]), 1.0) == pytest.approx([1 / 2.5, 1 / 1.5])
    assert rarity_weights(np.zeros(2, np.int64), 2.0).tolist() == [1.0, 1.0]


def test_given_weights_are_divided_by_the_largest():
    assert given_weights({1: 4.0}, 3) == pytest.approx([0.25, 1.0, 0.25])
    assert given_weights({0: 0.0}, 2).tolist() == [0.0, 1.0]
    with pytest.raises(ValueError, match="class 3"):
        given_weights({3: 1.0}, 3)
    with pytest.raises(ValueError, match="all 0"):
        given_weights({0: 0.0, 1: 0.0}, 2)


def test_map_equals_the_sum_over_classes():
    softmax = np.random.default_rng(0).dirichlet(np.ones(5), (37, 130)).transpose(2, 0, 1).astype(np.float32)
    weights = np.array([0.0, 1.0, 0.5, 0.25, 0.1])
    expected = np.tensordot(weights, softmax.astype(np.float64), axes=1)
    found = open_scan(softmax, class_weights=weights).class_weight_map()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    on_device = open_scan(torch.from_numpy(softmax), class_weights=weights).class_weight_map()
    np.testing.assert_allclose(on_device, found, atol=1e-6)
    assert open_scan(softmax).class_weight_map() is open_scan(torch.from_numpy(softmax)).class_weight_map() is None
    with pytest.raises(ValueError, match="4 class weights for 5 classes"):
        open_scan(softmax, class_weights=weights[:4])
    with pytest.raises(ValueError, match="4 class weights for 5 classes"):
        open_scan(torch.from_numpy(softmax), class_weights=weights[:4])
