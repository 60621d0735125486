"""From unlabelled pictures and a class list to a network: two iterations, every answer given on the page."""

from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from camvid_person import VOID, CamvidPerson
from labelling_service import go_on, serve_tasks
from playwright.sync_api import Browser
from unlabelled_camvid import CAMVID, config_text, truth_of, write_unlabelled

pytestmark = [pytest.mark.camvid, pytest.mark.skipif(CAMVID is None, reason="RAYMETA_CAMVID names no folder of CamVid")]


def answer_everything(browser: Browser, url: str) -> tuple[list[float], int]:
    """Answer what is open: shares of right pixels, and how many answers; each counter is the script's."""
    shares, answered = [], 0
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.goto(f"{url}/#/annotate")
    with httpx.Client(base_url=url, timeout=60) as client:
        person = CamvidPerson(page, client)
        while client.get("/v1/tasks/progress").json()["open"]:
            task = person.wait()
            answer = person.answer()
            region = task["region"]
            rows, columns = (slice(region[a], region[a] + region[b]) for a, b in (("top", "height"), ("left", "width")))
            truth = truth_of(task["image_id"])[rows, columns]
            known = truth != VOID
            if known.any():
                shares.append(float((answer["values"] == truth)[known].mean()))
            clicks = {kind: count for kind, count in answer["clicks"].items() if kind != "confirm"}
            assert clicks == {kind: count for kind, count in person.clicks.items() if kind != "confirm"}
            answered += 1
            page.wait_for_function(f"() => document.querySelector('.annotate-place').dataset.task !== '{task['id']}'")
    context.close()
    return shares, answered


def test_two_iterations_from_unlabelled_images(browser: Browser, tmp_path: Path) -> None:
    write_unlabelled(tmp_path / "data", train=40, val=2)
    assert not (tmp_path / "data/labels").exists()
    config, run_dir = tmp_path / "config.yaml", tmp_path / "run"
    config.write_text(config_text(tmp_path / "data", run_dir))
    assert not go_on(config)
    shares, answered = [], []
    with serve_tasks(run_dir) as url:
        for _ in range(3):  # the whole images, then the boxes of both iterations
            right, count = answer_everything(browser, url)
            shares += right
            answered.append(count)
            finished = go_on(config)
    assert finished
    assert answered == [7, 6, 6]
    assert np.mean(shares) > 0.9
    for iteration in range(2):
        folder = run_dir / f"iterations/{iteration:03d}"
        table = pq.read_table(folder / "annotation.parquet")
        assert table.num_rows == 6
        assert table["active_seconds"].null_count == 0
        assert min(table["active_seconds"].to_pylist()) > 0
        assert (folder / "network.pt").exists()
