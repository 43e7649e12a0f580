"""What came of scenario tests: all of them run, which rules and levels they reach, and the results as JUnit XML."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pmo_watch.errors import ConfigError
from pmo_watch.faults import Fault, Faults
from pmo_watch.in_force import InForce
from pmo_watch.rule_files import list_test_files
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.scenario_file import levels_of, read_scenario
from pmo_watch.scenario_stage import surroundings
from pmo_watch.scenarios import Failure, play

NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Result:
    """One test: what failed, or what is wrong with its file; with neither it passed. `seconds`: of the wall clock."""

    path: Path
    name: str = ""
    failures: tuple[Failure, ...] = ()
    faults: tuple[Fault, ...] = ()
    seconds: float = 0.0
    rules: frozenset[str] = frozenset()  # that looked at a row of it
    reached: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether all came out as expected."""
        return not (self.failures or self.faults)


@dataclass(frozen=True, slots=True)
class Covered:
    """One rule: how many tests and examples there are for it, and the levels of its that tests reach or leave out."""

    rule: str
    tests: int
    examples: int
    reached: tuple[str, ...]
    left_out: tuple[str, ...]


def tests_in(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Return the files of these paths, or those below the folder of rules where none is named.

    Raises:
        ConfigError: a path leads to no test.
    """
    found: list[Path] = []
    for path in paths:
        some = [path] if path.is_file() else list_test_files(path)
        if not some:
            what = "holds no test: they end in .test.yaml" if path.is_dir() else "does not exist"
            raise ConfigError(f"{path} {what}")
        found += some
    return list(dict.fromkeys(found if paths else map(_near, list_test_files(folder))))


def _near(path: Path) -> Path:
    """Return a path as somebody who stands here would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def run_tests(files: Iterable[Path], in_force: InForce, done: Callable[[Result], None]) -> list[Result]:
    """Run tests one after the other; `done` is called with each result at once.

    Raises:
        StoreError
    """
    found = []
    for path in files:
        found.append(run_text(path, None, in_force))
        done(found[-1])
    return found


def run_text(path: Path, text: str | None, in_force: InForce) -> Result:
    """Run one test: the file, or `text` in its place.

    Raises:
        StoreError
    """
    began = time.perf_counter()
    try:
        scenario = read_scenario(path, surroundings(in_force), text)
    except Faults as error:
        return Result(path, faults=error.faults)
    played = play(scenario, in_force)
    seconds = time.perf_counter() - began
    return Result(path, scenario.name, played.failures, (), seconds, played.looked_at, played.reached)


def coverage(rules: RuleSet, results: Sequence[Result]) -> list[Covered]:
    """Return what is tested of each rule that is switched on, in the order of the rules."""
    return [_covered(one, results) for one in rules.rules.values() if one.enabled]


def _covered(rule: Rule, results: Sequence[Result]) -> Covered:
    seen = {level for one in results for level in one.reached.get(rule.id, ())}
    levels = levels_of(rule)
    return Covered(
        rule.id,
        sum(rule.id in one.rules for one in results),
        len(rule.examples),
        tuple(one for one in levels if one in seen),
        tuple(one for one in levels if one not in seen),
    )


# --- for programs -------------------------------------------------------------------------------------------------


def document(result: Result) -> dict[str, Any]:
    """Return a result as JSON."""
    return {
        "file": str(result.path),
        "test": result.name,
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "rules": sorted(result.rules),
        "reached": {rule: sorted(levels) for rule, levels in sorted(result.reached.items())},
        "failures": [{**_place(one.place), "why": list(one.why)} for one in result.failures],
        "faults": [_place(one) for one in result.faults],
    }


def _place(fault: Fault) -> dict[str, Any]:
    return {"line": fault.line, "column": fault.column, "text": fault.text}


def junit(results: Sequence[Result]) -> bytes:
    """Return results in the XML that CI servers read: a suite, a case for each test, faults of files as errors."""
    failed, faulty = (sum(bool(getattr(one, name)) for one in results) for name in ("failures", "faults"))
    counts = {"tests": str(len(results)), "failures": str(failed), "errors": str(faulty),
              "time": f"{sum(one.seconds for one in results):.3f}"}  # fmt: skip
    root = Element("testsuites", {"name": "pmo-watch test", **counts})
    suite = SubElement(root, "testsuite", {"name": "pmo-watch test", **counts, "skipped": "0"})
    for one in results:
        about = {"classname": one.path.as_posix(), "name": one.name or one.path.name, "file": one.path.as_posix(),
                 "time": f"{one.seconds:.3f}"}  # fmt: skip
        case = SubElement(suite, "testcase", {name: _fit(text) for name, text in about.items()})
        for kind, first, text in _wrong(one):
            SubElement(case, kind, {"message": _fit(first), "type": kind}).text = _fit(text)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _wrong(one: Result) -> Iterator[tuple[str, str, str]]:
    """Yield one element for a test that failed, one for a file with faults: readers take no more than one."""
    if one.failures:
        yield "failure", one.failures[0].place.text, "\n".join(each.shown() for each in one.failures)
    if one.faults:
        yield "error", one.faults[0].text, "\n".join(each.shown() for each in one.faults)


def _fit(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return NOT_IN_XML.sub("·", text)
