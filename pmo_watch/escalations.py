"""The steps of an escalation ladder: which were taken, whatever happens to the rule meanwhile, and whom they told.

A step is known by whom it tells at which level, not by its place: a step that is added, removed or moved in the rule
repeats none that was taken. The n-th step to the same audience at the same level is the n-th by waiting time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pmo_watch.alerts import Alert, Transition
from pmo_watch.rules import Escalation

NUMBERED = "#"  # begins what an earlier version kept of a step: its number in the rule


def left(steps: Sequence[Escalation], taken: Sequence[str]) -> Iterator[tuple[int, Escalation, tuple[str, ...]]]:
    """Yield the steps that have somebody left to tell, by waiting time: number in the rule from 1, step, audiences."""
    seen: dict[str, int] = {}
    for number, step in sorted(enumerate(steps, start=1), key=lambda one: (one[1].after.number, one[0])):
        audiences = []
        for audience in step.to:
            mark = _mark(step, audience)
            seen[mark] = seen.get(mark, 0) + 1
            if taken.count(mark) < seen[mark]:
                audiences.append(audience)
        if audiences:
            yield number, step, tuple(audiences)


def taken(alert: Alert, number: int, step: Escalation, audiences: Sequence[str]) -> Alert:
    """Return the alert after a step that told these audiences."""
    return replace(alert, escalation_step=number, steps=(*alert.steps, *(_mark(step, one) for one in audiences)))


def named(alert: Alert, steps: Sequence[Escalation]) -> Alert:
    """Return the alert with the audiences of steps that an earlier version kept by their numbers."""
    if not any(one.startswith(NUMBERED) for one in alert.steps):
        return alert
    numbers = {f"{NUMBERED}{number}": step for number, step in enumerate(steps, start=1)}
    marks: list[str] = []
    for one in alert.steps:
        step = numbers.get(one)
        marks += [_mark(step, audience) for audience in step.to] if step else []
        marks += [] if one.startswith(NUMBERED) else [one]
    return replace(alert, steps=tuple(marks))


def audiences_of(alert: Alert) -> tuple[str, ...]:
    """Return every audience that a step told of the alert, the first one first."""
    told = (one.partition(":")[2] for one in alert.steps if not one.startswith(NUMBERED))
    return tuple(dict.fromkeys(told))


def newly_told(transition: Transition) -> tuple[str, ...]:
    """Return the audiences of the step that a transition took."""
    before = len(transition.before.steps) if transition.before else 0
    return tuple(one.partition(":")[2] for one in transition.alert.steps[before:])


def last_told(alert: Alert, steps: Sequence[Escalation]) -> tuple[str, ...]:
    """Return the audiences of the last step that was taken; of one that the rule no longer has, the last of them."""
    if not audiences_of(alert):
        return ()
    last = alert.steps[-1]
    whole = (step.to for step in steps if last in {_mark(step, one) for one in step.to})
    told = set(audiences_of(alert))
    return next((names for names in whole if told.issuperset(names)), (last.partition(":")[2],))


def _mark(step: Escalation, audience: str) -> str:
    return f"{step.while_level}:{audience}"
