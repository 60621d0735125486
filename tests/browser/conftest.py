"""A real Chromium on the page of a service over a real small run. Skips where there is no Chromium."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_page import OpenPage
from hostile_folder import make_hostile_run
from playwright.sync_api import Browser, Page, sync_playwright
from served_run import TOKEN, ServedRun, serve_here

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("RAYMETA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
SHORT = (
    "test_overview.py",
    "test_image.py",
    "test_screenshots.py",
    "test_labelling_core.py",
    "test_labelling_tools.py",
    "test_labelling_two_runs.py",
    "test_labelling_progress.py",
    "test_late_answers.py",
    "test_late_views.py",
    "test_review_keys.py",
    "test_report_page.py",
)
"""Part of every run; the other files are marked `long`."""
ON_RAY = ("test_live_run.py", "test_screenshots.py")
"""Files whose service is `raymeta serve`; that of the others runs in this process."""
HARMLESS = ("status of 401", "status of 404", "status of 413", "status of 422", "ERR_INTERNET_DISCONNECTED")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and skip it where no browser is found."""
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if item.path.name in ON_RAY:
            item.add_marker(pytest.mark.ray)
        item.add_marker(pytest.mark.slow)
        if item.path.name not in SHORT:
            item.add_marker(pytest.mark.long)
        if CHROMIUM is None:
            reason = f"no Chromium ({', '.join(NAMES)}): install it, or name its file in RAYMETA_CHROMIUM"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedRun]:
    """Two of three iterations are committed; names of images and of a class look like markup."""
    folder = tmp_path_factory.mktemp("browser")
    with serve_here(make_hostile_run(folder), folder, hold_back=1) as service:
        yield service


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium. While it is open an event loop runs in this thread, which other tests' asyncio.run would meet."""
    with sync_playwright() as started:
        # Inside a container Chromium's own sandbox can't start; the pages are the project's own.
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Browser, served: ServedRun) -> Iterator[OpenPage]:
    """open_page(hash, width, height, theme, token, complaint) → a page.

    At the end no page may have asked elsewhere, or complained of more than HARMLESS and the complaint that is wanted.
    """
    contexts, complaints, elsewhere, wanted = [], [], [], list(HARMLESS)

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: said.type in ("error", "warning") and complaints.append(said.text))
        page.on("request", lambda asked: asked.url.startswith((served.url, "blob:")) or elsewhere.append(asked.url))

    def start(
        place: str = "#/",
        width: int = 1440,
        height: int = 900,
        theme: str = "light",
        token: str | None = TOKEN,
        complaint: str | None = None,
        **more: object,
    ) -> Page:
        wanted.extend([complaint] if complaint else [])
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme, **more)
        contexts.append(context)
        if token is not None:
            context.add_init_script(f"sessionStorage.setItem('raymeta-token', '{token}')")
        page = context.new_page()
        page.set_default_timeout(60_000)
        watch(page)
        page.goto(f"{served.url}/{place}")
        return page

    yield start
    for context in contexts:
        context.close()
    assert [said for said in complaints if not any(known in said for known in wanted)] == []
    assert elsewhere == []
