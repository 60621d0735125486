"""Seeds of runs and iterations."""

import pytest
import torch

from raymeta.training.determinism import seeded_torch, training_seed


def test_no_two_runs_and_iterations_share_a_seed():
    seeds = {training_seed(seed, iteration) for seed in [*range(40), 1000, 2000, 2**31 - 1] for iteration in range(40)}
    assert len(seeds) == 43 * 40
    assert training_seed(1000, 0) != training_seed(0, 1)


def test_seeds_stay_those_of_numpys_seed_sequence():
    """Another value would change the draws of every run."""
    assert training_seed(0, 0) == 15793235383387715774
    assert training_seed(0, 1) == 5836529245451711556


@pytest.mark.parametrize("seed", [training_seed(0, 0), 2**64 - 1])
def test_torch_takes_every_seed(seed):
    with seeded_torch(seed, 1, 0, torch.device("cpu")):
        first = torch.rand(3)
    torch.Generator().manual_seed(seed)
    with seeded_torch(seed, 1, 0, torch.device("cpu")):
        assert torch.equal(torch.rand(3), first)
