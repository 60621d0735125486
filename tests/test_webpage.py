"""The page's files, without a browser: complete, packaged, from nowhere else, without inline code."""

import re
import tomllib
from pathlib import Path

import pytest

import raymeta

PAGE = Path(raymeta.__file__).parent / "webpage"
FILES = sorted(path.relative_to(PAGE).as_posix() for path in PAGE.rglob("*") if path.is_file())
INDEX = (PAGE / "index.html").read_text()


def test_page_names_all_of_its_files_and_no_others() -> None:
    named = re.findall(r'(?:href|src)="static/([^"]+)"', INDEX)
    assert sorted(named) == [name for name in FILES if name != "index.html"]


def test_every_import_is_a_file_of_the_page() -> None:
    for path in PAGE.rglob("*.js"):
        for name in re.findall(r'^import .* from "([^"]+)";$', path.read_text(), re.MULTILINE):
            assert name.startswith(("./", "../"))
            found = (path.parent / name).resolve().relative_to(PAGE).as_posix()
            assert found in FILES, f"{path.name} imports {name}"


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere_and_no_markup_is_made_from_text(name: str) -> None:
    text = (PAGE / name).read_text()
    addresses = [found for found in re.findall(r"https?://[^\s\"'`)]+", text) if found != "http://www.w3.org/2000/svg"]
    assert addresses == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text) == []


def test_page_has_no_inline_code() -> None:
    assert re.findall(r"\son\w+=|\sstyle=|javascript:", INDEX) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", INDEX) == []


def test_every_kind_of_file_is_packaged() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
    packaged = project["tool"]["setuptools"]["package-data"]["raymeta"]
    assert {f"**/*{Path(name).suffix}" for name in FILES} <= set(packaged)
