"""The rows of a measure's worked example, day by day, as a source would deliver them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pmo_watch.entities import ENTITIES
from pmo_watch.faults import Fault, or_known, quoted
from pmo_watch.given_values import given_value
from pmo_watch.measure_catalogue import GivenRows, MeasureCatalogue, WorkedExample
from pmo_watch.model import Entity, Field, Kind
from pmo_watch.rule_values import Misread
from pmo_watch.view import ROWS_OF

KEYS = ("id", "code", "email")  # what a row is known by, first choice first
NO_PROJECT = {"code": "P1"}  # the project of an example that gives none

Keys = tuple[int | str, ...]
Row = dict[str, Any]
Rows = dict[str, dict[str, Row]]  # entity -> key -> row


@dataclass(slots=True)
class ExampleRows:
    """What an example gives. `days`: all rows that a source delivers, by day; the last is the day of the example.

    `own`: rows of what no source delivers, such as `source` or `alert`. `asked`: the row that the example is about,
    None where only the engine makes such rows. `faults`: what is wrong with any of it.
    """

    catalogue: MeasureCatalogue
    measure: str
    entity: str  # that the measure is for
    days: dict[date, Rows] = field(default_factory=dict)
    own: dict[str, list[Row]] = field(default_factory=dict)
    asked: Row | None = None
    faults: list[Fault] = field(default_factory=list)
    _project: str = ""

    def __post_init__(self) -> None:
        given = self.example.given
        first = self._rows_of("project", given.get("project") or [], "given") or [
            {"key": NO_PROJECT["code"], **NO_PROJECT}
        ]
        self._project = first[0]["key"]
        whole: Rows = {"project": {self._project: first[0]}}
        for day, changes in sorted(self.example.before.items()):
            if day >= self.example.today:
                self.fault(
                    f"{day} is not before {self.example.today}, the day of the example", "before", day.isoformat()
                )
            whole = self._changed(whole, changes, "before", day.isoformat())
            self.days[day] = whole
        self.days[self.example.today] = self._changed({"project": {self._project: first[0]}}, given, "given")

    @property
    def example(self) -> WorkedExample:
        """The example itself."""
        return self.catalogue.entries[self.measure].example

    def fault(self, text: str, *at: int | str) -> None:
        """Note what is wrong, once, at the value at the end of these keys of the example."""
        found = self.catalogue.fault(text, self.measure, "example", *at)
        if found not in self.faults:
            self.faults.append(found)

    def _changed(self, before: Rows, changes: GivenRows, *at: int | str) -> Rows:
        """Return all rows of a day: those from before it, with the ones written in their place."""
        found = {entity: dict(some) for entity, some in before.items()}
        for name, some in changes.items():
            made = self._rows_of(name, some, *at)
            entity = ROWS_OF.get(name, name)
            if entity not in ENTITIES:
                continue
            if made and name == self.entity and at == ("given",):
                self.asked = made[0]
            if is_delivered(entity):
                found.setdefault(entity, {}).update({row["key"]: row for row in made})
            else:
                self.own.setdefault(entity, []).extend(made)
        return found

    def _rows_of(self, name: str, rows: Iterable[Mapping[str, Any]], *at: int | str) -> list[Row]:
        entity = ENTITIES.get(ROWS_OF.get(name, name))
        if entity is None:
            self.fault(f"there is no entity {quoted(name)}{or_known(name, [*ENTITIES, *ROWS_OF])}", *at, name)
            return []
        return [self._row(name, entity, row, (*at, name, number)) for number, row in enumerate(rows)]

    def _row(self, name: str, entity: Entity, written: Mapping[str, Any], at: Keys) -> Row:
        known = _known(entity)
        row: Row = {} if name == entity.name else {"is_milestone": True}
        for word, value in written.items():
            if word in known:
                row[word] = self._value(f"{name}.{word}", known[word], value, (*at, word))
            elif entity.field(word):
                self.fault(f"{name}.{word} is computed: give what it follows from", *at, word)
            else:
                hint = "; its key is 'id'" if word in KEYS and "id" in known else or_known(word, known)
                self.fault(f"{quoted(word)} is no field of {name} that a source delivers{hint}", *at, word)
        for one in known.values():
            if _wants_project(one) and one.name not in row and entity.name != "project":
                row[one.name] = [self._project] if one.kind == Kind.LIST else self._project
        key = next((str(row[one]) for one in KEYS if row.get(one)), f"{name} {int(at[-1]) + 1}")
        return {"key": key, **row}

    def _value(self, name: str, one: Field, value: object, at: Keys) -> object:
        try:
            return given_value(name, one, value, self.catalogue.written(self.measure, "example", *at))
        except Misread as error:
            self.fault(error.text, *at)
            return None


def is_delivered(entity: str) -> bool:
    """Say whether sources deliver rows of the entity; others are pmo-watch's own or follow from the rest."""
    return any(one.name != "updated_at" for one in ENTITIES[entity].stored())


def _known(entity: Entity) -> dict[str, Field]:
    fields = entity.stored() if is_delivered(entity.name) else entity.fields
    return {one.name: one for one in fields}


def _wants_project(one: Field) -> bool:
    """Say whether a row that leaves the field out means the first project."""
    return one.name == "project" or (one.required and "project" in one.refers)
