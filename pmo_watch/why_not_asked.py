"""From a name to an answer: who is meant, what concerns them, and why they were told of it or not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pmo_watch.alerts import Alert
from pmo_watch.audiences import PERSONAL
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.flow import Outcome
from pmo_watch.inquiry import Log, World, logs_of
from pmo_watch.person_seen import People, PersonSeen
from pmo_watch.quiet import Quiet, RuleQuiet
from pmo_watch.row_search import PERSON
from pmo_watch.rules import Rule
from pmo_watch.scrutiny import examine
from pmo_watch.store import AlertQuery, OutboxEntry, OutboxQuery, Store, TransitionQuery
from pmo_watch.why_not import AlertForPerson, WhyNot

MOST_MESSAGES = 20
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Scope:
    """Which alerts are asked about: of one rule, one project (code), and also those that ended since a moment."""

    rule: str = ""
    project: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class WhyNotAnswer:
    """The answer: the person, every alert that concerns them, what is quiet, what is switched off or cannot be read.

    `messages`: the last ones to them, newest first, whatever they are about.
    """

    person: PersonSeen
    at: datetime
    zone: str
    alerts: tuple[AlertForPerson, ...]
    quiet: tuple[RuleQuiet, ...]
    off: tuple[str, ...]
    messages: tuple[OutboxEntry, ...]


def ask_why_not(store: Store, world: World, text: str, scope: Scope) -> WhyNotAnswer:
    """Answer why somebody was not told.

    Raises:
        ConfigError: nobody is called so, or several; there is no such rule or project; or it is a moment of the past.
    """
    if world.past:
        raise ConfigError("sources were read or alerts changed after that moment: 'why-not' answers for now")
    project = _checked(world, scope)
    person = People(world.rules, world.snapshot, world.desk.channels, world.desk.audiences).find(text)
    alerts = [one for one in _alerts(store, world, scope) if not project or project in _projects(world, one)]
    world.desk.subjects.fetch((one.entity, one.subject) for one in alerts)
    logs = logs_of(store, [one.id for one in alerts])
    asked = WhyNot(world, person)
    concerned = [one for one in alerts if asked.concerns(one, logs.get(one.id, Log()))]
    found = [asked.answer(one, logs.get(one.id, Log())) for one in concerned]
    return WhyNotAnswer(
        person,
        world.now,
        person.zone,
        tuple(sorted(found, key=_order)),
        tuple(_quiet(world, person, asked, scope, project)),
        tuple(_off(store, world, scope)),
        tuple(store.outbox(OutboxQuery(recipient=person.uid, limit=MOST_MESSAGES))),
    )


def _order(one: AlertForPerson) -> tuple[bool, bool, str, str, str]:
    alert = one.alert
    return alert.closed_at is not None, alert.level != "red", alert.project_code, alert.rule, alert.subject


def _checked(world: World, scope: Scope) -> str:
    """Return the uid of the project that is asked about; empty where none is.

    Raises:
        ConfigError: there is no such rule or project.
    """
    if scope.rule and scope.rule not in world.rules.rules:
        raise ConfigError(f"there is no rule '{scope.rule}'{did_you_mean(scope.rule, world.rules.rules)}")
    if not scope.project:
        return ""
    projects = world.snapshot.frame("project")
    known: dict[str, str] = {
        code.casefold(): uid for uid, code in projects.select("uid", "code").drop_nulls().iter_rows()
    }
    if scope.project.casefold() not in known:
        raise ConfigError(f"there is no project '{scope.project}'{did_you_mean(scope.project, known)}")
    return known[scope.project.casefold()]


def _alerts(store: Store, world: World, scope: Scope) -> list[Alert]:
    found = {one.id: one for one in world.alerts}
    if scope.since is not None:
        moved = store.transitions(TransitionQuery(since=scope.since, limit=MOST))
        for name in dict.fromkeys(one.alert for one in moved):
            if name not in found:
                found |= {one.id: one for one in store.find_alerts(AlertQuery(id=name))}
    return [one for one in found.values() if scope.rule in {"", one.rule}]


def _projects(world: World, alert: Alert) -> set[str]:
    world.desk.subjects.fetch([(alert.entity, alert.subject)])
    return {alert.project, *(one.uid for one in world.desk.subjects.of(alert).places)}


# --- nothing to tell ----------------------------------------------------------------------------------------------


def _quiet(world: World, person: PersonSeen, asked: WhyNot, scope: Scope, project: str) -> Iterator[RuleQuiet]:
    """Yield what rules find where the person has a role, whether or not they name them; of persons nothing."""
    rules = [one for one in world.rules.rules.values() if one.enabled and scope.rule in {"", one.id}]
    rules = [one for one in rules if one.measures and one.for_each not in {PERSONAL, "alert"}]
    rules = [one for one in rules if scope.rule or asked.names(one)]
    quiet = Quiet(world.snapshot, {project} if project else _own_projects(world, person))
    known = {one.id: one for one in rules}
    examined = examine(
        world.rules,
        world.snapshot,
        world.in_force.plugins.measures,
        dict.fromkeys(known, ()),
        lambda found: quiet.nearest(known[found.rule], found),
    )
    for rule in rules:
        found = quiet.of(rule, examined, tells=asked.names(rule), one_by_one=bool(scope.rule))
        if found is not None:
            yield found


def _own_projects(world: World, person: PersonSeen) -> set[str] | None:
    """Return the projects that a person has a role for; None is all: of the organisation, an address, a channel."""
    places = {one.place for one in person.roles if one.holds}
    if person.kind != PERSON or "" in places:
        return None
    projects = world.snapshot.frame("project").select("uid", "program", "portfolio")
    programs = dict(world.snapshot.frame("program").select("uid", "portfolio").iter_rows())
    return {
        uid
        for uid, program, portfolio in projects.iter_rows()
        if places & {uid, program, portfolio, programs.get(program or "")}
    }


def _off(store: Store, world: World, scope: Scope) -> Iterator[str]:
    """Yield what says nothing although somebody may count on it."""
    disabled = [one for one in world.rules.rules.values() if not one.enabled and scope.rule in {"", one.id}]
    yield from (f"rule {one.id} is switched off ({_place(one)}){_by(one)}" for one in disabled)
    yield from (f"{file}: its last good version is in force: {why}" for file, why in world.rules.stale_files.items())
    yield from (f"{file}: nothing of it is in force: {why}" for file, why in world.rules.unused_files.items())
    for name, state in world.snapshot.sources.items():
        if state.held:
            yield f"source {name} is held back, its data are of {state.as_of or state.last_good}: {state.held}"
        elif state.outcome == Outcome.FAILED:
            yield f"source {name} cannot be read since {state.failing_since}: {state.error}"
    for name, circuit in store.circuits().items():
        if circuit.fault_since is not None:
            yield f"channel {name} does not work since {circuit.fault_since}: {circuit.fault_answer}"


def _place(rule: Rule) -> str:
    return f"{rule.file}:{rule.line}" if rule.file else "built in"


def _by(rule: Rule) -> str:
    return f", owner {rule.owner}" if rule.owner else ""
