"""Several seeds without Ray: one fails, the others finish, and the command goes on where it was."""

import json

import pyarrow.parquet as pq
import yaml


def test_a_failing_seed_does_not_stop_the_others(runner):
    runner.config.write_text(yaml.safe_dump(yaml.safe_load(runner.config.read_text()) | {"iterations": 1}))
    broken = runner.run_dir / "seed_1"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    done = runner.raymeta("run", "--local", str(runner.config), "seeds=[1, 2]", "acquisition.strategy=entropy_box")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "1 of 2 runs failed" in done.stderr
    assert "run 1 of 2: seed_1" in done.stdout
    assert "run 2 of 2: seed_2" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    finished = runner.run_dir / "seed_2"
    assert json.loads((finished / "iterations/000/summary.json").read_text())["seed"] == 2
    config = yaml.safe_load((finished / "config.yaml").read_text())
    assert (config["seed"], config["seeds"], config["run_dir"]) == (2, None, str(finished))
    assert pq.read_table(finished / "iterations/000/query.parquet").num_rows == 20
    (broken / "run.json").unlink()
    output = runner.run("seeds=[1, 2]", "acquisition.strategy=entropy_box")
    assert "all iterations are done" in output
    assert (runner.run_dir / "report/report.html").exists()
