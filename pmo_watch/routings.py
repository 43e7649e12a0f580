"""Whom a rule tells of an alert, level by level: audience, role, where it is held, person, channel, hours, and when.

Everything is asked of the desk at which messages are made.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from pmo_watch.alerts import Alert
from pmo_watch.audiences import PERSONAL, Recipient, send_at
from pmo_watch.desk import AT_ONCE, NEVER, Desk
from pmo_watch.escalations import left
from pmo_watch.foresight import leaves_next
from pmo_watch.rules import Rule

TELL, ESCALATE, REMIND = "tell", "escalate", "remind"  # what in a rule names an audience
LEVELS = ("amber", "red", "grey")


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody behind an audience.

    `held_at`: code of the project or programme where the role is held; empty: on the row itself, by the organisation,
    or no role. `hours_begin`: when their hours begin; None while they last. `away_until`: last day of an absence that
    keeps them from reading; None: there. `in_place_of`: an absent person, or a role that nobody holds.
    """

    id: str
    name: str
    address: str
    channel: str
    language: str
    zone: str
    calendar: str
    held_at: str = ""
    hours_begin: datetime | None = None
    away_until: date | None = None
    in_place_of: str = ""


@dataclass(frozen=True, slots=True)
class Routing:
    """One audience that a rule names.

    `by`: tell, escalate or remind. `level`: at which it is told; of a step the least level. `step`: of an escalation;
    `taken`: whether that step was. `how`: at once, never, or the digest's name. `leaves_on`: when that digest leaves
    next; None for others, and where no day for it is known. `counted`: it reads how many there are, and not which.
    `vacant`: nobody holds the role, so that others are told. `readers`: none for an alert on a single person.
    """

    by: str
    audience: str
    role: str
    level: str
    how: str
    step: int = 0
    after: str = ""
    taken: bool = False
    counted: bool = False
    vacant: bool = False
    leaves_on: datetime | None = None
    readers: tuple[Reader, ...] = field(default=())


class Router:
    """Asks the desk whom it would tell; each audience once per subject, each digest once."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._leaves: dict[str, datetime | None] = {}

    def routings(self, rule: Rule, alert: Alert) -> list[Routing]:
        """Return every audience that a rule names, for this alert: levels, then steps, then reminders."""
        return [*self._told(rule, alert), *self._escalated(rule, alert), *self._reminded(rule, alert)]

    def _told(self, rule: Rule, alert: Alert) -> Iterator[Routing]:
        for level in LEVELS:
            for audience in rule.tell.get(level, ()):
                yield self._routing(TELL, audience, level, alert)

    def _escalated(self, rule: Rule, alert: Alert) -> Iterator[Routing]:
        waiting = {(number, name) for number, _, names in left(rule.escalate, alert.steps) for name in names}
        for number, step in enumerate(rule.escalate, start=1):
            after = f"{step.after.number} {step.after.unit}"
            for audience in step.to:
                routing = self._routing(ESCALATE, audience, step.while_level, alert)
                yield replace(routing, step=number, after=after, taken=(number, audience) not in waiting)

    def _reminded(self, rule: Rule, alert: Alert) -> Iterator[Routing]:
        for audience in rule.remind.to if rule.remind else ():
            yield self._routing(REMIND, audience, alert.level or "red", alert)

    def _routing(self, by: str, audience: str, level: str, alert: Alert) -> Routing:
        desk = self._desk
        known = desk.rules.audiences.get(audience)
        # A step for red is taken at red; one for amber at whatever level the alert has by then.
        how = desk.how(audience, alert.level or level if by == ESCALATE and level == "amber" else level)
        resolved = desk.audiences.resolve(audience, desk.subjects.of(alert))
        return Routing(
            by,
            audience,
            known.role if known else "",
            level,
            how,
            counted=desk.counted(audience, alert),
            vacant=resolved.vacant,
            leaves_on=self.leaves_on(how),
            readers=() if alert.entity == PERSONAL else tuple(self._readers(audience, alert)),
        )

    def leaves_on(self, how: str) -> datetime | None:
        """Return when the digest of that name leaves next; None where it is none, or no day for it is known."""
        digest = self._desk.rules.digests.get(how)
        if how in {AT_ONCE, NEVER} or digest is None:
            return None
        if how not in self._leaves:
            self._leaves[how] = leaves_next(digest, self._desk.snapshot)
        return self._leaves[how]

    def _readers(self, audience: str, alert: Alert) -> Iterator[Reader]:
        desk = self._desk
        places = desk.audiences.places(audience, desk.subjects.of(alert))
        for recipient in desk.whom(audience, alert):
            place = places.get(recipient.key)
            yield self._reader(recipient, alert, place.code if place else "")
            if (deputy := desk.stand_in(recipient, alert)) is not None:
                yield self._reader(deputy, alert, "")

    def _reader(self, one: Recipient, alert: Alert, held_at: str) -> Reader:
        desk = self._desk
        stands_in = one.stands_in
        return Reader(
            one.id,
            one.name,
            one.address,
            one.notifier,
            desk.language(one, [alert]),
            one.zone,
            one.calendar.id,
            held_at,
            send_at(one, desk.snapshot.now, desk.channels),
            desk.absent_until(one),
            (stands_in.name or stands_in.role) if stands_in else "",
        )
