"""A study goes on with all of its runs, or with none: what lies in their folders is compared before one is started."""

from pathlib import Path

import pytest
import yaml
from tiny_settings import TINY

from raymeta.cli import main
from raymeta.config import ExperimentConfig, load_config, run_configs
from raymeta.errors import InputError
from raymeta.loop.study_folder import check_study_resumes
from raymeta.runs.run_store import RunStore

CHANGED = ["acquisition.box_width=24", "training.batch_size=1"]


@pytest.fixture(params=["study", "seeds"])
def many(request, tmp_path) -> Path:
    """The file of a study of two strategies, or of one with two seeds; no data set."""
    values = {**TINY, "run_dir": str(tmp_path / "runs"), "dataset": {**TINY["dataset"], "root": str(tmp_path)}}
    strategies = {"strategies": ["random_box", "entropy_box"], "seeds": [0, 1]}
    values |= {"study": strategies} if request.param == "study" else {"seeds": [0, 1]}
    path = tmp_path / "many.yaml"
    path.write_text(yaml.safe_dump(values))
    return path


def begin(config: ExperimentConfig, number: int) -> ExperimentConfig:
    run = run_configs(config)[number]
    RunStore(run.run_dir).create(run)
    return run


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def refusal(config: ExperimentConfig) -> str:
    with pytest.raises(InputError) as refused:
        check_study_resumes(config)
    return str(refused.value)


def test_new_runs_and_begun_ones_go_on(many):
    config = load_config(many)
    check_study_resumes(config)
    begin(config, 1)
    check_study_resumes(config)
    check_study_resumes(load_config(many, ["iterations=9", "scoring.actors=2"]))  # a resumed run may change these


@pytest.mark.parametrize("place", [["--local"], []])
@pytest.mark.parametrize("number", [0, 1])
def test_one_run_of_another_config_stops_all_before_one_is_started(many, tmp_path, capsys, place, number):
    begin(load_config(many), number)
    before = contents(tmp_path)
    assert main(["run", str(many), *place, *CHANGED]) == 2
    told = "".join(capsys.readouterr())
    assert "acquisition.box_width: 16 → 24" in told
    assert "training.batch_size: 2 → 1" in told
    assert "another run_dir" in told
    assert "goes on" not in told
    assert contents(tmp_path) == before


def test_each_run_that_differs_is_named_with_its_own_values(many):
    config, other = load_config(many), load_config(many, CHANGED[:1])
    runs = run_configs(config)
    begin(other, 0)
    begin(load_config(many, CHANGED[1:]), 1)
    told = refusal(config)
    names = [run.run_dir.removeprefix(config.run_dir + "/") for run in runs]
    assert f"2 of the {len(runs)} runs" in told
    assert f"{names[0]}: acquisition.box_width: 24 → 16" in told
    assert f"{names[1]}: training.batch_size: 1 → 2" in told
    assert all(name not in told for name in names[2:])


def test_a_folder_that_can_not_be_read_is_told_too(many):
    config = load_config(many)
    run = begin(config, 0)
    for name in ("run.json", "config.yaml"):
        (Path(run.run_dir) / name).write_text("{")
    orphan = Path(run_configs(config)[1].run_dir) / "split.parquet"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"of whom?")
    told = refusal(config)
    assert "both damaged" in told
    assert f"{orphan.parent} holds split.parquet" in told
