"""The whole loop without Ray: what a run folder holds, and what becomes of damage and of images that can't be read."""

import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from experiment_runner import assert_same_run, queries, summaries
from tiny_settings import child_environment

from raymeta.config import load_config
from raymeta.datasets.registry import open_dataset
from raymeta.loop.experiment_split import experiment_split
from raymeta.schemas import ANNOTATION_SCHEMA, QUERY_SCHEMA, SOURCE_SCHEMA

pytestmark = pytest.mark.slow

WITHOUT_RAY = """
import sys

class NoRay:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "ray":
            raise ImportError("there is no ray here")

sys.meta_path.insert(0, NoRay())
from raymeta.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_run_folder_holds_what_the_design_names(undisturbed):
    run_dir = undisturbed.run_dir
    for name in ("run.json", "config.yaml", "split.parquet", "report/report.html"):
        assert (run_dir / name).stat().st_size > 0
    for index in range(2):
        folder = run_dir / f"iterations/{index:03d}"
        for name in ("training.parquet", "network.pt", "segments.parquet", "images.parquet", "manifest.json"):
            assert (folder / name).stat().st_size > 0
        assert pq.read_schema(folder / "query.parquet").names == QUERY_SCHEMA.names + SOURCE_SCHEMA.names
        assert pq.read_schema(folder / "annotation.parquet").names == ANNOTATION_SCHEMA.names
        assert pq.read_table(folder / "query.parquet").num_rows == 20
    first, second = summaries(run_dir)
    assert 0 < first["miou"] < 1
    assert first["boxes"] == 0
    assert second["boxes"] == 20
    assert second["cost_a"] > first["cost_a"] > 0
    assert second["cost_p"] == pytest.approx(100 * (6 + 20 * 16 * 16 / (64 * 96)) / 14)
    assert "metabox_plus" in undisturbed.output


def test_it_runs_where_ray_cannot_be_imported(runner, undisturbed):
    command = [sys.executable, "-c", WITHOUT_RAY, "run", "--local", str(runner.config)]
    done = subprocess.run(command, env=child_environment(runner.folder), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same_run(runner.run_dir, undisturbed.run_dir)


def test_damaged_artefacts_are_made_anew(runner, undisturbed):
    shutil.copytree(undisturbed.run_dir, runner.run_dir)
    query = runner.run_dir / "iterations/001/query.parquet"
    data = bytearray(query.read_bytes())
    data[len(data) // 2] ^= 1
    query.write_bytes(bytes(data))
    (runner.run_dir / "iterations/001/summary.json").unlink()
    output = runner.loop()
    assert "query.parquet" in output
    assert "damaged" in output
    assert_same_run(runner.run_dir, undisturbed.run_dir)


def test_a_corrupt_image_is_reported_and_left_out(runner, scenes, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(scenes, broken)
    config = load_config(runner.config, [f"dataset.root={broken}"])
    bad = experiment_split(config, open_dataset(config.dataset, config.seed)).unlabelled[-1]
    image = next(broken.glob(f"leftImg8bit/train/*/{bad}_leftImg8bit.png"))
    image.write_bytes(image.read_bytes()[:500])
    output = runner.loop(f"dataset.root={broken}", "iterations=1")
    assert f"left out {bad}" in output
    rows = pq.read_table(runner.run_dir / "iterations/000/images.parquet").to_pylist()
    assert [row["image_id"] for row in rows if row["error"]] == [bad]
    assert bad not in {row["image_id"] for row in queries(runner.run_dir)[0]}
