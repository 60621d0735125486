"""Every citation of docs/method.md names a heading of it, and every definition there is cited by the code."""

import re

import pytest
from method_page import PAGE, ROOT, headings, slug

KINDS = {".py", ".md", ".yaml", ".yml", ".js", ".html", ".toml"}
FOLDERS = ("raymeta", "tests", "docs", "benchmarks", "configs", "jobs", "serve")
CITATION = re.compile(r"\bmethod\.md#([\w-]+)")
LINK = re.compile(r"\]\(((?:\w+\.md)?)#([\w-]+)\)")
RETIRED = "DES" + "IGN"  # the page that docs/method.md took the place of; in parts, so that this file doesn't name it
NOT_CODE = {"checks-on-real-polygons", "settings", "published-costs"}
"""Headings that fix nothing for the code: measurements, and the paper's figures."""

DEFINITIONS = [slug(name) for name in headings(PAGE.read_text(), level=3)]
SLUGS = {slug(name) for name in headings(PAGE.read_text())}


def sources():
    paths = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        paths += (ROOT / folder).rglob("*")
    return {path: path.read_text() for path in sorted(paths) if path.suffix in KINDS}


SOURCES = sources()


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("Adjusted IoU", "adjusted-iou"),
        ("cost_A", "cost_a"),
        ("The paper's figures", "the-papers-figures"),
        ("R² of a fit", "r-of-a-fit"),
        ("Über `code`: a – b", "über-code-a--b"),
    ],
)
def test_slugs_are_those_of_github(heading, expected):
    assert slug(heading) == expected


def test_headings_have_slugs_of_their_own():
    every = [slug(name) for name in headings(PAGE.read_text())]
    assert len(every) == len(set(every))


def test_every_citation_names_a_heading():
    found = [(path, name) for path, text in SOURCES.items() for name in CITATION.findall(text)]
    assert len(found) > len(DEFINITIONS)
    assert [(str(path.relative_to(ROOT)), name) for path, name in found if name not in SLUGS] == []


def test_every_link_within_the_documentation_names_a_heading():
    lost = []
    for path in (ROOT / "docs").glob("*.md"):
        for file, name in LINK.findall(SOURCES[path]):
            target = path.parent / file if file else path
            if name not in {slug(heading) for heading in headings(SOURCES[target])}:
                lost.append((path.name, file, name))
    assert lost == []


def test_every_definition_is_cited_by_a_module():
    modules = [text for path, text in SOURCES.items() if path.is_relative_to(ROOT / "raymeta")]
    cited = {name for text in modules for name in CITATION.findall(text)}
    assert set(DEFINITIONS) - cited == NOT_CODE


def test_the_retired_page_is_not_cited():
    assert [str(path) for path, text in SOURCES.items() if re.search(rf"\b{RETIRED}\b", text)] == []
