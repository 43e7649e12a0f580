"""Findings and alerts, as families of metrics."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import polars as pl

from pmo_watch.api import PRIVATE, Alert, CycleReport, Findings, alert_labels, state_of

from .exposition import Family
from .families import family, gauge
from .portfolio import Portfolio

FINDING_STATES = ("green", "amber", "red", "grey", "na")
ALERT_STATES = ("pending", "open", "unknown", "acknowledged", "silenced")
WORDS = ("rule", "project", "entity", "level", "state")


class Counts:
    """Counts findings by state; those of rules that were not evaluated anew are not counted again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[Findings, Mapping[str, int]]] = {}

    def of(self, report: CycleReport) -> dict[str, Mapping[str, int]]:
        """Return, by rule and state, how many findings there are."""
        before, self._known = self._known, {}
        for found in report.findings:
            kept = before.get(found.rule)
            counted = kept[1] if kept and kept[0] is found else dict(found.frame["state"].value_counts().rows())
            self._known[found.rule] = (found, counted)
        return {rule: counted for rule, (_, counted) in self._known.items()}


def finding_families(report: CycleReport, counts: Counts) -> Iterator[Family]:
    """Yield findings and alerts counted per rule: zero-filled, so that 0 and no data differ."""
    rows = [(rule, state, found.get(state, 0)) for rule, found in counts.of(report).items() for state in FINDING_STATES]
    yield family("pmo_rule_findings", ("rule", "state"), _frame(rows, "rule", "state"))
    counted = Counter(
        (one.rule, level_of(one), state_of(one, silenced=one.id in report.silenced)) for one in report.alerts
    )
    every = dict.fromkeys([*product(report.rules.rules, ("amber", "red"), ALERT_STATES), *counted])
    alerts = [(*key, counted[key]) for key in every]
    yield family("pmo_rule_alerts", ("rule", "level", "state"), _frame(alerts, "rule", "level", "state"))


def _frame(rows: Sequence[tuple[object, ...]], *texts: str) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={**dict.fromkeys(texts, pl.String()), "value": pl.Float64()}, orient="row")


def level_of(alert: Alert) -> str:
    """Return the level of an alert; of a pending one the level it is about to open with."""
    return alert.level or ("red" if alert.seen == "red" else "amber")


def alert_families(on: Portfolio, *, person_labels: bool) -> Iterator[Family]:
    """Yield the families with a series per alert."""
    shown = [one for one in on.report.alerts if person_labels or one.entity not in PRIVATE]
    rows = [(level_of(one), state_of(one, silenced=one.id in on.report.silenced), one.opened_at) for one in shown]
    schema = {"level": pl.String(), "state": pl.String(), "opened": pl.Datetime("us", "UTC")}
    frame = alert_labels(on.projects, shown).hstack(pl.DataFrame(rows, schema=schema, orient="row"))
    yield gauge(frame, pl.lit(1.0), "pmo_alerts", *WORDS)
    yield gauge(frame, pl.col("opened").dt.epoch("us") / 1e6, "pmo_alert_since_timestamp_seconds", *WORDS[:3])
