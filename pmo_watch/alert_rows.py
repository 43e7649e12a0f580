"""Alerts as rows that rules may look at: who was told, who took notice, where it was escalated to, which plan names it.

Alerts of rules about alerts are not among them: that nobody reacts to an alert may be an alert, but no third one. Nor
are alerts on single persons, which are only for those who may know of them.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.alerts import Alert
from pmo_watch.audiences import COMMITTEES, PERSONAL
from pmo_watch.entities import ENTITIES
from pmo_watch.escalations import last_told
from pmo_watch.flow import Snapshot
from pmo_watch.references import plain
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.subjects import Subject, Subjects
from pmo_watch.words import LANGUAGES, pick, words

ABOUT = "alert"  # the `for_each` of rules about alerts
NUMBER = r"\b[0-9a-f]{16}\b"  # of an alert, wherever a text names it
PLANS = {"action": ("origin", "title", "description"), "issue": ("title", "description")}
PLANS["decision"] = PLANS["issue"]
SCHEMA = {**ENTITIES[ABOUT].schema(), "@usable": pl.Boolean(), "@reading": pl.Int64()}


def about_alerts(rules: RuleSet) -> dict[str, Rule]:
    """Return the rules for each alert, those that are switched off among them."""
    return {name: rule for name, rule in rules.rules.items() if rule.for_each == ABOUT}


def alert_rows(
    alerts: Iterable[Alert], told_on: Mapping[str, datetime], rules: RuleSet, snapshot: Snapshot
) -> pl.DataFrame:
    """Return a row for each alert that was opened; one that is closed has no level.

    `told_on`: alert id -> when the first message of its level was accepted.
    """
    own = about_alerts(rules)
    told_of = (one for one in alerts if one.level and one.rule not in own and one.entity != PERSONAL)
    shown = sorted(told_of, key=lambda one: one.id)
    subjects = Subjects(snapshot, ((one.entity, one.subject) for one in shown))
    zone = ZoneInfo(snapshot.organisation.timezone)
    rows = [
        {
            **_dates(one, told_on.get(one.id), zone),
            **_named(rules.rules.get(one.rule), one, subjects.of(one), snapshot),
            **_reacted(one, rules),
        }
        for one in shown
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return _with_plans(_with_persons(frame, snapshot), snapshot).select(*SCHEMA)


def _dates(alert: Alert, told_on: datetime | None, zone: ZoneInfo) -> dict[str, date | None]:
    moments = {
        "opened_on": alert.opened_at,
        "since": alert.since,
        "unknown_since": alert.unknown_since,
        "told_on": told_on,
    }
    return {name: one.astimezone(zone).date() if one else None for name, one in moments.items()}


def _named(rule: Rule | None, alert: Alert, subject: Subject, snapshot: Snapshot) -> dict[str, Any]:
    """Return what it is about: rule and subject in every language, and where the subject stands."""
    common = snapshot.organisation.language
    texts = rule.name if rule else {common: alert.rule}
    called = {
        language: words(language).pair(pick(texts, language, common), subject.names.get(language, subject.name))
        for language in LANGUAGES
    }
    places = {one.entity: one.uid for one in subject.places}
    return {
        "uid": f"{ABOUT}:{alert.id}",
        "source": alert.source,
        "id": alert.id,
        "name": called.get(common, called["en"]),
        **{f"name_{language}": name for language, name in called.items()},
        "rule": alert.rule,
        "about": alert.entity,
        "subject": subject.id,
        **{entity: places.get(entity) for entity in ("project", "program", "portfolio")},
    }


def _reacted(alert: Alert, rules: RuleSet) -> dict[str, Any]:
    return {
        "level": alert.level if alert.closed_at is None else None,
        "acknowledged_on": alert.acknowledged_on,
        "acknowledged_until": alert.acknowledged_until,
        "acknowledged_by": alert.acknowledged_by or None,
        "escalated_on": alert.escalated_on,
        "escalated_to": _escalated_to(alert, rules),
        "escalation_step": alert.escalation_step,
        "@usable": True,
        "@reading": alert.evaluations,  # what counts for the alert counts for whoever looks at it
    }


def _escalated_to(alert: Alert, rules: RuleSet) -> str | None:
    """Return the committee that the last step went to, else its role or audience."""
    rule = rules.rules.get(alert.rule)
    names = last_told(alert, rule.escalate if rule else ())
    roles = [rules.audiences[name].role or name if name in rules.audiences else name for name in names]
    return next((COMMITTEES[role] for role in roles if role in COMMITTEES), next(iter(roles), None))


def _with_persons(frame: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Turn who acknowledged into the person of that address or name; null where nobody is known by it."""
    people = snapshot.frame("person")
    known = pl.concat([people.select(who=plain(pl.col(name)), uid="uid") for name in ("email", "name")])
    sole = known.drop_nulls().unique("who", keep="first", maintain_order=True)
    who = frame.select(who=plain(pl.col("acknowledged_by")))
    found = who.join(sole, on="who", how="left", maintain_order="left")["uid"]
    return frame.with_columns(found.alias("acknowledged_by"))


# --- plans --------------------------------------------------------------------------------------------------------


def _with_plans(frame: pl.DataFrame, snapshot: Snapshot) -> pl.DataFrame:
    """Add the action, issue or decision that names each alert: by its number, else by the origin of an action."""
    numbered = pl.concat([_numbered(snapshot, entity) for entity in PLANS])
    by_number = frame.select("uid", number="id").join(numbered, on="number").with_columns(rank=0)
    actions = _actions(snapshot)
    by_origin = [
        frame.select("uid", "project", origin=plain(called)).join(actions, on=["project", "origin"])
        for called in (pl.format("{} {}", "rule", "subject"), pl.col("rule"))
    ]
    ranked = [one.select("uid", "plan", rank=pl.lit(rank)) for rank, one in enumerate(by_origin, 1)]
    plans = pl.concat([by_number.select("uid", "plan", "rank"), *ranked]).sort("rank", "plan", maintain_order=True)
    chosen = plans.unique("uid", keep="first", maintain_order=True)
    action = frame.select("uid").join(chosen, on="uid", how="left", maintain_order="left")["plan"]
    return frame.with_columns(action.alias("action"))


def _numbered(snapshot: Snapshot, entity: str) -> pl.DataFrame:
    """Return `plan` and `number` for each number of an alert that a row's texts hold."""
    rows = _standing(snapshot, entity)
    text = pl.concat_str([pl.col(name) for name in PLANS[entity]], separator=" ", ignore_nulls=True)
    found = rows.select(plan="uid", number=text.str.to_lowercase().str.extract_all(NUMBER))
    return found.explode("number").drop_nulls()


def _actions(snapshot: Snapshot) -> pl.DataFrame:
    """Return `project`, `origin` and `plan` of actions; the first word of `alert key-milestone-slip M3` is left out."""
    said = plain(pl.col("origin")).str.strip_prefix(ABOUT).str.strip_chars(" :")
    return _standing(snapshot, "action").select("project", origin=said, plan="uid").drop_nulls()


def _standing(snapshot: Snapshot, entity: str) -> pl.DataFrame:
    rows = snapshot.frame(entity).filter(pl.col("vanished_on").is_null())
    return rows.filter(pl.col("status").ne_missing("cancelled")) if entity == "action" else rows
