"""Who stands behind an audience: roles become persons through the model, persons have channels, language and hours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pmo_watch.absences import Stretch, absences, last_day
from pmo_watch.alerts import Alert, StandIn, Told
from pmo_watch.flow import Snapshot
from pmo_watch.rules import Audience, RuleSet
from pmo_watch.subjects import Place, Subject, Subjects
from pmo_watch.workdays import Calendar

PMO = "pmo"  # who is told where a role resolves to nobody
COMMITTEES = {"steering_member": "steering_committee", "management_committee": "management_committee"}
# Derived roles (spec model 3.6): the owner of the row, when the row is one of these.
OWNERS = {
    "risk_owner": ("risk",),
    "issue_owner": ("issue",),
    "decision_owner": ("decision",),
    "action_owner": ("action",),
    "document_owner": ("document",),
    "milestone_owner": ("milestone",),
    "assignee": ("task", "milestone"),
}
# Roles that a project, programme or portfolio itself names: where, which, in which field.
ROLE_FIELDS = (
    ("project", "project_leader", "leader"),
    ("project", "project_owner", "owner"),
    ("program", "programme_manager", "manager"),
    ("portfolio", "programme_manager", "manager"),
)
PERSONAL = "person"  # alerts on a row of this entity say something of one person
MAY_KNOW = ("project_leader", "line_manager")
READ = ("uid", "email", "name", "language", "timezone", "calendar", "channels", "manager", "deputy")
FARTHEST = 60  # days in which a working day must come, absences apart
MOST_DEPUTIES = 10  # asked one after the other, when they are away too


@dataclass(frozen=True, slots=True)
class Channels:
    """The notifiers of the settings, in their order, and when messages may leave.

    `addressed`: those that send to an address; the first is used for a person without `channels`. `posted`: those
    that post to one channel. `fallbacks`: notifier -> the one used when it rejects. `languages`: of posted ones.
    `once_a_day`: a person gets what is not newly red in one message a day.
    """

    addressed: tuple[str, ...] = ()
    posted: tuple[str, ...] = ()
    fallbacks: Mapping[str, str] = field(default_factory=dict)
    languages: Mapping[str, str] = field(default_factory=dict)
    send_from: time = time(8, 30)
    send_until: time = time(17, 30)
    once_a_day: bool = False


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets messages over one notifier; `language` is empty where the project's holds.

    `away`: absences that are not over, in order. `deputies`: uids of those who stand in, first choice first.
    `stands_in`: in whose place this one is told; None: in their own.
    """

    id: str  # person uid, e-mail address or notifier
    name: str
    notifier: str
    address: str
    language: str
    zone: str
    calendar: Calendar
    fallback: str = ""
    away: tuple[Stretch, ...] = ()
    deputies: tuple[str, ...] = ()
    stands_in: StandIn | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Who and over which notifier."""
        return self.id, self.notifier

    def works(self, day: date) -> bool:
        """Say whether it is a working day of the recipient: by the calendar, and not away."""
        return self.calendar.works(day) and last_day(self.away, day) is None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who stands behind an audience; `vacant`: its role resolves to nobody, so these are others."""

    recipients: tuple[Recipient, ...]
    vacant: bool = False


class Audiences:
    """Resolves audiences in one snapshot."""

    def __init__(self, rules: RuleSet, snapshot: Snapshot, channels: Channels, subjects: Subjects) -> None:
        self._rules = rules
        self._snapshot = snapshot
        self._channels = channels
        self._subjects = subjects
        self._people = _people(snapshot)
        self._by_email = {str(row["email"]).lower(): uid for uid, row in self._people.items()}
        self._roles = _roles(snapshot)
        self._away = absences(snapshot)

    def resolve(self, name: str, subject: Subject | None) -> Resolved:
        """Return who is to be told by this audience about this subject; the PMO where that is nobody."""
        audience = self._rules.audiences.get(name)
        if subject is not None and subject.entity == PERSONAL:
            found = self._of(audience, subject) if audience and reads_of_persons(audience) else ()
            return Resolved(found, vacant=not found)  # nobody else is told in their place
        found = self._of(audience, subject) if audience else self._holders(name, subject) if name == PMO else ()
        if found:
            return Resolved(found)
        if name == PMO:
            return Resolved((), vacant=True)
        vacancy = StandIn(role=audience.role if audience and audience.role else name)
        return Resolved(
            tuple(replace(one, stands_in=vacancy) for one in self.resolve(PMO, subject).recipients), vacant=True
        )

    def places(self, name: str, subject: Subject) -> Mapping[tuple[str, str], Place]:
        """Return where each recipient of an audience holds its role; nobody whom the row itself or no place names."""
        audience = self._rules.audiences.get(name)
        role = audience.role if audience else name if name == PMO else ""
        held = self._held(role, subject) if role else []
        return {one.key: place for place, some in held if place is not None for one in some}

    def everyone(self, audience: Audience) -> tuple[Recipient, ...]:
        """Return whoever stands behind the audience anywhere: who gets a digest that has nothing to say."""
        if not audience.role:
            return self._of(audience, None)
        held = [uid for (_, role), uids in self._roles.items() if role == audience.role for uid in uids]
        named = [
            uid
            for entity, role, column in ROLE_FIELDS
            if role == audience.role
            for uid in self._snapshot.frame(entity)[column].drop_nulls()
        ]
        return self._persons([*held, *named], audience)

    def owner(self, address: str) -> tuple[Recipient, ...]:
        """Return who answers for a rule file, by address; the PMO where nobody is named or can be reached."""
        found = self._address(address, "") if address else ()
        return found or self.resolve(PMO, None).recipients

    def person(self, uid: str) -> Recipient | None:
        """Return a person who can be told; None when there is no such."""
        return next(iter(self._persons([uid], None)), None)

    def told(self, told: Told) -> Recipient:
        """Return who was told, over the channel over which it was told, as the person is known now."""
        zone, calendar = self._hours({})
        known = self._people.get(told.recipient)
        if known is not None:
            zone, calendar = self._hours(known)
        name = str(known["name"] or known["email"]) if known else told.address or told.recipient
        language = str(known["language"] or "") if known else told.language
        notifier = told.notifier
        if notifier not in (*self._channels.addressed, *self._channels.posted) and "@" in told.address:
            # The channel is no longer set up: a mail is the nearest thing.
            notifier = next(iter(self._channels.addressed), notifier)
        fallback = self._channels.fallbacks.get(notifier, "")
        made = Recipient(told.recipient, name, notifier, told.address, language, zone, calendar, fallback)
        return self._with_absences(made, str(known["deputy"] or "")) if known else made

    def stood_in(self, told: Told) -> StandIn | None:
        """Return in whose place it was told; None: in their own, or in that of somebody nobody knows any more."""
        known = self._people.get(told.in_place_of)
        return StandIn(told.in_place_of, str(known["name"] or known["email"])) if known else None

    def stand_in(self, absent: Recipient, now: datetime) -> Recipient | None:
        """Return who is told in the place of somebody absent: the first deputy who reads it before their return.

        A deputy who is away too passes it on to theirs. None: nobody absent, or no deputy is there.
        """
        until = absent_until(absent, now, self._channels)
        back = send_at(absent, now, self._channels)
        waiting, asked = list(absent.deputies), {absent.id}
        while until and back and waiting and len(asked) <= MOST_DEPUTIES:
            uid = waiting.pop(0)
            for one in () if uid in asked else self._persons([uid], None):
                if absent_until(one, now, self._channels) is None and (send_at(one, now, self._channels) or now) < back:
                    return replace(one, stands_in=StandIn(absent.id, absent.name, until))
                waiting += one.deputies
            asked.add(uid)
        return None

    def may_read(self, recipient: Recipient, subject: Subject) -> bool:
        """Say whether somebody may read what is found of this row, which of a person few may (`MAY_KNOW`)."""
        if subject.entity != PERSONAL:
            return True
        holders = (one.id for role in MAY_KNOW for one in self._holders(role, subject))
        return recipient.id != subject.uid and recipient.id in holders

    def leaders(self, subject: Subject) -> list[tuple[str, str]]:
        """Return names and accounts of the project leaders, to be called in a channel."""
        return [(one.name, one.address) for one in self._holders("project_leader", subject)]

    def _of(self, audience: Audience, subject: Subject | None) -> tuple[Recipient, ...]:
        if audience.notifier:
            return self._channel(audience)
        if audience.email:
            return self._address(audience.email, audience.language)
        return self._holders(audience.role, subject)

    def _channel(self, audience: Audience) -> tuple[Recipient, ...]:
        zone, calendar = self._hours({})
        name = audience.notifier
        language = audience.language or self._channels.languages.get(name, "")
        if name not in self._channels.posted:
            return ()
        return (Recipient(name, name, name, "", language, zone, calendar, self._channels.fallbacks.get(name, "")),)

    def _address(self, address: str, language: str) -> tuple[Recipient, ...]:
        uid = self._by_email.get(address.lower())
        if uid is not None:
            # The same person may be told by a role too, and must get each alert once.
            return tuple(replace(one, language=one.language or language) for one in self._persons([uid], None))
        if not self._channels.addressed:
            return ()
        notifier = self._channels.addressed[0]
        zone, calendar = self._hours({})
        fallback = self._channels.fallbacks.get(notifier, "")
        return (Recipient(address.lower(), address, notifier, address, language, zone, calendar, fallback),)

    def _holders(self, role: str, subject: Subject | None) -> tuple[Recipient, ...]:
        """Return who holds the role for the subject: on its own row, else at the nearest place that has somebody."""
        found: dict[tuple[str, str], Recipient] = {}
        for one in (one for _, some in self._held(role, subject) for one in some):
            found.setdefault(one.key, one)
        return tuple(found.values())

    def _held(self, role: str, subject: Subject | None) -> list[tuple[Place | None, tuple[Recipient, ...]]]:
        """Return where somebody holds the role, and who; None is the row itself, or the organisation."""
        if subject is not None and (own := self._own(role, subject)) is not None:
            return [(None, self._persons([own], None))]
        nearest = [self._nearest(role, chain) for chain in subject.chains] if subject else []
        everywhere = self._roles.get(("", role), {})
        return [one for one in nearest if one] or [(None, self._persons(everywhere, None, everywhere))]

    def _nearest(self, role: str, places: Iterable[Place]) -> tuple[Place, tuple[Recipient, ...]] | None:
        for place in places:
            held = self._roles.get((place.uid, role), {})
            if found := self._persons([*held, *_named_by(place, role)], None, held):
                return place, found
        return None

    def is_held(self, role: str, subject: Subject) -> bool:
        """Say whether somebody who can be told holds the role at a place of the subject, or in the organisation."""
        named = (
            (*self._roles.get((place.uid, role), ()), *_named_by(place, role))
            for chain in subject.chains
            for place in chain
        )
        return any(uid in self._people for uids in (*named, self._roles.get(("", role), ())) for uid in uids)

    def _own(self, role: str, subject: Subject) -> str | None:
        """Return the uid of the person that the row itself names for a role; None where rows do not."""
        if role in OWNERS:
            return subject.text("owner") if subject.entity in OWNERS[role] else ""
        if role == "indicator_provider" and subject.entity in {"submission", "kpi"}:
            return subject.text("provider") or self._subjects.indicator_provider(subject.row) or None
        if role == "line_manager" and subject.entity == "person":
            return subject.text("manager") or None
        return None

    def _persons(
        self, uids: Iterable[str], audience: Audience | None, deputies: Mapping[str, str] | None = None
    ) -> tuple[Recipient, ...]:
        """Return those of these persons who can be told. `deputies`: of the role that they are told for."""
        known = [self._people[uid] for uid in dict.fromkeys(uids) if uid in self._people]
        language = audience.language if audience else ""
        made = [self._person(row, language, (deputies or {}).get(row["uid"], "")) for row in known]
        return tuple(one for one in made if one is not None)

    def _person(self, row: Mapping[str, Any], language: str, deputy: str) -> Recipient | None:
        wanted = [one for one in row["channels"] or () if one in self._channels.addressed]
        usable = wanted or list(self._channels.addressed[:1])
        if not usable:
            return None
        zone, calendar = self._hours(row)
        made = Recipient(
            row["uid"],
            row["name"] or row["email"],
            usable[0],
            row["email"],
            row["language"] or language,
            zone,
            calendar,
            usable[1] if len(usable) > 1 else self._channels.fallbacks.get(usable[0], ""),
        )
        return self._with_absences(made, deputy, str(row["deputy"] or ""))

    def _with_absences(self, person: Recipient, *deputies: str) -> Recipient:
        away = self._away.get(person.id, ())
        return replace(person, away=away, deputies=tuple(one for one in deputies if one)) if away else person

    def _hours(self, row: Mapping[str, Any]) -> tuple[str, Calendar]:
        """Return zone and calendar of a person, the organisation's where the person has none that we know."""
        organisation = self._snapshot.organisation
        zone = str(row.get("timezone") or organisation.timezone)
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):  # a person's zone comes from a source
            zone = organisation.timezone
        names = (str(row.get("calendar") or ""), organisation.calendar)
        calendars = self._snapshot.calendars
        return zone, next((calendars[one] for one in names if one in calendars), Calendar(organisation.calendar))


def reads_of_persons(audience: Audience | None) -> Literal["names", "counts", ""]:
    """Return what an audience reads of alerts on single persons: all of it, how many there are, or nothing."""
    role = audience.role if audience else ""
    return "names" if role in MAY_KNOW else "counts" if role in COMMITTEES else ""


def unnamed(alert: Alert) -> Alert:
    """Return an alert as lists show it, which others than its readers see: one on a single person without the name."""
    return replace(alert, subject="", subject_id="", subject_name="") if alert.entity == PERSONAL else alert


def _named_by(place: Place, role: str) -> Sequence[str]:
    """Return who a project or programme itself names for the role."""
    return [place.text(column) for entity, named, column in ROLE_FIELDS if (entity, named) == (place.entity, role)]


def _people(snapshot: Snapshot) -> dict[str, Mapping[str, Any]]:
    """Return the persons that can be told, by uid: active, with an address."""
    reachable = pl.col("email").is_not_null() & pl.col("active").fill_null(value=True)
    return {row["uid"]: row for row in snapshot.frame("person").filter(reachable).select(READ).iter_rows(named=True)}


def _roles(snapshot: Snapshot) -> dict[tuple[str, str], dict[str, str]]:
    """Return who holds which role where today, with the deputy for it; an empty place is the organisation."""
    today = pl.lit(snapshot.today)
    begun = pl.col("from").is_null() | (pl.col("from") <= today)
    lasts = pl.col("until").is_null() | (pl.col("until") >= today)
    held = snapshot.frame("role").filter(begun & lasts & pl.col("person").is_not_null())
    found: dict[tuple[str, str], dict[str, str]] = {}
    for scope, code, person, deputy in held.select("scope", "code", "person", "deputy").iter_rows():
        holders = found.setdefault((scope or "", code), {})
        holders[person] = holders.get(person) or deputy or ""
    return found


def send_at(recipient: Recipient, now: datetime, channels: Channels) -> datetime | None:
    """Return when the recipient's hours begin, after an absence if they are away then; None while they last."""
    local = now.astimezone(ZoneInfo(recipient.zone))
    works = recipient.works(local.date())
    if works and channels.send_from <= local.time() < channels.send_until:
        return None
    day = local.date() if works and local.time() < channels.send_from else local.date() + timedelta(days=1)
    return first_working(recipient, datetime.combine(day, channels.send_from, local.tzinfo))


def first_working(recipient: Recipient, moment: datetime) -> datetime:
    """Return the moment, moved to the recipient's next working day when it is on none, in UTC."""
    later = moment
    for _ in range(FARTHEST + len(recipient.away)):
        if recipient.works(later.date()):
            return later.astimezone(ZoneInfo("UTC"))
        last = last_day(recipient.away, later.date()) or later.date()
        later = datetime.combine(last + timedelta(days=1), later.timetz())
    return moment.astimezone(ZoneInfo("UTC"))


def absent_until(recipient: Recipient, now: datetime, channels: Channels) -> date | None:
    """Return the last day of the absence on which a message would leave; None: the recipient is there to read it.

    Absences between which no day is worked are one.
    """
    if not recipient.away:
        return None
    moment = send_at(replace(recipient, away=()), now, channels) or now
    day = moment.astimezone(ZoneInfo(recipient.zone)).date()
    if last_day(recipient.away, day) is None:
        return None
    back = first_working(recipient, moment.astimezone(ZoneInfo(recipient.zone))).astimezone(ZoneInfo(recipient.zone))
    return max(last for first, last in recipient.away if first < back.date())
