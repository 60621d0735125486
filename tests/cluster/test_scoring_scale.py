"""Scoring on a simulated cluster of several nodes with merely declared GPUs: one query for any number of actors."""

import io
import threading

import pyarrow as pa
import pytest
import ray
import torch

from raymeta.acquisition.candidate_columns import CLASS_SHARES
from raymeta.acquisition.policies.registry import candidate_merge
from raymeta.annotation.known_labels import KnownLabels
from raymeta.annotation.labelled_regions import LabelledRegions
from raymeta.boxes import Box
from raymeta.cluster import gpu_shares as gpu_shares_module
from raymeta.cluster.connection import cluster_gpus
from raymeta.cluster.gpu_shares import GpuShares, gpu_shares
from raymeta.cluster.pool_scorer import PoolScorer
from raymeta.config import parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.image_scorer import Bundle, ImageScorer
from raymeta.loop.local_workers import LocalScorer
from raymeta.networks.registry import build_network
from raymeta.schemas import SEGMENT

pytestmark = [pytest.mark.ray, pytest.mark.slow]


@pytest.fixture
def one_thread():
    """As many threads as a scorer here has: a convolution's rounding depends on their number."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def scoring_config(root, actors):
    scenes = {"train_images": 14, "validation_images": 3, "height": 64, "width": 96, "seed": 0}
    return parse_config(
        {
            "run_dir": "unused",
            "dataset": {"kind": "street_scenes", "root": str(root), "scenes": scenes},
            "acquisition": {
                "strategy": "entropy_box_plus", "box_width": 16, "query_size": 20, "initial_images": 3,
            },
            "network": {"width_multiplier": 0.0625, "batch_norm": True},
            "scoring": {"threads_per_actor": 1, "actors": actors},
        }
    )  # fmt: skip


def test_the_same_query_for_any_number_of_actors(cluster, scenes, one_thread):
    assert cluster_gpus() == 8
    config = scoring_config(scenes, 1)
    dataset = open_dataset(config.dataset, 0)
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    pool = dataset.pool_ids()
    regions = LabelledRegions(frozenset(), {pool[0]: (Box(3, 5, 16),)})
    bundle = Bundle("test", 0, buffer.getvalue(), None, regions, clicks_max=40)
    queries, threads = [], []
    # Each actor is a process that imports torch. One actor: test_experiment.py; one process without Ray: below.
    for actors in (2, 5):
        scorer = PoolScorer(scoring_config(scenes, actors))
        try:
            merge = candidate_merge(config.acquisition)
            query, rows = scorer.select(pool, ray.put(bundle), merge, on_rows=lambda _, safe: safe())
        finally:
            scorer.close()
        assert [row["image_id"] for row in rows] == pool
        assert all(row["error"] is None for row in rows)
        queries.append(query.to_pylist())
        threads.append(threading.active_count())
    assert threads[0] == threads[1], "a pass over the pool leaves threads behind"
    assert queries[0] == queries[1]
    assert len(queries[0]) == 20
    # And the same as one process that scores one image after the other and sorts everything.
    alone = ImageScorer(config, dataset, bundle, torch.device("cpu"))
    candidates = [row for image_id in pool for row in alone.score(image_id)[0].candidates.to_pylist()]
    candidates.sort(key=lambda row: (-row["score"], row["image_id"].encode(), row["top"], row["left"]))
    assert queries[0] == candidates[:20]


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"policy": {"name": "strata"}, "noise": {"beta_start": 1.0}}, CLASS_SHARES),
        ({"unit": "superpixel", "gain": "margin", "cost": "none"}, SEGMENT),
    ],
)
def test_a_policy_with_noise_or_superpixels_by_two_actors_and_by_one_process(
    cluster, scenes, one_thread, tmp_path, changes, column
):
    values = scoring_config(scenes, 1).model_dump() | {"run_dir": str(tmp_path)}
    values["acquisition"] |= changes
    config = parse_config(values)
    dataset = open_dataset(config.dataset, 0)
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    bundle = Bundle("strata", 0, buffer.getvalue(), None, LabelledRegions(), clicks_max=40)
    scorer = PoolScorer(parse_config(values | {"scoring": {"threads_per_actor": 1, "actors": 2}}))
    try:
        merge = candidate_merge(config.acquisition)
        found, _ = scorer.select(dataset.pool_ids(), ray.put(bundle), merge, on_rows=lambda _, safe: safe())
    finally:
        scorer.close()
    alone = LocalScorer(config, torch.device("cpu"))
    local, _ = alone.select(
        dataset.pool_ids(), bundle, candidate_merge(config.acquisition), on_rows=lambda _, safe: safe(), known=()
    )
    assert found.equals(local)
    assert column in local.column_names
    assert local.num_rows >= 20  # a policy may choose among more


def test_large_segment_tables_leave_an_actor_in_parts(cluster, scenes):
    config = scoring_config(scenes, 1)
    dataset = open_dataset(config.dataset, 0)
    buffer = io.BytesIO()
    torch.save(build_network(config.network, dataset.num_classes, 0).state_dict(), buffer)
    known = KnownLabels(reference=frozenset(dataset.pool_ids()))
    bundle = Bundle("test", 0, buffer.getvalue(), None, LabelledRegions(), reference=known)
    tables = []
    for part_bytes in (500, 1 << 30):
        scorer = PoolScorer(config, part_bytes=part_bytes)
        try:
            rows = scorer.run("meta_segments", dataset.pool_ids(), ray.put(bundle), on_rows=lambda _, safe: safe())
            worker = scorer._workers[0]
            sent = ray.get(
                worker.run.remote(("alone", 0), "meta_segments", dataset.pool_ids()[:1], [ray.put(bundle)], None)
            )[0]
            assert len(sent["segments_table"]) <= part_bytes
            assert sent["parts_left"] == -(-len(rows[0]["segments_table"]) // part_bytes) - 1
            assert ray.get(worker.next_part.remote("no such image", 1)) is None
        finally:
            scorer.close()
        tables.append([pa.ipc.open_stream(row["segments_table"]).read_all() for row in rows])
    assert tables[0] == tables[1]
    assert all(table.num_rows for table in tables[0])


def test_training_does_not_take_gpus_that_are_merely_declared(cluster, scenes):
    assert shares(scenes, 8, 8) == GpuShares(0.0, 1.0)


@pytest.mark.parametrize(
    ("usable", "workers", "actors", "expected"),
    [
        (False, 1, 1, GpuShares(0.0, 1.0)),
        (False, 1, 9, GpuShares(0.0, 0.0)),
        (True, 4, 4, GpuShares(1.0, 1.0)),
        (True, 8, 8, GpuShares(0.6, 0.4, ordered=True)),
        (True, 9, 8, GpuShares(0.0, 1.0)),
    ],
)
def test_gpus_are_shared_where_there_are_too_few(cluster, scenes, monkeypatch, usable, workers, actors, expected):
    monkeypatch.setattr(gpu_shares_module, "_torch_can_use_gpus", lambda: usable)
    assert shares(scenes, workers, actors) == expected


def shares(scenes, workers, actors):
    config = scoring_config(scenes, actors)
    return gpu_shares(config.model_copy(update={"training": config.training.model_copy(update={"workers": workers})}))
