"""The labelling page where one click answers a task: points and segments."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from http_person import pixels_of
from playwright.sync_api import Browser, Page


@contextmanager
def annotate_page(browser: Browser, url: str) -> Iterator[Page]:
    """The page, opened; errors of its scripts fail the test that used it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.set_default_timeout(60_000)
    opened.goto(f"{url}/#/annotate")
    yield opened
    opened.close()
    assert complaints == []


def shown(page: Page, other_than: str | None = None) -> str:
    """The id of the task on screen, once it is another one."""
    place = f"[data-task]:not([data-task='{other_than}'])" if other_than else "[data-task]"
    page.locator(f".annotate-place{place}").wait_for()
    return str(page.locator(".annotate-place").get_attribute("data-task"))


def answer_of(page: Page, client: httpx.Client, task_id: str, known: int = 0) -> dict[str, Any]:
    """The newest answer of a task, once there are more than were known."""
    for _ in range(1200):
        answers = client.get(f"/v1/tasks/{task_id}/answers").json()["answers"]
        if len(answers) > known:
            return {**answers[-1], "values": pixels_of(answers[-1]["raster_png"])}
        page.wait_for_timeout(50)
    raise AssertionError(f"no answer of {task_id} has come")
