"""The page while `raymeta serve` goes on: a new iteration, a lost connection, a token."""

from collections.abc import Iterator

import pytest
from browser_page import OpenPage
from hostile_folder import make_hostile_run
from served_run import TOKEN, ServedRun, serve_run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    folder = tmp_path_factory.mktemp("live")
    with serve_run(make_hostile_run(folder), folder, hold_back=1) as service:
        yield service


def test_new_iteration_appears_by_itself(open_page: OpenPage, served: ServedRun) -> None:
    before = served.json("model")["iteration"]
    overview, pool, pinned = open_page("#/"), open_page("#/pool?search=0"), open_page("#/?iteration=0")
    for page in (overview, pool, pinned):
        page.locator("h1").first.wait_for()
    pool.get_by_label("Search names").focus()
    pool.evaluate("window.stayed = true")
    requests: list[str] = []
    overview.on("response", lambda answer: "v1/iterations" in answer.url and requests.append(str(answer.status)))
    overview.wait_for_timeout(9000)
    assert requests
    assert set(requests) == {"304"}  # polled by ETag
    number = served.publish()
    assert number == before + 1
    overview.get_by_text(f"Iteration {number} is live.").wait_for()
    rows = served.json("iterations")["iterations"]
    overview.get_by_text(f"{number + 1} of 3").wait_for()
    assert overview.locator(".tile .value").first.inner_text() == f"{rows[-1]['miou'] * 100:.1f} %"
    assert overview.get_by_text("run finished").is_visible()
    assert overview.locator(".chart .dot").count() == number + 1
    pool.get_by_text(f"Iteration {number} is live.").wait_for()
    best = served.json("pool", iteration=number, search="0")["images"][0]
    pool.wait_for_function("first => document.querySelector('.name')?.textContent === first", arg=best["image_id"])
    assert pool.evaluate("window.stayed && document.activeElement.type === 'search'")  # nothing was reloaded
    assert pinned.get_by_text("first iteration", exact=True).is_visible()  # an older one stays


def test_lost_connection_is_told_and_comes_back(open_page: OpenPage) -> None:
    page = open_page("#/")
    page.locator(".tile").first.wait_for()
    page.context.set_offline(True)
    page.get_by_text("no answer, trying again").wait_for()
    page.get_by_role("link", name="Pool").click()
    page.get_by_text("The service does not answer").wait_for()
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").click()
    page.locator(".pool-card img[src]").first.wait_for()
    page.wait_for_function("() => document.querySelector('.state').dataset.state !== 'offline'")


def test_token_is_asked_for_until_it_is_right_and_kept(open_page: OpenPage) -> None:
    page = open_page("#/pool", token=None)
    field = page.get_by_label("Token", exact=True)
    field.fill("wrong")
    page.keyboard.press("Enter")
    page.get_by_text("refused this token").wait_for()
    field.fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator(".pool-card img[src]").first.wait_for()
    page.reload()
    page.locator(".pool-card img[src]").first.wait_for()
    assert page.locator("dialog").count() == 0
    assert TOKEN not in page.url


def test_without_a_token_the_page_says_so(open_page: OpenPage) -> None:
    page = open_page("#/", token=None)
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("This service asks for a token.").wait_for()
    page.get_by_role("button", name="Try again").click()
    page.get_by_label("Token", exact=True).fill(TOKEN)
    page.keyboard.press("Enter")
    page.locator(".tile").first.wait_for()
