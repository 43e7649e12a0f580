"""Silences: they hold messages back, never state, metrics or history (spec alerts, "Who is told, when")."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from pmo_watch.alerts import Alert, Silence
from pmo_watch.rules import Rule

SOURCE = "source"  # alerts on these are for who runs the service, whom no freeze of projects is about


def matches(silence: Silence, alert: Alert, rule: Rule | None) -> bool:
    """Say whether every part that the silence gives fits: rule id, project code, entity id or uid, tag.

    One over everything fits all alerts but those on sources.
    """
    if silence.over_everything:
        return alert.entity != SOURCE
    codes = {alert.project_code.casefold(), alert.subject_id.casefold() if alert.entity == "project" else ""}
    return (
        bool(silence.rule or silence.project or silence.entity or silence.tag)
        and silence.rule in {"", alert.rule}
        and (not silence.project or silence.project.casefold() in codes)
        and (not silence.entity or silence.entity in {alert.subject_id, alert.subject})
        and (not silence.tag or (rule is not None and silence.tag in rule.tags))
    )


def going_on(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Return the silences that hold messages back now."""
    return [one for one in silences if not one.ended and one.since <= now < one.until]


def over(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """Return the silences that are over, and whose end nobody has said yet."""
    return [one for one in silences if not one.ended and one.until <= now]


def holding(alert: Alert, rule: Rule | None, silences: Iterable[Silence]) -> list[Silence]:
    """Return those of these silences that hold back what is to be said of the alert."""
    return [one for one in silences if matches(one, alert, rule)]


def is_silenced(alert: Alert, rule: Rule | None, silences: Sequence[Silence]) -> bool:
    """Say whether one of these silences holds back what is to be said of the alert."""
    return bool(holding(alert, rule, silences))


def silenced(
    alerts: Iterable[Alert], rules: Mapping[str, Rule], silences: Iterable[Silence], now: datetime
) -> frozenset[str]:
    """Return the ids of the alerts that a silence holds back now."""
    standing = going_on(silences, now)
    return frozenset(one.id for one in alerts if is_silenced(one, rules.get(one.rule), standing))


def hidden(silence: Silence, alerts: Iterable[Alert], rules: Mapping[str, Rule]) -> int:
    """Count the open alerts that the silence hides."""
    return sum(one.level is not None and matches(silence, one, rules.get(one.rule)) for one in alerts)
