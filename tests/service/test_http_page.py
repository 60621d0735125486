"""The lines of curl in docs/http.md, as they stand, against a service."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tiny_runs import encode

PAGE = Path(__file__).parents[2] / "docs/http.md"
LINES = [
    line.replace("\\\n", " ")
    for block in re.findall(r"^```\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    for line in re.findall(r"^curl (?:[^\n]|(?<=\\)\n)*", block, re.MULTILINE)
]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
@pytest.mark.parametrize("line", LINES)
def test_curl_gets_an_answer(line, url, pixels, run, tmp_path):
    for name in ("street.png", "street.jpg", "mask.png"):
        data = pixels[..., 0] * 0 if name == "mask.png" else pixels
        (tmp_path / name).write_bytes(encode(data, name[-4:]))
    asked = line.replace("http://127.0.0.1:8000", url).replace("IMAGE_ID", run.split.unlabelled[0])
    done = subprocess.run(
        asked.replace("curl -s", "curl -sS --fail-with-body"), shell=True, cwd=tmp_path, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    kept = re.search(r"-o (\S+)", asked)
    assert len((tmp_path / kept[1]).read_bytes() if kept else done.stdout) > 100


def test_many_lines_are_found():
    assert len(LINES) >= 8
