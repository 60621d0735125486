"""Several strategies, seeds and settings in one config: planned, run, resumed and reported as one."""

import json
from pathlib import Path

import pytest
import yaml
from tiny_settings import TINY, write_scenes

from raymeta.cli import main
from raymeta.config import ConfigError, load_config, run_configs, run_name
from raymeta.loop.iterations import run_experiment
from raymeta.loop.local_workers import local_workers
from raymeta.runs.records import EvaluationRecord, FitRecord, OracleRecord, ScoreRecord
from raymeta.runs.run_store import RunStore
from raymeta.runs.split import Split

pytestmark = pytest.mark.slow

OWN_ENTROPY = ["acquisition.strategy=custom", "acquisition.gain=entropy", "acquisition.random_iterations=1"]
"""The arm `later` as a run of its own."""


@pytest.fixture
def study_file(tmp_path, monkeypatch):
    """A study of the tiny experiment, in the working folder; its values without those of its base."""
    monkeypatch.chdir(tmp_path)
    base = {**TINY, "run_dir": "unused", "dataset": {**TINY["dataset"], "root": "scenes"}}
    base["training"] = {**TINY["training"], "max_epochs": 1}
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(base))
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"base": "base.yaml", "run_dir": "study", "study": {"strategies": ["random_box"]}}))
    return path


def plan(path, **study):
    values = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(values | {"study": study}))
    config = load_config(path)
    return {run_name(config, run): run for run in run_configs(config)}


def test_names_and_values_of_the_runs(study_file, tmp_path):
    runs = plan(
        study_file,
        strategies=["metabox_plus", "full_set"],
        seeds=[0, 3],
        vary={"acquisition.box_width": [8, 16]},
        settings={"full_set": {"training.learning_rate": 0.25}},
    )
    assert list(runs) == [
        "metabox_plus/box_width=8/seed_0",
        "metabox_plus/box_width=16/seed_0",
        "full_set/seed_0",  # looks at no boxes
        "metabox_plus/box_width=8/seed_3",
        "metabox_plus/box_width=16/seed_3",
        "full_set/seed_3",
    ]
    wide = runs["metabox_plus/box_width=16/seed_3"]
    assert (wide.seed, wide.acquisition.strategy, wide.acquisition.box_width) == (3, "metabox_plus", 16)
    assert (wide.study, wide.seeds, wide.iterations, wide.training.learning_rate) == (None, None, 2, 0.002)
    assert wide.run_dir == str(tmp_path / "study/metabox_plus/box_width=16/seed_3")
    assert wide.report.full_set_run == str(tmp_path / "study/full_set/seed_3")
    full = runs["full_set/seed_0"]
    assert (full.iterations, full.training.learning_rate, full.report.full_set_run) == (1, 0.25, None)


def test_an_own_name_is_a_custom_strategy(study_file, tmp_path):
    own = {"acquisition.gain": "margin", "acquisition.random_iterations": 1}
    runs = plan(study_file, strategies=["rare_first", "full_set"], settings={"rare_first": own})
    assert list(runs) == ["rare_first/seed_0", "full_set/seed_0"]
    run = runs["rare_first/seed_0"]
    assert (run.acquisition.strategy, run.acquisition.gain_name) == ("custom", "margin")
    assert {run.shared_dir for run in runs.values()} == {str(tmp_path / "study/shared")}


def test_a_part_of_the_strategies_can_be_run(study_file):
    """Settings of the others stay where they are."""
    settings = {"rare": {"acquisition.gain": "margin"}, "points": {"acquisition.box_width": 8}}
    plan(study_file, strategies=["rare", "points", "random_box"], settings=settings)
    config = load_config(study_file, ["study.strategies=[points]"])
    run, *others = run_configs(config)
    assert (run.acquisition.strategy, run.acquisition.box_width, others) == ("points", 8, [])


def test_values_that_a_full_set_run_looks_at_give_it_runs(study_file):
    runs = plan(study_file, strategies=["full_set", "random_box"], vary={"training.max_epochs": [1, 2]})
    assert list(runs) == [
        f"{strategy}/max_epochs={epochs}/seed_0" for strategy in ("full_set", "random_box") for epochs in (1, 2)
    ]
    assert all(run.report.full_set_run is None for run in runs.values())  # which of the two would it be?


def test_seeds_are_those_of_the_study_then_of_the_config(study_file):
    assert [run.seed for run in plan(study_file, strategies=["random_box"], seeds=[5]).values()] == [5]
    values = yaml.safe_load(study_file.read_text()) | {"seeds": [7, 8]}
    study_file.write_text(yaml.safe_dump(values))
    assert [run.seed for run in plan(study_file, strategies=["random_box"]).values()] == [7, 8]


@pytest.mark.parametrize(
    ("study", "key"),
    [
        ({"strategies": []}, "study.strategies"),
        ({"strategies": ["best"]}, "strategies best"),
        ({"strategies": ["best/of all"], "settings": {"best/of all": {}}}, "study.strategies"),
        ({"strategies": ["metabox", "metabox"]}, "comes twice"),
        ({"strategies": ["metabox"], "seeds": [-1]}, "-1 isn't a seed"),
        ({"strategies": ["metabox"], "seeds": [1, 1]}, "comes twice"),
        ({"strategies": ["metabox"], "vary": {"seed": [1]}}, "seed can't be varied"),
        ({"strategies": ["metabox"], "vary": {"acquisition.strategy": ["random_box"]}}, "can't be varied"),
        ({"strategies": ["metabox"], "vary": {"acquisition.box_width": []}}, "is empty"),
        ({"strategies": ["metabox"], "vary": {"acquisition.boxwidth": [1]}}, "acquisition.boxwidth: unknown key"),
        ({"strategies": ["metabox"], "settings": {"full_set": {"seed": 1}}}, "can't be varied"),
        ({"strategies": ["metabox"], "settings": {"metabx": {"iterations": 1}}}, "did you mean metabox"),
        ({"strategies": ["metabox"], "vary": {"network.weights": ["a/b", "a-b"]}}, "two runs would lie in"),
    ],
)
def test_a_study_that_can_not_be_is_refused(study_file, study, key):
    with pytest.raises(ConfigError, match=key):
        plan(study_file, **study)


def test_a_base_is_laid_below_and_may_have_one_itself(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "root.yaml").write_text("{seed: 1, dataset: {kind: camvid, root: /d}, iterations: 9}")
    (tmp_path / "deep/middle.yaml").write_text(
        "{base: ../root.yaml, seed: 2, acquisition: {strategy: metabox, box_width: 8}}"
    )
    top = tmp_path / "top.yaml"
    top.write_text("{base: deep/middle.yaml, run_dir: /r, acquisition: {box_width: 4}}")
    config = load_config(top, ["iterations=3"])
    assert (config.seed, config.dataset.kind, config.iterations) == (2, "camvid", 3)
    assert (config.acquisition.strategy, config.acquisition.box_width) == ("metabox", 4)
    (tmp_path / "root.yaml").write_text("base: top.yaml")
    for text, message in (
        ("base: root.yaml", "leads back to itself"),
        ("base: [1]", "text"),
        ("base: no.yaml", "no.yaml"),
    ):
        (tmp_path / "deep/middle.yaml").write_text(text.replace("root", "../root"))
        with pytest.raises(ConfigError, match=message):
            load_config(top)


def test_a_study_is_run_resumed_and_reported_as_one(study_file, capsys):
    write_scenes(Path("scenes"))
    plan(study_file, strategies=["entropy_box", "random_box", "full_set"])
    overrides = ["iterations=1", "report.panel_images=0"]
    assert main(["check", "study.yaml", *overrides]) == 0
    assert "3 runs: entropy_box/seed_0, random_box/seed_0, full_set/seed_0" in capsys.readouterr().out
    assert main(["check", "study.yaml", "acquisition.query_size=100000"]) == 2
    assert "random_box/seed_0: acquisition.query_size" in capsys.readouterr().out
    assert main(["report", "study.yaml"]) == 2
    assert "none of its runs was begun" in capsys.readouterr().err
    blocked = Path("study/random_box/seed_0/lock.json")
    blocked.mkdir(parents=True)
    assert main(["run", "study.yaml", "--local", *overrides]) == 2
    assert "1 of 3 runs failed" in capsys.readouterr().err
    blocked.rmdir()
    assert main(["status", "study.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(status["strategy"], status["state"], status["iteration"]) for status in told] == [
        ("entropy_box", "finished", 1),
        ("full_set", "finished", 1),
    ]
    assert main(["run", "study.yaml", "--local", *overrides]) == 0
    assert capsys.readouterr().out.count("all iterations are done") == 2
    report = Path("study/report/report.html")
    assert report.exists()
    report.unlink()
    assert main(["report", "study.yaml"]) == 0
    page = report.read_text()
    assert all(strategy in page for strategy in ("entropy_box", "random_box", "full_set"))
    starts = [
        Split.from_table(RunStore(f"study/{strategy}/seed_0").read_split()).initial
        for strategy in ("entropy_box", "random_box")
    ]
    assert starts[0] == starts[1]


def test_runs_of_one_seed_share_trainings_on_the_same_labels(study_file):
    """The first network is trained once; two arms that ask for the same random boxes first share the second too."""
    write_scenes(Path("scenes"))
    own = {"acquisition.gain": "entropy", "acquisition.random_iterations": 1}
    runs = plan(study_file, strategies=["random_box", "later"], settings={"later": own})
    assert main(["run", "study.yaml", "--local", "iterations=3", "report.panel_images=0"]) == 0
    records = {
        name: [EvaluationRecord.read(RunStore(f"study/{name}").iteration(index)) for index in range(3)] for name in runs
    }
    assert [record.taken_over for record in records["random_box/seed_0"]] == [False, False, False]
    assert [record.taken_over for record in records["later/seed_0"]] == [True, True, False]
    for index in range(2):
        folders = [RunStore(f"study/{name}").iteration(index) for name in runs]
        assert folders[0].read_bytes("network.pt") == folders[1].read_bytes("network.pt")
        assert folders[0].read_table("training.parquet").equals(folders[1].read_table("training.parquet"))
    assert not Path("study/shared").exists()  # all runs are done
    alone = load_config(Path("study.yaml"), ["iterations=3", "run_dir=alone", "study=null", *OWN_ENTROPY])
    run_experiment(alone, local_workers)
    told = [RunStore(folder).iteration(2).read_table("query.parquet") for folder in ("alone", "study/later/seed_0")]
    assert told[0].equals(told[1])


@pytest.mark.parametrize("values", [{"study": {"strategies": ["random_box"]}}, {"seeds": [0, 1]}])
def test_a_run_is_no_folder_of_runs(study_file, capsys, values):
    write_scenes(Path("scenes"))
    config = load_config("base.yaml", ["run_dir=study"])
    RunStore("study").create(config)
    study_file.write_text(yaml.safe_dump({"base": "base.yaml", "run_dir": "study"} | values))
    for command in (["run", "--local"], ["check"]):
        assert main([command[0], "study.yaml", *command[1:]]) == 2
        assert "holds a run without repetitions" in "".join(capsys.readouterr())


def test_the_smallest_study_of_fewer_clicks(study_file):
    """Two arms, two seeds, three iterations: margin times class weights by learned clicks, against random boxes."""
    write_scenes(Path("scenes"))
    arm = {"gain": "margin", "cost": "learned", "fusion": "ratio", "class_weights.source": "predictions"}
    arm |= {"query_clicks": 40.0, "meta_images": 0}
    settings = {f"acquisition.{key}": value for key, value in arm.items()}
    runs = plan(study_file, strategies=["random_box", "custom"], seeds=[0, 1], settings={"custom": settings})
    overrides = ["iterations=3", "report.panel_images=0", "training.steps_per_epoch=1", "network.batch_norm=false"]
    assert main(["run", "study.yaml", "--local", *overrides]) == 0
    assert "custom" in Path("study/report/report.html").read_text()
    for name in runs:
        store, learned = RunStore(f"study/{name}"), name.startswith("custom")
        for index in range(3):
            folder = store.iteration(index)
            fit, score, oracle = FitRecord.read(folder), ScoreRecord.read(folder), OracleRecord.read(folder)
            told = (fit.cost_regressor, score.class_weights, score.budget, oracle.cost_agreement)
            assert all((value is not None) == learned for value in told)
            if learned:
                boxes = sum(store.iteration(i).read_table("annotation.parquet").num_rows for i in range(index))
                assert fit.cost_regressor.answered_boxes == boxes
                assert score.budget.unit == "clicks"
