"""An own image in a run of superpixels: the parts that it would ask are listed; boxes by another strategy."""

from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from tiny_runs import TinyRun, encode, serving

from raymeta.service.http.app import create_app
from raymeta.service.scoring.local_backend import LocalBackend
from raymeta.service.settings import ServiceSettings


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    run = TinyRun(tmp_path_factory.mktemp("own"), "random_superpixels")
    run.commit(0)
    settings = ServiceSettings(run.location, threads=1, access_log="/dev/null")
    with serving(create_app(settings, LocalBackend(settings))) as found:
        yield found


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{url}/#/own")
    rng = np.random.default_rng(5)
    pixels = cv2.resize(rng.integers(0, 256, (10, 14, 3), dtype=np.uint8), (56, 40), interpolation=cv2.INTER_NEAREST)
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.png", "mimeType": "image/png", "buffer": encode(pixels)}
    )
    yield page
    context.close()


def test_the_parts_that_the_run_would_ask_are_shown(page: Page) -> None:
    panel = page.get_by_role("region", name="Best superpixels")
    expect(panel.locator("tbody tr")).to_have_count(20)
    assert page.locator("#own-strategy").input_value() == "random_superpixels"
    assert {cell.inner_text() for cell in panel.locator("tbody td:nth-child(3)").all()} == {"1"}  # a click each


def test_another_strategy_proposes_boxes(page: Page) -> None:
    expect(page.get_by_role("region", name="Best superpixels").locator("tbody tr")).to_have_count(20)
    with page.expect_response(lambda answer: "/v1/boxes" in answer.url) as asked:
        page.locator("#own-strategy").select_option("entropy_box")
    assert asked.value.json()["unit"] == "box"
    panel = page.get_by_role("region", name="Best boxes")
    expect(panel.locator("tbody tr")).to_have_count(len(asked.value.json()["boxes"]))
