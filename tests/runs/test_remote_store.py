"""Slow and failing remote file systems, and leases on them."""

import threading
import time
from pathlib import Path

import pytest
from faulty_file_system import faulty_file_system
from synthetic_runs import make_config, write_iteration

from raymeta.runs import run_lock, store_files
from raymeta.runs.run_lease import LEASES, RunLease
from raymeta.runs.run_store import STAGES, RunError, RunStore
from raymeta.runs.store_files import StoreFiles


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_files, "REMOTE_PAUSES_S", (0.0,) * 12)


@pytest.mark.parametrize("seed", range(3))
def test_every_third_call_fails_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    filesystem, handler = faulty_file_system(tmp_path, seed=seed, failing=0.3, delay_s=0.001)
    store = RunStore("bucket/run", filesystem)
    config = make_config("anywhere")
    with store.lock():
        store.create(config)
        write_iteration(store, config, 0, 0.5, 10.0)
    again = RunStore("bucket/run", filesystem)
    assert again.load_config() == config
    assert again.iteration(0).committed_stages() == list(STAGES)
    assert again.damaged() == []
    assert handler.failures > 10


def test_a_store_that_is_gone_stops_with_a_message(tmp_path: Path) -> None:
    filesystem, handler = faulty_file_system(tmp_path)
    store = RunStore("bucket/run", filesystem)
    store.create(make_config("anywhere"))
    handler.failing = 1.0
    for action in (store.exists, store.load_config, lambda: store.iteration(0).write_bytes("network.pt", b"x")):
        with pytest.raises(RunError, match=r"13 attempts\): .*injected"):
            action()


def lease(root: Path, **times: float) -> RunLease:
    filesystem, _ = faulty_file_system(root)
    return RunLease(StoreFiles("bucket/run", filesystem), **({"lease_s": 1.0, "renew_s": 0.1} | times))


def leases(root: Path) -> list[Path]:
    return sorted((root / "bucket/run" / LEASES).glob("*.json"))


def test_second_process_is_refused_while_the_first_renews(tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    with lease(tmp_path).hold():
        with pytest.raises(RunError, match="in use by process"), lease(tmp_path).hold():
            pass
        assert len(leases(tmp_path)) == 1
    assert leases(tmp_path) == []


def test_a_dead_lease_is_taken_over(tmp_path: Path) -> None:
    said: list[str] = []
    dead = '{"pid": 1, "host": "gone", "machine": "another", "since": "yesterday", "beat": 3}'
    folder = tmp_path / "bucket/run" / LEASES
    folder.mkdir(parents=True)
    (folder / "dead.json").write_text(dead)
    began = time.monotonic()
    with lease(tmp_path).hold(said.append):
        assert time.monotonic() - began >= 1.0
        assert [path.name for path in leases(tmp_path)] != ["dead.json"]
        assert len(leases(tmp_path)) == 1
    assert len(said) == 1
    assert "process 1 on gone since yesterday" in said[0]


@pytest.mark.parametrize("content", ['{"pid', "[" * 100_000, '{"machine": "m", "pid": Infinity}'])
def test_a_damaged_lease_is_taken_over(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "bucket/run" / LEASES
    folder.mkdir(parents=True)
    (folder / "torn.json").write_text(content)
    with lease(tmp_path).hold(lambda text: None):
        assert len(leases(tmp_path)) == 1


def test_of_many_that_begin_at_once_at_most_one_goes_on(tmp_path: Path) -> None:
    inside, most, refused, guard = [0], [0], [0], threading.Lock()
    start = threading.Barrier(6)

    def work() -> None:
        own = lease(tmp_path, lease_s=2.0)
        start.wait()
        try:
            with own.hold(lambda text: None):
                with guard:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                time.sleep(0.3)
                with guard:
                    inside[0] -= 1
        except RunError:
            with guard:
                refused[0] += 1

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 1
    assert refused[0] >= 5
    assert leases(tmp_path) == []


def test_a_holder_whose_lease_was_taken_writes_nothing_more(tmp_path: Path) -> None:
    filesystem, _ = faulty_file_system(tmp_path)
    files = StoreFiles("bucket/run", filesystem)
    with RunLease(files, lease_s=0.5, renew_s=0.05).hold():
        files.write("a", b"1")
        leases(tmp_path)[0].unlink()
        time.sleep(0.3)
        with pytest.raises(RunError, match="taken over"):
            files.write("a", b"2")
    assert files.read("a") == b"1"
    files.write("a", b"3")


def test_a_local_folder_without_locks_gets_a_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(run_lock.fcntl, "flock", no_locks)
    store = RunStore(str(tmp_path / "run"))
    with store.lock():
        assert len(list((tmp_path / "run" / LEASES).glob("*.json"))) == 1
        with (
            pytest.raises(RunError, match="in use by process"),
            RunStore(str(tmp_path / "run")).lock(lambda text: None),
        ):
            pass


def test_files_are_named_by_their_uri_without_its_secrets() -> None:
    files = StoreFiles("s3://key:secret@bucket/run?endpoint_override=127.0.0.1:1&scheme=http&region=eu")
    assert files.root == "bucket/run"
    assert files.path("report/report.html") == (
        "s3://…@bucket/run/report/report.html?endpoint_override=127.0.0.1:1&scheme=http&region=eu"
    )
    assert StoreFiles("/tmp/run").path("config.json") == "/tmp/run/config.json"
