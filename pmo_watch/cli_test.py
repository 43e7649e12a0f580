"""`test`: runs scenario tests of rules on the engine of the daemon, and writes them from what was stored."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pmo_watch.cli_options import FAULTY, GATE, Config, Form, configured, looked_into, moment
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce
from pmo_watch.output import Format, counted, printed, said, show, show_json
from pmo_watch.scenario_record import Wish, record
from pmo_watch.scenario_results import Covered, Result, coverage, document, junit, run_tests, run_text, tests_in
from pmo_watch.scenario_text import scenario_text

COVERED = ("rule", "tests", "examples", "reached", "left_out")


def run_scenarios(
    paths: Annotated[list[Path] | None, typer.Argument(help="Tests or folders; else those below the rules.")] = None,
    junit_file: Annotated[Path | None, typer.Option("--junit", help="Also write the results as JUnit XML.")] = None,
    covered: Annotated[bool, typer.Option("--coverage", help="Show which rules and levels the tests reach.")] = False,
    recorded: Annotated[
        str, typer.Option("--record", help="Write a test from the stored history of this row instead: id, code, name.")
    ] = "",
    since: Annotated[str, typer.Option("--since", help="With --record: from when on, such as 2026-11-02.")] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="With --record: file to write; else standard output.")
    ] = None,
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="With --record: numbers in place of names, titles and addresses.")
    ] = False,
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Run the scenario tests of rules, `*.test.yaml`, on the engine of the daemon with a clock of its own."""
    in_force = _sound(configured(config, "ERROR"))
    if recorded:
        _record(in_force, recorded, since, output, pseudonyms=pseudonyms)
        return
    if since or output or pseudonyms:
        raise ConfigError("--since, --output and --pseudonyms go with --record SUBJECT")
    files = tests_in(paths or [], in_force.settings.rules)
    results = run_tests(files, in_force, _say)
    _show(results, in_force, form, covered=covered)
    if junit_file is not None:
        _write(junit_file, junit(results))
    if any(one.faults for one in results):
        raise typer.Exit(FAULTY)
    if any(one.failures for one in results):
        raise typer.Exit(GATE)


def _sound(in_force: InForce) -> InForce:
    """Return it where its rule files have no faults: else tests would speak of other rules than those that are there.

    Raises:
        typer.Exit: with what is wrong said.
    """
    for fault in in_force.loaded.faults:
        said(fault.shown())
    if in_force.loaded.faults:
        said("the rules have faults: tests run once 'pmo-watch check' finds none")
        raise typer.Exit(FAULTY)
    return in_force


def _say(result: Result) -> None:
    verdict = "passed" if result.passed else "failed" if result.failures else "has faults"
    said(f"{verdict}: {result.path}{f': {result.name}' if result.name else ''} ({result.seconds:.1f} s)")
    for failure in result.failures:
        said(failure.shown())
    for fault in result.faults:
        said(fault.shown())


def _show(results: list[Result], in_force: InForce, form: Format, *, covered: bool) -> None:
    lines = [_line(one) for one in coverage(in_force.rules, results)] if covered else []
    if form is Format.JSON:
        found: dict[str, object] = {"tests": [document(one) for one in results]}
        show_json({**found, "coverage": lines} if covered else found)
    elif covered:
        show(lines, COVERED, form, "no rule is switched on")
    failed = sum(not one.passed for one in results)
    verdict = f"{failed} failed" if failed else "all passed" if results else "none found"
    said(f"{counted(len(results), 'test')}: {verdict}")


def _line(one: Covered) -> dict[str, object]:
    return {name: getattr(one, name) for name in COVERED}


def _record(in_force: InForce, subject: str, since: str, output: Path | None, *, pseudonyms: bool) -> None:
    """Write a test from what was stored, and run it at once."""
    if not since:
        raise ConfigError("--record: say from when on, as in --since 2026-11-02")
    now = datetime.now(UTC)
    with looked_into(in_force) as store:
        scenario = record(store, in_force, Wish(subject, moment(since, in_force.zone), now, pseudonyms))
    text = scenario_text(scenario, f"Recorded on {now.astimezone(in_force.zone):%Y-%m-%d} from what was stored.")
    if output is None:
        printed(text.rstrip("\n"))
    else:
        _write(output, text.encode())
    result = run_text(output or Path("recorded.test.yaml"), text, in_force)
    _say(result)
    if not result.passed:
        said("what is written is what happened; run now, the rules do otherwise: they were changed since, or were told")
        said("of more than this row. Begin earlier with --since, or correct what is expected.")
        raise typer.Exit(GATE)


def _write(path: Path, made: bytes) -> None:
    try:
        path.write_bytes(made)
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}") from None
    said(f"written: {path}")
