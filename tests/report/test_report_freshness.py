"""A report is left as it is only while it tells what its runs hold."""

import shutil

import pytest
import yaml
from synthetic_runs import make_config, write_iteration, write_run

from raymeta.report import report_freshness
from raymeta.report.page import write_report
from raymeta.report.report_freshness import is_fresh
from raymeta.runs.run_store import RunStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_run(folder / "run", "random_box", iterations=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_report(["run"])
    return folder / "run"


@pytest.fixture
def run(made, tmp_path, monkeypatch):
    """A copy of it, at a place that is written alike."""
    shutil.copytree(made, tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert is_fresh("run/report", ["run"])
    return tmp_path / "run"


def test_a_page_that_was_changed_or_lost(run):
    page = run / "report/report.html"
    page.write_bytes(page.read_bytes() + b" ")
    assert not is_fresh("run/report", ["run"])
    page.unlink()
    assert not is_fresh("run/report", ["run"])


@pytest.mark.parametrize("content", [None, b"", b"\xff", b"0 0\n"])
def test_a_note_that_was_changed_or_lost(run, content):
    if content is None:
        (run / "report/report.key").unlink()
    else:
        (run / "report/report.key").write_bytes(content)
    assert not is_fresh("run/report", ["run"])


def test_an_iteration_more(run):
    store = RunStore("run")
    write_iteration(store, store.load_config(), 2, 0.5, 12.0)
    assert not is_fresh("run/report", ["run"])


def test_another_run_or_version(run, monkeypatch):
    write_run(run.parent / "other", "random_box", 1, iterations=1)
    assert not is_fresh("run/report", ["run", "other"])
    assert not is_fresh("run/report", ["other"])
    monkeypatch.setattr(report_freshness, "__version__", "9.9")
    assert not is_fresh("run/report", ["run"])


def test_no_run_and_no_report(tmp_path):
    assert not is_fresh(str(tmp_path / "report"), [str(tmp_path)])


def test_the_ledger_of_people_goes_on(tmp_path):
    config = make_config(tmp_path / "run", "random_box", oracle={"kind": "people"})
    RunStore(config.run_dir).create(config)
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text())["oracle"]["kind"] == "people"
    assert report_freshness._key([config.run_dir]) is None
