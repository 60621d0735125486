"""Paths in other scripts work whatever the locale is: a server's is often C, an old one's Latin-1."""

import os
import subprocess
import sys

import pytest
import yaml
from tiny_settings import tiny_values, write_scenes


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONIOENCODING": "latin-1"}])
def test_non_ascii_paths_under_ascii_locales(tmp_path, locale):
    scenes = write_scenes(tmp_path / "데이터 dä")
    config = tmp_path / "c ö.yaml"
    config.write_text(yaml.safe_dump(tiny_values(scenes, "läufe"), allow_unicode=True), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if name not in ("LANG", "LC_ALL", "PYTHONIOENCODING")}
    done = subprocess.run(
        [sys.executable, "-m", "raymeta", "check", "c ö.yaml"],
        cwd=tmp_path,
        env=kept | {"PYTHONUTF8": "0"} | locale,
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert f"run folder {tmp_path}/läufe: new" in done.stdout.decode()
