"""Views where the service answers late or in another order: what is on screen is what was asked for last."""

import re
from pathlib import Path

import httpx
from asked_run import asked_run
from browser_page import OpenPage
from held_requests import HeldRequest, until
from labelling_service import serve_tasks
from playwright.sync_api import Browser, Page
from test_review_keys import answer_differently


def test_a_review_shows_the_list_that_was_chosen_last_and_decides_once(browser: Browser, tmp_path: Path) -> None:
    store = asked_run(tmp_path, [("im1", 0, 0), ("im2", 8, 8), ("im2", 16, 16)])
    first, second, third = answer_differently(store)
    with serve_tasks(Path(store.location)) as url, httpx.Client(base_url=url, timeout=60) as client:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(60_000)
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{url}/#/review")
        page.locator(f".review-place[data-task='{first}']").wait_for()

        done = HeldRequest(page, re.compile(r"/v1/tasks\?state=accepted"))
        page.get_by_role("radio", name="Accepted").click()
        done.wait()
        page.get_by_role("radio", name="To decide").click()
        done.release()
        page.locator(f".review-place[data-task='{first}']:not([inert])").wait_for()
        assert page.locator(".review-row").count() == 3

        picture = HeldRequest(page, f"**/{second}/picture")
        page.locator(".review-row").nth(1).click()
        picture.wait()
        page.keyboard.press("ArrowDown")
        page.locator(f".review-place[data-task='{third}']:not([inert])").wait_for()
        picture.fail()
        assert page.locator(f".review-place[data-task='{third}']").is_visible()

        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        page.locator(f".review-place[data-task='{first}']:not([inert])").wait_for()
        accept = HeldRequest(page, "**/accept", "POST")
        page.keyboard.press("1")
        accept.wait()
        page.keyboard.press("2")  # the first one holds already
        accept.release()
        page.locator(f".review-place[data-task='{second}']:not([inert])").wait_for()
        accepted = [answer["accepted"] for answer in client.get(f"/v1/tasks/{first}/answers").json()["answers"]]
        assert accepted == [True, False]
        page.close()
        assert complaints == []


def shown_again(page: Page) -> None:
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_one_look_at_the_run_at_a_time(open_page: OpenPage) -> None:
    page = open_page()
    page.locator(".tile").first.wait_for()
    look = HeldRequest(page, "**/v1/iterations")
    shown_again(page)
    look.wait()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/iterations") else None)
    for _ in range(5):
        shown_again(page)
    look.release()
    page.wait_for_timeout(300)
    assert asked == []
    shown_again(page)
    until(page, lambda: len(asked) == 1)
