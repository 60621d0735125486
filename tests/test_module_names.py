"""Test modules share one namespace: each has a name of its own, else one of two is never collected."""

from collections import Counter
from pathlib import Path


def test_no_two_modules_of_tests_have_one_name():
    names = Counter(path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py")
    assert [name for name, count in names.items() if count > 1] == []
