"""The foot of the labelling panel: how far the set of the task on screen is, and how much of that one did oneself."""

from pathlib import Path

import httpx
import numpy as np
from asked_run import asked_run
from http_person import png_of, put
from labelling_service import Labeller, serve_tasks
from playwright.sync_api import Browser


def test_the_foot_is_about_the_set_on_screen_and_counts_the_answers_of_earlier_visits(
    browser: Browser, tmp_path: Path
) -> None:
    store = asked_run(tmp_path, [("im1", 0, 0), ("im2", 8, 8)], images=2)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=20) as client:
        (task,) = client.post("/v1/tasks/lease", json={"count": 1}).json()["tasks"]
        height, width = task["region"]["height"], task["region"]["width"]
        put(client, task, {"raster_png": png_of(np.zeros((height, width), np.uint8))}).raise_for_status()
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(20_000)
        page.goto(f"{url}/#/annotate")
        hand = Labeller(page, client)
        assert hand.wait()["set"] == "initial"
        page.get_by_text("1 of 2 in initial · 1 by you").wait_for()
        hand.press("1", "f")
        hand.send()
        page.get_by_text("0 of 2 in query-000 · 2 by you").wait_for()
        page.close()
