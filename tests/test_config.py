from pathlib import Path

import pytest
import yaml

from raymeta.config import (
    STRATEGY_NAMES,
    ConfigError,
    differences,
    flatten,
    load_config,
    parse_config,
    repetition_configs,
)

CONFIGS = Path(__file__).parent.parent / "configs"
MINIMAL = {
    "run_dir": "runs/x",
    "dataset": {"kind": "camvid", "root": "data"},
    "acquisition": {"strategy": "metabox_plus"},
}


@pytest.fixture
def config_file(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path):
    config = load_config(path)
    assert config.run_dir == f"runs/{path.stem}"


@pytest.mark.parametrize("prefix", ["camvid_", "camvid_small_"])
def test_every_strategy_has_its_config(prefix):
    for strategy in STRATEGY_NAMES:
        assert load_config(CONFIGS / f"{prefix}{strategy}.yaml").acquisition.strategy == strategy


def test_paper_numbers():
    config = load_config(CONFIGS / "cityscapes_fcn8_metabox_plus.yaml")
    acquisition = config.acquisition
    assert (acquisition.initial_images, acquisition.meta_images, acquisition.box_width, acquisition.query_size) == (
        50,
        30,
        128,
        6400,
    )
    assert (config.training.learning_rate, config.training.beta1, config.training.beta2) == (1e-4, 0.99, 0.999)


def test_overrides_go_by_path(config_file):
    config = load_config(
        config_file, ["seed=7", "acquisition.box_width=32", "training.workers=2", "training.batch_size=4"]
    )
    assert (config.seed, config.acquisition.box_width, config.training.workers) == (7, 32, 2)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["acquisition.box_widht=3"], "acquisition.box_widht: unknown key"),
        (["acquisition.box_width=wide"], "acquisition.box_width: .*integer.*'wide'"),
        (["acquisition.box_width='32'"], "acquisition.box_width: .*integer.*'32'"),
        (["acquisition.strategy=best"], "acquisition.strategy: .*metabox_plus.*'best'"),
        (["acquisition.meta_images=0"], "at least 1 image"),
        (["seed"], "has no '='"),
        (["seed.deep=1", "seed=[1"], r"not valid|no valid YAML|integer"),
        (["dataset.height=10"], "give both, or neither"),
        (["training.workers=2"], "no multiple"),
        (["run_dir.x=1"], "holds a value"),
        (["seeds=[0, -1]"], "-1 is no seed"),
        (["seeds=[0, 0]"], "comes twice"),
        (["seeds=[]"], "seeds: .*at least 1"),
        (["acquisition.strategy=full_set", "acquisition.match_cost_of=runs/x"], "full_set asks for no boxes"),
    ],
)
def test_faults_name_key_and_remedy(config_file, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_config(config_file, overrides)


def test_every_fault_is_named():
    with pytest.raises(ConfigError) as caught:
        parse_config(MINIMAL | {"seed": -1, "iterations": 0, "extra": 1})
    assert all(key in str(caught.value) for key in ("seed", "iterations", "extra"))


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "", "\x00"])
def test_files_that_are_no_config(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="config"):
        load_config(path)


def test_yaml_can_not_run_code(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run_dir: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="no valid YAML"):
        load_config(path)


def test_resume_may_change_speed_but_not_results():
    old = parse_config(MINIMAL)
    assert differences(old, parse_config(MINIMAL | {"iterations": 9, "scoring": {"actors": 3}})) == []
    assert differences(old, parse_config(MINIMAL | {"seed": 1})) == ["seed: 0 → 1"]


def test_flatten_has_dotted_paths():
    assert flatten(parse_config(MINIMAL))["acquisition.strategy"] == "metabox_plus"


def test_repetitions_are_ordinary_configs():
    config = parse_config(MINIMAL | {"seeds": [3, 5]})
    assert repetition_configs(config) == [
        parse_config(MINIMAL | {"seed": seed, "run_dir": f"runs/x/seed_{seed}"}) for seed in (3, 5)
    ]
    assert repetition_configs(parse_config(MINIMAL)) == [parse_config(MINIMAL)]
