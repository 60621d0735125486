"""A run that asks until nothing is left: it ends by itself, and says so (asreview's issue 14)."""

import pyarrow.parquet as pq
from experiment_runner import summaries

from raymeta.schemas import QUERY_SCHEMA

ASK_ALL = (
    "iterations=9",
    "acquisition.strategy=entropy_box",
    "acquisition.box_width=32",
    "acquisition.query_size=48",
    "training.max_epochs=1",
)


def test_a_run_ends_where_every_pixel_is_labelled(runner):
    done = runner.raymeta("run", str(runner.config), "--local", *ASK_ALL)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the pool is dry" in done.stdout
    found = summaries(runner.run_dir)
    assert 2 <= len(found) < 9
    last = pq.read_table(runner.run_dir / f"iterations/{len(found) - 1:03d}/query.parquet")
    assert last.num_rows == 0
    assert last.schema.names[: len(QUERY_SCHEMA.names)] == QUERY_SCHEMA.names
    assert (runner.run_dir / "report/report.html").exists()
    again = runner.raymeta("run", str(runner.config), "--local", *ASK_ALL)
    assert (again.returncode, len(summaries(runner.run_dir))) == (0, len(found))
