import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import fs
from synthetic_runs import make_config, write_iteration

from raymeta.runs.run_format import run_to_bytes
from raymeta.runs.run_store import STAGES, RunError, RunStore
from raymeta.runs.store_files import StoreFiles
from raymeta.schemas import SPLIT_SCHEMA, WHOLE_IMAGE_CLICKS_SCHEMA

SPLIT = pa.Table.from_pylist([{"image_id": "ä", "split": "pool"}, {"image_id": "b", "split": "meta"}], SPLIT_SCHEMA)


@pytest.fixture(params=["local", "uri", "object store"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> RunStore:
    if request.param == "local":
        return RunStore(str(tmp_path / "a run"))
    if request.param == "uri":
        return RunStore((tmp_path / "run").as_uri())
    return RunStore("bucket/run", fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()))


def _finished(tmp_path: Path) -> RunStore:
    config = make_config(tmp_path / "run")
    store = RunStore(config.run_dir)
    store.create(config)
    write_iteration(store, config, 0, 0.5, 10.0)
    return store


def test_everything_comes_back(store: RunStore) -> None:
    config = make_config("anywhere")
    assert not store.exists()
    store.create(config)
    assert store.exists()
    assert store.load_config() == config
    assert (store.run_info()["strategy"], store.run_info()["seed"]) == ("metabox_plus", 0)
    assert store.read_split() is None
    store.write_split(SPLIT)
    store.write_split(SPLIT)
    assert store.read_split().equals(SPLIT)
    assert store.iterations() == []
    write_iteration(store, config, 0, 0.5, 10.0)
    write_iteration(store, config, 11, 0.5, 10.0)
    assert store.iterations() == [0, 11]
    folder = store.iteration(11)
    assert folder.committed_stages() == list(STAGES)
    assert folder.read_bytes("network.pt") == b"weights of 11"
    assert folder.read_table("training.parquet").num_rows == 8
    assert folder.read_json("summary.json")["miou"] == 0.5
    assert folder.stage_seconds()["train"] == 12.5
    with store.lock():
        pass


def test_relative_paths_stay_where_they_were_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = RunStore("run")
    monkeypatch.chdir("/")
    store.create(make_config("run"))
    assert (tmp_path / "run" / "run.json").is_file()


def test_another_config_is_refused_with_its_differences(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    with pytest.raises(RunError, match=r"seed: 0 → 1(.|\n)*choose another run_dir"):
        store.create(make_config(tmp_path / "run", seed=1))
    with pytest.raises(RunError, match="threads_per_actor: 2 → 1"):
        store.create(make_config(tmp_path / "run", scoring={"threads_per_actor": 1}))
    store.create(make_config(tmp_path / "run", iterations=9, scoring={"actors": 3}))
    assert store.load_config().iterations == 9


def test_damaged_config_is_written_anew_only_by_its_own(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    path = tmp_path / "run" / "config.yaml"
    path.write_text(path.read_text().replace("query_size: 2", "query_size: 7"))
    with pytest.raises(RunError, match=r"config\.yaml"):
        store.load_config()
    with pytest.raises(RunError, match="damaged"):
        store.create(make_config(tmp_path / "run", seed=1))
    store.create(make_config(tmp_path / "run"))
    assert store.load_config().acquisition.query_size == 2


def test_damaged_or_newer_run_json_is_named(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    path = tmp_path / "run" / "run.json"
    path.write_bytes(run_to_bytes(store.run_info() | {"format_version": 99}))
    with pytest.raises(RunError, match="format 99"):
        store.load_config()
    path.write_text("{")
    with pytest.raises(RunError, match=r"run\.json is damaged"):
        store.load_config()


@pytest.mark.parametrize("name", ["split.parquet", "pool_clicks.parquet", "iterations/000/mine.txt"])
def test_a_folder_with_files_of_others_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run" / name
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(RunError, match=r"run\.json nor config\.yaml that tell whose: restore one of them or choose"):
        RunStore(str(tmp_path / "run")).create(make_config(tmp_path / "run"))
    assert path.read_text() == "mine"


def test_a_config_of_another_run_is_told(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    RunStore(str(tmp_path / "other")).create(make_config(tmp_path / "other", "entropy_box"))
    shutil.copy(tmp_path / "other/config.yaml", tmp_path / "run/config.yaml")
    with pytest.raises(RunError, match="entropy_box with seed 0, metabox_plus with seed 0"):
        store.load_config()


def test_a_run_json_of_another_run_is_told_and_written_anew(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    config = store.load_config()
    RunStore(str(tmp_path / "other")).create(make_config(tmp_path / "other", "entropy_box", seed=3))
    shutil.copy(tmp_path / "other/run.json", tmp_path / "run/run.json")
    assert [fault for fault in store.damaged() if "run.json" in fault]
    store.create(config)
    assert store.damaged() == []
    assert (store.run_info()["strategy"], store.run_info()["seed"]) == ("metabox_plus", 0)


def test_pool_clicks_of_another_config_are_none(tmp_path: Path) -> None:
    store, config = _finished(tmp_path), make_config(tmp_path / "run")
    rows = [{"image_id": "a", "polygon_clicks": 7, "class_clicks": 2, "pixels": 64}]
    store.write_pool_clicks(pa.Table.from_pylist(rows, WHOLE_IMAGE_CLICKS_SCHEMA), config)
    moved = config.model_copy(update={"run_dir": "elsewhere", "iterations": 99})
    for known in (None, config, moved):
        assert store.read_pool_clicks(known).to_pylist() == rows
    assert store.read_pool_clicks(make_config(tmp_path / "run", seed=1)) is None


def test_only_folders_of_the_run_are_iterations(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    for name in ("0", "00", "0001", "٣", "one"):
        (tmp_path / "run/iterations" / name).mkdir()
    assert store.iterations() == [0]


def test_another_split_is_refused_and_a_damaged_one_made_anew(tmp_path: Path) -> None:
    store = _finished(tmp_path)
    store.write_split(SPLIT)
    with pytest.raises(RunError, match="names other images"):
        store.write_split(SPLIT.slice(1))
    path = tmp_path / "run" / "split.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    assert store.read_split() is None
    store.write_split(SPLIT)
    assert store.read_split().equals(SPLIT)


@pytest.mark.parametrize("harm", ["truncate", "flip", "remove", "empty"])
@pytest.mark.parametrize(("stage", "name"), [("train", "network.pt"), ("score", "query.parquet")])
def test_damaged_artefact_never_counts(tmp_path: Path, harm: str, stage: str, name: str) -> None:
    folder = _finished(tmp_path).iteration(0)
    path = tmp_path / "run" / "iterations" / "000" / name
    data = path.read_bytes()
    if harm == "remove":
        path.unlink()
    else:
        flipped = data[:5] + bytes([data[5] ^ 1]) + data[6:]
        path.write_bytes({"truncate": data[:-1], "flip": flipped, "empty": b""}[harm])
    assert folder.committed_stages() == list(STAGES[: STAGES.index(stage)])
    assert [folder.is_committed(s) for s in STAGES] == [STAGES.index(s) < STAGES.index(stage) for s in STAGES]
    assert len(folder.damaged(stage)) == 1
    assert name in folder.damaged(stage)[0]
    with pytest.raises(RunError, match="resume the run"):
        folder.read_bytes(name)


@pytest.mark.parametrize("harm", ["missing", "truncated", "edited"])
def test_without_a_sound_manifest_nothing_counts(tmp_path: Path, harm: str) -> None:
    folder = _finished(tmp_path).iteration(0)
    path = tmp_path / "run" / "iterations" / "000" / "manifest.json"
    text = path.read_text()
    path.write_text(text[:-10] if harm == "truncated" else text.replace("12.5", "13.5"))
    if harm == "missing":
        path.unlink()
    assert folder.committed_stages() == []
    assert bool(folder.damaged("train")) == (harm != "missing")


def test_redone_stage_drops_later_ones(tmp_path: Path) -> None:
    folder = _finished(tmp_path).iteration(0)
    folder.write_bytes("network.pt", b"other weights")
    folder.commit("train", ["training.parquet", "network.pt"])
    assert folder.committed_stages() == ["train"]


def test_commit_keeps_the_order_and_wants_files(tmp_path: Path) -> None:
    folder = RunStore(str(tmp_path)).iteration(0)
    with pytest.raises(RunError, match="stage train comes before score"):
        folder.commit("score", [])
    with pytest.raises(RunError, match="never written"):
        folder.commit("train", ["network.pt"])
    with pytest.raises(RunError, match="'trian' is unknown"):
        folder.commit("trian", [])
    with pytest.raises(RunError, match="not committed"):
        folder.read_bytes("network.pt")


class _Crash(Exception):
    """The process dies here."""


@settings(max_examples=40, deadline=None)
@given(writes=st.integers(0, 20), torn=st.booleans())
def test_crash_between_any_two_writes_leaves_the_store_readable(
    tmp_path_factory: pytest.TempPathFactory, writes: int, torn: bool
) -> None:
    """Object stores included, where a torn write may replace a file by a part of it."""
    run_dir = tmp_path_factory.mktemp("crash") / "run"
    config = make_config(run_dir)
    whole, left = StoreFiles.write, [writes]

    def write(self: StoreFiles, name: str, data: bytes) -> None:
        if left[0] == 0:
            if torn and not name.endswith(("run.json", "config.yaml")):
                whole(self, name, data[: len(data) // 2])
            raise _Crash
        left[0] -= 1
        whole(self, name, data)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StoreFiles, "write", write)
        try:
            store = RunStore(str(run_dir))
            store.create(config)
            store.write_split(SPLIT)
            for index in range(2):
                write_iteration(store, config, index, 0.5, 10.0)
        except _Crash:
            pass
    store = RunStore(str(run_dir))
    store.create(config)
    assert store.load_config() == config
    store.write_split(SPLIT)
    assert store.read_split().equals(SPLIT)
    for index in store.iterations():
        folder = store.iteration(index)
        done = folder.committed_stages()
        assert done == list(STAGES[: len(done)])
        if "train" in done:
            assert folder.read_bytes("network.pt") == b"weights of %d" % index
    write_iteration(store, config, 0, 0.5, 10.0)
    assert store.iteration(0).committed_stages() == list(STAGES)


@given(data=st.binary(max_size=200), cut=st.integers(0, 250), bit=st.integers(0, 7))
@settings(max_examples=40, deadline=None)
def test_scratch_comes_back_whole_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int, bit: int
) -> None:
    root = tmp_path_factory.mktemp("scratch")
    folder = RunStore(str(root)).iteration(3)
    assert folder.read_scratch("state.pt") is None
    folder.write_scratch("state.pt", data)
    assert folder.read_scratch("state.pt") == data
    path = root / "iterations" / "003" / "state.pt"
    content = path.read_bytes()
    if cut < len(content):
        path.write_bytes(content[:cut])
        assert folder.read_scratch("state.pt") is None
        path.write_bytes(content[:cut] + bytes([content[cut] ^ (1 << bit)]) + content[cut + 1 :])
        assert folder.read_scratch("state.pt") is None
    folder.write_scratch("state.pt", data, key="regions")
    assert folder.read_scratch("state.pt", key="regions") == data
    assert folder.read_scratch("state.pt") is None


def test_no_temporary_file_stays(tmp_path: Path) -> None:
    _finished(tmp_path)
    assert not list(tmp_path.rglob(".*.tmp"))


@pytest.mark.parametrize("location", ["/proc/nothing/run", "/dev/full/run"])
def test_unwritable_place_is_one_clear_error(location: str) -> None:
    with pytest.raises(RunError, match=f"{location}(.|\n)*choose another run_dir"):
        RunStore(location).create(make_config(location))


def test_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / ".network.pt.tmp").symlink_to("/dev/full")
    (tmp_path / "iterations").symlink_to(tmp_path)
    (tmp_path / "000").symlink_to(tmp_path)
    with pytest.raises(RunError, match=r"network\.pt can't be written: .*No space left.*free space"):
        RunStore(str(tmp_path)).iteration(0).write_bytes("network.pt", b"x")


@pytest.mark.parametrize("location", ["nonsense://x", "s3://", ""])
def test_location_that_no_file_system_opens(location: str) -> None:
    with pytest.raises(RunError, match="give a path or a URI"):
        RunStore(location)


def test_reading_a_table_starts_no_scan_whose_threads_outlive_the_interpreter() -> None:
    code = (
        "import sys, pyarrow as pa; from raymeta.runs.iteration_folder import table_from_bytes, table_to_bytes\n"
        "table = pa.table({'a': [1, 2]})\n"
        "print(table_from_bytes(table_to_bytes(table)).equals(table), 'pyarrow._dataset' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]
