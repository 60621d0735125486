from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from raymeta.config import ConfigError, setting_name
from raymeta.sweeps.plan import ValueRange, load_sweep, plan_trials

BASE = {
    "run_dir": "runs/x",
    "dataset": {"kind": "camvid", "root": "data"},
    "acquisition": {"strategy": "metabox_plus"},
}
SHIPPED = Path(__file__).parent.parent.parent / "configs/sweeps"


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(yaml.safe_dump(BASE | {"seeds": [0, 1]}))
    path = tmp_path / "sweep.yaml"
    parameters = {"acquisition.box_width": [16, 32], "acquisition.query_size": [5, 10, 20]}
    path.write_text(yaml.safe_dump({"base": "base.yaml", "sweep_dir": "runs/s", "parameters": parameters}))
    return path


def change(path: Path, **values: Any) -> Path:
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | values))
    return path


def test_a_grid_tries_every_combination_with_every_seed(sweep_file: Path) -> None:
    trials = plan_trials(load_sweep(sweep_file))
    assert [trial.name for trial in trials] == [
        f"box_width={width},query_size={size}" for width in (16, 32) for size in (5, 10, 20)
    ]
    last = trials[-1].runs
    assert [run.run_dir for run in last] == [
        f"{Path.cwd()}/runs/s/box_width=32,query_size=20/seed_{seed}" for seed in (0, 1)
    ]
    assert {(run.acquisition.box_width, run.acquisition.query_size, run.seeds) for run in last} == {(32, 20, None)}
    assert trials == plan_trials(load_sweep(sweep_file))


def test_fixed_values_hold_for_all_trials(sweep_file: Path) -> None:
    trials = plan_trials(load_sweep(change(sweep_file, fixed={"iterations": 2, "dataset.root": "there"})))
    assert {(run.iterations, run.dataset.root) for trial in trials for run in trial.runs} == {
        (2, str(Path("there").absolute()))
    }


def test_a_random_search_repeats_itself_and_grows_without_changing(sweep_file: Path) -> None:
    parameters = {
        "acquisition.box_width": {"low": 8, "high": 64, "log": True},
        "training.learning_rate": {"low": 0.1, "high": 0.2},
    }
    change(sweep_file, search="random", samples=5, parameters=parameters)
    five = plan_trials(load_sweep(sweep_file))
    assert five == plan_trials(load_sweep(sweep_file))
    eight = plan_trials(load_sweep(sweep_file, ["samples=8"]))
    assert eight[:5] == five
    assert plan_trials(load_sweep(sweep_file, ["seed=1"])) != five
    for trial in eight:
        assert trial.name == setting_name(trial.values)
        assert 8 <= trial.runs[0].acquisition.box_width <= 64
        assert trial.runs[0].training.learning_rate == trial.values["training.learning_rate"]


@given(st.integers(1, 50), st.integers(1, 50), st.booleans(), st.integers(0, 99))
def test_drawn_whole_numbers_stay_inside(low: int, more: int, log: bool, seed: int) -> None:
    import numpy as np

    found = [ValueRange(low=low, high=low + more, log=log).draw(np.random.default_rng([seed, i])) for i in range(20)]
    assert all(isinstance(value, int) and low <= value <= low + more for value in found)


def test_both_ends_of_a_range_are_drawn() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    assert {ValueRange(low=1, high=3).draw(rng) for _ in range(100)} == {1, 2, 3}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"parameters": {}}, "parameters"),
        ({"parameters": {"acquisition.box_width": []}}, "is empty"),
        ({"parameters": {"acquisition.box_width": {"low": 1, "high": 9}}}, "a grid needs a list"),
        ({"parameters": {"acquisition.box_width": {"low": 9, "high": 1}}, "search": "random"}, "is not below high"),
        ({"parameters": {"a": {"low": 0, "high": 1, "log": True}}, "search": "random"}, "above 0"),
        ({"parameters": {"seed": [0, 1]}}, "can't be swept"),
        ({"samles": 3}, "samles"),
        ({"search": "guess"}, "search"),
        ({"base": "none.yaml"}, "none.yaml"),
        ({"parameters": {"acquisition.box_widht": [1]}}, "trial box_widht=1.*unknown key"),
        ({"parameters": {"acquisition.box_width": [16, -1]}}, "trial box_width=-1"),
        ({"parameters": {"acquisition.strategy.x": [1]}}, "holds a value"),
    ],
)
def test_faults_are_named(sweep_file: Path, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f"(?s){words}"):
        plan_trials(load_sweep(change(sweep_file, **values)))


def test_names_with_equal_last_parts_are_told_in_full() -> None:
    assert setting_name({"a.seed": 1, "b.seed": 2}) == "a.seed=1,b.seed=2"
    assert setting_name({"network.weights": "/x/y z"}) == "weights=-x-y-z"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_sweeps_are_valid(path: Path) -> None:
    assert len(plan_trials(load_sweep(path))) > 1
