"""requirements.lock and requirements-torch.lock: the versions of constraints.txt, with hashes."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-torch.lock")
ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; [^\\]+)?(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)$"
)


def plain(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> dict[str, str]:
    """Versions of a lock; fails on anything that is no entry with hashes."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text().strip())
    found = [ENTRY.match(entry) for entry in entries if not entry.startswith("#")]
    assert all(found), [entry for entry, match in zip(entries, found, strict=True) if match is None]
    return {plain(match["name"]): match["version"] for match in found if match}


def test_locks_hold_the_versions_of_the_constraints() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {plain(name): version for name, _, version in (line.partition("==") for line in lines if line)}
    found = locked(LOCKS[0]) | locked(LOCKS[1])
    assert not locked(LOCKS[0]).keys() & locked(LOCKS[1]).keys()
    assert {name: found.get(name) for name in pinned} == pinned
    # What only a build of torch for GPUs needs is not in the constraints.
    more = {name for name in found.keys() - pinned.keys() if not name.startswith(("nvidia-", "cuda-"))}
    assert more == {"triton"}


@pytest.mark.parametrize("group", ["dependencies", "ray", "tune", "serve", "people", "trackers", "docs", "dev"])
def test_everything_that_the_project_names_is_locked(group: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] if group == "dependencies" else project["optional-dependencies"][group]
    names = {plain(re.match(r"[\w.-]+", line)[0]) for line in wanted}  # type: ignore[index]
    assert names - {"raymeta"} <= (locked(LOCKS[0]) | locked(LOCKS[1])).keys()


def test_what_builds_the_project_is_locked() -> None:
    assert "setuptools" in locked(LOCKS[0])
