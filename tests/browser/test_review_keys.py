"""Reviewing by keys: a key is about the task whose answers are on screen, never about one that is on its way."""

from pathlib import Path
from uuid import uuid4

import httpx
import numpy as np
from asked_run import asked_run
from labelling_service import serve_tasks
from playwright.sync_api import Browser

from raymeta.cli.task_options import open_labels
from raymeta.labels.answer_files import AnswerRecord, encode_labels, labels_sha256
from raymeta.runs.run_store import RunStore

SLOW = """
const fetched = window.fetch;
window.fetch = async (...request) => {
  await new Promise((done) => setTimeout(done, 300));
  return fetched(...request);
};
"""


def answer_differently(store: RunStore) -> list[str]:
    """Two people say different things about each task; gives the ids."""
    _, labels = open_labels(store.location)
    tasks = labels.sets.tasks("query-000")
    for task in tasks:
        for value, who in enumerate(("ann", "ben")):
            values = np.full((task.height, task.width), value, np.uint8)
            record = {"labels_sha256": labels_sha256(values), "png": encode_labels(values)}
            time = f"2026-01-01T00:00:0{value}.000000Z"
            labels.answers.add(task, AnswerRecord(id=uuid4().hex, task_id=task.id, time=time, who=who, **record))
    return [task.id for task in tasks]


def test_a_key_waits_for_the_answers_of_the_task_that_it_is_about(browser: Browser, tmp_path: Path) -> None:
    store = asked_run(tmp_path, [("im1", 0, 0), ("im2", 8, 8)])
    first, second = answer_differently(store)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=60) as client:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/accept") else None)
        page.add_init_script(SLOW)
        page.goto(f"{url}/#/review")
        page.locator(f".review-place[data-task='{first}']").wait_for()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("1")  # too early: what is on screen are the answers to the first
        page.keyboard.press("r")
        page.locator(f".review-place[data-task='{second}']:not([inert])").wait_for()
        assert asked == []
        assert page.locator("dialog[open]").count() == 0
        page.keyboard.press("2")
        page.get_by_text("the answer of ben is accepted").wait_for()
        states = {task["id"]: task["state"] for task in client.get("/v1/tasks").json()["tasks"]}
        assert states == {first: "conflict", second: "accepted"}
        page.close()
