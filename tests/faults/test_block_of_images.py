"""On Ray: no scoring actor has more than one block of images begun and not safe."""

import threading
import time

import pytest
import ray
from tiny_settings import tiny_values

from raymeta.cluster.pool_scorer import PoolScorer
from raymeta.config import parse_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.image_tasks import BLOCK_IMAGES, PART_IMAGES

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def connected(warm_cluster):
    ray.init(address=warm_cluster.address, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.mark.parametrize("actors", [1, 2])
def test_an_actor_waits_until_its_images_are_safe(connected, tiny_scenes, actors):
    config = parse_config(tiny_values(tiny_scenes, "unused") | {"scoring": {"threads_per_actor": 1, "actors": actors}})
    pool = open_dataset(config.dataset, config.seed).pool_ids()
    ids = pool * 3
    scorer = PoolScorer(config)
    waiting, found = [], []

    def collect(rows, safe):
        found.extend(rows)
        waiting.append(safe)

    thread = threading.Thread(target=scorer.run, args=("whole_image_clicks", ids), kwargs={"on_rows": collect})
    thread.start()
    try:
        deadline = time.monotonic() + 120
        while len(found) < actors * BLOCK_IMAGES and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(2)
        # Every actor has done its block and waits, though most images are to do.
        assert len(found) == actors * BLOCK_IMAGES < len(ids)
        waiting.pop(0)()
        time.sleep(2)
        assert actors * BLOCK_IMAGES < len(found) <= actors * BLOCK_IMAGES + PART_IMAGES
    finally:
        while thread.is_alive():
            while waiting:
                waiting.pop()()
            thread.join(timeout=0.1)
        scorer.close()
    assert sorted(row["image_id"] for row in found) == sorted(ids)
