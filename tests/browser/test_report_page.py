"""The report's page as a phone, a wide screen and a printer show it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from synthetic_runs import write_run

from raymeta.report.page import write_report


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    names = (("metabox_plus", 0), ("metabox_plus", 1), ("random_box", 0), ("random_box", 1))
    stores = [write_run(folder / f"{name}/seed_{seed}", name, seed, validation=9) for name, seed in names]
    return Path(write_report([store.location for store in stores], folder / "out"))


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(report.as_uri())
    yield page
    context.close()


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    """Tables and wide figures scroll inside their cards."""
    page.set_viewport_size({"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_paper_nothing_is_cut_off_or_missing(page: Page) -> None:
    page.set_viewport_size({"width": 680, "height": 960})  # A4 between its margins, at 96 dots an inch
    page.emulate_media(media="print", color_scheme="dark")
    cut = """[...document.querySelectorAll('.scroll, .one, figure')]
        .filter(each => !each.closest('details:not([open])'))
        .filter(each => each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth + 1)
        .map(each => each.textContent.slice(0, 80))"""
    assert page.evaluate(cut) == []
    assert page.evaluate("[...document.images].every(each => each.complete && each.naturalWidth > 0)")
    ink = page.evaluate("getComputedStyle(document.body).color")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    for heading in page.locator("h2").all():
        assert heading.evaluate("each => getComputedStyle(each).breakAfter") == "avoid"
    for text in page.locator("h2 + p").all():
        assert text.evaluate("each => getComputedStyle(each).breakAfter") == "avoid"


def test_a_lone_figure_does_not_fill_a_wide_screen(page: Page) -> None:
    page.set_viewport_size({"width": 1600, "height": 900})
    for figure in page.locator(".grid > :only-child").all():
        assert figure.bounding_box()["width"] <= 680
