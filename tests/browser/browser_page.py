"""What the fixture `open_page` gives; see conftest.py."""

from collections.abc import Callable

from playwright.sync_api import Page

OpenPage = Callable[..., Page]
"""open_page(place, width, height, theme, token, complaint) → a page of the served run."""
