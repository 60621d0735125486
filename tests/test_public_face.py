"""`import raymeta`: what it offers, that it stays light, and that the page that shows it is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from scored_run import write_scored_run

import raymeta

PAGE = Path(__file__).parent.parent / "docs" / "python.md"


def run_code(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_it_imports_nothing_heavy():
    code = "import raymeta, sys; print(sorted({'ray', 'torch', 'numba', 'catboost'} & set(sys.modules)))"
    assert run_code(code).strip() == "[]"


def test_every_name_is_there_and_no_name_imports_ray():
    code = "import raymeta, sys; [getattr(raymeta, n) for n in raymeta.__all__]; print('ray' in sys.modules)"
    assert run_code(code).strip() == "False"
    assert set(raymeta.__all__) <= set(dir(raymeta))


def test_another_name_is_refused():
    with pytest.raises(AttributeError):
        _ = raymeta.no_such_name


def test_the_page_runs(tmp_path, monkeypatch, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    store = write_scored_run(tmp_path)
    place = tmp_path / "runs/demo"
    place.mkdir(parents=True)
    (place / "superpixels").symlink_to(store.location)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks:
        exec(block, names)
    assert names["query"].num_rows == 6
    assert names["run"].query(0).num_rows > 0
    assert "joint" in names["score"].maps
    # The triangle's three corners, and the outer polygon's in the box's own corner.
    assert "polygon=4" in capsys.readouterr().out
