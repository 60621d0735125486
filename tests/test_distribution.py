"""What a user installs: the wheel and the sdist hold the package, its page and its licence, and no tests."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KINDS_OF_DATA = ("*.html", "*.css", "*.js", "*.svg", "*.yaml")


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, set[str]]:
    """Names in the wheel and in the sdist, built by setuptools itself from a copy of what git knows."""
    pytest.importorskip("setuptools", minversion="77")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if names.returncode != 0:
        pytest.skip("no git checkout")
    for name in filter(None, names.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("docs/", "configs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    code = f"from setuptools import build_meta as b; b.build_wheel({str(out)!r}); b.build_sdist({str(out)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True, timeout=300)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel, tarfile.open(next(out.glob("*.tar.gz"))) as sdist:
        in_sdist = {name.partition("/")[2] for name in sdist.getnames()}
        return {"wheel": set(wheel.namelist()), "sdist": in_sdist}


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_holds_the_whole_package(files, kind):
    package = [path for pattern in ("*.py", "py.typed", *KINDS_OF_DATA) for path in (ROOT / "raymeta").rglob(pattern)]
    assert {str(path.relative_to(ROOT)) for path in package} <= files[kind]


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_holds_no_tests(files, kind):
    assert [name for name in files[kind] if name.startswith(("tests/", "benchmarks/", "raymeta/tests"))] == []
    assert any(name.endswith("LICENSE") for name in files[kind])
