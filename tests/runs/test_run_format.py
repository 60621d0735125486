"""A run folder that raymeta 0.1.0 wrote (format_1_run, half-way through its two iterations) opens in this version."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_runs import make_config

from raymeta.config import ExperimentConfig, parse_config
from raymeta.report.run_results import load_run
from raymeta.runs.run_format import (
    FORMAT_VERSION,
    config_digest,
    config_to_bytes,
    config_values,
    format_1_digest,
    run_from_bytes,
    run_to_bytes,
)
from raymeta.runs.run_store import STAGES, RunError, RunStore

FORMAT_1 = Path(__file__).parent / "format_1_run"


@pytest.fixture
def old(tmp_path: Path) -> RunStore:
    shutil.copytree(FORMAT_1, tmp_path / "run")
    return RunStore(str(tmp_path / "run"))


def test_old_run_reads(old: RunStore) -> None:
    assert old.run_info()["format_version"] == 1
    config = old.load_config()
    assert (config.seed, config.acquisition.query_size) == (3, 6)
    assert old.read_split().num_rows == 8
    assert old.read_pool_clicks().num_rows == 6
    assert old.iteration(0).committed_stages() == list(STAGES)
    assert old.iteration(0).read_table("query.parquet").num_rows == 6
    assert old.damaged() == []
    assert load_run(old.location) is not None


def test_old_run_is_taken_over(old: RunStore) -> None:
    config = old.load_config()
    created = old.run_info()["created"]
    old.create(config.model_copy(update={"iterations": 7}))
    assert old.run_info()["format_version"] == FORMAT_VERSION
    assert old.run_info()["created"] == created
    assert old.load_config().iterations == 7
    assert old.iteration(0).committed_stages() == list(STAGES)
    with pytest.raises(RunError, match="seed: 3 → 4"):
        old.create(config.model_copy(update={"seed": 4}))


def test_take_over_may_be_interrupted(old: RunStore) -> None:
    config = old.load_config()
    (Path(old.location) / "config.yaml").write_bytes(config_to_bytes(config))
    assert old.run_info()["format_version"] == 1
    assert old.load_config() == config
    old.create(config)
    assert old.run_info()["format_version"] == FORMAT_VERSION


def test_keys_that_an_old_run_lacks_count_with_their_defaults(old: RunStore) -> None:
    root = Path(old.location)
    values = yaml.safe_load((root / "config.yaml").read_text())
    del values["scoring"], values["training"]["mixed_precision"], values["acquisition"]["fusion"]
    (root / "config.yaml").write_text(yaml.safe_dump(values))
    run = json.loads((root / "run.json").read_text())
    (root / "run.json").write_text(json.dumps(run | {"config_sha256": format_1_digest(values)}))
    config = old.load_config()
    assert config.training.mixed_precision is False
    old.create(config)
    assert old.load_config() == config


def test_edited_old_config_is_refused(old: RunStore) -> None:
    path = Path(old.location) / "config.yaml"
    path.write_text(path.read_text().replace("query_size: 6", "query_size: 7"))
    with pytest.raises(RunError, match="was edited"):
        old.load_config()
    assert len(old.damaged()) == 1


def test_config_of_a_later_version_is_refused_with_its_version(tmp_path: Path) -> None:
    config = make_config(tmp_path / "run")
    store = RunStore(config.run_dir)
    store.create(config)
    values = config.model_dump(mode="json") | {"wings": 2}
    text = yaml.safe_dump(values).encode()
    path = tmp_path / "run" / "config.yaml"
    run = run_from_bytes((tmp_path / "run" / "run.json").read_bytes()) | {"raymeta": "7.1"}
    (tmp_path / "run" / "run.json").write_bytes(run_to_bytes(run))
    path.write_bytes(text + f"# raymeta sha256 {hashlib.sha256(text).hexdigest()}\n".encode())
    for action in (store.load_config, lambda: store.create(config)):
        with pytest.raises(RunError, match=r"wings: unknown key(.|\n)*use raymeta 7\.1"):
            action()


@pytest.mark.parametrize("name", ["run.json", "config.yaml"])
def test_one_damaged_file_is_written_anew_from_the_other(tmp_path: Path, name: str) -> None:
    config = make_config(tmp_path / "run")
    store = RunStore(config.run_dir)
    store.create(config)
    path = tmp_path / "run" / name
    content = path.read_bytes()
    for at in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        assert [name in fault for fault in store.damaged()] == [True]
        with pytest.raises(RunError, match="damaged"):
            store.create(make_config(tmp_path / "run", seed=1)) if name == "config.yaml" else store.load_config()
        store.create(config)
        assert store.load_config() == config
        assert store.damaged() == []


def test_both_damaged_is_an_error(tmp_path: Path) -> None:
    config = make_config(tmp_path / "run")
    store = RunStore(config.run_dir)
    store.create(config)
    for name in ("run.json", "config.yaml"):
        (tmp_path / "run" / name).write_bytes(b"{")
    with pytest.raises(RunError, match=r"both damaged(.|\n)*another run_dir"):
        store.create(config)


@pytest.mark.parametrize("name", ["run.json", "config.yaml"])
def test_one_missing_file_never_lets_another_config_in(old: RunStore, name: str) -> None:
    config = old.load_config()
    old.create(config)
    (Path(old.location) / name).unlink()
    assert [name in fault for fault in old.damaged()] == [True]
    with pytest.raises(RunError, match="another config"):
        old.create(config.model_copy(update={"seed": 4}))
    old.create(config)
    assert old.load_config() == config


def test_iterations_of_an_unknown_run_are_refused(old: RunStore) -> None:
    config = old.load_config()
    for name in ("run.json", "config.yaml"):
        (Path(old.location) / name).unlink()
    with pytest.raises(RunError, match=r"neither run\.json nor config\.yaml"):
        old.create(config)


def test_digest_leaves_out_defaults_and_what_a_resumed_run_may_change() -> None:
    config = make_config("a")
    assert config_digest(config) == config_digest(make_config("b", iterations=9, training={"max_epochs": 200}))
    assert config_digest(config) != config_digest(make_config("a", training={"max_epochs": 201}))
    # Runs of format 2 were begun when this might still change.
    assert config_digest(config) == config_digest(make_config("a", scoring={"threads_per_actor": 1}))


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_values_or_one_error(data: bytes) -> None:
    for read in (run_from_bytes, lambda content: config_values(content, {"config_sha256": ""})):
        with pytest.raises(ValueError):  # noqa: PT011
            read(data)


def test_config_comes_back() -> None:
    config = make_config("ünï/run")
    values = config_values(config_to_bytes(config), None)
    assert parse_config(values) == config
    assert isinstance(parse_config(values), ExperimentConfig)
