"""The networks besides FCN8 through the whole loop on a real Ray, trained by two workers."""

import pyarrow.parquet as pq
import pytest

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.long]


@pytest.mark.parametrize(("kind", "width"), [("deeplabv3plus", 0.125), ("lraspp", 0.5)])
def test_runs_and_asks_for_boxes(runner, kind, width):
    output = runner.run(
        f"network.kind={kind}",
        f"network.width_multiplier={width}",
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
