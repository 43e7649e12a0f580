"""From stored history and rules to a backtest: which rules, and a second set of them beside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pmo_watch.backtest import Backtest, Sending, Span, backtest
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.in_force import InForce, with_rules
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.replay import Lived, Progress, live
from pmo_watch.store import StoredHistory

DAYS = re.compile(r"(\d{1,5}) ?d")
NOT_STORED = (
    "settings, calendars and templates are those of today",
    "every channel accepts at once: no message waits for a mail server that was away",
    "a partial reading counts as if it had shown every row",
    "a row that one reading missed and the next one had unchanged was never missing",
    "records that sources left out are not known by name",
)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """A backtest with the replay that it counts; `other`: that of the second set of rules, where one was asked for."""

    here: Backtest
    lived: Lived
    span: Span
    other: Backtest | None = None


def days_back(text: str) -> timedelta | None:
    """Return a length such as `90d`; None for what is something else, such as a moment."""
    found = DAYS.fullmatch(text.strip().lower())
    return timedelta(days=int(found[1])) if found else None


def span_of(in_force: InForce, since: datetime, until: datetime, false_start: int) -> Span:
    """Return what is counted, in the organisation's zone and calendar.

    Raises:
        ConfigError: it ends before it begins.
    """
    if since >= until:
        raise ConfigError("--since: lies after --until, or after now")
    calendar = in_force.calendars[in_force.organisation.calendar]
    return Span(since, until, ZoneInfo(in_force.organisation.timezone), calendar, false_start)


def with_only(in_force: InForce, wanted: Sequence[str]) -> InForce:
    """Return it with these rules alone; all of them where none is named.

    Raises:
        ConfigError: there is no rule of that name.
    """
    known = in_force.rules.rules
    for name in wanted:
        if name not in known:
            raise ConfigError(f"--rule: there is no rule '{name}'{did_you_mean(name, known) or ': see the rule files'}")
    if not wanted:
        return in_force
    rules = replace(in_force.rules, rules={name: known[name] for name in known if name in wanted})
    return replace(in_force, loaded=replace(in_force.loaded, rules=rules))


def with_rules_of(in_force: InForce, folder: Path) -> InForce:
    """Return it with the rules of another folder.

    Raises:
        ConfigError: there is no such folder, or its rules have faults.
    """
    if not folder.is_dir():
        raise ConfigError(f"--against: {folder} is no folder of rules")
    settings = replace(in_force.settings, rules=folder.absolute())
    other = with_rules(replace(in_force, base=replace(in_force.base, settings=settings)), {})
    if other.loaded.faults:
        faults = "\n".join(str(one) for one in other.loaded.faults)
        raise ConfigError(f"--against: the rules of {folder} have faults:\n{faults}")
    return other


def ask(history: StoredHistory, in_force: InForce, span: Span, progress: Progress) -> tuple[Backtest, Lived]:
    """Replay all of history up to the end of the span and count what lies in it.

    Raises:
        ConfigError: nothing is stored.
    """
    lived = live(history, in_force, span.until, progress)
    sent = [Sending(one.left_at, one.message) for one in lived.sent if one.left_at is not None]
    listed = [name for name, rule in in_force.rules.rules.items() if rule.enabled and name != SOURCE_FAILING.id]
    return backtest(listed, lived.transitions, lived.due, sent, span), lived
