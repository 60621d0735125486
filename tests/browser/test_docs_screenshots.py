"""The docs site in a browser. Where RAYMETA_SCREENSHOTS names a folder (`make screenshots`) pictures of it are kept."""

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from docs_site import build_site
from kept_pictures import FOLDER, save
from playwright.sync_api import Browser

LAPTOP, PHONE = (1280, 800), (390, 844)
VIEWS = (
    ("home_light", "", LAPTOP, "light"),
    ("people_dark", "people/#the-page", LAPTOP, "dark"),
    ("method_light", "method/#adjusted-iou", LAPTOP, "light"),
    ("api_dark", "api/#raymeta.annotation.clicks.AnnotatedScene", LAPTOP, "dark"),
    ("home_phone", "", PHONE, "light"),
    ("keys_phone", "keys/#acquisition", PHONE, "dark"),
)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("mkdocs")
    site = build_site(tmp_path_factory.mktemp("docs"))
    handler = functools.partial(QuietHandler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.skipif(FOLDER is None, reason="RAYMETA_SCREENSHOTS names no folder for the pictures")
@pytest.mark.parametrize(("name", "place", "screen", "theme"), VIEWS, ids=[view[0] for view in VIEWS])
def test_docs_screenshots(
    browser: Browser, url: str, name: str, place: str, screen: tuple[int, int], theme: str
) -> None:
    width, height = screen
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{url}/{place}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)  # the page has scrolled to its heading
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    save(page, f"site/{name}")
    context.close()


def test_no_page_is_wider_than_a_phone(browser: Browser, url: str) -> None:
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]})
    page = context.new_page()
    page.goto(url)
    links = page.locator(".md-nav__link[href]").evaluate_all("all => all.map((link) => link.href.split('#')[0])")
    assert len(set(links)) > 20
    for link in sorted(set(links)):
        page.goto(link)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), link
    context.close()
