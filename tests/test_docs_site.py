"""The docs site builds without a warning, every link and anchor of it leads somewhere, and it lists every key."""

import html
import re
import sys
from pathlib import Path

import pytest
from docs_site import ROOT, build_site

from raymeta import __all__ as public_names
from raymeta.config.keys import config_keys


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs")
    return build_site(tmp_path_factory.mktemp("docs"))


@pytest.fixture(scope="module")
def prose():
    """The module that makes pages of the repository's Markdown."""
    pytest.importorskip("latex2mathml")
    sys.path.insert(0, str(ROOT / "docs/site"))
    try:
        import prose
    finally:
        sys.path.pop(0)
    return prose


def words_of(page: Path) -> str:
    """What a page shows beside code and formulas."""
    text = page.read_text()
    text = text[text.index("<article") : text.index("</article>")]
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<(pre|code|math)\b.*?</\1>", "", text, flags=re.DOTALL)))


def test_it_has_every_key_with_its_meaning(site):
    text = (site / "keys/index.html").read_text()
    for key in config_keys():
        assert f"<code>{key.name.rpartition('.')[2]}</code>" in text


def test_it_documents_every_public_name(site):
    text = (site / "api/index.html").read_text()
    for name in set(public_names) - {"__version__"}:
        assert re.search(rf'id="raymeta\.[\w.]*\.{name}"', text), name


def test_every_page_has_a_picture_or_text(site):
    pages = list(site.glob("*/index.html"))
    assert len(pages) > 15
    assert all(len(page.read_text()) > 3000 for page in pages)


def test_formulas_are_drawn(site):
    method = (site / "method/index.html").read_text()
    blocks = (ROOT / "docs/method.md").read_text().count("```math")
    assert method.count('<div class="formula">') == blocks > 10
    assert method.count("<math ") > 100
    for page in site.rglob("index.html"):
        assert not re.search(r"\\(mathrm|frac|dots|times|sum)\b|\$[A-Za-z]\$", words_of(page)), page


def test_no_page_shows_markdown_or_names_a_page_without_a_link(site):
    """Numbered items that fall out of their list, links in links, and definitions that docstrings cite."""
    for page in site.rglob("index.html"):
        words = words_of(page)
        assert not re.search(r"\]\([\w/.#-]+\)|\*\*\w|```", words), page
        assert not re.search(r"docs/\w+\.md", words), page


def test_definitions_that_docstrings_cite_are_links_to_headings(site):
    cited = set(re.findall(r'href="\.\./method/#([\w-]+)"', (site / "api/index.html").read_text()))
    assert {"box", "polygon-clicks", "candidates"} <= cited
    headings = set(re.findall(r'<h\d id="([\w-]+)"', (site / "method/index.html").read_text()))
    assert cited <= headings


def test_only_drawings_keep_long_lines(site):
    method, people = ((site / page / "index.html").read_text() for page in ("method", "people"))
    assert method.count('class="drawing ') == (ROOT / "docs/method.md").read_text().count("```text")
    assert 'class="drawing ' not in people


def test_numbered_lists_go_on_after_a_block_of_code(site):
    people = (site / "people/index.html").read_text()
    lead = people[people.index("Ten minutes for a lead") :]
    assert lead[: lead.index("</ol>")].count("<li>") == 4


def test_code_keeps_its_signs(prose):
    text = "`$HOME` and $a_0$\n\n```\necho $A $B docs/people.md\n```\n"
    made = prose.with_formulas(prose.with_links_to_pages(text))
    assert "`$HOME`" in made
    assert "echo $A $B docs/people.md" in made
    assert made.count("<math ") == 1


def test_pages_that_are_named_are_linked_once(prose):
    titles = prose.page_titles()
    made = prose.with_links_to_pages("see docs/people.md, [docs/method.md](docs/method.md) and (docs/method.md#box)")
    assert made == (
        f"see [{titles['people.md']}](people.md), [{titles['method.md']}](docs/method.md) and "
        f"([{titles['method.md']}: box](method.md#box))"
    )
