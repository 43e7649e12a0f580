"""The rows that a scenario of stored history needs: one row, what it refers to and what refers to it, day by day."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from pmo_watch.entities import ENTITIES
from pmo_watch.merge import Merged
from pmo_watch.model import Kind
from pmo_watch.scenario import Named, Row

KEPT_TEXTS = frozenset(  # texts that name and describe nothing: what else is text says who or what it is
    {"timezone", "calendar", "plan_calendar", "currency", "size_class", "status", "issue_type", "category", "strategy"}
    | {"week", "period", "cut_off", "unit", "artefact", "amber", "red", "recover", "tailored_out"}
)
NOT_SAID = frozenset({"uid", "updated_at"})
OF_PERSONS = ("role", "absence")  # what decides who is told


@dataclass(slots=True)
class Names:
    """What rows are called in the test: by what people call them, or with `pseudonyms` by numbers."""

    pseudonyms: bool
    known: dict[str, str] = field(default_factory=dict)  # uid of the model -> uid of the test
    _numbers: dict[str, int] = field(default_factory=dict)

    def of(self, entity: str, called: str, row: Mapping[str, Any], project: str = "") -> str:
        """Return the uid that the test gives a row, always the same."""
        uid = str(row["uid"])
        if uid not in self.known:
            number = self._numbers[called] = self._numbers.get(called, 0) + 1
            word = next((str(row[one]) for one in ("code", "email", "id") if row.get(one)), str(row["@native"]))
            inside = project and entity not in {"project", "person"}
            name = f"{called}-{number}" if self.pseudonyms else f"{project}/{word}" if inside else word
            self.known[uid] = name if name not in self.known.values() else f"{name} {number}"
        return self.known[uid]


def rows_about(merged: Merged, subject: str) -> dict[str, tuple[str, Row]]:
    """Return, by uid, entity and row of the subject, of what refers to it, and of all that these refer to.

    Roles of the projects among them, or of the organisation, and absences of their people are there too.
    """
    frames = {name: frame for name, frame in merged.frames.items() if name in ENTITIES and name != "source"}
    found = dict(_of(frames, [subject]))
    if not found:
        return {}
    found |= dict(_referring(frames, {subject}, frames))
    _with_referred(frames, found)
    found |= dict(_referring(frames, set(found), OF_PERSONS))
    role = frames["role"]
    found |= dict(_rows_of("role", role.filter(pl.col("scope").is_null())))
    _with_referred(frames, found)
    found |= dict(_referring(frames, set(found), ["absence"]))
    return dict(sorted(found.items()))


def _rows_of(entity: str, frame: pl.DataFrame) -> Iterator[tuple[str, tuple[str, Row]]]:
    for row in frame.iter_rows(named=True):
        yield row["uid"], (entity, row)


def _of(frames: Mapping[str, pl.DataFrame], uids: Iterable[str]) -> Iterator[tuple[str, tuple[str, Row]]]:
    wanted = list(uids)
    for name, frame in frames.items():
        yield from _rows_of(name, frame.filter(pl.col("uid").is_in(wanted)))


def _referring(
    frames: Mapping[str, pl.DataFrame], uids: set[str], entities: Iterable[str]
) -> Iterator[tuple[str, tuple[str, Row]]]:
    """Yield the rows that name one of these."""
    wanted = list(uids)
    for name in entities:
        fields = [one for one in ENTITIES[name].stored() if one.refers]
        single = [pl.col(one.name).is_in(wanted) for one in fields if one.kind == Kind.REF]
        lists = [pl.col(one.name).list.eval(pl.element().is_in(wanted)).list.any() for one in fields
                 if one.kind == Kind.LIST]  # fmt: skip
        if single or lists:
            yield from _rows_of(name, frames[name].filter(pl.any_horizontal(*single, *lists)))


def _with_referred(frames: Mapping[str, pl.DataFrame], found: dict[str, tuple[str, Row]]) -> None:
    """Add all that the rows refer to, and what that refers to."""
    while missing := {uid for entity, row in found.values() for uid in referred(entity, row)} - set(found):
        more = dict(_of(frames, missing))
        if not more:
            return
        found |= more


def referred(entity: str, row: Row) -> Iterator[str]:
    """Yield the uids that a row names."""
    for one in ENTITIES[entity].stored():
        value = row.get(one.name)
        if one.refers and value is not None:
            yield from value if isinstance(value, list) else [value]


def called(entity: str, row: Row) -> str:
    """Return what rules call such a row."""
    return "milestone" if entity == "task" and row.get("is_milestone") else entity


def named_rows(rows: Mapping[str, tuple[str, Row]], names: Names) -> dict[str, Named]:
    """Return rows as a test gives them, by the uid of the model."""
    for uid in sorted(rows, key=lambda one: rows[one][0] != "project"):  # others are called after their project
        entity, row = rows[uid]
        project = row.get("project")
        names.of(entity, called(entity, row), row, names.known.get(project, "") if isinstance(project, str) else "")
    return {uid: _named(entity, row, names) for uid, (entity, row) in rows.items()}


def _named(entity: str, row: Row, names: Names) -> Named:
    uid = names.known[row["uid"]]
    values: Row = {}
    for one in ENTITIES[entity].stored():
        value = row.get(one.name)
        if value is None or one.name in NOT_SAID or (one.name == "is_milestone" and value):
            continue
        if one.refers:
            value = _renamed(value, names)
        elif names.pseudonyms and one.kind in {Kind.TEXT, Kind.LIST}:
            value = _pseudonym(one.name, value, uid)
        if value not in (None, []):
            values[one.name] = value
    return Named(uid, entity, called(entity, row), values)


def _renamed(value: object, names: Names) -> object:
    if isinstance(value, list):
        return [names.known[one] for one in value if one in names.known]
    return names.known.get(str(value))


def _pseudonym(name: str, value: object, uid: str) -> object:
    """Return a text that names nobody and nothing; None leaves it out."""
    if name in {"name", "title", "name_en", "name_fr", "name_nl"}:
        return uid.replace("-", " ").capitalize()
    if name == "email":
        return f"{uid}@example.org"
    return value if name in KEPT_TEXTS | {"channels"} else None
