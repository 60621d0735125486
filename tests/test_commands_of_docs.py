"""Every `raymeta …` line of README and docs is one that the command line takes; the README's do what they say."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tiny_settings import child_environment, tiny_values, write_scenes

from raymeta.cli.command_line import parse
from raymeta.config import parse_config

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, kind):
    found = re.findall(r"^ *```(\w*)\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language == kind]


def commands(page):
    """`raymeta` lines of the page's plain blocks, continued ones joined, comments left out."""
    for block in blocks(page, ""):
        for line in block.replace("\\\n", " ").splitlines():
            words = re.sub(r"^(\.venv/bin/|nohup )", "", line.strip())
            if words.startswith("raymeta "):
                yield shlex.split(re.sub(r"\s#.*$|[&>|].*$", "", words))[1:]


LINES = [(page.name, words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(
    ("page", "words"), LINES, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_the_command_line_takes_it(page, words):
    options = parse(words)
    for word in words:
        if word.startswith("configs/"):
            assert (ROOT / word).is_file()
    assert callable(options.command)


def test_many_lines_are_found():
    assert len(LINES) > 20
    assert {"README.md", "people.md", "watch.md", "select.md"} <= {page for page, _ in LINES}


@pytest.mark.long
def test_the_lines_of_the_readme(tmp_path):
    """Own images with label maps: the config of the page with smaller numbers, and its commands as they stand."""
    write_scenes(tmp_path / "scenes")
    (text,) = blocks(ROOT / "README.md", "yaml")
    written = yaml.safe_load(text)
    parse_config(written)
    assert written["oracle"] == {"kind": "people"}  # left out here: label maps answer
    small = tiny_values(tmp_path / "scenes", written["run_dir"])
    small["acquisition"] = small["acquisition"] | {"strategy": written["acquisition"]["strategy"]}
    (tmp_path / "my.yaml").write_text(yaml.safe_dump(small))
    lines = [words for page, words in LINES if page == "README.md"]
    told = ""
    for words in [
        *(w for w in lines if w[0] in ("check", "run", "report")),
        ["status", "runs/mine"],
        ["status", "runs"],
    ]:
        more = ["--local"] if words[0] == "run" else []
        done = subprocess.run(
            [sys.executable, "-m", "raymeta", *words, *more],
            cwd=tmp_path,
            env=child_environment(tmp_path) | {"PYTHONPATH": os.fspath(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        told += done.stdout
    assert "all readable" in told
    assert "iteration 2/2" in told
    assert (tmp_path / "runs/mine/report/report.html").is_file()
