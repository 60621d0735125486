"""Queries of every policy and cost: the same for any parts, order and interruption of the work."""

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from scored_run import scored_config

from raymeta.acquisition.box_features import feature_names
from raymeta.acquisition.learned_cost import BoostingOptions, fit_cost
from raymeta.acquisition.policies.registry import candidate_merge
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.datasets.registry import open_dataset
from raymeta.loop.bundle import Bundle
from raymeta.loop.local_workers import LocalScorer
from raymeta.loop.query_choice import choose_query
from raymeta.networks.registry import build_network
from raymeta.runs.run_store import RunStore

CASES = {
    "strata": {"gain": "entropy", "policy": {"name": "strata", "share": 0.5}},
    "strata_noise": {"gain": "margin", "policy": {"name": "strata"}, "noise": {"beta_start": 1.0}},
    "noise": {"gain": "entropy", "noise": {"beta_start": 2.0}},
    "k_centre": {"gain": "margin", "policy": {"name": "k_centre", "max_per_image": 2}},
    "caps": {"gain": "entropy", "policy": {"max_per_image": 1}},
    "weighted": {"gain": "margin", "cost": "estimated", "fusion": "ratio", "class_weights": {"source": "labels"}},
    "learned": {"gain": "entropy", "cost": "learned", "fusion": "ratio"},
    "segments": {"gain": "margin", "unit": "segment", "class_weights": {"source": "labels"}},
    "segments_noise": {"gain": "entropy", "unit": "segment", "noise": {"beta_start": 2.0}},
    "segments_strata": {"gain": "margin", "unit": "segment", "policy": {"name": "strata"}},
    "superpixels": {"gain": "margin", "unit": "superpixel", "class_weights": {"source": "labels"}},
    "superpixels_strata": {"gain": "random", "unit": "superpixel", "policy": {"name": "strata"}},
    "segments_k_centre": {"gain": "random", "unit": "segment", "policy": {"name": "k_centre", "max_per_image": 2}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("queries")


@pytest.fixture(scope="module")
def bundle(folder):
    config = scored_config(folder)
    dataset = open_dataset(config.dataset, config.seed)
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    regions = LabelledRegions(frozenset(), {dataset.pool_ids()[0]: (Box(3, 5, 16),)})
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 20, (200, len(feature_names(dataset.num_classes))))
    regressor = fit_cost(features, features[:, 1] + features[:, 2], BoostingOptions(trees=5)).to_bytes()
    weights = tuple(np.linspace(0.1, 1, dataset.num_classes).tolist())
    return Bundle("test", 0, buffer.getvalue(), None, regions, 40, class_weights=weights, cost_regressor=regressor)


def query(config, bundle, part_images, known=()):
    scorer = LocalScorer(config, torch.device("cpu"), part_images)
    dataset = open_dataset(config.dataset, config.seed)
    kept = []

    def keep(rows, safe):
        kept.append([dict(row) for row in rows])
        safe()

    merge = candidate_merge(config.acquisition)
    found, rows = scorer.select(dataset.pool_ids(), bundle, merge, on_rows=keep, known=known)
    assert all(row["error"] is None for row in rows)
    return choose_query(found, config, RunStore(config.run_dir), dataset, 0)[0], kept


@pytest.mark.parametrize("case", CASES)
def test_the_same_query_for_any_parts_and_after_any_interruption(folder, bundle, case):
    config = scored_config(folder, **({"strategy": "custom", "query_size": 6} | CASES[case]))
    whole, blocks = query(config, bundle, 8)
    assert whole.num_rows == 6
    one_by_one, blocks = query(config, bundle, 1)
    assert one_by_one.equals(whole)
    resumed, again = query(config, bundle, 2, known=[blocks[5], blocks[2], blocks[5]])
    assert resumed.equals(whole)
    assert sum(map(len, again)) == 6  # the known ones are not scored again
    if "max_per_image" in CASES[case].get("policy", {}):
        counts = pa.compute.value_counts(whole["image_id"]).field("counts").to_pylist()
        assert max(counts) <= CASES[case]["policy"]["max_per_image"]


def test_cases_differ(folder, bundle):
    queries = {}
    for case, values in CASES.items():
        config = scored_config(folder, **({"strategy": "custom"} | values))
        queries[case] = query(config, bundle, 8)[0].select(["image_id", "top", "left"]).to_pylist()
    assert len({str(rows) for rows in queries.values()}) == len(CASES)


def test_noise_of_another_iteration_is_another_query(folder, bundle):
    config = scored_config(folder, **({"strategy": "custom"} | CASES["noise"]))
    other = replace(bundle, key="other", iteration=1)
    assert not query(config, bundle, 8)[0].equals(query(config, other, 8)[0])
