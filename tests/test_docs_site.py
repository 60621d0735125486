"""The docs site builds without a warning, every link and anchor of it leads somewhere, and it lists every key."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from raymeta import __all__ as public_names
from raymeta.config.keys import config_keys

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs")
    folder = tmp_path_factory.mktemp("docs")
    settings = (ROOT / "mkdocs.yml").read_text()
    settings = re.sub("^docs_dir: .*$", f"docs_dir: {folder}/pages", settings, flags=re.MULTILINE)
    (folder / "mkdocs.yml").write_text(
        re.sub("^site_dir: .*$", f"site_dir: {folder}/site", settings, flags=re.MULTILINE)
    )
    subprocess.run(
        [sys.executable, str(ROOT / "docs/site/build_pages.py"), str(folder / "pages")], check=True, timeout=120
    )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(folder / "mkdocs.yml")],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


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
