"""A quarter of four projects as the daemon lives it, for what looks back on it: cycles, deliveries, people's acts.

Lists are saved at noon, digests leave in the morning, and nobody works at weekends; cycles run at midnight, when
digests leave, and when lists were saved.
"""

import os
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pmo_watch.acknowledgements import Wanted
from pmo_watch.alerts import Message, Transition
from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.deliver import Channel, Deliverer
from pmo_watch.in_force import InForce, load
from pmo_watch.operations import Hush, acknowledge_alerts, add_silence
from pmo_watch.replay import live
from pmo_watch.store import Store

ZONE = ZoneInfo("Europe/Brussels")
FIRST, LAST = date(2026, 1, 5), date(2026, 4, 3)
MIDNIGHT, DIGEST, SAVED = time(), time(8, 30), time(12, 30)
PROJECTS = 4
SETTINGS = """\
organisation: {timezone: Europe/Brussels, calendar: BE, decimal: point, dates: ymd}
database: {url: "sqlite:///quarter.db"}
rules: rules.d
notifiers:
  mail: {type: email, host: 127.0.0.1, port: 25, starttls: none-needed, from: "PMO <pmo-watch@example.org>"}
sources:
  projects: {type: csv_file, path: lists/projects.csv, profile: projects, settle_seconds: 0}
  milestones: {type: csv_file, path: lists/milestones.csv, profile: milestones, settle_seconds: 0}
  risks: {type: csv_file, path: lists/risks.csv, profile: risks, settle_seconds: 0}
""".replace("none-needed", '"off"')
RULES = """\
version: 1
owner: pmo@example.org
audiences:
  leader: {role: project_leader, amber: at once, red: at once}
  pmo: {email: pmo@example.org, amber: daily, red: daily, grey: daily}
  board: {email: board@example.org, amber: never, red: weekly}
digests:
  daily: {at: "08:30", on: every working day}
  weekly: {at: "08:30", on: monday}
rules:
  - id: slip
    name: Milestone slips
    for_each: milestone
    only_if: {milestone.done: false}
    measure: milestone.slip
    amber: over 3 wd
    red: over 8 wd
    recover: at most 2 wd
    tell: {amber: [leader, pmo], red: [leader, pmo, board]}
    escalate: [{after: 5 wd, while: red, to: board}]
    remind: every 10 wd
  - id: overdue
    name: Milestone is overdue
    for_each: milestone
    measure: milestone.overdue
    amber: at least 1 wd
    red: over 6 wd
    tell: {amber: [leader, pmo], red: [leader, pmo]}
  - id: risk
    name: Risk is high
    for_each: risk
    measure: risk.level
    amber: at least 8
    red: at least 15
    confirm_after: 24 h
    tell: {amber: [leader, pmo], red: [leader, pmo]}
"""
STRICTER = RULES.replace("amber: over 3 wd", "amber: over 2 wd")


@dataclass(slots=True, eq=False)
class Quarter:
    """What came of it."""

    in_force: InForce
    until: datetime
    steps: list[Transition] = field(default_factory=list)
    sent: list[tuple[datetime, Message]] = field(default_factory=list)


class _Post:
    """A channel that accepts everything, and notes when."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.accepted: list[tuple[datetime, str]] = []

    async def send(self, row: object) -> str:
        self.accepted.append((self._clock.now(), row.id))  # type: ignore[attr-defined]
        return "250 accepted"

    async def close(self) -> None:
        return None


def at(day: date, clock: time) -> datetime:
    """Return a moment of that day in Brussels."""
    return datetime.combine(day, clock, ZONE).astimezone(UTC)


def prepare(folder: Path) -> InForce:
    """Write settings and rules, and load them."""
    (folder / "lists").mkdir(parents=True)
    (folder / "rules.d").mkdir()
    (folder / "rules.d" / "quarter.yaml").write_text(RULES, encoding="utf-8")
    (folder / "stricter").mkdir()
    (folder / "stricter" / "quarter.yaml").write_text(STRICTER, encoding="utf-8")
    (folder / "pmo-watch.yaml").write_text(SETTINGS, encoding="utf-8")
    in_force = load(folder / "pmo-watch.yaml")
    assert [str(one) for one in in_force.loaded.faults] == []
    return in_force


async def live_quarter(folder: Path, store: Store, first: date = FIRST, last: date = LAST) -> Quarter:
    """Let every day pass."""
    in_force = prepare(folder)
    clock = FixedClock(at(first, MIDNIGHT))
    quarter, post = Quarter(in_force, at(last, time(23))), _Post(clock)
    engine, deliverer = Engine(store, in_force), Deliverer(store, {"mail": Channel(post, in_flight=9)}, clock)
    messages: dict[str, Message] = {}
    waiting: set[datetime] = set()

    async def pass_time(until: datetime) -> None:
        for moment in sorted(one for one in waiting if one < until):
            clock.moment = moment
            await deliverer.drain()
        waiting.difference_update([one for one in waiting if one < until])
        clock.moment = until
        await deliverer.drain()

    for moment, due in _looks(folder, first, last):
        await pass_time(moment)
        _acts(store, moment)
        draft = engine.cycle(moment, due)
        quarter.steps += draft.advanced.transitions
        messages |= {message.id: message for message, _ in draft.messages}
        waiting.update(message.not_before for message, _ in draft.messages if message.not_before is not None)
        await pass_time(moment)
    await pass_time(quarter.until + timedelta(days=7))
    quarter.sent = [(when, messages[identity]) for when, identity in post.accepted]
    return quarter


def compare(quarter: Quarter, store: Store) -> None:
    """Replay what is stored and compare it with what was lived, alert by alert and message by message."""
    replayed = live(store.history(quarter.in_force.zone), quarter.in_force, quarter.until)

    assert _steps(replayed.transitions) == _steps(quarter.steps)
    assert _messages((one.left_at, one.message) for one in replayed.sent) == _messages(quarter.sent)
    assert replayed.unheeded == 0


def _steps(some: Iterable[Transition]) -> Counter[tuple[object, ...]]:
    """Return transitions as they are compared, without what people did."""
    told = ((one.alert.id, one.alert.rule, one.alert.subject, one.alert.level, one.reason, one.at) for one in some)
    return Counter(one for one in told if one[4] != "acknowledged")


def _messages(some: Iterable[tuple[datetime | None, Message]]) -> Counter[tuple[object, ...]]:
    """Return messages as they are compared: to whom, over what, when, which alerts, said how."""
    return Counter((when, one.id, one.kind, one.recipient, one.notifier, one.title, _said(one)) for when, one in some)


def _said(message: Message) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.alert.id, one.reason, one.level) for one in message.items)


def _acts(store: Store, moment: datetime) -> None:
    """Let people do what they did: take notice of an alert, be silent about a project, speak again earlier."""
    day = moment.astimezone(ZONE)
    if day.time() != SAVED:
        return
    if day.date() in {date(2026, 2, 3), date(2026, 3, 10)}:
        ids = [one.id for one in store.alerts() if one.level and one.closed_at is None and not one.acknowledged_until][
            :1
        ]
        until = day.date() + timedelta(days=8)
        acknowledge_alerts(store, ids, Wanted(until, "Bram Voorbeeld", "the supplier is late"), moment, ZONE)
    if day.date() == date(2026, 1, 20):
        add_silence(store, Hush("Anaïs Exemple", "moving house", date(2026, 1, 29), project="P3"), moment, ZONE)
    if day.date() == date(2026, 2, 16):
        add_silence(store, Hush("Anaïs Exemple", "moving house", date(2026, 2, 27), project="P1"), moment, ZONE)
        add_silence(store, Hush("Anaïs Exemple", "is known", date(2026, 3, 20), rule="risk"), moment, ZONE)
    if day.date() == date(2026, 3, 4):
        (risk,) = [one for one in store.silences() if one.rule == "risk"]
        store.end_silence(risk.id, "Anaïs Exemple", moment)


def _looks(folder: Path, first: date, last: date) -> Iterator[tuple[datetime, Sequence[str]]]:
    every = ["projects", "milestones", "risks"]
    _save(folder, first, at(first, time()) - timedelta(hours=1))
    for past in range((last - first).days + 1):
        day = first + timedelta(days=past)
        yield at(day, MIDNIGHT), every if day == first else ()
        works = day.weekday() < 5
        if works:
            yield at(day, DIGEST), ()
            _save(folder, day, at(day, time(12)))
        yield at(day, SAVED), every if works else ()


def _save(folder: Path, day: date, moment: datetime) -> None:
    for name, text in _lists(day).items():
        path = folder / "lists" / f"{name}.csv"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            os.utime(path, (moment.timestamp(), moment.timestamp()))


def _lists(day: date) -> dict[str, str]:
    lists = {"projects": "project_id,name,state,leader\n", "milestones": "", "risks": ""}
    for one in range(PROJECTS):
        lists["projects"] += f"P{one},Project {one},executing,leader-{one % 3}@example.org\n"
    lists["milestones"] = "milestone_id,project_id,name,kind,baseline_finish,forecast_finish,actual_finish,done\n"
    for number in range(PROJECTS * 3):
        if not (number == 11 and date(2026, 2, 9) <= day < date(2026, 2, 20)):  # left out of the list for a while
            lists["milestones"] += _milestone(number, day)
    lists["risks"] = "risk_id,project_id,title,status,likelihood,impact\n"
    for number in range(PROJECTS):
        drawn = random.Random(f"{number} {day.isocalendar()[:2]}").randrange(1, 5)
        lists["risks"] += f"R{number},P{number},Risk {number},approved,{drawn},4\n"
    if date(2026, 3, 16) <= day < date(2026, 3, 20):
        lists["risks"] = "<html>Service unavailable</html>\n"
    return lists


def _milestone(number: int, day: date) -> str:
    promised = FIRST + timedelta(days=14 + 6 * number)
    grown = (day - FIRST).days // 7 * (number % 4)
    late = max(grown - (20 if number % 3 == 1 and day > date(2026, 3, 1) else 0), 0)
    finish = promised + timedelta(days=late)
    done = day > finish + timedelta(days=number % 5)
    actual = finish.isoformat() if done else ""
    project = f"P{number % PROJECTS}"
    return f"M{number},{project},Milestone {number},key,{promised},{finish},{actual},{'yes' if done else 'no'}\n"
