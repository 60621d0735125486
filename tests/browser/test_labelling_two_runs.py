"""Two runs, one after the other at the same address: neither shows nor gets what belongs to the other one."""

import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from asked_run import asked_run
from labelling_service import Labeller, serve_tasks
from PIL import Image
from playwright.sync_api import Browser, BrowserContext

TASK = "initial-000001"
DARK, BRIGHT = 20, 220
KEPT = "(kind) => Object.keys(localStorage).some((name) => name.startsWith(kind))"
"""Whether this browser keeps something of a kind."""


def make_run(folder: Path, grey: int) -> Path:
    """A run that asks for an image of one grey; folder, task and image are called as in every other one."""
    asked_run(folder, [], images=1)
    for image in (folder / "data/images/train").glob("*.png"):
        Image.fromarray(np.full((48, 64, 3), grey, np.uint8)).save(image)
    return folder / "run"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One browser of one person."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    yield context
    context.close()


def opened(context: BrowserContext, url: str) -> Labeller:
    """The labelling page with the task, in a new tab."""
    page = context.new_page()
    page.goto(f"{url}/#/annotate?task={TASK}")
    hand = Labeller(page, httpx.Client(base_url=url, timeout=60))
    hand.wait(TASK)
    return hand


def shown_grey(hand: Labeller) -> int:
    """What the page shows in the middle of the region."""
    x, y = hand.screen(40, 30)
    pixel = hand.page.screenshot(clip={"x": x, "y": y, "width": 1, "height": 1})
    return int(np.asarray(Image.open(io.BytesIO(pixel)).convert("L"))[0, 0])


def test_each_run_has_its_own_pictures_drafts_and_answers(context: BrowserContext, tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a", DARK), make_run(tmp_path / "b", BRIGHT)
    with serve_tasks(first) as url:
        old = opened(context, url)
        assert abs(shown_grey(old) - DARK) < 8
        old.press("2", "p")
        old.click((2, 2), (20, 2), (20, 20), (2, 20))
        old.press("Enter")  # closes the polygon
        old.page.wait_for_function(KEPT, arg="raymeta-draft")
        old.page.evaluate("() => { window.isOld = true; }")
    old.press("f", "Enter")
    old.page.wait_for_function(KEPT, arg="raymeta-outbox")
    port = urlsplit(url).port or 0
    with serve_tasks(second, port=port):
        new = opened(context, url)
        assert abs(shown_grey(new) - BRIGHT) < 8
        assert "draft" not in new.page.locator(".hint").inner_text()
        new.press("1", "f")
        assert (new.send()["values"] == 0).all()
        old.page.wait_for_function("() => !window.isOld")  # the page has noticed that another run is served
        old.wait(TASK)
        assert shown_grey(old) > (DARK + BRIGHT) / 2  # below the colour of the answer
        assert old.page.evaluate(KEPT, "raymeta-outbox")
        assert len(new.answers(TASK)) == 1
        new.page.close()
        old.page.close()
    with serve_tasks(first, port=port):  # what was drawn there has waited for it
        assert (opened(context, url).newest(TASK)["values"] == 1).all()
