"""The labelling page where the service answers late or in another order: nothing gets lost, done twice, or stale."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from asked_run import asked_run
from held_requests import HeldRequest, until
from labelling_service import Labeller, serve_tasks
from playwright.sync_api import Browser

BOXES = [("im1", 0, 0), ("im1", 8, 8), ("im1", 16, 16), ("im1", 24, 24), ("im1", 32, 32), ("im1", 0, 32)]
STORED = "(kind) => Object.entries(localStorage).filter(([name]) => name.startsWith(kind)).map(([, value]) => value)"

SOON = """
const later = window.setTimeout;
window.setTimeout = (act, wait, ...more) => later(act, wait === 10000 ? 10 : wait, ...more);
"""
"""The service gets a draft at once instead of after 10 s."""


@contextmanager
def hand_on(browser: Browser, folder: Path, boxes: list[tuple[str, int, int]], **more: Any) -> Iterator[Labeller]:
    """A hand on the page of a run that asks for boxes; errors of the page's scripts fail the test."""
    store = asked_run(folder, boxes, **more)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=60) as client:
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.set_default_timeout(60_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/#/annotate")
        yield Labeller(page, client)
        context.close()
        assert complaints == []


def leased(hand: Labeller) -> list[str]:
    return [task["id"] for task in hand.client.get("/v1/tasks").json()["tasks"] if task["lease"]]


def test_while_the_next_task_is_on_its_way_nothing_is_about_the_one_before(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:1]) as hand:
        task_id = hand.wait()["id"]
        lease = HeldRequest(hand.page, "**/v1/tasks/lease", "POST")
        hand.press("1", "f", "p", "Enter")
        lease.wait()
        hand.click((2, 2), (6, 2))  # draws on nothing
        hand.press("f", "Enter", "s", "u")
        hand.page.locator("[data-act=skip]").click()
        lease.release()
        hand.page.locator("[data-idle]").wait_for()
        assert len(hand.answers(task_id)) == 1
        assert hand.client.get(f"/v1/tasks/{task_id}").json()["state"] == "accepted"


def test_a_point_that_is_not_there_yet_is_neither_answered_nor_skipped(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:3], points=True) as hand:
        first = hand.wait()["id"]
        hand.page.wait_for_load_state("networkidle")
        second = HeldRequest(hand.page, "**/v1/tasks/*2/picture")
        hand.page.reload()
        hand.wait(first)
        second.wait()
        hand.press("1")
        hand.page.locator(f"[data-task='{first}'] .working:not([hidden])").wait_for()
        hand.press("s", "2", "u")
        second.release()
        task_id = hand.wait(first.replace("1", "2"))["id"]
        assert hand.answers(task_id) == []
        hand.press("s")
        hand.page.locator(f"[data-task='{first.replace('1', '3')}']").wait_for()


def test_tasks_that_were_leased_for_a_page_that_was_left_are_given_back(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES) as hand:
        hand.wait()
        until(hand.page, lambda: len(leased(hand)) == 4)
        hand.page.evaluate("location.hash = '#/'")
        until(hand.page, lambda: len(leased(hand)) == 1)  # the one on screen stays
        lease = HeldRequest(hand.page, "**/v1/tasks/lease", "POST")
        hand.page.evaluate("location.hash = '#/annotate'")
        lease.wait()
        assert len(leased(hand)) == 4
        hand.page.evaluate("location.hash = '#/'")
        lease.release()
        until(hand.page, lambda: leased(hand) == [])


def test_what_is_given_back_late_is_not_lost_after_it_was_leased_anew(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES) as hand:
        first = hand.wait()["id"]
        until(hand.page, lambda: len(leased(hand)) == 4)
        release = HeldRequest(hand.page, f"**/v1/tasks/{first.replace('1', '2')}/release", "POST", before=True)
        hand.page.evaluate("location.hash = '#/'")
        release.wait()
        hand.page.evaluate("location.hash = '#/annotate'")
        hand.page.wait_for_timeout(300)
        release.release()
        hand.wait(first)
        until(hand.page, lambda: len(leased(hand)) == 4)
        hand.page.wait_for_timeout(200)
        assert len(leased(hand)) == 4


def test_figures_that_come_late_do_not_replace_newer_ones(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:3]) as hand:
        progress = HeldRequest(hand.page, "**/v1/tasks/progress")
        hand.page.reload()
        hand.wait()
        progress.wait()
        hand.press("1", "f")
        hand.send()
        hand.page.get_by_text("1 of 3 in query-000 · 1 by you").wait_for()
        progress.release()
        assert hand.page.get_by_text("1 of 3 in query-000 · 1 by you").is_visible()


def test_loading_is_shown_for_the_task_that_is_waited_for(browser: Browser, tmp_path: Path) -> None:
    """Also where one before it, given up meanwhile, fails: that is nobody's business any more."""
    with hand_on(browser, tmp_path, BOXES[:4]) as hand:
        first = hand.wait()["id"]
        second, third = (first.replace("1", number) for number in "23")
        held = {task: HeldRequest(hand.page, f"**/{task}/picture") for task in (second, third)}
        hand.page.reload()
        hand.wait(first)
        for request in held.values():
            request.wait()
        hand.press("1", "f", "Enter")
        hand.newest(first, set())
        hand.page.locator("[data-act=previous]").click()  # back, though the second one is on its way
        hand.wait(first)
        hand.page.locator(f"[data-task='{first}'] .working[hidden]").wait_for(state="attached")
        held[second].fail()
        hand.page.wait_for_timeout(100)
        assert hand.page.locator(".annotate-side").is_visible()


def test_going_back_twice_ends_at_the_earlier_answer(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:4]) as hand:
        first = hand.wait()["id"]
        hand.press("1", "f")
        hand.send()
        second = hand.wait(first.replace("1", "2"))["id"]
        hand.press("1", "f")
        hand.send()
        hand.wait(first.replace("1", "3"))
        hand.page.wait_for_load_state("networkidle")
        lease = HeldRequest(hand.page, "**/v1/tasks/lease", "POST")
        hand.press("Shift+Enter")
        lease.wait()
        assert second in leased(hand)
        hand.press("Shift+Enter")
        hand.wait(first)
        lease.release()
        hand.page.wait_for_timeout(700)  # in which the other one would come
        hand.wait(first)


def test_a_draft_does_not_come_after_its_answer(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:2]) as hand:
        hand.page.add_init_script(SOON)
        draft = HeldRequest(hand.page, "**/draft", "PUT", before=True)
        hand.page.reload()
        task_id = hand.wait()["id"]
        hand.press("1", "f")
        draft.wait()
        hand.send()
        draft.release()
        hand.page.wait_for_timeout(200)
        assert hand.client.get(f"/v1/tasks/{task_id}").json()["draft"] is None


def test_an_answer_that_is_sent_after_a_reload_takes_its_draft_along(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:2]) as hand:
        task_id = hand.wait()["id"]
        put = HeldRequest(hand.page, "**/answers/*", "PUT", before=True)
        hand.press("1", "f", "Enter")
        put.wait()
        assert len(hand.page.evaluate(STORED, "raymeta-draft")) == 1
        hand.page.reload()
        hand.newest(task_id, set())
        until(hand.page, lambda: not hand.page.evaluate(STORED, "raymeta-outbox"))
        assert hand.page.evaluate(STORED, "raymeta-draft") == []


def test_two_tabs_keep_the_answers_of_both(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:4]) as hand:
        first = hand.wait()["id"]
        other = Labeller(hand.page.context.new_page(), hand.client)
        other.page.goto(hand.page.url + f"?task={first.replace('1', '2')}")
        other.wait(first.replace("1", "2"))
        for each in (hand, other):
            each.page.route("**/answers/*", lambda route: route.abort())
            each.press("1", "f", "Enter")
            each.page.get_by_text("kept in this browser").wait_for()
        hand.wait(first.replace("1", "2"))
        hand.press("1", "f", "Enter")
        hand.page.get_by_text("2 answers are kept").wait_for()
        (kept,) = hand.page.evaluate(STORED, "raymeta-outbox")
        assert kept.count('"taskId"') == 3


def test_what_follows_may_fail_while_a_task_is_on_screen(browser: Browser, tmp_path: Path) -> None:
    with hand_on(browser, tmp_path, BOXES[:4]) as hand:
        first = hand.wait()["id"]
        hand.page.goto("about:blank")
        hand.page.route(
            "**/v1/tasks/lease",
            lambda route: route.continue_() if first in route.request.post_data else route.fulfill(status=500, json={}),
        )
        hand.page.goto(f"{hand.client.base_url}/#/annotate?task={first}".replace("//#", "/#"))
        hand.page.get_by_text("go on, answers are kept").wait_for()
        hand.wait(first)
