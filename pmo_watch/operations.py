"""A person's hand on alerts and silences: the same acts for the command line, the API and links."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pmo_watch.acknowledgements import Wanted, acknowledge
from pmo_watch.alerts import Alert, Silence, Transition
from pmo_watch.errors import ConfigError
from pmo_watch.store import AlertQuery, CycleChange, Store, StoreConflict

LONGEST_SILENCE = timedelta(days=90)  # spec alerts
LONGEST_REASON = 500  # spec channels 1.4
TRIES = 5


class NotOpen(ConfigError):
    """An alert that is closed, was never there, or is not confirmed yet."""


ACCEPT = "accept:"  # mark, with a source's name behind it: a person believes its next reading
APPROVE = "approve:reload"  # mark: a person lets a mass change through


def open_alerts(store: Store) -> list[Alert]:
    """Return the alerts that are open, worst first."""
    alerts = [one for one in store.alerts() if one.level is not None and one.closed_at is None]
    return sorted(alerts, key=lambda one: (one.level != "red", one.project_code, one.rule, one.subject_id))


def find_alert(store: Store, name: str) -> Alert:
    """Return the alert of that id, or of the beginning of an id that only one has.

    Raises:
        ConfigError: there is none, or several.
    """
    found = [one for one in open_alerts(store) if one.id.startswith(name)]
    if not found:
        if store.find_alerts(AlertQuery(id=name, state="closed")):
            raise ConfigError(f"alert {name} is closed: there is nothing to do")
        raise ConfigError(f"there is no open alert '{name}'; 'pmo-watch alerts list' shows those there are")
    if len(found) > 1:
        raise ConfigError(f"'{name}' begins the ids of {len(found)} alerts: give more of it")
    return found[0]


def acknowledge_alerts(store: Store, ids: Sequence[str], wanted: Wanted, now: datetime, zone: ZoneInfo) -> list[Alert]:
    """Acknowledge open alerts in one transaction and return them as they are afterwards.

    Raises:
        NotOpen: one of them is not open; nothing is changed then.
        ConfigError: what is asked cannot be; likewise.
    """
    today = now.astimezone(zone).date()
    for _ in range(TRIES):
        revision = store.revision()
        known = {one.id: one for one in store.alerts() if one.level is not None and one.closed_at is None}
        if missing := [one for one in ids if one not in known]:
            raise NotOpen(f"alert {missing[0]} is not open")
        each = (known[one] for one in dict.fromkeys(ids))
        made = [acknowledge(one, wanted, now, today) for one in each]
        steps = [_logged(one, wanted.by) for one in made if one is not None]
        alerts = [one.alert for one in steps]
        try:
            if steps:
                store.write(CycleChange(now, based_on=revision, alerts=alerts, transitions=steps))
        except StoreConflict:
            continue  # a cycle came in between: decide again on what it left
        changed = {one.id: one for one in alerts}
        return [changed.get(one, known[one]) for one in ids]
    raise ConfigError("alerts are changing too fast: try again")


def _logged(step: Transition, by: str) -> Transition:
    return replace(step, who=f"{step.who} ({by})") if by else step


@dataclass(frozen=True, slots=True)
class Hush:
    """A silence as asked for: at least one of rule, project, entity and tag."""

    who: str
    why: str
    until: date
    rule: str = ""
    project: str = ""
    entity: str = ""
    tag: str = ""


def add_silence(store: Store, wanted: Hush, now: datetime, zone: ZoneInfo) -> Silence:
    """Keep a silence until the end of a day and return it.

    Raises:
        ConfigError: what is asked cannot be; the text names the part at fault.
    """
    silence = silence_of(wanted, now, zone)
    store.add_silence(silence)
    return silence


def silence_of(wanted: Hush, now: datetime, zone: ZoneInfo) -> Silence:
    """Return a silence as it would be kept, from now until the end of a day; nothing is kept.

    Raises:
        ConfigError: what is asked cannot be; the text names the part at fault.
    """
    if fault := _hush_fault(wanted, now.astimezone(zone).date()):
        raise ConfigError(fault)
    until = datetime.combine(wanted.until, time(23, 59, 59), zone)
    return Silence(
        secrets.token_hex(4),
        wanted.who.strip(),
        wanted.why.strip(),
        until,
        now,
        wanted.rule,
        wanted.project,
        wanted.entity,
        wanted.tag,
    )


def _hush_fault(wanted: Hush, today: date) -> str:
    if not (wanted.rule or wanted.project or wanted.entity or wanted.tag):
        return "match: name a rule, a project, an entity or a tag: a silence over everything is not offered"
    if wanted.until < today:
        return f"until: {wanted.until} is past, give today or a later day"
    if wanted.until > today + LONGEST_SILENCE:
        return f"until: at most {LONGEST_SILENCE.days} days ahead, so {today + LONGEST_SILENCE} or an earlier day"
    if not 3 <= len(wanted.why.strip()) <= LONGEST_REASON:
        return f"reason: give 3 to {LONGEST_REASON} characters that say why"
    return "" if wanted.who.strip() else "who: say who silences"
