from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
import torch
from scored_run import scored_config, write_scored_run

from raymeta.annotation.known_labels import KnownLabels, StoredAnswer
from raymeta.datasets.registry import open_dataset
from raymeta.labels.answer_files import encode_labels, labels_sha256
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


class OfSeveralSizes:
    """The data set, whose first image is smaller than the others."""

    height = width = 8

    def __init__(self, dataset):
        self._dataset = dataset

    def __getattr__(self, name):
        return getattr(self._dataset, name)


def test_classes_are_counted_in_images_of_any_size(scored):
    config, dataset, bundle = scored
    image_id = dataset.pool_ids()[0]
    labels = np.ones(dataset.size(image_id), np.uint8)
    labels[:4, :5] = 2
    answer = StoredAnswer(0, 0, *labels.shape, labels_sha256(labels), b64decode(encode_labels(labels)))
    known = KnownLabels(answers={image_id: (answer,)})
    scorer = ImageScorer(config, OfSeveralSizes(dataset), replace(bundle, reference=known), torch.device("cpu"))
    assert scorer.labelled_class_pixels(image_id)[1:3] == [labels.size - 20, 20]
