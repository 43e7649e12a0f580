"""`backtest` and `suggest`: what rules would have done on stored history, and other thresholds instead of theirs."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pmo_watch.backtest import Backtest, Span, differences
from pmo_watch.backtest_asked import NOT_STORED, Answer, ask, days_back, span_of, with_only, with_rules_of
from pmo_watch.backtest_shown import (
    COMPARED,
    DIFFERENCES,
    MEANT,
    PRESENT,
    READERS,
    RULES,
    compared_rows,
    difference_rows,
    document,
    document_of_suggested,
    load_line,
    meant_row,
    reader_rows,
    rule_rows,
)
from pmo_watch.cli_options import GATE, Config, Form, configured, looked_into, moment, rule_texts
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce, with_rules
from pmo_watch.output import Format, counted, printed, said, show, show_json
from pmo_watch.replay import Progress as Told
from pmo_watch.store import StoredHistory
from pmo_watch.suggest import Suggested, histogram
from pmo_watch.suggest_asked import suggest as suggest_thresholds

PATIENCE_SECONDS = 2.0  # after which a bar shows how far it is
FALSE_START = 5
SINCE_HELP = "From when on is counted: days back as 90d, or a moment such as 2026-09-01."


def backtest(
    since: Annotated[str, typer.Option("--since", help=SINCE_HELP)] = "90d",
    until: Annotated[str, typer.Option("--until", help="Until when, such as 2026-11-20; else now.")] = "",
    rule: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be given several times.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option("--against", help="A folder with other rules to compare with.")
    ] = None,
    most: Annotated[
        int | None,
        typer.Option("--max-messages-per-week", min=0, help="Exit with 1 when somebody would get more in any week."),
    ] = None,
    within: Annotated[
        int, typer.Option("--false-start", min=0, help="Days within which an alert that recovers was a false start.")
    ] = FALSE_START,
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Replay stored history through the rules: alerts, lead times, messages per person and week. Writes nothing."""
    answer = _answered(config, (since, until), tuple(rule or ()), against, within)
    if form is Format.JSON:
        differing = differences(answer.here, answer.other, answer.span) if answer.other else []
        show_json(document(answer.here, answer.lived, answer.span, answer.other, differing))
    else:
        _print(answer)
    _gate(answer.here, most)


def suggest(
    rule: Annotated[str, typer.Argument(help="A rule, by its id.")],
    since: Annotated[str, typer.Option("--since", help=SINCE_HELP)] = "365d",
    until: Annotated[str, typer.Option("--until", help="Until when, such as 2026-11-20; else now.")] = "",
    config: Config = None,
    form: Form = Format.TABLE,
) -> None:
    """Show what a rule's measure said week after week, and what other thresholds would have meant. Changes no file."""
    in_force, history, span = _world(config, (since, until), FALSE_START)
    with _bar("looking back") as told:
        found = suggest_thresholds(history, in_force, rule, span, told)
    if form is Format.JSON:
        show_json([document_of_suggested(one) for one in found])
        return
    for one in found:
        _print_suggested(one)


def _print_suggested(one: Suggested) -> None:
    printed(f"{one.measure}: {counted(one.values, 'value')} of {counted(one.rows, 'row')} at {one.weeks} ends of weeks")
    if not one.values:
        return
    printed("quantiles: " + ", ".join(f"{share:.0%} {value:g}" for share, value in one.quantiles.items()))
    for line in histogram(one.bars):
        printed(line)
    show([{"present": each["threshold"], **each} for each in map(meant_row, one.present)], PRESENT, Format.TABLE, "")
    show(list(map(meant_row, one.candidates)), MEANT, Format.TABLE)


def _world(config: Config, when: tuple[str, str], within: int) -> tuple[InForce, StoredHistory, Span]:
    """Read what is in force, and all that is stored."""
    in_force = configured(config)
    with looked_into(in_force) as store:
        in_force = with_rules(in_force, rule_texts(store))
        span = _span(in_force, *when, within)
        return in_force, store.history(in_force.zone), span


def _answered(
    config: Config, when: tuple[str, str], only: tuple[str, ...], against: Path | None, within: int
) -> Answer:
    in_force, history, span = _world(config, when, within)
    wanted = with_only(in_force, only) if against is None else in_force
    other = _only_known(with_rules_of(in_force, against), only) if against is not None else None
    with _bar("replaying") as told:
        here, lived = ask(history, _only_known(wanted, only), span, told)
    if other is None:
        return Answer(here, lived, span)
    with _bar(f"replaying with {against}") as told:
        return Answer(here, lived, span, ask(history, other, span, told)[0])


def _only_known(in_force: InForce, only: tuple[str, ...]) -> InForce:
    """Return it with those of these rules that it has: of two sets one may lack a rule."""
    known = tuple(one for one in only if one in in_force.rules.rules)
    if only and not known:
        raise ConfigError(f"--rule: {in_force.settings.rules} has none of these rules")
    return with_only(in_force, known)


def _span(in_force: InForce, since: str, until: str, within: int) -> Span:
    end = moment(until, in_force.zone) if until else datetime.now(UTC)
    back = days_back(since)
    return span_of(in_force, end - back if back is not None else moment(since, in_force.zone), end, within)


def _print(answer: Answer) -> None:
    span = answer.span
    said(f"{span.day(span.since)} to {span.day(span.until)}, replayed from {span.day(answer.lived.began)} on")
    if answer.other is None:
        show(rule_rows(answer.here), RULES, Format.TABLE, "no rule is in force")
        printed("")
        show(reader_rows(answer.here.load), READERS, Format.TABLE, "nobody would have been written to")
    else:
        show(compared_rows(answer.here, answer.other), COMPARED, Format.TABLE, "no rule is in force")
        printed("")
        rows = difference_rows(differences(answer.here, answer.other, span), span)
        show(rows, DIFFERENCES, Format.TABLE, "both open the same alerts on the same days")
        printed(f"other {load_line(answer.other.load)}")
    printed(load_line(answer.here.load))
    said("not stored, and so not as it was: " + "; ".join(NOT_STORED))
    if answer.lived.unheeded:
        said(f"{counted(answer.lived.unheeded, 'acknowledgement')} of alerts that were not open this time")


def _gate(made: Backtest, most: int | None) -> None:
    over = [one for one in made.load.readers if most is not None and one.most > most]
    for one in over:
        said(f"{one.name} would get {counted(one.most, 'message')} in the week of {one.fullest}: more than {most}")
    if over:
        raise typer.Exit(GATE)


@contextmanager
def _bar(what: str) -> Iterator[Told]:
    """Show on a terminal how far it is, when it takes long."""
    console = Console(stderr=True)
    bar = Progress(TextColumn(what), BarColumn(), TimeRemainingColumn(), console=console, transient=True)
    task, began = bar.add_task(what, total=1.0), time.monotonic()

    def told(share: float) -> None:
        if sys.stderr.isatty() and not bar.live.is_started and time.monotonic() - began > PATIENCE_SECONDS:
            bar.start()
        bar.update(task, completed=share)

    try:
        yield told
    finally:
        bar.stop()
