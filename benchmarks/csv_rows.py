"""Reading lists, beside Polars' own reader on the same file: python benchmarks/csv_rows.py [ROWS].

The floor is `polars.read_csv` with all columns as text: no cell is understood, and none reported. The processor's time
is shown beside the clock's: on a machine that does other things as well, the clock says little.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from zoneinfo import ZoneInfo

import polars as pl
from pmo_watch_plugins.sources.csv_file import CSV_FILE

from pmo_watch.api import Organisation, SourceContext, Summary

NOW = datetime(2026, 9, 7, 9, tzinfo=UTC)
TIMES = 7
MEGABYTE = 1_000_000
AIM = 3.0  # times Polars' own reader, spec performance
HEADER = "Code jalon;Code projet;Jalon;Type;Fin de référence;Fin prévue;Fin réelle;Responsable;% avancement;Coût réel"
KINDS = ("clé", "interne", "contractuel")
FAULTY = ("31/02/2026", "à définir", "n/d")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a list is written, and which share of its rows has a faulty date and a faulty amount."""

    name: str
    encoding: str
    line_end: str
    faulty: float = 0.0

    @property
    def polars_encoding(self) -> str:
        """Return what Polars calls the encoding."""
        return "windows-1252" if self.encoding == "cp1252" else "utf8"


DIALECTS = (
    Dialect("UTF-8", "utf-8", "\n"),
    Dialect("UTF-8, one row in a hundred faulty", "utf-8", "\n", 0.01),
    Dialect("as a Belgian Excel writes: cp1252, CRLF", "cp1252", "\r\n"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """Median seconds of the clock and of the processor, beside those of the floor where that says something."""

    name: str
    clock: float
    processor: float
    floor: "Figure | None" = None

    def __str__(self) -> str:
        beside = ""
        if self.floor:
            times = (self.clock / self.floor.clock, self.processor / self.floor.processor)
            beside = f"   {times[0]:5.2f} x the clock, {times[1]:5.2f} x the processor's time of Polars' own reader"
        return f"{self.name:58} {self.clock:7.3f} s {self.processor:7.3f} s{beside}"


def write_list(path: Path, rows: int, dialect: Dialect) -> None:
    """Write a list of milestones: codes, names, dates, percentages and amounts, as tools export them."""
    random = Random(1)
    days = [f"{date(2025, 1, 1) + timedelta(days=number):%d/%m/%Y}" for number in range(1200)]
    lines = [HEADER]
    for number in range(rows):
        project = number // 500
        bad = random.random() < dialect.faulty
        finish = random.choice(FAULTY) if bad else random.choice(days)
        done = random.choice(days) if number % 4 == 0 else ""
        cost = "abc" if bad else f"{random.randrange(10**8) / 100:.2f}".replace(".", ",")
        lines.append(
            f"P{project:05}-M{number};P{project:05};Étape {number} livrée;{KINDS[number % 3]};{random.choice(days)};"
            f"{finish};{done};personne{number % 500}@example.org;{random.randrange(101)}%;{cost}"
        )
    path.write_bytes((dialect.line_end.join(lines) + dialect.line_end).encode(dialect.encoding))


def read_with_polars(path: Path, dialect: Dialect) -> None:
    """Read the list as Polars does, every cell a text."""
    pl.read_csv(path, separator=";", infer_schema=False, encoding=dialect.polars_encoding)


def read_with_plugin(path: Path) -> tuple[int, int]:
    """Read the list with the plugin; return the number of rows and of what was reported."""
    context = SourceContext("lists", path.parent, NOW, ZoneInfo("Europe/Brussels"), Organisation(), {})
    settings = CSV_FILE.settings(
        path=path.name,
        profile="milestones",
        columns={"actual_cost": "Coût réel"},
        max_rows=10**9,
        max_size_mb=10_000,
        settle_seconds=0,
    )
    rows, reported = 0, 0
    for piece in CSV_FILE.open(settings, context).read(None):
        if isinstance(piece, Summary):
            reported = len(piece.rejected)
        else:
            rows += piece.frame.height
    return rows, reported


def measured(name: str, run: Callable[[], object], floor: Figure | None = None) -> Figure:
    """Return the medians of so many runs, after one that warms up."""
    run()
    clock, processor = [], []
    for _ in range(TIMES):
        started, worked = perf_counter(), process_time()
        run()
        clock.append(perf_counter() - started)
        processor.append(process_time() - worked)
    return Figure(name, median(clock), median(processor), floor)


def reading(folder: Path, rows: int = 1_000_000) -> list[Figure]:
    """Measure reading a list of so many rows in each dialect, beside Polars' own reader on the same file."""
    figures = []
    for dialect in DIALECTS:
        path = folder / "milestones.csv"
        write_list(path, rows, dialect)
        size = path.stat().st_size / MEGABYTE
        found, reported = read_with_plugin(path)
        floor = measured(f"Polars' own reader, {dialect.name}, {size:.0f} MB", lambda: read_with_polars(path, dialect))  # noqa: B023  # run at once
        ours = f"csv_file: {found:,} rows, {reported:,} faults reported"
        figures += [floor, measured(ours, lambda: read_with_plugin(path), floor)]  # noqa: B023  # run at once
    return figures


def main() -> None:
    """Print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        for figure in reading(Path(folder), rows):
            print(figure)
    print(f"aim: {AIM} x Polars' own reader")


if __name__ == "__main__":
    main()
