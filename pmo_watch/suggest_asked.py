"""A rule's measures at the ends of weeks that have passed, as they were known then."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from pmo_watch.alert_rows import about_alerts
from pmo_watch.backtest import Span
from pmo_watch.errors import ConfigError
from pmo_watch.evaluate import evaluate, wishes
from pmo_watch.faults import did_you_mean
from pmo_watch.flow import COLOURS, Snapshot
from pmo_watch.in_force import InForce
from pmo_watch.memory import Known, changes, seen
from pmo_watch.needed import reads_findings
from pmo_watch.past_readings import PastReadings
from pmo_watch.replay import Progress
from pmo_watch.rules import Judged, Rule
from pmo_watch.store import ReplayedPast, StoredHistory
from pmo_watch.subjects import DUE
from pmo_watch.suggest import SEEN, Suggested, suggested, why_not
from pmo_watch.view import Tables

EVENING = time(23, 59, 59)


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    """What does not change from week to week."""

    history: StoredHistory
    in_force: InForce
    rule: Rule
    span: Span


def suggest(
    history: StoredHistory, in_force: InForce, name: str, span: Span, progress: Progress = lambda _: None
) -> list[Suggested]:
    """Return one answer for each measure of the rule.

    Raises:
        ConfigError: there is no such rule, its thresholds cannot be tried, or nothing is stored; it says why.
    """
    rule = _asked(in_force, name)
    weeks = list(_week_ends(span))
    found: dict[int, list[pl.DataFrame]] = {}
    for number, (day, snapshot) in enumerate(_snapshots(_World(history, in_force, rule, span), weeks)):
        for which, judged in enumerate(rule.measures):
            found.setdefault(which, []).append(_values(in_force, rule, judged, snapshot, day, number))
        progress((number + 1) / len(weeks))
    if not found:
        raise ConfigError(f"no reading is stored before {span.day(span.until)}: there is nothing to look at")
    return [suggested(pl.concat(found[which]), judged) for which, judged in enumerate(rule.measures)]


def _asked(in_force: InForce, name: str) -> Rule:
    rules, measures = in_force.rules, in_force.plugins.measures
    rule = rules.rules.get(name)
    if rule is None:
        raise ConfigError(f"there is no rule '{name}'{did_you_mean(name, rules.rules) or ': see the rule files'}")
    if rule.id in about_alerts(rules):
        raise ConfigError(f"rule '{name}' is about alerts: they follow from other rules, not from what is stored")
    colours = any(one.entity == COLOURS for one in wishes(replace(rules, rules={name: rule}), measures, ()))
    if colours or reads_findings(rule, measures):
        raise ConfigError(f"rule '{name}' reads what other rules found: change those, or use 'pmo-watch backtest'")
    if fault := next(filter(None, map(why_not, rule.measures)), ""):
        raise ConfigError(f"rule '{name}': {fault}: there is no threshold to try")
    return rule


def _week_ends(span: Span) -> Iterator[datetime]:
    """Yield the last second of each Sunday in the span, and its end."""
    day = span.day(span.since)
    day += timedelta(days=6 - day.weekday())
    while (at := datetime.combine(day, EVENING, span.zone).astimezone(UTC)) < span.until:
        yield at
        day += timedelta(days=7)
    yield span.until


def _snapshots(world: _World, weeks: Sequence[datetime]) -> Iterator[tuple[date, Snapshot]]:
    """Yield what was known at each of these moments; those before the first reading are left out."""
    in_force, span = world.in_force, world.span
    readings = PastReadings(world.history, {name: entry.type for name, entry in in_force.sources().items()})
    past, known = ReplayedPast(world.history), Known({}, {})
    rules = replace(in_force.rules, rules={world.rule.id: world.rule})
    asked = wishes(rules, in_force.plugins.measures, ())
    ahead = [one for one in readings.moments if one <= span.until]
    for at in weeks:
        past.answer(asked, at, span.zone, ())  # what a wish keeps follows every reading from the first one on
        while ahead and ahead[0] <= at:
            moment = ahead.pop(0)
            accepted = readings.at(moment)
            known = known.after(accepted)
            past.written(moment, changes(accepted, (), span.day(moment)))
        if known.states:
            yield span.day(at), seen(known, in_force, at, past.answer(asked, at, span.zone, ()))


def _values(in_force: InForce, rule: Rule, judged: Judged, snapshot: Snapshot, day: date, number: int) -> pl.DataFrame:
    alone = replace(in_force.rules, rules={rule.id: replace(rule, measures=(judged,))})
    (findings,) = evaluate(alone, snapshot, in_force.plugins.measures).findings
    if findings.failed:
        raise ConfigError(f"rule '{rule.id}' cannot be evaluated: {findings.failed}")
    rows = Tables(snapshot).table(rule.for_each).rows
    dates = [pl.col(name).cast(pl.Date) for name in DUE.get(rule.for_each, ()) if name in rows.columns]
    due = rows.select("uid", due=pl.coalesce(dates) if dates else pl.lit(None, pl.Date))
    told = findings.frame.join(due, on="uid", how="left")
    shown = told.with_columns(week=pl.lit(number, pl.Int64), day=pl.lit(day), state=pl.col("state").cast(pl.String))
    return shown.select(pl.col(name).cast(dtype) for name, dtype in SEEN.items())
