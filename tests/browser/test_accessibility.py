"""Contrast, names, focus, sizes: measured in the browser, for every view, both themes and three widths."""

from pathlib import Path

import pytest
from browser_page import OpenPage
from playwright.sync_api import Page

VIEWS = {"overview": "#/", "pool": "#/pool", "own": "#/own"}

LOW_CONTRAST = (Path(__file__).parent / "low_contrast.js").read_text()

NAMELESS = """() => [...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")]
  .filter((node) => node.checkVisibility() && node.tabIndex >= 0)
  .filter((node) => !node.getAttribute("aria-label") && !node.labels?.length && !node.textContent.trim())
  .map((node) => node.outerHTML.slice(0, 120))"""


def show(page: Page, view: str) -> None:
    """Wait until a view has all that it shows."""
    if view == "image":
        page.locator(".pool-card").first.click()
        page.locator(".boxes, .box-part p").first.wait_for()
        page.wait_for_function("() => document.querySelector('.working').hidden")
    else:
        page.locator({"overview": ".tile", "pool": ".pool-card img[src]", "own": ".invitation"}[view]).first.wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["overview", "pool", "image", "own"])
def test_text_has_contrast_and_controls_have_names(open_page: OpenPage, view: str, theme: str) -> None:
    page = open_page(VIEWS.get(view, "#/pool"), theme=theme)
    show(page, view)
    assert page.evaluate(LOW_CONTRAST) == []
    assert page.evaluate(NAMELESS) == []
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert page.evaluate(LOW_CONTRAST) == []
    page.keyboard.press("Escape")
    page.locator("dialog").wait_for(state="detached")


@pytest.mark.parametrize("width", [360, 820, 1440])
@pytest.mark.parametrize("view", ["overview", "pool", "image", "own"])
def test_nothing_is_wider_than_the_screen(open_page: OpenPage, view: str, width: int) -> None:
    page = open_page(VIEWS.get(view, "#/pool"), width=width, height=780)
    show(page, view)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """() => [...document.querySelectorAll("button, .button, .tile .value, h1, h2, .badge")]
          .filter((node) => node.checkVisibility() && getComputedStyle(node).display !== "inline")
          .filter((node) => node.scrollWidth > node.clientWidth + 1)
          .map((node) => node.outerHTML.slice(0, 100))"""
    )
    assert cut == []


def test_theme_can_be_chosen_and_is_kept(open_page: OpenPage) -> None:
    page = open_page("#/", theme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    for _ in range(2):
        page.get_by_role("button", name="Theme:").click()
    dark = page.evaluate(background)
    assert dark != light
    page.reload()
    assert page.evaluate(background) == dark
    page.get_by_role("button", name="Theme: dark").click()
    assert page.evaluate(background) == light


def test_nothing_moves_where_motion_is_reduced(open_page: OpenPage) -> None:
    page = open_page("#/pool", reduced_motion="reduce")
    show(page, "image")
    page.keyboard.press("2")
    assert page.evaluate("document.getAnimations().length") == 0


def test_focus_is_seen_and_skips_to_the_content(open_page: OpenPage) -> None:
    page = open_page("#/")
    show(page, "overview")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    outline = page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
    )
    assert outline.startswith("solid")
    assert "0px" not in outline


def test_page_allows_no_foreign_and_no_inline_script(open_page: OpenPage) -> None:
    page = open_page("#/", complaint="Content Security Policy")
    show(page, "overview")
    policy = page.locator("meta[http-equiv='Content-Security-Policy']").get_attribute("content") or ""
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    blocked = page.evaluate(
        """() => new Promise((resolve) => {
          document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
          setTimeout(() => resolve("nothing was blocked"), 2000);
          const script = document.createElement("script");
          script.textContent = "document.documentElement.dataset.hacked = 1";
          document.body.append(script);
        })"""
    )
    assert blocked == "script-src-elem"
    assert page.evaluate("document.documentElement.dataset.hacked") is None
