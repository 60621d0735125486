import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from pathlib import Path
from raymeta.networks.freed_memory import keep_freed_memory, return_freed_memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(40 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

started = resident()
print(keep_freed_memory())
np.ones(40 << 20, np.uint8)
held, again = resident(), faults()
return_freed_memory()
print(held - started, again, resident() - started)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory")
def test_freed_blocks_are_reused_until_they_are_returned():
    """In a process of its own, which it changes."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    kept, numbers = done.stdout.splitlines()
    held, faults, left = map(int, numbers.split())
    assert kept == "True"
    assert held >= 39
    assert faults < 1000  # 5 × 10,240 pages of 4 KiB, if each block came from the system
    assert left < 10
