"""A service that starts slowly says so."""

import io
import time

from rich.console import Console

from raymeta.cluster.serve import start_progress as module
from raymeta.cluster.serve.start_progress import start_progress


def test_a_line_now_and_then_until_it_runs(monkeypatch):
    monkeypatch.setattr(module, "_running", lambda app: ["ScoringReplica 0 of 1"])
    out = io.StringIO()
    began = time.monotonic()
    with start_progress(Console(file=out, width=200), "app", every_s=0.05):
        time.sleep(0.3)
    told = out.getvalue().splitlines()
    assert 2 <= len(told) <= (time.monotonic() - began) / 0.05
    assert all(line.startswith("still starting after 0 s: ScoringReplica 0 of 1") for line in told)
    time.sleep(0.15)
    assert out.getvalue().splitlines() == told


def test_nothing_is_told_of_a_quick_start():
    out = io.StringIO()
    with start_progress(Console(file=out), "app", every_s=60):
        pass
    assert out.getvalue() == ""
