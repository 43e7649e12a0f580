"""Every measure of the catalogue at once: hundreds of rules on 100,000 tasks with two years of weeks behind them.

python benchmarks/catalogue.py [TASKS]. Each number of rules is evaluated in a process of its own, whose memory is then
its own. The floor is two comparisons for each rule on a column of the same rows. Each of the numbers asks every measure
at least once: from one to the next only rules are added.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
from weeks import NOW, SOURCE, write_weeks

from pmo_watch.contracts import Measure
from pmo_watch.evaluate import evaluate, wishes
from pmo_watch.flow import Snapshot
from pmo_watch.in_force import InForce, load
from pmo_watch.log import set_up_logging
from pmo_watch.memory import Known
from pmo_watch.merge import build_snapshot
from pmo_watch.plugin_host import load_plugins
from pmo_watch.rules import RuleSet, Unit
from pmo_watch.store import open_store
from pmo_watch.testing_measures import parameters
from pmo_watch.view import ROWS_OF

T = TypeVar("T")
RULES = (150, 300, 600)
MEGABYTE = 1024
DATABASE = "made.db"
SETTINGS = f"""\
organisation: {{calendar: be}}
people: {{results: true}}
database: {{url: "sqlite:///{DATABASE}"}}
sources:
  {SOURCE}: {{type: ms_project, path: "plans/*.xml", every: 1h}}
notifiers:
  prometheus: {{type: prometheus}}
"""
STEP = 37  # between two measures of neighbouring rules: any hundred rules are spread over all plugins
ABOUT_OTHERS = re.compile(r"; |^[a-z]+\.")  # thresholds that a rule writes as a list
WITHOUT_OWN = {Unit.MONEY: "over 0 EUR", Unit.COUNT: "over 0", Unit.DECLARED: "over 0 d"}  # of measures that show only


@dataclass(frozen=True, slots=True)
class Measured:
    """What so many rules cost: seconds, and megabytes beside what was in use before.

    `peak`: the most that was in use. `kept`: what is in use afterwards. `history`: reading what was.
    """

    rules: int
    clock: float
    processors: float
    floor: float
    floor_processors: float
    history: float
    peak: float
    kept: float
    findings: int


# --- rules over all measures --------------------------------------------------------------------------------------


def rules_text(number: int) -> str:
    """Return so many rules over the measures in turn: first each with its own thresholds, then with others."""
    measures = sorted(load_plugins().measures.values(), key=lambda one: one.name)
    made = []
    for count in range(number):
        measure = measures[count * STEP % len(measures)]
        made.append(_rule(count, measure, count // len(measures)))
    return json.dumps({"version": 1, "audiences": {"pmo": {"email": "pmo@example.org"}}, "rules": made})


def _rule(count: int, measure: Measure[Any], turn: int) -> dict[str, Any]:
    given = parameters(measure).model_dump(mode="json", exclude_unset=True)
    rule = {"id": f"rule-{count}", "name": f"Rule {count}", "measure": measure.name, "for_each": measure.entity}
    rule |= {"with": given} if given else {}
    own = {name: text for name in ("amber", "red", "recover") if (text := getattr(measure, name))}
    if not own and not measure.row_thresholds:
        own = {"amber": WITHOUT_OWN.get(measure.unit, "over 0 {unit}").format(unit=measure.unit.value)}
    elif not turn or any(ABOUT_OTHERS.search(text) for text in own.values()):
        return rule
    return rule | {name: _times(text, 1 + turn / 10) for name, text in own.items()}


def _times(text: str, factor: float) -> str:
    """Return a condition with larger numbers; those without decimals stay so."""

    def grown(found: re.Match[str]) -> str:
        return f"{float(found[0]) * factor:.3f}" if "." in found[0] else str(ceil(int(found[0]) * factor))

    return re.sub(r"\d+(?:\.\d+)?", grown, text)


def in_force(folder: Path, number: int) -> InForce:
    """Load settings and so many rules.

    Raises:
        SystemExit: some of the rules are not understood.
    """
    (folder / "rules.d").mkdir(exist_ok=True)
    (folder / "rules.d" / "bench.yaml").write_text(rules_text(number), encoding="utf-8")
    settings = folder / "pmo-watch.yaml"
    settings.write_text(SETTINGS, encoding="utf-8")
    loaded = load(settings)
    if loaded.loaded.faults:
        raise SystemExit("\n".join(one.text for one in loaded.loaded.faults))
    return loaded


# --- one process --------------------------------------------------------------------------------------------------


def measured(folder: Path, number: int) -> Measured:
    """Evaluate so many rules on the stored portfolio, as a cycle does, in this process."""
    loaded = in_force(folder, number)
    store = open_store(loaded.settings.database.url.get_secret_value())
    known = Known.stored(store)
    wanted = wishes(loaded.rules, loaded.plugins.measures)
    history, past = timed(lambda: store.past(wanted, NOW, loaded.zone))
    snapshot = build_snapshot(known.rows, known.states, loaded.context(NOW), past)
    store.close()
    before = memory("VmRSS")
    forget_peak()
    first, found = timed(lambda: evaluate(loaded.rules, snapshot, loaded.plugins.measures))
    kept, peak = memory("VmRSS") - before, memory("VmHWM") - before
    if faults := [f"{one.rule}: {one.failed}" for one in found.findings if one.failed]:
        raise SystemExit("\n".join(faults))
    heights = sum(one.frame.height for one in found.findings)
    floor, _ = timed(lambda: scanned(loaded.rules, snapshot))
    return Measured(number, *first, *floor, history[0], peak, kept, heights)


def scanned(rules: RuleSet, snapshot: Snapshot) -> list[pl.DataFrame]:
    """Compare a figure of each rule's rows with two limits, as bare as it can be done."""
    frames = {
        name: snapshot.frame(name) for name in {ROWS_OF.get(one.for_each, one.for_each) for one in rules.rules.values()}
    }
    found = []
    for number, rule in enumerate(rules.rules.values()):
        frame = frames[ROWS_OF.get(rule.for_each, rule.for_each)]
        value = pl.col(_figure(frame)).cast(pl.Float64)
        found.append(frame.select(amber=value > number, red=value > number + 5))
    return found


def _figure(frame: pl.DataFrame) -> str:
    """Return the name of a column of numbers, else of days."""
    return next(name for name, dtype in frame.schema.items() if dtype.is_numeric() or dtype == pl.Date)


def timed(work: Callable[[], T]) -> tuple[tuple[float, float], T]:
    """Return the seconds by the clock and those of the processors, and what came out."""
    clock, processors = time.perf_counter(), time.process_time()
    answer = work()
    return (time.perf_counter() - clock, time.process_time() - processors), answer


def memory(line: str) -> float:
    """Return a line of this process's status, in megabytes."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(one.split()[1]) for one in status if one.startswith(line)) / MEGABYTE


def forget_peak() -> None:
    """Let the highest memory so far be what is in use now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


# --- all of them --------------------------------------------------------------------------------------------------


def each_number(folder: Path, tasks: int, numbers: Sequence[int] = RULES) -> Iterator[Measured]:
    """Write the portfolio once, and evaluate each number of rules in a process of its own."""
    folder.mkdir(exist_ok=True)
    write_weeks(f"sqlite:///{folder / DATABASE}", tasks)
    for number in numbers:
        command = [sys.executable, __file__, "--in", str(folder), str(number)]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        yield Measured(**json.loads(answer))


def main(tasks: int) -> None:
    """Print what each number of rules costs."""
    with tempfile.TemporaryDirectory(prefix="pmo-bench-") as name:
        for one in each_number(Path(name), tasks):
            print(
                f"{one.rules} rules, {one.findings:,} findings: {one.processors:.2f} s of the processors"
                f" ({one.clock:.2f} s by the clock; scan {one.floor_processors:.2f}), peak {one.peak:.0f} MB,"
                f" kept {one.kept:.0f} MB; history {one.history:.2f} s"
            )


if __name__ == "__main__":
    set_up_logging("ERROR")
    if sys.argv[1:2] == ["--in"]:
        print(json.dumps(asdict(measured(Path(sys.argv[2]), int(sys.argv[3])))))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
