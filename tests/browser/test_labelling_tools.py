"""Each tool of the labelling page against the real service: rasters by hand, counters click by click."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from labelling_service import EDGE, HEIGHT, WIDTH, Labeller, go_on, serve_tasks, whole, write_two_tones
from playwright.sync_api import Browser, BrowserContext
from simulated_person import config_text

ROAD, CAR = 0, 1
Start = Callable[..., Labeller]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has begun and asks for whole images; it has no network and no iteration."""
    folder = tmp_path_factory.mktemp("labelling")
    write_two_tones(folder / "data")
    text = config_text(folder / "data", folder / "run", "{kind: people}")
    (folder / "config.yaml").write_text(text.replace("initial_images: 2", "initial_images: 8"))
    assert not go_on(folder / "config.yaml")
    return folder / "run"


@pytest.fixture(scope="module")
def url(run_dir: Path) -> Iterator[str]:
    with serve_tasks(run_dir) as url:
        yield url


@pytest.fixture
def contexts(browser: Browser) -> Iterator[list[BrowserContext]]:
    opened: list[BrowserContext] = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def start(browser: Browser, url: str, contexts: list[BrowserContext]) -> Iterator[Start]:
    """start(task) → the labelling page with a task that nobody has answered, or with the named one."""
    complaints: list[str] = []
    client = httpx.Client(base_url=url, timeout=60)

    def open_task(task_id: str | None = None, width: int = 1440, height: int = 900, **more: object) -> Labeller:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if task_id is None:
            answered = client.get("/v1/tasks", params={"set": "initial"}).json()["tasks"]
            task_id = next(task["id"] for task in answered if not task["answers"])
        page.goto(f"{url}/#/annotate?task={task_id}")
        labeller = Labeller(page, client)
        labeller.wait(task_id)
        return labeller

    yield open_task
    client.close()
    assert complaints == []


def test_fill_and_polygon(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "2", "p")
    hand.click((8, 8), (30, 8), (30, 32), (8, 32))
    hand.press("Enter")
    answer = hand.send()
    expected = whole(ROAD)
    expected[8:32, 8:30] = CAR
    assert (answer["values"] == expected).all()
    assert answer["clicks"] == {"class": 2, "fill": 1, "vertex": 4}
    assert answer["uncovered"] == 0
    assert 0 < answer["seconds"] < 60


def test_two_crossings_close_along_the_border_and_double_click_closes_inside(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "2", "p")
    hand.click((0, 12), (WIDTH, 12))  # the part above is smaller
    hand.click((10, 20), (20, 20), (20, 30))
    hand.page.mouse.dblclick(*hand.screen(10, 30))
    answer = hand.send()
    expected = whole(ROAD)
    expected[:12] = CAR
    expected[20:30, 10:20] = CAR
    assert (answer["values"] == expected).all()
    assert answer["clicks"] == {"class": 2, "fill": 1, "crossing": 2, "vertex": 4, "close": 1}


def test_live_wire_follows_the_edge_of_the_picture(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "2", "p")
    hand.click((EDGE, 0))
    hand.click((EDGE - 3, HEIGHT), modifiers="Shift")
    answer = hand.send()
    expected = whole(ROAD)
    expected[:, EDGE:] = CAR
    assert (answer["values"][: HEIGHT - 1] == expected[: HEIGHT - 1]).all()  # the last row runs to the click
    assert answer["clicks"] == {"class": 2, "fill": 1, "crossing": 1, "livewire": 1}


def test_brush_eraser_undo_redo_and_void(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "2", "b", "[", "[", "[")  # half a pixel: one row
    hand.stroke((4.5, 6.5), (20.5, 6.5))
    hand.press("z", "y")
    hand.press("v")
    hand.stroke((4.5, 9.5), (8.5, 9.5))
    hand.press("e")
    hand.stroke((30.5, 20.5), (31.5, 20.5))
    answer = hand.send()
    expected = whole(ROAD)
    expected[6, 4:21] = CAR
    expected[9, 4:9] = 255
    expected[20, 30:32] = 255
    assert (answer["values"] == expected).all()
    assert answer["clicks"] == {"class": 3, "fill": 1, "brush": 2, "erase": 1, "undo": 1, "redo": 1}
    assert answer["uncovered"] == 2  # within oracle.max_uncovered


def test_segments_are_cut_and_reclassed(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "k")
    hand.click((0, 24), (WIDTH, 24))
    hand.press("Enter", "2")
    answer = hand.send()
    halves = np.vstack([whole(CAR)[:24], whole(ROAD)[24:]])
    assert (answer["values"] == halves).all() or (answer["values"] == halves[::-1]).all()
    assert answer["clicks"] == {"class": 2, "fill": 1, "cut": 2}


def test_everything_by_keys(start: Start) -> None:
    hand = start()
    hand.press("1", "f", "2", "p")
    hand.press("ArrowRight")  # the crosshair shows in the middle, at (32, 24)
    for moves in ([], ["Shift+ArrowRight"], ["Shift+ArrowDown"], ["Shift+ArrowLeft"]):
        hand.press(*moves, " ")
    hand.press("Enter")
    answer = hand.send()
    expected = whole(ROAD)
    expected[24:32, 32:40] = CAR
    assert (answer["values"] == expected).all()
    assert answer["clicks"] == {"class": 2, "fill": 1, "vertex": 4}


def test_what_is_missing_is_told_until_it_is_filled(start: Start) -> None:
    hand = start()
    hand.press("Enter")
    missing = hand.page.get_by_text("has no class yet")
    missing.wait_for()
    hand.press("1")
    assert missing.is_visible()
    hand.press("f")
    missing.wait_for(state="detached")
    assert hand.page.locator(".hint").inner_text()  # what the tool does


def test_unfinished_answer_asks_twice_and_undecidable_needs_no_class(start: Start) -> None:
    hand = start()
    task_id = hand.task["id"]
    hand.press("Enter")
    hand.page.get_by_text("has no class yet").wait_for()
    assert hand.answers(task_id) == []
    hand.press("u")
    answer = hand.newest(task_id)
    assert answer["undecidable"]
    assert (answer["values"] == 255).all()


def test_draft_outlives_a_reload_and_an_answer_can_be_corrected(start: Start) -> None:
    hand = start()
    hand.press("1", "f")
    hand.page.wait_for_timeout(600)
    hand.page.reload()
    hand.wait(hand.task["id"])
    hand.page.get_by_text("goes on").wait_for()
    hand.press("2", "p")
    hand.click((0, 12), (WIDTH, 12))
    first = hand.send()
    assert first["clicks"] == {"class": 2, "fill": 1, "crossing": 2}
    assert (first["values"] == np.vstack([whole(CAR)[:12], whole(ROAD)[12:]])).all()
    before = hand.task["id"]
    hand.page.locator(f"[data-task='{before}']").wait_for(state="detached")
    hand.press("Shift+Enter")
    hand.wait(before)
    hand.press("3")
    hand.click((5, 40))
    hand.press("3")
    assert (hand.send()["values"] == np.vstack([whole(CAR)[:12], whole(2)[12:]])).all()


def test_answers_are_kept_while_the_service_is_away(start: Start, contexts: list[BrowserContext]) -> None:
    hand = start("meta-000001")
    hand.press("1", "f")
    hand.page.wait_for_load_state("networkidle")  # the next ones are there
    contexts[-1].set_offline(True)
    hand.press("Enter")
    hand.page.get_by_text("kept in this browser").wait_for()
    assert hand.answers("meta-000001") == []
    contexts[-1].set_offline(False)
    assert (hand.newest("meta-000001")["values"] == whole(ROAD)).all()
    hand.page.locator(".annotate-banner").wait_for(state="hidden")


def test_fingers_draw_and_two_of_them_do_not(start: Start) -> None:
    hand = start("meta-000002", width=400, height=800, has_touch=True, is_mobile=True)
    hand.page.locator(".class-button", has_text="road").tap()
    hand.page.get_by_role("button", name="Fill the rest").tap()
    hand.page.locator(".class-button", has_text="car").tap()
    hand.page.get_by_role("button", name="Polygon").tap()
    for point in ((8, 8), (40, 8), (40, 40), (8, 40), (8, 8)):  # the first once more: it closes
        hand.page.touchscreen.tap(*hand.screen(*point))
        hand.page.wait_for_timeout(400)
    task_id = hand.task["id"]
    hand.page.locator("[data-act=accept]").tap()
    answer = hand.newest(task_id)
    inside = answer["values"][10:38, 10:38]
    assert (inside == CAR).all()
    assert answer["values"][:6].max() == ROAD
    assert answer["clicks"] == {"class": 2, "fill": 1, "vertex": 4, "close": 1}
