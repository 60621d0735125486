"""The pool grid: order, search, keys, and only as many cards and pictures as are looked at."""

import json
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from browser_page import OpenPage
from hostile_folder import MARKUP, ODD
from playwright.sync_api import Page, Route
from served_run import ServedRun


def shown_ids(page: Page) -> list[str]:
    """Ids of the cards on show, in their order."""
    page.locator(".pool-card img[src]").first.wait_for()
    return [name.text_content() or "" for name in page.locator(".pool-card .name").all()]


@pytest.mark.parametrize(("sort", "order"), [("score", "desc"), ("entropy", "asc"), ("image_id", "asc")])
def test_cards_are_in_the_order_of_the_service(open_page: OpenPage, served: ServedRun, sort: str, order: str) -> None:
    expected = served.image_ids(sort=sort, order=order)
    page = open_page("#/pool")
    page.get_by_label("Sort by").select_option(sort)
    if order == "asc":
        page.get_by_role("button", name="switch to lowest first").click()
    page.wait_for_function("first => document.querySelector('.name')?.textContent === first", arg=expected[0])
    assert shown_ids(page) == expected[: len(shown_ids(page))]
    page.reload()  # the address keeps the order
    assert shown_ids(page)[0] == expected[0]


def test_search_finds_and_says_when_it_does_not(open_page: OpenPage, served: ServedRun) -> None:
    page = open_page("#/pool")
    shown_ids(page)
    page.keyboard.press("/")
    page.keyboard.type("nowhere to be found")
    page.get_by_text("No image", exact=True).wait_for()
    page.get_by_role("button", name="Show all").click()
    assert len(shown_ids(page)) == 14
    page.get_by_label("Search names").fill("100% #1?")
    page.get_by_text("1 image found").wait_for()
    assert shown_ids(page) == [ODD]


def test_markup_in_names_stays_text(open_page: OpenPage, served: ServedRun) -> None:
    page = open_page("#/pool?search=onerror")
    assert shown_ids(page) == [MARKUP]
    page.locator(".pool-card").click()
    page.locator(".image-name").wait_for()
    assert page.locator(".image-name").inner_text() == MARKUP
    assert page.title() == f"{MARKUP} · raymeta"
    page.goto(f"{served.url}/#/image/{quote(MARKUP + '<b>x</b>', safe='')}")
    page.get_by_text("Not found").wait_for()
    assert page.locator("main b, main i, main img[onerror], main img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.dataset.hacked") is None


def test_keys_walk_open_and_come_back(open_page: OpenPage, served: ServedRun) -> None:
    ids = served.image_ids()
    page = open_page("#/pool", width=700, height=500)
    shown_ids(page)
    columns = int(page.locator(".virtual-grid").get_attribute("aria-colcount") or 0)
    focused = "document.activeElement.querySelector('.name')?.textContent"
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused) == ids[0]
    for key, index in (
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("End", len(ids) - 1),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        assert page.evaluate(focused) == ids[index], key
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.locator(".image-name").wait_for()
    assert page.locator(".image-name").inner_text() == ids[columns]
    page.keyboard.press("Escape")
    page.locator(".pool-card").first.wait_for()
    page.wait_for_function(f"() => {focused} === {json.dumps(ids[columns])}")


def test_pictures_that_scroll_away_are_given_up(open_page: OpenPage) -> None:
    page = open_page("#/", width=460, height=420)
    held: list[Route] = []
    page.route("**/image?max_side=*", lambda route: held.append(route))  # playwright wants a function of Python
    given_up: list[str] = []
    page.on("requestfailed", lambda request: given_up.append(request.url))
    page.get_by_role("link", name="Pool").click()
    page.locator(".pool-card").first.wait_for()
    while not held:
        page.wait_for_timeout(20)
    page.mouse.move(200, 300)
    page.mouse.wheel(0, 5000)
    page.wait_for_function("() => !document.querySelector('[data-index=\"0\"]')")
    page.wait_for_timeout(200)
    assert given_up
    assert all("max_side" in url for url in given_up)


def test_thousands_of_images_are_a_few_cards(open_page: OpenPage, served: ServedRun) -> None:
    """The list of a large pool is made up, since no run of that size fits into a test; the pictures are real."""
    rows = served.json("pool")["images"]
    total, asked = 5000, []

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        first, limit = int(query["offset"][0]), int(query["limit"][0])
        asked.append(first)
        images = [rows[index % len(rows)] for index in range(first, min(total, first + limit))]
        route.fulfill(json={"total": total, "images": images})

    page = open_page("#/")
    page.route("**/v1/pool?*", answer)
    page.get_by_role("link", name="Pool").click()
    page.get_by_text("5,000 images").wait_for()
    page.locator(".pool-card img[src]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.wait_for_function("() => document.activeElement.dataset.index === '4999' && document.activeElement.href")
    page.locator("[data-index='4999'] img[src]").wait_for()
    assert page.locator(".pool-card").count() < 80
    assert len(asked) < 8


def test_failed_list_says_why_and_can_be_tried_again(open_page: OpenPage, served: ServedRun) -> None:
    page = open_page("#/pool?sort=nonsense")
    page.get_by_text("That did not work").wait_for()
    told = served.client.get("/v1/pool", params={"sort": "nonsense"}).json()["detail"]
    assert told in page.locator(".lonely p").inner_text()
    page.get_by_label("Sort by").select_option("entropy")
    assert len(shown_ids(page)) == 14
