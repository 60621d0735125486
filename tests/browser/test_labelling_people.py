"""Boxes of a query with what the network predicts, and several people: leases that end, conflicts, reviews, tokens."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
from labelling_service import Labeller, answer_rest, go_on, serve_tasks, write_two_tones
from playwright.sync_api import Browser, Page
from simulated_person import config_text

from raymeta.exchange.rasterizer import fill_rings
from raymeta.labels.annotator_list import add_annotator

LEASE_S = 10.0
SIDE = 16
Open = Callable[..., Page]


@dataclass(frozen=True)
class Office:
    """A served run with a query that is open, and the people's tokens."""

    url: str
    tokens: dict[str, str]

    def client(self, name: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, headers={"Authorization": f"Bearer {self.tokens[name]}"})


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("people")
    write_two_tones(folder / "data", train=10)
    text = config_text(folder / "data", folder / "run", "{kind: people}")
    (folder / "config.yaml").write_text(text.replace("box_width: 8", f"box_width: {SIDE}"))
    assert not go_on(folder / "config.yaml")
    with serve_tasks(folder / "run") as url, httpx.Client(base_url=url, timeout=60) as client:
        answer_rest(client)
    assert not go_on(folder / "config.yaml")
    annotators = folder / "annotators.yaml"
    roles = {"ann": ("annotate",), "ben": ("annotate",), "rita": ("annotate", "review")}
    tokens = {name: add_annotator(annotators, name, names) for name, names in roles.items()}
    with serve_tasks(folder / "run", annotators, LEASE_S) as url:
        yield Office(url, tokens)


@pytest.fixture
def open_as(browser: Browser, office: Office) -> Iterator[Open]:
    """open_as(name, place) → a page of a browser of that person."""
    contexts, complaints = [], []

    def start(name: str | None, place: str) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        contexts.append(context)
        if name is not None:
            token = office.tokens.get(name, name)
            code = f"sessionStorage.getItem('raymeta-token') ?? sessionStorage.setItem('raymeta-token', '{token}')"
            context.add_init_script(f"if (location.protocol === 'http:') {code}")
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{office.url}/{place}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def free_task(client: httpx.Client) -> str:
    """A task that nobody holds; what pages of earlier tests hold ends soon."""
    end = time.monotonic() + 3 * LEASE_S
    while time.monotonic() < end:
        rows = client.get("/v1/tasks", params={"set": "query-000"}).json()["tasks"]
        free = [row["id"] for row in rows if row["lease"] is None and not row["answers"]]
        if free:
            return str(free[0])
        time.sleep(0.3)
    raise AssertionError("every task is held")


def predicted(client: httpx.Client, task_id: str) -> np.ndarray:
    """What the network has said about a box: class ids."""
    segments = client.get(f"/v1/tasks/{task_id}/prelabels").json()["segments"]
    task = client.get(f"/v1/tasks/{task_id}").json()
    raster = np.full((SIDE, SIDE), 255, np.uint8)
    for segment in segments:
        assert segment["rings"]
        raster = np.where(inside(segment["rings"], task), np.uint8(segment["class_id"]), raster)
    assert (raster < 255).all()
    return raster


def inside(rings: list, task: dict) -> np.ndarray:
    """Pixels of a box that lie in rings of the stored image."""
    corner = [task["region"]["left"], task["region"]["top"]]
    return fill_rings([np.array(ring, float) - corner for ring in rings], SIDE, SIDE)


def test_what_is_predicted_is_accepted_by_one_key_or_changed_by_a_click_and_a_key(
    open_as: Open, office: Office
) -> None:
    with office.client("rita") as client:
        task_id = free_task(client)
        hand = Labeller(open_as("rita", f"#/annotate?task={task_id}"), client)
        hand.wait(task_id)
        before = predicted(client, task_id)
        answer = hand.send()
        assert (answer["values"] == before).all()
        assert answer["clicks"] == {"confirm": 1}
        assert {shape["mark"] for shape in answer["shapes"]} == {"unchanged"}
        hand.page.locator(f"[data-task='{task_id}']").wait_for(state="detached")
        task = hand.wait()  # the next box came by itself
        before = predicted(client, task["id"])
        hand.click((3.5, 3.5))
        hand.press("3")
        answer = hand.send()
        changed = answer["values"] != before
        assert changed[3, 3]
        assert (answer["values"][changed] == 2).all()
        assert answer["clicks"]["segment"] == 1
        assert answer["clicks"]["class"] == 1


def test_two_people_one_lease_that_ends_and_a_conflict_that_a_reviewer_decides(open_as: Open, office: Office) -> None:
    with office.client("ann") as of_ann, office.client("ben") as of_ben, office.client("rita") as client:
        task_id = free_task(of_ann)
        ann = Labeller(open_as("ann", f"#/annotate?task={task_id}"), client)
        ann.task = ann.wait(task_id)
        assert of_ben.post("/v1/tasks/lease", json={"count": 1, "task": task_id}).status_code == 409
        ann.page.context.set_offline(True)  # her page can't renew it any more
        end = time.monotonic() + 4 * LEASE_S
        while client.get(f"/v1/tasks/{task_id}").json()["lease"] is not None:
            assert time.monotonic() < end
            time.sleep(0.3)
        ben = Labeller(open_as("ben", f"#/annotate?task={task_id}"), client)
        ben.wait(task_id)
        ben.press("2", "Shift+F")
        assert (ben.send()["values"] == 1).all()
        ann.page.context.set_offline(False)
        ann.press("1", "Shift+F", "Enter")
        ann.page.locator(".toast.bad").wait_for()  # the answer is kept, and there are two now
        assert client.get(f"/v1/tasks/{task_id}").json()["state"] == "conflict"

        page = open_as("rita", f"#/review?task={task_id}")
        page.locator(f".review-place[data-task='{task_id}']").wait_for()
        assert page.locator(".answer-card h2").all_inner_texts() == ["ben", "ann", "Where they differ"]
        assert "256 of 256 px" in page.locator(".answer-card").last.inner_text()
        page.keyboard.press("2")
        page.get_by_text("the answer of ann is accepted").wait_for()
        row = client.get(f"/v1/tasks/{task_id}").json()
        assert (row["state"], row["who"]) == ("accepted", "ann")


def test_a_returned_answer_is_what_the_next_one_begins_with(open_as: Open, office: Office) -> None:
    with office.client("ben") as of_ben, office.client("rita") as client:
        task_id = free_task(of_ben)
        ben = Labeller(open_as("ben", f"#/annotate?task={task_id}"), client)
        ben.wait(task_id)
        ben.press("1", "Shift+F")
        ben.send()
        page = open_as("rita", "#/review")
        page.get_by_role("radio", name="Accepted").click()
        page.locator(f"[data-task='{task_id}'].review-row").click()
        page.locator(f".review-place[data-task='{task_id}']").wait_for()
        page.keyboard.press("r")
        page.get_by_role("textbox").fill("the right part is a car")
        page.get_by_role("button", name="Send").click()
        page.get_by_text("is asked again").wait_for()
        ben.page.goto("about:blank")
        again = Labeller(open_as("ben", f"#/annotate?task={task_id}"), client)
        again.wait(task_id)
        again.page.get_by_text("the right part is a car").wait_for()
        known = {answer["answer_id"] for answer in again.answers(task_id)}
        again.click((3.5, 3.5))
        again.press("2", "Enter")
        assert (again.newest(task_id, known)["values"] == 1).all()


def test_tokens_say_who_may_do_what(open_as: Open, office: Office) -> None:
    page = open_as("no such token", "#/annotate")
    page.get_by_text("refused this token").wait_for()
    page.get_by_role("textbox", name="Token").fill(office.tokens["ann"])
    page.get_by_role("button", name="Continue").click()
    page.locator("[data-task], .lonely").first.wait_for()
    page.goto(f"{office.url}/#/review")
    page.get_by_text("You can't review here").wait_for()
