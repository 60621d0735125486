"""What the soak watches by: a process tree's footprint, and when something counts as growing."""

import dataclasses
import os
import subprocess
import sys

import pytest

from benchmarks.process_tree import Footprint, descendants, footprint
from benchmarks.soak_growth import growth

FLAT = Footprint(memory_mib=1000.0, first_mib=300.0, open_files=400, threads=200, processes=20, actors=5)

CHILD = """
import os, subprocess, sys
held = bytearray(os.urandom(1)) * (30 << 20)
files = [open(os.devnull) for _ in range(25)]
grandchild = subprocess.Popen(["sleep", "60"])
print(grandchild.pid, flush=True)
sys.stdin.read()
grandchild.kill()
grandchild.wait()
"""


def test_a_tree_is_counted_with_what_its_processes_hold():
    before = footprint(os.getpid())
    with subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        grandchild = int(child.stdout.readline())
        assert {os.getpid(), child.pid, grandchild} <= set(descendants(os.getpid()))
        assert grandchild not in descendants(grandchild)[1:]
        during = footprint(os.getpid())
        child.communicate()
    assert during.processes >= before.processes + 2
    assert during.memory_mib > before.memory_mib + 30
    assert during.open_files >= before.open_files + 25
    assert {child.pid, grandchild}.isdisjoint(descendants(os.getpid()))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Footprint)])
def test_each_thing_that_grows_is_named(name):
    grown = [dataclasses.replace(FLAT, **{name: getattr(FLAT, name) * (1 + number / 50)}) for number in range(30)]
    assert [line.split()[0] for line in growth(grown)] == [name]


def test_what_is_flat_or_fills_at_the_start_only_is_no_growth():
    assert growth([FLAT] * 30) == []
    assert growth([dataclasses.replace(FLAT, memory_mib=10.0)] * 10 + [FLAT] * 20) == []


def test_phases_of_a_round_are_no_growth():
    low = dataclasses.replace(FLAT, memory_mib=700.0, threads=120)
    assert growth([low, FLAT, low, low] * 5 + [FLAT, FLAT, low, FLAT] * 3) == []


def test_few_samples_tell_nothing():
    with pytest.raises(ValueError, match="8 samples are too few"):
        growth([FLAT] * 8)
