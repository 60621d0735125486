"""What the labelling page says of progress: at its foot, and once nothing is left to do for a person."""

from pathlib import Path

import httpx
import numpy as np
import pytest
from asked_run import asked_run
from http_person import png_of, put
from labelling_service import Labeller, serve_tasks
from playwright.sync_api import APIResponse, Browser, Route


def test_the_foot_is_about_the_set_on_screen_and_counts_the_answers_of_earlier_visits(
    browser: Browser, tmp_path: Path
) -> None:
    store = asked_run(tmp_path, [("im1", 0, 0), ("im2", 8, 8)], images=2)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=60) as client:
        (task,) = client.post("/v1/tasks/lease", json={"count": 1}).json()["tasks"]
        height, width = task["region"]["height"], task["region"]["width"]
        put(client, task, {"raster_png": png_of(np.zeros((height, width), np.uint8))}).raise_for_status()
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.goto(f"{url}/#/annotate")
        hand = Labeller(page, client)
        assert hand.wait()["set"] == "initial"
        page.get_by_text("1 of 2 in initial · 1 by you").wait_for()
        hand.press("1", "f")
        hand.send()
        page.get_by_text("0 of 2 in query-000 · 2 by you").wait_for()
        page.close()


NO_SECOND_LOOK = """
const later = window.setTimeout;
window.setTimeout = (act, wait, ...more) => (wait === 3000 ? 0 : later(act, wait, ...more));
"""
"""The page looks again after 3 s; what it says before that is what is tested."""


@pytest.mark.parametrize("late", ["v1/status", "v1/tasks/progress", "v1/tasks/lease"])
def test_who_works_alone_is_told_at_once_that_somebody_else_has_to_answer(
    browser: Browser, tmp_path: Path, late: str
) -> None:
    """Also where something that was asked before the answer was there comes after it."""
    store = asked_run(tmp_path, [("im1", 0, 0)], double_share=1.0)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=60) as client:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        page.add_init_script(NO_SECOND_LOOK)
        page.goto(f"{url}/#/annotate")
        hand = Labeller(page, client)
        hand.wait()
        held: list[tuple[Route, APIResponse]] = []
        page.route(f"**/{late}", lambda route: held.append((route, route.fetch())), times=1)
        hand.press("1", "f")
        hand.send()
        while not held:
            page.wait_for_timeout(20)
        ((route, response),) = held
        page.wait_for_timeout(200)  # in which the page hears that its answer is there
        route.fulfill(response=response)
        page.get_by_text("1 that you have answered waits for a second person").wait_for()
        page.close()
