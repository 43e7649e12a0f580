"""What names the place of a daemon: the same after a restart there, another one elsewhere."""

import subprocess
import sys

from pmo_watch.sd import place


def test_place_outlives_the_process() -> None:
    other = subprocess.run(
        [sys.executable, "-c", "from pmo_watch.sd import place; print(place())"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert place() == other.stdout.strip()
    assert len(place().split()) == 2
