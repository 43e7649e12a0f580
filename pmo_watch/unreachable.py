"""Who would not be told: roles that nobody holds, and persons who cannot be reached or are not reached as they wish."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pmo_watch.absences import absences, last_day
from pmo_watch.audiences import PMO, ROLE_FIELDS, Audiences, Channels
from pmo_watch.flow import Snapshot
from pmo_watch.rules import RuleSet
from pmo_watch.subjects import Subjects
from pmo_watch.vacancies import vacancies

MOST = 20  # findings of one kind that are listed
MOST_PROJECTS = 10
NAME_THEM = "name somebody in the list of people, the roles or the plan; until then the audience pmo is told"

Person = Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What persons are held against: the rules in force, what is known, the notifiers of the settings."""

    rules: RuleSet
    snapshot: Snapshot
    channels: Channels

    def findings(self) -> list[str]:
        """Return one line for each thing to mend, with the remedy; those of one kind cut after the first 20."""
        persons = list(self.snapshot.frame("person").iter_rows(named=True))
        asked_for = self._asked_for()
        needed = [one for one in persons if one["uid"] in asked_for]
        kinds = (
            self._vacant(),
            _without_address(needed, asked_for),
            _inactive(needed, asked_for),
            self._away(needed),
            _deputies(needed, {one["uid"]: one for one in persons}),
            self._channels(persons),
            self._hours(persons),
        )
        return [line for kind in kinds for line in _first(list(kind))]

    def _vacant(self) -> Iterator[str]:
        """Say which audiences resolve to nobody, and for which projects."""
        subjects = Subjects(self.snapshot, ())
        audiences = Audiences(self.rules, self.snapshot, self.channels, subjects)
        for name, projects in vacancies(self.rules, self.snapshot, audiences, subjects).items():
            codes = [one.id for one in projects]
            more = f" and {len(codes) - MOST_PROJECTS} more" if len(codes) > MOST_PROJECTS else ""
            role = self.rules.audiences[name].role
            yield (
                f"audience {name}: nobody who can be told holds the role {role} in "
                f"{', '.join(codes[:MOST_PROJECTS])}{more}: {NAME_THEM}"
            )
        pmo = self.rules.audiences.get(PMO)
        if not audiences.resolve(PMO, None).recipients and (pmo is None or pmo.role == PMO):
            yield f"audience {PMO}: nobody: give the role pmo to somebody, or the audience an e-mail address"

    def _asked_for(self) -> Mapping[str, str]:
        """Return for what each person is asked for: the first role that they hold, or whose deputy they are."""
        roles = self.snapshot.frame("role").filter(pl.col("until").is_null() | (pl.col("until") >= self.snapshot.today))
        found = dict(roles.select("person", "code").drop_nulls().unique("person", keep="first").iter_rows())
        for entity, role, column in ROLE_FIELDS:
            for uid in self.snapshot.frame(entity)[column].drop_nulls():
                found.setdefault(uid, role)
        return found

    def _away(self, needed: Iterable[Person]) -> Iterator[str]:
        """Say who is away today, and nobody stands in."""
        away = absences(self.snapshot)
        stand_ins = self.snapshot.frame("role").select("person", "deputy").drop_nulls()
        with_one = set(stand_ins["person"])
        for one in needed:
            until = last_day(away.get(one["uid"], ()), self.snapshot.today)
            if until is not None and not one["deputy"] and one["uid"] not in with_one:
                yield f"{_who(one)} is away until {until} and has no deputy: what they are to be told waits until then"

    def _channels(self, persons: Iterable[Person]) -> Iterator[str]:
        """Say who wants to be told over a channel that there is not."""
        known: Collection[str] = self.channels.addressed
        for one in persons:
            for channel in one["channels"] or ():
                if channel not in known:
                    there = ", ".join(known) or "none"
                    yield f"{_who(one)} has the channel '{channel}', which sends to nobody: there is {there}"

    def _hours(self, persons: Iterable[Person]) -> Iterator[str]:
        """Say whose zone or calendar means nothing, so that the organisation's holds."""
        for one in persons:
            if one["timezone"] and not _is_zone(one["timezone"]):
                yield f"{_who(one)} has the zone '{one['timezone']}', which is none: write it like Europe/Brussels"
            if one["calendar"] and one["calendar"] not in self.snapshot.calendars:
                there = ", ".join(sorted(self.snapshot.calendars)) or "none"
                yield f"{_who(one)} has the calendar '{one['calendar']}': the settings have {there}"


def _without_address(needed: Iterable[Person], asked_for: Mapping[str, str]) -> Iterator[str]:
    for one in needed:
        if not one["email"]:
            yield f"{_who(one)} is {asked_for[one['uid']]} and has no e-mail address: add it to the list of people"


def _inactive(needed: Iterable[Person], asked_for: Mapping[str, str]) -> Iterator[str]:
    for one in needed:
        if one["active"] is False:
            yield f"{_who(one)} is {asked_for[one['uid']]} and not active: name somebody else"


def _deputies(needed: Iterable[Person], persons: Mapping[str, Person]) -> Iterator[str]:
    """Say whose deputy cannot be told, or is themselves."""
    for one in needed:
        deputy = persons.get(one["deputy"] or "")
        if deputy is not None and deputy["uid"] == one["uid"]:
            yield f"{_who(one)} is their own deputy: name somebody else"
        elif deputy is not None and (not deputy["email"] or deputy["active"] is False):
            yield f"{_who(one)} has the deputy {_who(deputy)}, who cannot be told: name somebody else"


def _who(one: Person) -> str:
    return f"{one['name'] or one['email'] or one['id']} (source {one['source']})"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def _first(lines: list[str]) -> list[str]:
    rest = len(lines) - MOST
    return [*lines[:MOST], f"... and {rest} more of these"] if rest > 0 else lines
