from dataclasses import replace

import numpy as np
import pytest
import torch
from scored_run import scored_config, write_scored_run

from raymeta.datasets.registry import open_dataset
from raymeta.loop.image_scorer import ImageScorer
from raymeta.loop.iteration_bundle import read_bundle


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    store = write_scored_run(folder)
    config = scored_config(folder)
    return config, open_dataset(config.dataset, config.seed), read_bundle(store, 0)


def test_a_bundle_with_the_same_network_takes_it_over(scored):
    config, dataset, bundle = scored
    cpu = torch.device("cpu")
    earlier = ImageScorer(config, dataset, replace(bundle, regressor=None), cpu)
    scorer, fresh = ImageScorer(config, dataset, bundle, cpu, earlier), ImageScorer(config, dataset, bundle, cpu)
    assert scorer.network is earlier.network
    assert fresh.network is not earlier.network
    image_id = dataset.pool_ids()[0]
    assert scorer.score(image_id)[0].candidates == fresh.score(image_id)[0].candidates


def test_another_network_is_loaded(scored, tmp_path):
    config, dataset, bundle = scored
    cpu = torch.device("cpu")
    earlier = ImageScorer(config, dataset, bundle, cpu)
    state = {name: value * 2 for name, value in earlier.network.state_dict().items()}
    torch.save(state, tmp_path / "network.pt")
    scorer = ImageScorer(config, dataset, replace(bundle, network=(tmp_path / "network.pt").read_bytes()), cpu, earlier)
    assert scorer.network is not earlier.network
    image = dataset.image(dataset.pool_ids()[0])
    assert not np.array_equal(scorer.softmax(image), earlier.softmax(image))
