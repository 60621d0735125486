"""A relative path means the folder where the command starts: made absolute once, at the edge, and kept so."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from tiny_settings import TINY, write_scenes

from raymeta.cli import main
from raymeta.config import absolute_paths, differences, load_config, parse_config
from raymeta.errors import InputError
from raymeta.runs.run_format import config_to_bytes
from raymeta.runs.run_store import RunStore
from raymeta.sweeps.plan import load_sweep, plan_trials

PLACES = {
    "run_dir": "runs/mine",
    "dataset.root": "data",
    "network.weights": "weights/start.pt",
    "acquisition.match_cost_of": "../reference",
    "report.full_set_run": "~/full",
}
QUICK = ["acquisition.strategy=entropy_box", "iterations=1", "training.max_epochs=1", "report.panel_images=1"]


def overrides(**changed):
    return [f"{key}={value}" for key, value in (PLACES | changed).items()]


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A config with the tiny experiment's values, in the working folder."""
    folder = tmp_path / "home/start"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("RAY_JOB_CONFIG_JSON_ENV_VAR", raising=False)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**TINY, "run_dir": "run", "dataset": {**TINY["dataset"], "root": "scenes"}}))
    return path


def places(config):
    return {
        "run_dir": config.run_dir,
        "dataset.root": config.dataset.root,
        "network.weights": config.network.weights,
        "acquisition.match_cost_of": config.acquisition.match_cost_of,
        "report.full_set_run": config.report.full_set_run,
    }


def test_every_place_of_a_config_is_absolute(config, tmp_path):
    start = tmp_path / "home/start"
    assert places(load_config(config, overrides())) == {
        "run_dir": f"{start}/runs/mine",
        "dataset.root": f"{start}/data",
        "network.weights": f"{start}/weights/start.pt",
        "acquisition.match_cost_of": f"{start}/../reference",
        "report.full_set_run": f"{tmp_path}/home/full",
    }


def test_absolute_paths_and_uris_stay_as_they_are(config):
    kept = dict.fromkeys(PLACES, "s3://key:secret@bucket/a/../b?region=x") | {"dataset.root": "/data/x"}
    assert places(load_config(config, overrides(**kept))) == kept
    loaded = load_config(config, overrides())
    assert absolute_paths(loaded) == loaded


def test_a_submitted_job_refuses_relative_places(config, monkeypatch):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    for key, value in PLACES.items():
        rest = {name: f"/shared/{name}" for name in PLACES} | {key: value}
        if key == "report.full_set_run":  # a home folder is absolute
            assert load_config(config, overrides(**rest))
            continue
        with pytest.raises(InputError, match=rf"(?s){key} '{value}' is relative.*{key}=/shared/"):
            load_config(config, overrides(**rest))
    assert load_config(config, overrides(**dict.fromkeys(PLACES, "s3://bucket/x")))


def test_trials_of_a_sweep_are_absolute(config, tmp_path):
    (tmp_path / "home/start/sweep.yaml").write_text(
        yaml.safe_dump({"base": "config.yaml", "sweep_dir": "sweep", "parameters": {"dataset.root": ["a", "/b"]}})
    )
    sweep = load_sweep("sweep.yaml")
    start = tmp_path / "home/start"
    assert sweep.sweep_dir == str(start / "sweep")
    assert [trial.runs[0].dataset.root for trial in plan_trials(sweep)] == [str(start / "a"), "/b"]
    assert all(trial.runs[0].run_dir.startswith(f"{start}/sweep/") for trial in plan_trials(sweep))


def test_a_run_of_0_1_with_relative_places_resumes(config, monkeypatch, tmp_path):
    """0.1 kept them as they were written; the same file, and so the same run, is found from any folder."""
    old = parse_config(yaml.safe_load(config.read_text()))
    old = old.model_copy(update={"network": old.network.model_copy(update={"weights": "weights/start.pt"})})
    new = absolute_paths(old)
    assert differences(old, new) == []
    store = RunStore("run")
    store.create(old)
    assert store.load_config() == old
    monkeypatch.chdir(tmp_path)
    RunStore(new.run_dir).create(new)
    assert (tmp_path / "home/start/run/config.yaml").read_bytes() == config_to_bytes(new)
    other = new.model_copy(update={"network": new.network.model_copy(update={"weights": "/x/other.pt"})})
    assert [line.partition(":")[0] for line in differences(old, other)] == ["network.weights"]
    assert [line.partition(":")[0] for line in differences(new, other)] == ["network.weights"]


def test_every_command_from_another_folder(config, monkeypatch, tmp_path, capsys):
    """A run made in one folder is checked, resumed, reported, exported and queried from another, and after a move."""
    write_scenes(Path("scenes"))
    assert main(["check", "config.yaml", *QUICK]) == 0
    assert main(["run", "config.yaml", "--local", *QUICK]) == 0
    kept = RunStore("run").load_config()
    assert (kept.run_dir, kept.dataset.root) == (str(Path("run").absolute()), str(Path("scenes").absolute()))
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    run = str(tmp_path / "home/start/run")
    where = [f"run_dir={run}", f"dataset.root={kept.dataset.root}"]
    assert main(["run", str(config), "--local", *where, *QUICK]) == 0
    assert "all iterations are done" in capsys.readouterr().out
    assert main(["report", run, "--out", "elsewhere"]) == 0
    assert list(Path("elsewhere/panels").iterdir())
    assert main(["export", run, "exported"]) == 0
    assert main(["requery", run, "--iteration", "0", "--local", "--out", "requery", "acquisition.box_width=8"]) == 0
    shutil.move(run, "moved")
    shutil.move(kept.dataset.root, "data")
    root = ["--dataset-root", "data"]
    assert main(["report", "moved", "--out", "after", *root]) == 0
    assert list(Path("after/panels").iterdir())
    assert (
        main(["requery", "moved", "--iteration", "0", "--local", "--out", "again", *root, "acquisition.box_width=8"])
        == 0
    )
    assert json.loads(Path("again/requery.json").read_text()) == json.loads(Path("requery/requery.json").read_text())
    assert main(["check", str(config), "run_dir=moved", *root, *QUICK]) == 0
    assert main(["run", str(config), "run_dir=moved", "--local", *root, *QUICK]) == 0
    assert RunStore("moved").load_config().dataset.root == str(tmp_path / "data")
