"""The notebook runs from its first cell to its last, and what it keeps of an earlier run is what its page shows."""

import json
import re
from pathlib import Path

import pytest
from notebook_page import PLACE, notebook_page, run

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "docs/notebook/first_query.ipynb"


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", ())]


def text_of(notebook):
    return "".join("".join(output.get("text", "")) for output in outputs(notebook))


@pytest.mark.long
def test_it_runs(tmp_path, monkeypatch):
    pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    done = run(NOTEBOOK, tmp_path)
    assert sum("image/png" in output.get("data", {}) for output in outputs(done)) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["first_query"]
    text = text_of(done)
    assert "iteration 1: mIoU" in text
    clicks, boxes = map(int, re.search(r"(\d+) clicks for (\d+) boxes", text).groups())
    assert boxes == 40
    assert clicks > boxes
    assert str(tmp_path) not in json.dumps(done)


def test_it_keeps_what_came_out():
    notebook = json.loads(NOTEBOOK.read_text())
    assert len(notebook["cells"]) == 20
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert not any(output["output_type"] == "error" for output in outputs(notebook))
    assert PLACE in text_of(notebook)
    assert not re.search(r"/(tmp|work|root)/", text_of(notebook))


def test_its_page_shows_pictures_and_texts():
    page, pictures = notebook_page(NOTEBOOK)
    assert page.startswith("# A first query")
    assert len(pictures) == 4
    assert all(data.startswith(b"\x89PNG") and f"({name})" in page for name, data in pictures.items())
    assert "40 boxes asked for" in page
