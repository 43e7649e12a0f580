"""The product's own alerts: a source that fails for too long, as a rule and findings like any other."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.confirm import Moment, working_days
from pmo_watch.flow import FINDING_SCHEMA, Findings, Outcome, Snapshot, SourceState
from pmo_watch.rules import Rule, RuleSet, Span, State
from pmo_watch.workdays import Calendar

ICT = "ict"  # the audience that runs the service; without it the PMO is told
POLLED, FILES = Span(4, "h"), Span(1, "wd")  # spec alerts: how long a source may fail before anybody is told

SOURCE_FAILING = Rule(
    id="source-failing",
    name={
        "en": "Source cannot be read",
        "fr": "Source illisible",
        "nl": "Bron kan niet gelezen worden",
    },
    for_each="source",
    measures=(),
    tell={"red": (ICT,)},
    advice={
        "en": "Look at 'pmo-watch sources list', then at the source: address, password, right, file. Alerts on "
        "its data stay as they were until it is read again.",
        "fr": "Consultez «\u00a0pmo-watch sources list\u00a0», puis la source\u00a0: adresse, mot de passe, droits, "
        "fichier. Les alertes fondées sur ses données restent inchangées jusqu'à la prochaine lecture réussie.",
        "nl": "Bekijk 'pmo-watch sources list' en dan de bron: adres, wachtwoord, rechten, bestand. Waarschuwingen op "
        "haar gegevens blijven zoals ze waren tot ze opnieuw gelezen is.",
    },
    version="built in",
)


def with_own_rules(rules: RuleSet) -> RuleSet:
    """Return the rules in force and the built-in ones; a rule file that uses the id of one replaces it."""
    return replace(rules, rules={SOURCE_FAILING.id: SOURCE_FAILING, **rules.rules})


def own_findings(snapshot: Snapshot, grace: Mapping[str, Span]) -> list[Findings]:
    """Return the findings of the built-in rules; `grace`: how long each source may fail, 4 h where it is not said."""
    rows = [_row(state, grace.get(name, POLLED), snapshot) for name, state in sorted(snapshot.sources.items())]
    evidence = [
        {
            "uid": f"source:{state.name}",
            "error": state.error,
            "failing_since": _shown(state.failing_since, snapshot),
            "last_good_read": _shown(state.last_good, snapshot),
            "failures": str(state.failures),
        }
        for _, state in sorted(snapshot.sources.items())
        if state.outcome == Outcome.FAILED
    ]
    columns = ("uid", "error", "failing_since", "last_good_read", "failures")
    shown = pl.DataFrame(evidence, schema=dict.fromkeys(columns, pl.String()))
    return [
        Findings.of(
            SOURCE_FAILING.id,
            pl.DataFrame(rows, schema=FINDING_SCHEMA).sort("uid"),
            lambda uids: shown.filter(pl.col("uid").is_in(list(uids))),
        )
    ]


def _row(state: SourceState, grace: Span, snapshot: Snapshot) -> dict[str, object]:
    failing = state.outcome == Outcome.FAILED and state.failing_since is not None
    over = failing and _moment(snapshot).passed(grace, state.failing_since or snapshot.now)
    return {
        "uid": f"source:{state.name}",
        "state": (State.RED if over else State.GREEN).value,
        "value": _failing_for(state, grace, snapshot) if failing else 0.0,
        "threshold": f"at least {grace.number} {grace.unit}" if over else None,
        "limit": float(grace.number) if over else None,
        # A held reading is told by itself: it is no failure, and no recovery either.
        "recovered": state.outcome in {Outcome.COMPLETE, Outcome.PARTIAL},
        "reason": state.error or None if over else None,
        "as_of": snapshot.today,
        "unit": grace.unit,
        "source": state.name,
        "usable": True,
        # An unchanged file is no new reading of its rows, yet it shows that the source can be read again.
        "reading": int(state.last_good.timestamp()) if state.last_good else 0,
    }


def _failing_for(state: SourceState, grace: Span, snapshot: Snapshot) -> float:
    at, since = _moment(snapshot), state.failing_since or snapshot.now
    if grace.unit == "wd":
        return float(working_days(since.astimezone(at.zone).date(), at.today, at.calendar))
    hours = (snapshot.now - since).total_seconds() / 3600
    return round(hours / 24 if grace.unit == "d" else hours, 1)


def _moment(snapshot: Snapshot) -> Moment:
    default = snapshot.organisation.calendar
    calendar = snapshot.calendars.get(default, Calendar(default))
    return Moment(snapshot.now, snapshot.today, ZoneInfo(snapshot.organisation.timezone), calendar)


def _shown(moment: datetime | None, snapshot: Snapshot) -> str | None:
    zone = ZoneInfo(snapshot.organisation.timezone)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") if moment else None
