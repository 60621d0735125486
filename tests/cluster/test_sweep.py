"""Sweeps by the real command: a failing trial, early stopping, and combinations that can't run."""

import json

import pytest
import yaml

from raymeta.cli import main
from raymeta.runs.run_store import RunStore
from raymeta.sweeps.plan import load_sweep, plan_trials


def write_sweep(runner, **values):
    base = yaml.safe_load(runner.config.read_text())
    base["acquisition"]["strategy"] = "entropy_box"
    base["training"] |= {"max_epochs": 1}
    base["report"] = {"panel_images": 0}
    (runner.folder / "base.yaml").write_text(yaml.safe_dump(base))
    sweep = {"base": "base.yaml", "sweep_dir": str(runner.folder / "sweep")} | values
    path = runner.folder / "sweep.yaml"
    path.write_text(yaml.safe_dump(sweep, sort_keys=False))
    return path


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.long
def test_asha_ends_the_worse_trial_and_it_stays_ended_while_a_failed_one_is_tried_again(runner):
    # A network that can't learn stays behind one that does. asha compares once, after the first iteration, in which
    # trials of one learning rate are equal: they don't end each other.
    parameters = {"training.learning_rate": [0.002, 1e-12], "acquisition.query_size": [10, 11]}
    asha = {"scheduler": "asha", "asha_reduction": 8, "max_concurrent": 1}
    path = write_sweep(runner, parameters=parameters, fixed={"iterations": 3}, **asha)
    broken = runner.folder / "sweep/learning_rate=0.002,query_size=11"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("{")
    refused = runner.raymeta("sweep", str(path))
    assert refused.returncode == 2
    assert "learning_rate=0.002,query_size=11: run.json" in refused.stderr
    assert not list((runner.folder / "sweep").glob("*/iterations"))  # named before anything starts
    (broken / "run.json").unlink()
    (broken / "lock.json").mkdir()  # no process can hold this run: it fails once it is started
    done = runner.raymeta("sweep", str(path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{broken} failed" in done.stdout
    assert "learning_rate=0.002,query_size=11 failed: " in done.stdout
    assert f"{broken}/lock.json can't be written" in done.stdout  # the reason, and none of Tune's tracebacks
    assert "Traceback" not in done.stdout + done.stderr
    stopped = json.loads((runner.folder / "sweep/stopped.json").read_text())
    assert stopped
    assert all("1e-12" in name for name in stopped)
    summaries = len(list((runner.folder / "sweep").glob("learning_rate=0.002,query_size=10/*/*/summary.json")))
    assert summaries == 3
    (broken / "lock.json").rmdir()
    again = runner.raymeta("sweep", str(path))
    assert again.returncode == 0, again.stdout + again.stderr
    assert len(list(broken.glob("iterations/*/summary.json"))) == 3
    assert set(stopped) <= set(json.loads((runner.folder / "sweep/stopped.json").read_text()))
    assert "stopped" in again.stdout
    assert (runner.folder / "sweep/report/sweep.csv").read_text().count("finished") == 2


def test_combinations_that_do_not_fit_the_data_are_named_before_any_starts(runner, capsys):
    path = write_sweep(runner, parameters={"acquisition.box_width": [16, 65], "acquisition.query_size": [10]})
    assert main(["sweep", str(path)]) == 2
    message = capsys.readouterr().err
    assert "box_width=65,query_size=10: box_width 65 exceeds the image height 64" in message
    assert "box_width=16" not in message
    assert not list((runner.folder / "sweep").glob("*"))


def begin(path, number):
    """Begin a run of the sweep in its folder, as its trial does."""
    run = [run for trial in plan_trials(load_sweep(path)) for run in trial.runs][number]
    RunStore(run.run_dir).create(run)
    return run


def files(folder):
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("where", ["fixed", "base"])
def test_a_sweep_that_was_begun_with_another_value_is_refused_whole(runner, capsys, where):
    parameters = {"acquisition.query_size": [10, 11]}
    begun = begin(write_sweep(runner, parameters=parameters), 1)
    changed = {"training.batch_size": 1}
    path = write_sweep(runner, parameters=parameters, **({"fixed": changed} if where == "fixed" else {}))
    if where == "base":
        base = yaml.safe_load((runner.folder / "base.yaml").read_text())
        base["training"]["batch_size"] = 1
        (runner.folder / "base.yaml").write_text(yaml.safe_dump(base))
    before = files(runner.folder / "sweep")
    assert main(["sweep", str(path)]) == 2
    told = capsys.readouterr().err
    assert f"training.batch_size: {begun.training.batch_size} → 1" in told
    assert "query_size=11" in told
    assert "query_size=10" not in told
    assert "another sweep_dir" in told
    assert files(runner.folder / "sweep") == before


def test_a_sweep_of_seeds_is_refused_where_a_trial_was_begun_without(runner, capsys):
    parameters = {"acquisition.query_size": [10]}
    begun = begin(write_sweep(runner, parameters=parameters), 0)
    path = write_sweep(runner, parameters=parameters)
    base = yaml.safe_load((runner.folder / "base.yaml").read_text()) | {"seeds": [0, 1]}
    (runner.folder / "base.yaml").write_text(yaml.safe_dump(base))
    assert main(["sweep", str(path)]) == 2
    assert begun.run_dir in capsys.readouterr().err
