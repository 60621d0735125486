"""From unlabelled pictures and a class list to a network: one command, two iterations, answered on the page alone."""

import signal
from pathlib import Path

import httpx
import numpy as np
import pyarrow.parquet as pq
import pytest
from camvid_person import VOID, CamvidPerson
from label_command import SOON_S, label_command
from playwright.sync_api import Browser
from unlabelled_camvid import CAMVID, truth_of, write_unlabelled

pytestmark = [pytest.mark.camvid, pytest.mark.skipif(CAMVID is None, reason="RAYMETA_CAMVID names no folder of CamVid")]

SMALL = (
    "iterations=2",
    "acquisition.box_width=48",
    "acquisition.query_size=6",
    "acquisition.initial_images=3",
    "acquisition.meta_images=2",
    "meta_regressor.trees=10",
    "training.steps=60",
    "training.min_steps=40",
)


def answer_one(person: CamvidPerson) -> float | None:
    """Answer the task on screen: share of right pixels. The page's counters are the script's."""
    task = person.wait()
    answer = person.answer()
    region = task["region"]
    rows, columns = (slice(region[a], region[a] + region[b]) for a, b in (("top", "height"), ("left", "width")))
    truth = truth_of(task["image_id"])[rows, columns]
    known = truth != VOID
    clicks = {kind: count for kind, count in answer["clicks"].items() if kind != "confirm"}
    assert clicks == {kind: count for kind, count in person.clicks.items() if kind != "confirm"}
    person.page.wait_for_function(f"() => document.querySelector('.annotate-place').dataset.task !== '{task['id']}'")
    return float((answer["values"] == truth)[known].mean()) if known.any() else None


def test_one_command_from_unlabelled_images_to_a_network(browser: Browser, tmp_path: Path) -> None:
    write_unlabelled(tmp_path / "data", images=40)
    run_dir = tmp_path / "runs/data"
    whole_images, boxes = 4 + 3 + 2, 2 * 6
    with (
        label_command(tmp_path, "data", *SMALL) as command,
        httpx.Client(base_url=command.url, timeout=60) as client,
    ):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(SOON_S * 1000)  # while the network learns, the page waits for the next query
        page.goto(f"{command.url}/#/annotate")
        person = CamvidPerson(page, client)
        shares = [answer_one(person) for _ in range(whole_images + boxes)]
        command.until_told("done; the page stays")
        page.get_by_text("All done").wait_for()
        page.close()
        assert command.end(signal.SIGINT) == 0, command.output
    assert np.mean([share for share in shares if share is not None]) > 0.9
    assert not (tmp_path / "data/labels").exists()
    for iteration in range(2):
        folder = run_dir / f"iterations/{iteration:03d}"
        table = pq.read_table(folder / "annotation.parquet")
        assert table.num_rows == 6
        assert table["active_seconds"].null_count == 0
        assert min(table["active_seconds"].to_pylist()) > 0
        assert (folder / "network.pt").exists()
    assert list(run_dir.glob("**/report.html"))
