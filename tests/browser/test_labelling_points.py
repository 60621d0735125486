"""Points on the labelling page, as a person answers them: one key, click or tap each, in a Chromium, on a real run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from http_person import pixels_of
from labelling_service import EDGE, answer_rest, go_on, serve_tasks, write_two_tones
from one_click_page import annotate_page, answer_of, shown
from page_timing import NEXT
from playwright.sync_api import Browser, Page
from simulated_person import config_text

ACQUISITION = "{strategy: metabox_plus, box_width: 8, query_size: 6, initial_images: 2, meta_images: 2}"
POINTS = "{strategy: metabox, unit: point, box_width: 8, query_size: 14, initial_images: 2, meta_images: 2}"
MAX_MS = 400
"""What other processes on the machine may add; docs/people.md has the figures."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("points_page")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """A query of points of 3×3 pixels, asked for by a network that was trained on two images."""
    write_two_tones(folder / "data")
    text = config_text(folder / "data", folder / "run", "{kind: people}").replace(ACQUISITION, POINTS)
    (folder / "config.yaml").write_text(text)
    assert not go_on(folder / "config.yaml")
    with serve_tasks(folder / "run") as address:
        with httpx.Client(base_url=address, timeout=60) as client:
            answer_rest(client)
        assert not go_on(folder / "config.yaml")
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with annotate_page(browser, url) as opened:
        yield opened


def predicted(client: httpx.Client, task: dict[str, Any]) -> str | None:
    """Name of the class that the network sees at a point."""
    answer = client.get(f"/v1/tasks/{task['id']}/prelabels").json()
    colours = pixels_of(answer["raster_png"]).astype(int)
    number = int(colours[1, 1] @ [1, 256, 65536])
    return next((each["class_name"] for each in answer["segments"] if each["id"] == number), None)


def test_one_key_answers_and_shows_the_next(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    task = client.get(f"/v1/tasks/{first}").json()
    assert task["point"] == {"row": task["region"]["top"] + 1, "column": task["region"]["left"] + 1}
    page.keyboard.press("2")
    second = shown(page, first)
    answer = answer_of(page, client, first)
    assert answer["values"].tolist() == [[1] * 3] * 3
    assert answer["clicks"] == {"class": 1}
    assert client.get(f"/v1/tasks/{first}").json()["state"] == "accepted"
    assert second != first


def test_enter_accepts_what_the_network_sees(page: Page, client: httpx.Client) -> None:
    task_id = shown(page)
    name = predicted(client, client.get(f"/v1/tasks/{task_id}").json())
    assert page.locator(".point-suggestion strong").inner_text() == name
    assert page.locator(".class-button[aria-pressed=true]").inner_text().split("\n")[0] == name
    page.keyboard.press("Enter")
    answer = answer_of(page, client, task_id)
    assert answer["clicks"] == {"confirm": 1}
    names = [each["name"] for each in client.get("/v1/tasks/me").json()["classes"]]
    assert names[answer["values"][1, 1]] == name
    assert answer["shapes"][0]["mark"] == "unchanged"


def test_back_to_the_last_point_corrects_it(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    page.keyboard.press("1")
    second = shown(page, first)
    answer_of(page, client, first)
    page.keyboard.press("z")
    assert shown(page, second) == first
    assert page.locator(".point-suggestion strong").inner_text() == "road"
    page.keyboard.press("3")
    assert shown(page, first) == second
    assert answer_of(page, client, first, known=1)["values"][1, 1] == 2
    task = client.get(f"/v1/tasks/{first}").json()
    assert (task["state"], task["answers"]) == ("accepted", 2)


def test_undecidable_skip_and_a_click_on_a_class(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    page.keyboard.press("u")
    second = shown(page, first)
    answer = answer_of(page, client, first)
    assert (answer["undecidable"], answer["clicks"]) == (True, {"undecidable": 1})
    page.keyboard.press("s")
    third = shown(page, second)
    page.locator(".class-button", has_text="sky").click()
    fourth = shown(page, third)
    assert answer_of(page, client, third)["values"][1, 1] == 2
    assert client.get(f"/v1/tasks/{second}/answers").json()["answers"] == []
    page.keyboard.press("1")  # who has clicked goes on with keys
    shown(page, fourth)
    assert answer_of(page, client, fourth)["values"][1, 1] == 0


RINGED = """() => {
  const canvas = document.querySelector('.stage canvas');
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const found = [];
  for (let at = 0; at < width * height; at += 1)
    if (data[4 * at] > 240 && data[4 * at + 1] > 210 && data[4 * at + 2] < 110)
      found.push([at % width, Math.floor(at / width)]);
  return found;
}"""


def test_the_next_point_is_there_at_once_in_a_ring_that_leaves_it_free(page: Page, client: httpx.Client) -> None:
    task_id = shown(page)
    page.wait_for_timeout(1500)  # those that follow are loaded meanwhile
    times = []
    for _ in range(3):
        page.evaluate(f"() => {{ window.measured = ({NEXT})() }}")
        page.keyboard.press("1")
        times.append(float(page.evaluate("() => window.measured")))
        task_id = shown(page, task_id)
    print("next point", [round(each, 1) for each in times], "ms")
    assert sorted(times)[1] < MAX_MS
    page.wait_for_timeout(100)
    ring = np.array(page.evaluate(RINGED))
    middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
    away = np.hypot(*(ring - middle).T)
    outline = away < 16
    assert away[~outline].min() > 18  # nothing but the pixel's outline near it
    place = page.locator(".stage canvas").bounding_box()
    task = client.get(f"/v1/tasks/{task_id}").json()
    inside = page.evaluate(
        "([x, y]) => [...document.querySelector('.stage canvas').getContext('2d').getImageData(x, y, 1, 1).data]",
        [round(float(each)) for each in middle],
    )
    bright = task["point"]["column"] >= EDGE
    assert (inside[0] > 150) == bright  # the picture itself, dark left of the edge
    assert place is not None


def test_a_tap_on_a_phone_answers(browser: Browser, url: str, client: httpx.Client) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 844}, has_touch=True, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{url}/#/annotate")
    task_id = shown(page)
    page.locator(".class-button", has_text="car").tap()
    shown(page, task_id)
    assert answer_of(page, client, task_id)["values"][1, 1] == 1
    context.close()


def test_pages_of_people_speak_of_points(page: Page, client: httpx.Client, folder: Path) -> None:
    """The last one: the query is answered, and its iteration finished."""
    shown(page)
    assert "point " in page.locator(".annotate-side .side-head").inner_text()
    page.keyboard.press("?")
    assert page.locator("dialog").inner_text().count("pixel in the ring") == 1
    page.keyboard.press("Escape")
    assert client.get("/v1/tasks/ledger").json()["unit"] == "point"
    answer_rest(client)
    assert not go_on(folder / "config.yaml")
    with serve_tasks(folder / "run") as again:
        page.goto(f"{again}/#/")
        panel = page.locator("section", has=page.locator("#labelling-title"))
        panel.wait_for()
        text = panel.inner_text()
        assert "points in query" in page.locator("main").inner_text()
    assert "clicks a point" in text
    row = text.splitlines()[-1].split("\t")
    assert (row[0], row[3]) == ("raymeta page", "1.0"), "one of the model's clicks each"
    assert "box" not in text
