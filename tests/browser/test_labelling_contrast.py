"""Texts of the labelling and the review view stand out (WCAG AA), light and dark; no tool covers the picture."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from http_person import png_of, put
from labelling_service import Labeller, go_on, serve_tasks, whole, write_two_tones
from playwright.sync_api import Browser
from simulated_person import config_text

LOW_CONTRAST = (Path(__file__).parent / "low_contrast.js").read_text()
COVERED = """([left, top, right, bottom]) => {
  const over = [];
  for (let y = top + 1; y < bottom; y += 6) for (let x = left + 1; x < right; x += 6) {
    const found = document.elementFromPoint(x, y);
    if (found.tagName !== 'CANVAS') over.push([x, y, found.className.toString()]);
  }
  return over.slice(0, 5);
}"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A run that waits for whole images; one answer is unfinished, and waits for a reviewer."""
    folder = tmp_path_factory.mktemp("contrast")
    write_two_tones(folder / "data")
    (folder / "config.yaml").write_text(config_text(folder / "data", folder / "run", "{kind: people}"))
    assert not go_on(folder / "config.yaml")
    with serve_tasks(folder / "run") as address, httpx.Client(base_url=address, timeout=60) as client:
        (task,) = client.post("/v1/tasks/lease", json={"count": 1}).json()["tasks"]
        values = whole(0)
        values[:, 20:] = 255
        put(client, task, {"raster_png": png_of(values)}).raise_for_status()
        yield address


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_stand_out_and_nothing_covers_the_picture(browser: Browser, url: str, theme: str) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768}, color_scheme=theme)
    page.set_default_timeout(60_000)
    page.goto(f"{url}/#/annotate")
    with httpx.Client(base_url=url, timeout=60) as client:
        hand = Labeller(page, client)
        task = hand.wait()
        hand.press("1", "p")
        region = task["region"]
        corners = [*hand.screen(0, 0), *hand.screen(region["width"], region["height"])]
        assert page.evaluate(COVERED, corners) == []
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("?")
    page.locator("dialog[open]").wait_for()
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("Escape")
    page.goto(f"{url}/#/review")
    page.locator(".review-row").first.wait_for()
    assert page.evaluate(LOW_CONTRAST) == []
    page.close()
