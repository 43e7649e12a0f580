"""Who somebody is to the product: how they are reached, which roles they hold where, which audiences name them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from pmo_watch.audiences import OWNERS, ROLE_FIELDS, Audiences, Channels
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.flow import Snapshot
from pmo_watch.row_search import PERSON, person_called
from pmo_watch.rules import Audience, RuleSet

ADDRESS, CHANNEL = "address", "channel"


@dataclass(frozen=True, slots=True)
class RoleHeld:
    """A role of a person. `where`: code of the place; empty is the organisation. `place`: its uid.

    `named_by`: the list of roles, or the field of the place that names the person. `holds`: whether it does today.
    """

    role: str
    where: str
    place: str
    since: date | None
    until: date | None
    named_by: str
    holds: bool


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """Somebody who may be told: a person of the sources, an address of the rules, or a channel.

    `uid`: as recipients have it. `problem`: why nobody can be told under it at all; empty where they can.
    `deputies`: names of those who stand in, first choice first. `away`: absences that are not over.
    """

    kind: str
    uid: str
    name: str
    email: str
    active: bool
    channel: str
    channels: tuple[str, ...]
    language: str
    zone: str
    calendar: str
    hours: str
    away: tuple[tuple[date, date], ...] = ()
    deputies: tuple[str, ...] = ()
    roles: tuple[RoleHeld, ...] = ()
    audiences: tuple[str, ...] = ()
    problem: str = ""


class People:
    """Finds out who somebody is."""

    def __init__(self, rules: RuleSet, snapshot: Snapshot, channels: Channels, audiences: Audiences) -> None:
        self._rules = rules
        self._snapshot = snapshot
        self._channels = channels
        self._audiences = audiences
        self._places = {
            uid: code
            for entity in ("portfolio", "program", "project")
            for uid, code in _codes(snapshot.frame(entity)).iter_rows()
        }

    def find(self, text: str) -> PersonSeen:
        """Return who is meant: a person by address, name, alias or uid; else an address or channel that rules name.

        Raises:
            ConfigError: nobody is called so, or several are.
        """
        if uid := person_called(self._snapshot, text):
            return self._person(uid)
        named = [
            one
            for one in self._rules.audiences.values()
            if text.casefold() in {one.email.casefold(), one.notifier.casefold()}
        ]
        if not named:
            raise ConfigError(self._nobody(text))
        return self._of_rules(named)

    def _nobody(self, text: str) -> str:
        people = self._snapshot.frame(PERSON)
        words = [word for name in ("email", "name") for word in people[name].drop_nulls()]
        words += [one.email or one.notifier for one in self._rules.audiences.values() if one.email or one.notifier]
        remedy = f"; there are {people.height} persons in the sources" if people.height else "; no source has persons"
        return f"nobody is called '{text}'{did_you_mean(text, words) or remedy}"

    # --- persons --------------------------------------------------------------------------------------------------

    def _person(self, uid: str) -> PersonSeen:
        row = self._snapshot.frame(PERSON).row(by_predicate=pl.col("uid") == uid, named=True)
        known = self._audiences.person(uid)
        roles = tuple(self._roles(uid))
        hours = f"{self._channels.send_from:%H:%M}-{self._channels.send_until:%H:%M}"
        organisation = self._snapshot.organisation
        return PersonSeen(
            PERSON,
            uid,
            row["name"] or row["email"] or uid,
            row["email"] or "",
            row["active"] is not False,
            known.notifier if known else "",
            tuple(row["channels"] or ()),
            row["language"] or "",
            known.zone if known else organisation.timezone,
            known.calendar.id if known else organisation.calendar,
            hours,
            known.away if known else (),
            tuple(self._name(one) for one in known.deputies) if known else (),
            roles,
            tuple(self._audiences_of(row["email"] or "", {one.role for one in roles if one.holds} | self._owned(uid))),
            "" if known else self._problem(row),
        )

    def _problem(self, row: dict[str, Any]) -> str:
        if row["active"] is False:
            return "is not active in the list of people: nobody who has left is told"
        if not row["email"]:
            return "has no e-mail address in the sources"
        return "no notifier of the settings sends to addresses"

    def _name(self, uid: str) -> str:
        known = self._audiences.person(uid)
        return known.name if known else uid

    def _audiences_of(self, email: str, roles: set[str]) -> Iterator[str]:
        for name, one in sorted(self._rules.audiences.items()):
            if (one.role and one.role in roles) or (one.email and one.email.casefold() == email.casefold()):
                yield name

    def _owned(self, uid: str) -> set[str]:
        """Return the roles that a person has as the owner of rows, who delivers figures, or is a line manager."""
        found = {role for role, entities in OWNERS.items() if any(self._has(one, "owner", uid) for one in entities)}
        given = (("indicator", "provider", "indicator_provider"), ("submission", "provider", "indicator_provider"))
        found |= {role for entity, column, role in given if self._has(entity, column, uid)}
        return found | ({"line_manager"} if self._has(PERSON, "manager", uid) else set())

    def _has(self, entity: str, column: str, uid: str) -> bool:
        frame = self._snapshot.frame("task" if entity == "milestone" else entity)
        return column in frame.columns and bool((frame[column] == uid).any())

    def _roles(self, uid: str) -> Iterator[RoleHeld]:
        """Yield the roles that places and lists give a person, those that are over or to come among them."""
        named = [
            RoleHeld(role, self._places[place], place, None, None, f"{entity}.{column}", True)
            for entity, role, column in ROLE_FIELDS
            for place in self._snapshot.frame(entity).filter(pl.col(column) == uid)["uid"]
        ]
        yield from named
        today, known = self._snapshot.today, {(one.role, one.place) for one in named}
        listed = self._snapshot.frame("role").filter(pl.col("person") == uid)
        for scope, code, since, until in listed.select("scope", "code", "from", "until").iter_rows():
            holds = (since is None or since <= today) and (until is None or until >= today)
            where = self._places.get(scope or "", scope or "")
            if (code, scope or "") not in known:
                yield RoleHeld(code, where, scope or "", since, until, "list of roles", holds)

    # --- addresses and channels -----------------------------------------------------------------------------------

    def _of_rules(self, named: Sequence[Audience]) -> PersonSeen:
        first = named[0]
        kind = ADDRESS if first.email else CHANNEL
        notifier = first.notifier or next(iter(self._channels.addressed), "")
        missing = (
            f"there is no notifier '{notifier}' that posts" if kind == CHANNEL else "no notifier sends to addresses"
        )
        works = notifier in (self._channels.posted if kind == CHANNEL else self._channels.addressed)
        organisation = self._snapshot.organisation
        return PersonSeen(
            kind,
            first.email.lower() or first.notifier,
            first.email or first.notifier,
            first.email,
            True,
            notifier,
            (notifier,),
            first.language,
            organisation.timezone,
            organisation.calendar,
            f"{self._channels.send_from:%H:%M}-{self._channels.send_until:%H:%M}",
            audiences=tuple(sorted(one.name for one in named)),
            problem="" if works else missing,
        )


def _codes(frame: pl.DataFrame) -> pl.DataFrame:
    named = [pl.col(name) for name in ("code", "id") if name in frame.columns]
    return frame.select("uid", pl.coalesce(*named, "uid").alias("code"))
