"""`make bench`: a portfolio of 100,000 tasks in 200 plans through the real engine, each figure beside its floor.

A floor is the least that anybody would have to do for the same: the parser without rows, the driver without a model,
the comparison without findings. Both are measured in this run, on this machine; the ratio is what counts.
"""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from backtest import backtested
from catalogue import each_number
from dynamics import by_the_clock as dataverse_by_the_clock
from evaluation import floor as comparison_floor
from exposition import measure_exposition, measure_rendering
from jira import measure_jira
from mspdi import bare_pass, in_turn, read_folder
from portfolio import write_plans
from storage import driver_alone, first_load, sqlite_databases
from year import a_year, lines, told

from pmo_watch.api import Cursor
from pmo_watch.collect import Asked, read_source
from pmo_watch.cycle import Engine
from pmo_watch.evaluate import evaluate
from pmo_watch.flow import Reading
from pmo_watch.in_force import InForce, load, open_source
from pmo_watch.log import set_up_logging
from pmo_watch.store import open_store

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SETTINGS = """\
organisation: {{calendar: be}}
database: {{url: "sqlite:///bench.db"}}
http: {{listen: "127.0.0.1:{port}"}}
sources:
  plans: {{type: ms_project, path: "plans/*.xml", every: 1h}}
notifiers:
  prometheus: {{type: prometheus, max_series: 1000000}}
"""
SETTLED_SECONDS = 2
MEASURES = (
    ("milestone.slip", "wd"),
    ("milestone.overdue", "wd"),
    ("milestone.forecast_in_past", "wd"),
    ("project.finish_variance", "%"),
    ("project.behind_plan", "pp"),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured time in seconds (or another unit), its floor, and the aim as a sentence."""

    what: str
    value: float
    floor: float | None
    aim: str
    unit: str = "s"

    def line(self) -> str:
        """Return it as a row of a table."""
        beside = f"{self.floor:.3f}" if self.floor is not None else "–"
        ratio = f"x {self.value / self.floor:.2f}" if self.floor else "–"
        return f"| {self.what} | {self.value:.3f} {self.unit} | {beside} | {ratio} | {self.aim} |"


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds of one run, and what it gave."""
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def median(work: Callable[[], object], times: int = 3) -> float:
    """Return the median of some runs."""
    return sorted(timed(work)[0] for _ in range(times))[times // 2]


def age(paths: Iterable[Path]) -> None:
    """Let files look as if they had been saved an hour ago, so that nobody waits for their writing to end."""
    then = time.time() - 3600
    for path in paths:
        os.utime(path, (then, then))


def rules_text(number: int) -> str:
    """Return so many rules over the measures in turn, each with thresholds of its own."""
    lines = ["version: 1", "audiences: {pmo: {email: pmo@example.org, amber: never, red: never}}", "rules:"]
    for count in range(number):
        measure, unit = MEASURES[count % len(MEASURES)]
        over = 300 + 5 * count  # a few hundred alerts, as in a portfolio that is looked after
        lines += [
            f"  - id: rule-{count}",
            f"    name: Rule {count}",
            f"    measure: {measure}",
            f"    amber: over {over} {unit}",
            f"    red: over {2 * over} {unit}",
            "    tell: {amber: [pmo], red: [pmo]}",
        ]
    return "\n".join(lines) + "\n"


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def prepared(folder: Path, plans: int, tasks: int, rules: int) -> tuple[InForce, list[Path], int]:
    """Write plans, settings and rules, and load what is in force."""
    paths = write_plans(folder / "plans", plans, tasks)
    age(paths)
    (folder / "rules.d").mkdir()
    (folder / "rules.d" / "bench.yaml").write_text(rules_text(rules), encoding="utf-8")
    port = free_port()
    settings = folder / "pmo-watch.yaml"
    settings.write_text(SETTINGS.format(port=port), encoding="utf-8")
    return load(settings), paths, port


def read(in_force: InForce, since: Cursor | None = None) -> Reading:
    """Read the source once, as a cycle does."""
    source = open_source(in_force, "plans", NOW)
    return read_source(Asked("plans", source, since or {}), NOW, in_force.settings.reading_limits())


def first_read(in_force: InForce, folder: Path, paths: list[Path]) -> Iterator[Figure]:
    """Measure reading all plans beside a bare parse, by the processor: a file is read on one of them."""
    worked = in_turn(
        {"bare": lambda: bare_pass(paths), "plugin": lambda: read_folder(folder), "read": lambda: read(in_force)},
        times=3,
    )
    bare = worked["bare"]
    yield Figure("first read of the plans (processor)", worked["plugin"], bare, "at most 1.6 x a bare parse")
    yield Figure("the same with the model's checks", worked["read"], bare, "–")


def figures(folder: Path, plans: int, tasks: int, rules: int) -> Iterator[Figure]:
    """Measure everything, in the order in which a new installation meets it."""
    in_force, paths, port = prepared(folder, plans, tasks, rules)
    reading = read(in_force)
    yield from (first := list(first_read(in_force, folder / "plans", paths)))
    parse = first[0].floor or 0
    store = open_store(in_force.settings.database.url.get_secret_value())
    engine = Engine(store, in_force)
    rows = reading.frames["task"]
    database = sqlite_databases(folder)
    driver = min(driver_alone(database(), rows) for _ in range(2))
    load = min(first_load(database(), rows) for _ in range(2))
    yield Figure(f"first load of {rows.height:,} tasks", load, driver, "at most 2 x the driver's own")
    whole = timed(lambda: engine.cycle(NOW, ["plans"]))[0]
    yield Figure("first cycle: read, load, evaluate, commit", whole, parse + driver, "read and load within theirs")
    yield from later_cycles(engine, paths, parse, (plans, tasks))
    report = engine.report
    assert report is not None
    judged = median(lambda: evaluate(in_force.rules, report.snapshot, in_force.plugins.measures))
    floor = comparison_floor(report.snapshot, rules)
    yield Figure(f"{rules} rules on {rows.height:,} tasks", judged, floor, "at most 0.3 s")
    store.close()
    yield from every_measure(folder / "catalogue", plans * tasks)
    yield from around(folder)
    start, resident = cold_start(folder, port)
    yield Figure("cold start to ready", start, None, "under 3 s")
    yield Figure("resident memory of the daemon", resident, None, "under 400 MB", "MB")


def around(folder: Path) -> Iterator[Figure]:
    """Measure what does not depend on the plans: the page of metrics, and the live systems."""
    served, static = measure_exposition(100_000)
    yield Figure("/metrics, 100,000 series", served, static, "at most 1.5 x static bytes")
    fresh, same, packing = measure_rendering(100_000)
    yield Figure("writing 100,000 series, both formats, packed", fresh, packing, "about 0.1 s")
    yield Figure("the same with nothing new", same, None, "part of a cycle with nothing new")
    rows, dataverse, bare = dataverse_by_the_clock(folder)
    yield Figure(f"first read of Dataverse, {rows:,} rows", dataverse, bare, "at most 1.5 x a bare loop")
    asked, bare, issues = measure_jira()
    yield Figure(f"first read of Jira, {issues:,} issues", asked, bare, "at most 1.5 x a bare loop")
    replayed, bare, _ = backtested(folder / "backtest", days=20)
    yield Figure("backtest of four weeks, 10,000 milestones, 50 rules", replayed, bare, "0.8 s: a year in 10 s")


def every_measure(folder: Path, tasks: int) -> Iterator[Figure]:
    """Measure rules over the whole catalogue, on as many tasks with two years of weeks behind them."""
    for one in each_number(folder, tasks):
        what = f"{one.rules} rules over every measure, two years of weeks"
        yield Figure(f"{what} (processor)", one.processors, one.floor_processors, "no more than linear in rules")
        yield Figure("the same, peak of memory", one.peak, None, "the same for any number of rules", "MB")


def later_cycles(engine: Engine, paths: list[Path], parse: float, size: tuple[int, int]) -> Iterator[Figure]:
    """Measure the cycles of every day: nothing changed, a little changed, nothing asked."""
    again = median(lambda: engine.cycle(NOW + timedelta(minutes=1), ["plans"]))
    cursor = engine.report.sources["plans"].cursor if engine.report else None
    alone = median(lambda: read(engine.in_force, cursor))
    yield Figure("unchanged re-read, its cycle beside reading alone", again, alone, "at most 1.2 x, no row written")
    age(write_plans(paths[0].parent, *size, changed=0.01))
    changed = timed(lambda: engine.cycle(NOW + timedelta(minutes=2), ["plans"]))[0]
    yield Figure("1 % changed: read, compare, write, evaluate", changed, parse, "about a first read")
    quiet = median(lambda: engine.cycle(NOW + timedelta(minutes=3), []))
    yield Figure("cycle with nothing new", quiet, None, "under 0.05 s")


def cold_start(folder: Path, port: int) -> tuple[float, float]:
    """Start the daemon on the loaded database; return seconds until it is ready and its resident megabytes."""
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "pmo_watch",
        "run",
        "--config",
        str(folder / "pmo-watch.yaml"),
        "--log-level",
        "ERROR",
    ]
    daemon = subprocess.Popen(command)
    try:
        while not ready(port):
            if daemon.poll() is not None or time.perf_counter() - began > 120:
                raise SystemExit("the daemon does not become ready")
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        time.sleep(SETTLED_SECONDS)  # what starting took has been given back by then
        status = Path(f"/proc/{daemon.pid}/status").read_text(encoding="ascii")
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return seconds, resident / 1024
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)


def ready(port: int) -> bool:
    """Say whether the daemon has finished its first cycle."""
    try:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        link.request("GET", "/-/ready")
        return link.getresponse().status == 200
    except OSError:
        return False


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=500, help="of each plan")
    parser.add_argument("--rules", type=int, default=100)
    asked = parser.parse_args()
    set_up_logging("ERROR")
    print(f"{asked.plans} plans of {asked.tasks} tasks, {asked.rules} rules, seed 1, {os.cpu_count()} processors\n")
    print("| what | measured | floor | ratio | aim |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(prefix="pmo-bench-") as name:
        for figure in figures(Path(name), asked.plans, asked.tasks, asked.rules):
            print(figure.line(), flush=True)
    for line in lines(told(*a_year())):
        print(line)


if __name__ == "__main__":
    main()
