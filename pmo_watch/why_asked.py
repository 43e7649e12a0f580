"""From what a person writes to an answer: which row or alert is meant, and why it is as it is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pmo_watch.alerts import Alert
from pmo_watch.audiences import PERSONAL
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.inquiry import World, alerts_on, logs_of
from pmo_watch.row_search import Candidate, candidates, nothing_found
from pmo_watch.scrutiny import Examined, examine
from pmo_watch.store import AlertQuery, Store
from pmo_watch.subjects import Subject
from pmo_watch.why import Asked, Why, rules_about, why

ALERT = re.compile(r"[0-9a-f]{4,16}")  # the id of an alert, or how it begins
WHOLE = 16
MOST_NAMED = 12  # candidates that are listed


def ask_why(store: Store, world: World, text: str, rule: str = "", project: str = "") -> Why:
    """Answer why the alerts on a row are as they are, or one alert.

    `text`: an alert id or its beginning, or the id, code, uid or name of a row. `rule`: only this one. `project`: code.

    Raises:
        ConfigError: nothing is called so, or several things; it names them.
    """
    _check_rule(world, rule)
    subject, only = _meant(store, world, text, project, rule)
    rules = rules_about(world, subject.entity, rule or only)
    if rule and not rules:
        raise ConfigError(f"rule '{rule}' is not for each {subject.entity}, and '{text}' is one")
    alerts = alerts_on(store, world, subject.uid)
    gone = [one.rule for one in alerts if one.rule not in world.rules.rules and (rule or only) in {"", one.rule}]
    wanted = dict.fromkeys([*(one.id for one in rules), *gone], (subject.uid,))
    logs = logs_of(store, [one.id for one in alerts])
    return why(Asked(world, subject, _examined(world, wanted, subject), alerts, logs))


def _check_rule(world: World, rule: str) -> None:
    known = world.rules.rules
    if rule and rule not in known:
        raise ConfigError(f"there is no rule '{rule}'{did_you_mean(rule, known) or ': see the rule files'}")


def _examined(world: World, wanted: Mapping[str, Sequence[str]], subject: Subject) -> Examined:
    """Return what rules make of the row; of a single person nothing is looked at."""
    if subject.entity == PERSONAL:
        return Examined(frozenset(wanted), {})
    return examine(world.rules, world.snapshot, world.in_force.plugins.measures, wanted)


def _meant(store: Store, world: World, text: str, project: str, rule: str) -> tuple[Subject, str]:
    """Return the row that is meant, and the rule of the alert where an alert is; one that the rule is for, if any."""
    whole = len(text) == WHOLE and ALERT.fullmatch(text) is not None
    rows = [] if whole else candidates(world.snapshot, text, project)
    # A milestone may stand for a gate: one row, known under two names.
    rows = [one for one in rows if rule and one.entity == world.rules.rules[rule].for_each] or rows
    if len(rows) > 1:
        raise ConfigError(several(world, text, rows))
    if rows:
        return _subject(world, Alert("", "", rows[0].uid, rows[0].entity)), ""
    alerts = store.find_alerts(AlertQuery(begins=text, limit=MOST_NAMED)) if ALERT.fullmatch(text) else []
    alerts = alerts or store.find_alerts(AlertQuery(subject=text, limit=1))  # a row that is gone
    if len(alerts) > 1:
        ids = ", ".join(one.id for one in alerts)
        raise ConfigError(f"'{text}' begins the ids of several alerts: {ids}")
    if not alerts:
        raise ConfigError(nothing_found(world.snapshot, text))
    return _subject(world, alerts[0]), alerts[0].rule if alerts[0].id.startswith(text) else ""


def _subject(world: World, alert: Alert) -> Subject:
    world.desk.subjects.fetch([(alert.entity, alert.subject)])
    found = world.desk.subjects.of(alert)
    if found.entity == PERSONAL:  # whoever asks may not be one of those who may know
        return replace(found, uid=found.uid, id="", name="a single person", names={})
    return found


def several(world: World, text: str, found: Sequence[Candidate]) -> str:
    """Say that a text means several rows, and which."""
    codes = dict(world.snapshot.frame("project").select("uid", "code").iter_rows())
    named = [
        f"  {one.entity} {one.uid}: {one.name}{f' of {codes[one.project]}' if codes.get(one.project) else ''}"
        for one in found[:MOST_NAMED]
    ]
    more = [f"  and {len(found) - MOST_NAMED} more"] if len(found) > MOST_NAMED else []
    remedy = f"'{text}' is what {len(found)} rows are called: give the uid, or --project CODE"
    return "\n".join([remedy, *named, *more])
