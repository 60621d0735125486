"""Segments on the labelling page: is this its class? One key, click or tap each, in a Chromium."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from asked_run import BOX, asked_run
from labelling_service import serve_tasks
from one_click_page import annotate_page, answer_of, shown
from page_timing import NEXT
from playwright.sync_api import Browser, Page

from raymeta.annotation.segment_answers import point_mask

ROAD, CAR, SKY = range(3)
SHAPE = np.zeros((BOX, BOX), bool)
SHAPE[1:7, 2:8] = True
SHAPE[3, 3] = False
TASKS = 20
MAX_MS = 400
"""What other processes on the machine may add; docs/people.md has the figures."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A query of segments that the network calls cars."""
    boxes = [(f"im{number % 5}", 8 * (number // 5), 24) for number in range(TASKS)]
    segments = dict.fromkeys(range(1, TASKS + 1), (SHAPE, CAR))
    store = asked_run(tmp_path_factory.mktemp("segments_page"), boxes, segments=segments)
    with serve_tasks(Path(store.location)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, timeout=60) as opened:
        yield opened


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    with annotate_page(browser, url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("keys", "labelled", "value", "clicks"),
    [
        (["Enter"], SHAPE, CAR, {"confirm": 1}),
        (["2"], SHAPE, CAR, {"confirm": 1}),
        (["1"], SHAPE, ROAD, {"class": 1}),
        (["v"], SHAPE, 255, {"class": 1}),
        (["m", "Enter"], SHAPE, 255, {"mixed": 1}),
        (["m", "m"], SHAPE, 255, {"mixed": 1}),
        (["m", "3"], point_mask(SHAPE, 3), SKY, {"mixed": 1}),
        (["Shift+Digit3"], point_mask(SHAPE, 3), SKY, {"mixed": 1}),
        (["m", "Escape", "Enter"], SHAPE, CAR, {"confirm": 1}),
    ],
    ids=["yes", "its own key", "another class", "void", "mixed", "mixed twice", "ringed", "ringed at once", "back"],
)
def test_keys_answer_and_show_the_next(
    page: Page, client: httpx.Client, keys: list[str], labelled: np.ndarray, value: int, clicks: dict[str, int]
) -> None:
    first = shown(page)
    assert "Is this car?" in page.locator(".point-question").inner_text()
    for key in keys:
        page.keyboard.press(key)
    shown(page, first)
    answer = answer_of(page, client, first)
    np.testing.assert_array_equal(answer["values"], np.where(labelled, value, 255))
    assert answer["clicks"] == clicks
    assert client.get(f"/v1/tasks/{first}").json()["state"] == "accepted"


def test_the_last_one_is_corrected(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    page.keyboard.press("Enter")
    second = shown(page, first)
    page.keyboard.press("z")
    assert shown(page, second) == first
    assert "You said car" in page.locator(".point-question").inner_text()
    page.keyboard.press("3")
    shown(page, first)
    answer = answer_of(page, client, first, known=1)
    np.testing.assert_array_equal(answer["values"], np.where(SHAPE, SKY, 255))


def test_what_was_said_of_the_ring_stays_so_when_it_is_confirmed(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    page.keyboard.press("Shift+Digit3")
    second = shown(page, first)
    page.keyboard.press("z")
    assert shown(page, second) == first
    assert "in the ring sky" in page.locator(".point-question").inner_text()
    page.keyboard.press("Enter")
    shown(page, first)
    answer = answer_of(page, client, first, known=1)
    np.testing.assert_array_equal(answer["values"], np.where(point_mask(SHAPE, 3), SKY, 255))


def test_a_tap_answers_and_the_button_of_several_classes_is_there(
    browser: Browser, url: str, client: httpx.Client
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    page.set_default_timeout(60_000)
    page.goto(f"{url}/#/annotate")
    first = shown(page)
    page.locator("[data-act=mixed]").tap()
    assert "ring" in page.locator(".point-question").inner_text()
    page.locator(".class-button", has_text="sky").tap()
    second = shown(page, first)
    np.testing.assert_array_equal(answer_of(page, client, first)["values"], np.where(point_mask(SHAPE, 3), SKY, 255))
    page.locator("[data-act=accept]").tap()
    shown(page, second)
    assert answer_of(page, client, second)["clicks"] == {"confirm": 1}
    page.close()


def test_keys_are_shown_on_demand_and_a_reviewer_reads_what_was_said(page: Page, client: httpx.Client) -> None:
    first = shown(page)
    page.keyboard.press("?")
    assert "several classes" in page.locator("dialog").inner_text()
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")
    page.keyboard.press("1")
    shown(page, first)
    answer_of(page, client, first)
    page.goto(page.url.split("#")[0] + f"#/review?task={first}")
    page.get_by_role("radio", name="Accepted").click()
    page.locator(f".review-row[data-task='{first}']").click()
    page.locator(f".review-place[data-task='{first}']").wait_for()
    assert "road" in page.locator(".answer-said").inner_text()


def test_the_next_segment_is_there_at_once(page: Page) -> None:
    task_id = shown(page)
    page.wait_for_timeout(1500)  # those that follow are loaded meanwhile
    times = []
    for _ in range(3):
        page.evaluate(f"() => {{ window.measured = ({NEXT})() }}")
        page.keyboard.press("Enter")
        times.append(float(page.evaluate("() => window.measured")))
        task_id = shown(page, task_id)
    print("next segment", [round(each, 1) for each in times], "ms")
    assert sorted(times)[1] < MAX_MS


def test_a_superpixel_is_called_so_and_answered_alike(browser: Browser, tmp_path: Path) -> None:
    store = asked_run(tmp_path, [("im0", 8, 24)], segments={1: (SHAPE, CAR)}, parts="superpixels")
    with (
        serve_tasks(Path(store.location)) as address,
        annotate_page(browser, address) as page,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        task = shown(page)
        page.locator(".annotate-place", has_text="superpixel 1").wait_for()
        page.keyboard.press("Enter")
        answer = answer_of(page, client, task)
    np.testing.assert_array_equal(answer["values"], np.where(SHAPE, CAR, 255))
    assert answer["clicks"] == {"confirm": 1}
