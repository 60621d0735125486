import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from raymeta.config import (
    STRATEGY_NAMES,
    ConfigError,
    ExperimentConfig,
    differences,
    flatten,
    load_config,
    parse_config,
    run_configs,
)
from raymeta.config.keys import config_keys

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


SHIPPED = sorted([*CONFIGS.glob("*.yaml"), *CONFIGS.glob("studies/*.yaml")])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_configs_are_valid(path):
    config = load_config(path)
    folder = path.relative_to(CONFIGS).with_suffix("")
    assert config.run_dir == str(Path("runs").absolute() / folder)
    assert (config.study is not None) == (path.parent.name == "studies")


def test_configs_that_documents_name_are_there():
    documents = [CONFIGS.parent / "README.md", CONFIGS.parent / "cluster.yaml", *CONFIGS.parent.glob("docs/*.md")]
    named = {name for path in documents for name in re.findall(r"configs/[\w/]+\.yaml", path.read_text())}
    assert named
    assert [name for name in sorted(named) if not (CONFIGS.parent / name).is_file()] == []


@pytest.mark.parametrize("name", ["camvid", "camvid_small", "cityscapes_fcn8", "cityscapes_deeplab"])
def test_every_strategy_is_in_its_study(name):
    runs = run_configs(load_config(CONFIGS / f"studies/{name}.yaml"))
    assert {run.acquisition.strategy for run in runs} == set(STRATEGY_NAMES)
    base = flatten(load_config(CONFIGS / f"{name}.yaml"))
    own = {key for run in runs for key, value in flatten(run).items() if value != base[key]}
    of_runs = {"run_dir", "shared_dir", "seed", "acquisition.strategy", "iterations", "report.full_set_run"}
    assert own - of_runs == {
        "camvid_small": {"training.max_epochs", "training.patience", "training.poly_steps"},
        "cityscapes_deeplab": {"training.learning_rate"},
    }.get(name, set())


PAPER_TRAINING = {
    "fcn8": {
        "optimizer": "adam", "learning_rate": 1e-4, "beta1": 0.99, "beta2": 0.999, "schedule": "constant",
        "batch_size": 1, "horizontal_flip": False, "crop_height": None, "crop_width": None, "scale_min": 1.0,
        "scale_max": 1.0, "batch_norm": "train", "patience": 10,
    },
    "deeplab": {
        "optimizer": "sgd", "learning_rate": 0.001, "momentum": 0.9, "schedule": "poly", "poly_power": 0.8,
        "poly_steps": 150_000, "batch_size": 4, "horizontal_flip": True, "crop_height": 769, "crop_width": 769,
        "scale_min": 0.5, "scale_max": 2.0, "batch_norm": "frozen", "patience": 10,
    },
}  # fmt: skip
"""Section 4 of the paper."""
PAPER_NETWORKS = {
    "fcn8": ("fcn8", 0.25, None),
    "deeplab": ("deeplabv3plus", 1.0, str(Path("data/xception65.pth").absolute())),
}


@pytest.mark.parametrize("network", PAPER_TRAINING)
@pytest.mark.parametrize("strategy", STRATEGY_NAMES)
def test_every_cell_of_table_1(network, strategy):
    runs = run_configs(load_config(CONFIGS / f"studies/cityscapes_{network}.yaml"))
    config, *others = (run for run in runs if run.acquisition.strategy == strategy)
    assert [run.seed for run in (config, *others)] == [0, 1, 2]
    acquisition, training = config.acquisition, dict(PAPER_TRAINING[network])
    if (network, strategy) == ("deeplab", "full_set"):
        training["learning_rate"] = 0.003
    assert acquisition.strategy == strategy
    assert (acquisition.initial_images, acquisition.meta_images) == (50, 30)
    assert (acquisition.box_width, acquisition.query_size) == (128, 6400)
    assert 6400 * 128**2 == 50 * 1024 * 2048  # an iteration is 50 images of pixels
    assert {key: getattr(config.training, key) for key in training} == training
    assert (config.network.kind, config.network.width_multiplier, config.network.weights) == PAPER_NETWORKS[network]
    assert not config.network.batch_norm
    regressor = config.meta_regressor
    assert (regressor.trees, regressor.depth, regressor.learning_rate) == (100, 4, 0.1)
    assert (config.dataset.kind, config.dataset.height) == ("cityscapes", None)
    reference = str(Path(f"runs/studies/cityscapes_{network}/full_set/seed_0").absolute())
    assert config.report.full_set_run == (None if strategy == "full_set" else reference)
    # The paper's costliest strategy is there after 17 sets of 50 images (FCN8, random boxes: cost_P 28.57 %).
    assert config.iterations == (1 if strategy == "full_set" else 20)


def test_published_start_weights_are_named_where_they_fit():
    named = {path.stem for path in SHIPPED if load_config(path).network.weights is not None}
    assert named == {"cityscapes_deeplab", "camvid_pretrained", "fewer_clicks", "facades", "segments"}


def test_overrides_go_by_path(config_file):
    config = load_config(
        config_file, ["seed=7", "acquisition.box_width=32", "training.workers=2", "training.batch_size=4"]
    )
    assert (config.seed, config.acquisition.box_width, config.training.workers) == (7, 32, 2)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["acquisition.box_widht=3"], "acquisition.box_widht: unknown key"),
        (["acquisition.box_width=wide"], "acquisition.box_width: .*whole number.*'wide'"),
        (["acquisition.box_width='32'"], "acquisition.box_width: .*whole number.*'32'"),
        (["acquisition.strategy=best"], "acquisition.strategy: .*metabox_plus.*'best'"),
        (["acquisition.meta_images=-1"], "acquisition.meta_images: .*at least 0"),
        (["seed"], "has no '='"),
        (["seed.deep=1", "seed=[1"], r"not valid|valid YAML|integer"),
        (["dataset.height=10"], "give both, or neither"),
        (["training.workers=2"], "a multiple"),
        (
            ["training.accumulation_steps=3", "training.batch_size=4"],
            "× accumulation_steps 3: .*multiple of 3",
        ),
        (["training.crop_height=769"], "crop_height 769 and crop_width None: give both"),
        (["training.scale_max=2.0"], "give crop_height and crop_width"),
        (["training.scale_min=2.0"], "scale_min 2.0 is above scale_max 1.0"),
        (["training.batch_norm=frozen"], "network.weights gives none: name a file, or set training.batch_norm"),
        (["training.batch_norm=none"], "train, frozen or sync"),
        (["run_dir.x=1"], "holds a value"),
        (["seeds=[0, -1]"], "-1 isn't a seed"),
        (["seeds=[0, 0]"], "comes twice"),
        (["seeds=[]"], "seeds: .*at least 1"),
        (["acquisition.strategy=full_set", "acquisition.match_cost_of=runs/x"], "full_set asks for no boxes"),
    ],
)
def test_faults_name_key_and_remedy(config_file, overrides, message):
    with pytest.raises(ConfigError, match=message):
        load_config(config_file, overrides)


@pytest.mark.parametrize(
    ("key", "value", "bound"),
    [
        ("acquisition.epsilon", 1e308, "100000"),
        ("acquisition.box_width", 2**64, "32768"),
        ("acquisition.query_size", 2**64, "1000000000"),
        ("meta_regressor.trees", 10**6, "10000"),
        ("meta_regressor.depth", 17, "16"),
        ("meta_regressor.learning_rate", 1.5, "1"),
        ("network.width_multiplier", 1e6, "16"),
        ("dataset.scenes.height", 10**6, "32768"),
        ("training.threads_per_worker", 2**40, "10000"),
        ("training.scale_min", 1e-300, "0.01"),
    ],
)
def test_numbers_that_fail_only_later_are_told_at_once(config_file, key, value, bound):
    with pytest.raises(ConfigError, match=rf"{key}: must be .* {bound} \(got {re.escape(str(value))}\)"):
        load_config(config_file, [f"{key}={value}"])


def test_every_number_has_two_ends():
    """A number without an upper bound is one that some day fails after a week's training."""
    schema = ExperimentConfig.model_json_schema()
    sections = [schema, *schema["$defs"].values()]
    for section in sections:
        for key, field in section["properties"].items():
            for kind in field.get("anyOf", [field]):
                if kind.get("type") in ("integer", "number"):
                    assert {"maximum", "exclusiveMaximum"} & kind.keys(), key


def test_scales_can_be_counted(config_file):
    overrides = ["training.crop_height=8", "training.crop_width=8", "training.scale_max=2", "training.scale_step=1e-9"]
    with pytest.raises(ConfigError, match=r"scale_step 1e-09 makes more than 10000 factors .*or 0 for any"):
        load_config(config_file, overrides)


@pytest.mark.parametrize(("text", "number"), [("1e-4", 1e-4), ("15E-4", 1.5e-3), ("+.5e0", 0.5), ("2e+0", 2.0)])
def test_numbers_are_read_as_people_write_them(config_file, text, number):
    assert load_config(config_file, [f"training.learning_rate={text}"]).training.learning_rate == number
    assert load_config(config_file, [f"acquisition.epsilon={text}"]).acquisition.epsilon == number
    assert load_config(config_file, [f"run_dir={text}"]).run_dir == str(Path(text).absolute())


@pytest.mark.parametrize("text", ["1e999", "e5", "1e", "1e5e5", "1e-4 px"])
def test_what_is_no_number_stays_refused(config_file, text):
    with pytest.raises(ConfigError, match=r"training.learning_rate: .*number"):
        load_config(config_file, [f"training.learning_rate={text}"])


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


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("kind", "message"),
    [("device", "regular file: put a file there"), ("idle pipe", "holds NoneType"), ("folder", "is a folder")],
)
def test_a_config_that_would_never_end(tmp_path, kind, message):
    path = tmp_path / "config.yaml"
    if kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "idle pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(ConfigError, match=f"{path} .*{message}"):
        load_config(path)


@pytest.mark.timeout(20)
def test_a_config_may_come_from_a_pipe(config_file):
    reading, writing = os.pipe()
    with open(writing, "wb") as stream:
        stream.write(config_file.read_bytes())
    assert load_config(f"/dev/fd/{reading}") == load_config(config_file)
    os.close(reading)


@pytest.mark.timeout(20)
def test_an_endless_pipe_ends_as_a_config():
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        with pytest.raises(ConfigError, match="holds more than 4194304 bytes"):
            load_config(f"/dev/fd/{endless.stdout.fileno()}")
        endless.kill()


def test_yaml_can_not_run_code(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run_dir: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="valid YAML"):
        load_config(path)


def test_resume_may_change_speed_but_not_results():
    old = parse_config(MINIMAL)
    assert differences(old, parse_config(MINIMAL | {"iterations": 9, "scoring": {"actors": 3}})) == []
    assert differences(old, parse_config(MINIMAL | {"seed": 1})) == ["seed: 0 → 1"]
    # A convolution rounds differently with another number of threads.
    threads = parse_config(MINIMAL | {"scoring": {"threads_per_actor": 7}, "training": {"threads_per_worker": 5}})
    assert differences(old, threads) == ["scoring.threads_per_actor: 2 → 7", "training.threads_per_worker: 2 → 5"]


def test_flatten_has_dotted_paths():
    assert flatten(parse_config(MINIMAL))["acquisition.strategy"] == "metabox_plus"


def test_repetitions_are_ordinary_configs():
    config = parse_config(MINIMAL | {"seeds": [3, 5]})
    assert run_configs(config) == [
        parse_config(MINIMAL | {"seed": seed, "run_dir": f"runs/x/seed_{seed}"}) for seed in (3, 5)
    ]
    assert run_configs(parse_config(MINIMAL)) == [parse_config(MINIMAL)]


@pytest.mark.parametrize(
    ("network", "form"),
    [
        ({"kind": "fcn8", "width_multiplier": 0.5}, "fcn8, width ×0.5"),
        ({"kind": "efficientnet_lite1", "head": "lraspp"}, "efficientnet_lite1 (finetuned) with lraspp"),
        ({"kind": "module"}, "module"),
    ],
)
def test_a_network_is_named_by_the_keys_that_shape_it(network, form):
    assert parse_config(MINIMAL | {"network": network}).network.form == form


def test_the_list_of_keys_tells_the_defaults_that_count():
    """Of a config that leaves everything out: a preset fills some of them."""
    config = parse_config({key: MINIMAL[key] for key in ("run_dir", "dataset")})
    values = flatten(config)
    told = {key.name: key.default for key in config_keys("acquisition")}
    assert (told["acquisition.strategy"], told["acquisition.unit"]) == ("superpixels", "superpixel")
    for name in ("strategy", "unit", "box_width", "point_width", "query_size", "open_cost"):
        assert told[f"acquisition.{name}"] == str(values[f"acquisition.{name}"]), name
