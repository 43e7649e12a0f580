"""What names the place of a daemon: the same after a restart there, another one elsewhere; and what it gives back."""

import platform
import subprocess
import sys

import pytest

from pmo_watch.sd import place

LETTING_GO = """
from pathlib import Path
from pmo_watch.sd import give_back

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

held = [bytes(2_000) for _ in range(50_000)]
last = held.pop()  # lies behind all others: without asking, nothing before it is given back
held.clear()
before = resident()
give_back()
print(before - resident())
"""


def asked_of_another(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()


def test_place_outlives_the_process() -> None:
    assert place() == asked_of_another("from pmo_watch.sd import place; print(place())")
    assert len(place().split()) == 2


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only the C library of GNU gives memory back when asked")
def test_memory_that_is_free_is_given_back() -> None:
    assert int(asked_of_another(LETTING_GO)) > 50_000_000
