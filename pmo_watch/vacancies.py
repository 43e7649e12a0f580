"""Roles that a rule would tell and nobody holds: which audience, for which projects."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from pmo_watch.audiences import OWNERS, Audiences
from pmo_watch.flow import Snapshot, SourceState
from pmo_watch.rules import Audience, Rule, RuleSet
from pmo_watch.subjects import NOT_GOING_ON, Subject, Subjects

OF_ROWS = frozenset({*OWNERS, "indicator_provider", "line_manager"})  # of a risk, a figure, a person: not of a project
AT_ONCE, NEVER = "at once", "never"
PATIENCE = timedelta(days=1)  # in which a source that was never read may still say who holds a role


def vacancies(
    rules: RuleSet, snapshot: Snapshot, audiences: Audiences, subjects: Subjects
) -> Mapping[str, tuple[Subject, ...]]:
    """Return the audiences of roles that resolve to nobody, by name, with the projects going on for which they do."""
    told = [one for one in _told(rules) if one.role and one.role not in OF_ROWS]
    if not told:
        return {}
    uids = snapshot.frame("project").select("uid", "state").iter_rows()
    going_on = sorted(uid for uid, state in uids if state not in NOT_GOING_ON)
    subjects.fetch(("project", uid) for uid in going_on)
    projects = [one for uid in going_on if (one := subjects.find("project", uid)) is not None]
    found = {one.name: tuple(each for each in projects if not audiences.is_held(one.role, each)) for one in told}
    return {name: some for name, some in found.items() if some}


def may_be_incomplete(snapshot: Snapshot) -> bool:
    """Say whether a source has not been read yet that may name persons; one that fails for long is no excuse."""
    return any(_is_awaited(one, snapshot) for one in snapshot.sources.values())


def _is_awaited(state: SourceState, snapshot: Snapshot) -> bool:
    begun = state.failing_since or snapshot.now
    return state.last_good is None and snapshot.now - begun < PATIENCE


def _told(rules: RuleSet) -> list[Audience]:
    """Return the audiences that a rule in force names for something that they hear."""
    named = {pair for rule in rules.rules.values() if rule.enabled for pair in _pairs(rule)}
    known = {name for name, level in named if name in rules.audiences and _hears(rules.audiences[name], level)}
    return [rules.audiences[name] for name in sorted(known)]


def _hears(audience: Audience, level: str) -> bool:
    return not level or audience.deliver.get(level, AT_ONCE if level == "grey" else NEVER) != NEVER


def _pairs(rule: Rule) -> Iterable[tuple[str, str]]:
    """Return audiences with the level at which a rule tells them; an empty one where it is any."""
    yield from ((name, level) for level, names in rule.tell.items() for name in names)
    yield from ((name, "") for step in rule.escalate for name in step.to)
    yield from ((name, "") for name in (rule.remind.to if rule.remind else ()))
