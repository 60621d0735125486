"""Links of README and docs: those inside lead somewhere, those that leave the repository are whole addresses."""

import re
from pathlib import Path

import pytest
from links import anchors, broken, is_external, links, pages

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    assert list(broken(page)) == []


def test_links_that_leave_the_repository_are_whole():
    """They are not fetched: `python docs/site/links.py` lists them."""
    found = [link for page in pages() for link in links(page) if is_external(link)]
    assert found
    assert [link for link in found if not re.fullmatch(r"(https://[\w.-]+\.\w+(/\S*)?|mailto:\S+@\S+)", link)] == []


def test_what_is_found_and_what_is_not(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "# A `b` [c](d.md), e!\n\n[x](y.md) ![p](p.png) `[no](no.md)` <https://a.b/c>\n\n```\n[no](no.md)\n```\n"
    )
    assert links(page) == ["d.md", "y.md", "p.png", "https://a.b/c"]
    assert anchors(page) == {"a-b-c-e"}
