"""Reading plans, beside a bare pass of lxml over the same bytes: python benchmarks/mspdi.py [PLANS [TASKS]].

The floor is `iterparse` with clearing at each row and nothing else. The processor's time counts: on a machine that does
other things as well, the clock on the wall says little.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import process_time
from zoneinfo import ZoneInfo

from lxml import etree
from pmo_watch_plugins.sources.ms_project import MS_PROJECT

from pmo_watch.api import Cursor, Organisation, SourceContext, Summary

sys.path.insert(0, str(Path(__file__).parent))
from portfolio import write_plans

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
ROWS = ("{*}Task", "{*}Resource", "{*}Assignment", "{*}Calendar")
TIMES = 5
MEGABYTE = 1_000_000
AIM = 1.6  # times the bare pass, spec performance


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds of one way to read the same files, beside those of the bare pass where that says something."""

    name: str
    seconds: float
    floor: float | None = None

    def __str__(self) -> str:
        beside = "" if self.floor is None else f"   {self.seconds / self.floor:5.2f} x bare"
        return f"{self.name:42} {self.seconds:8.3f} s{beside}"


def bare_pass(paths: Sequence[Path]) -> None:
    """Parse the files, clear each row at its end, and look at nothing."""
    for path in paths:
        for _, element in etree.iterparse(path, events=("end",), tag=ROWS):
            element.clear(keep_tail=False)
            section = element.getparent()
            while section is not None and (before := element.getprevious()) is not None:
                section.remove(before)


def read_folder(folder: Path, since: Cursor | None = None) -> tuple[int, Cursor]:
    """Read all plans of a folder with the plugin; return the number of rows and the cursor."""
    context = SourceContext("plans", folder, NOW, ZoneInfo("Europe/Brussels"), Organisation(), {})
    opened = MS_PROJECT.open(MS_PROJECT.settings(path="*.xml", settle_seconds=0, max_size_mb=2000), context)
    rows, cursor = 0, since or {}
    for piece in opened.read(since):
        if isinstance(piece, Summary):
            assert piece.whole, piece.error
            cursor = piece.cursor
        else:
            rows += piece.frame.height
    return rows, cursor


def in_turn(runs: Mapping[str, Callable[[], object]], times: int = TIMES) -> dict[str, float]:
    """Return the median processor time of each, run in turn so that all meet the same state of the machine."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(times + 1):  # the first round warms up
        for name, run in runs.items():
            start = process_time()
            run()
            taken[name].append(process_time() - start)
    return {name: median(one[1:]) for name, one in taken.items()}


def reading(folder: Path, plans: int = 20, tasks: int = 500) -> list[Figure]:
    """Measure reading generated plans: all, unchanged, and with one row in a hundred changed."""
    paths = write_plans(folder / "before", plans, tasks)
    write_plans(folder / "after", plans, tasks, changed=0.01)
    size = sum(path.stat().st_size for path in paths)
    rows, cursor = read_folder(folder / "before")
    taken = in_turn(
        {
            f"bare pass, {size / MEGABYTE:.0f} MB": lambda: bare_pass(paths),
            f"read, {rows:,} rows": lambda: read_folder(folder / "before"),
            "unchanged": lambda: read_folder(folder / "before", cursor),
            "1 % of the rows changed": lambda: read_folder(folder / "after", cursor),
        }
    )
    floor = next(iter(taken.values()))
    return [Figure(name, one, None if one is floor else floor) for name, one in taken.items()]


def peak_megabytes(folder: Path) -> float:
    """Return the greatest resident memory of a process of its own that reads the folder."""
    command = [sys.executable, __file__, "--peak", str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory(folder: Path, tasks: int = 20_000) -> list[tuple[float, float]]:
    """Return size of a file and peak memory, both in MB: a plan with its rows, and with ten times as many bytes.

    The bytes added are time-phased data, of which nothing is read.
    """
    (path,) = write_plans(folder, 1, tasks)
    plain = path.read_text(encoding="utf-8")
    figures = [(path.stat().st_size / MEGABYTE, peak_megabytes(folder))]
    block = "<TimephasedData><Type>1</Type><UID>1</UID><Unit>2</Unit><Value>PT8H0M0S</Value></TimephasedData>\n"
    more = 9 * len(plain) // plain.count("</Assignment>") // len(block)
    with path.open("w", encoding="utf-8") as file:
        for piece in plain.split("</Assignment>"):
            file.write(piece if piece.endswith("</Project>\n") else f"{piece}{block * more}</Assignment>")
    return [*figures, (path.stat().st_size / MEGABYTE, peak_megabytes(folder))]


def main() -> None:
    """Print the figures."""
    if sys.argv[1:2] == ["--peak"]:
        read_folder(Path(sys.argv[2]))
        # Not getrusage: its peak is handed on through fork and exec, and would be that of this program.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        print(next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM")))
        return
    numbers = [int(one) for one in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        for figure in reading(Path(folder) / "many", *numbers):
            print(figure)
        for figure in reading(Path(folder) / "one", 1, 20_000):
            print(figure)
        for size, peak in memory(Path(folder) / "memory"):
            print(f"peak memory, file of {size:6.0f} MB {peak:17.0f} MB")
    print(f"aim: {AIM} x bare")


if __name__ == "__main__":
    main()
