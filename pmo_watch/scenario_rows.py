"""The rows of a scenario test: entities, fields and values as the model knows them, and whom they refer to."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pmo_watch.entities import ENTITIES
from pmo_watch.faults import Fault, did_you_mean, or_known, quoted
from pmo_watch.given_values import given_value
from pmo_watch.model import Entity, Field, Kind
from pmo_watch.rule_page import Keys, Page
from pmo_watch.rule_values import Misread
from pmo_watch.scenario import Named, Row
from pmo_watch.view import ROWS_OF

UID = "uid"
BY_NAME_ALONE = frozenset({"program", "board", "indicator"})  # what a row may name though no list describes it
EXTRA = frozenset({"updated_at"})


def entities() -> list[str]:
    """Return what rows of a test may be: whatever sources deliver, and milestones."""
    return sorted([*(name for name in ENTITIES if _delivered(name)), *ROWS_OF])


def _delivered(name: str) -> bool:
    return any(one.name not in EXTRA for one in ENTITIES[name].stored())


def fields_given(entity: Entity, called: str) -> list[Field]:
    """Return the fields that a row of a test may give."""
    return [one for one in entity.stored() if not (called in ROWS_OF and one.name == "is_milestone")]


class RowReader:
    """Reads rows of one test; remembers their uids, where they stand, and the references between them."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.rows: dict[str, Named] = {}
        self._places: dict[str, Fault] = {}
        self._references: list[tuple[Keys, Field, object]] = []

    def read(self, keys: Keys, some: object) -> tuple[Named, ...]:
        """Return the rows below `given:` or `add:`, by entity, with a fault for all that does not fit."""
        if not isinstance(some, dict):
            self._page.wrong(keys, "should be keys with values here: an entity, and its rows")
            return ()
        return tuple(row for called in some for row in self._of_entity((*keys, called), called, some[called]))

    def _of_entity(self, keys: Keys, called: str, rows: object) -> Iterator[Named]:
        entity = ENTITIES.get(ROWS_OF.get(called, called))
        if entity is None or not _delivered(entity.name):
            why = (
                f"no source delivers {called}: it follows from other rows" if entity else f"no entity {quoted(called)}"
            )
            near = "" if entity else did_you_mean(called, entities()) or f"; choose one of {', '.join(entities())}"
            self._page.wrong_key(keys, f"{why if entity else f'there is {why}'}{near}")
            return
        if not isinstance(rows, list):
            self._page.wrong(keys, "should be a list of rows here: [{uid: ...}]")
            return
        for number, row in enumerate(rows):
            if isinstance(row, dict):
                if (found := self._row((*keys, number), entity, called, row)) is not None:
                    yield found
            else:
                self._page.wrong((*keys, number), "should be the fields of a row here: {uid: ...}")

    def _row(self, keys: Keys, entity: Entity, called: str, row: Mapping[str, Any]) -> Named | None:
        uid = row.get(UID)
        if uid is None or isinstance(uid, (dict, list)):
            self._page.wrong(keys, "'uid' is missing: give each row a name of its own, such as uid: atlas")
            return None
        uid = self._page.written((*keys, UID)) or str(uid)
        if earlier := self._places.get(uid):
            self._page.wrong((*keys, UID), f"the uid {quoted(uid)} stands twice; first in line {earlier.line}")
            return None
        self._places[uid] = self._page.place((*keys, UID))
        values = self.values(keys, entity, called, {name: value for name, value in row.items() if name != UID})
        named = Named(uid, entity.name, called, _whole(uid, entity, called, values))
        self._missing(keys, entity, named)
        self.rows[uid] = named
        return named

    def _missing(self, keys: Keys, entity: Entity, named: Named) -> None:
        for one in entity.stored():
            if one.required and named.row.get(one.name) is None and self._page.data((*keys, one.name)) is None:
                self._page.wrong(keys, f"{named.called} without {one.name}: a source must say it")

    def values(self, keys: Keys, entity: Entity, called: str, written: Mapping[str, Any]) -> Row:
        """Return fields as the model holds them, with a fault for each that is none or holds something else."""
        known = {one.name: one for one in fields_given(entity, called)}
        found: Row = {}
        for name, value in written.items():
            field = known.get(name)
            if field is None:
                self._page.wrong_key((*keys, name), _no_field(entity, called, name, known))
                continue
            try:
                found[name] = given_value(f"{called}.{name}", field, value, self._page.written((*keys, name)))
            except Misread as error:
                self._page.wrong((*keys, name), error.text)
                continue
            if field.refers and found[name] is not None:
                self._references.append(((*keys, name), field, found[name]))
        return found

    def check_references(self) -> None:
        """Note a fault for each reference that leads to no row of the test; once all rows are read."""
        for keys, field, value in self._references:
            for number, text in enumerate(value if isinstance(value, list) else [value]):
                if fault := self._lost(field, str(text)):
                    self._page.wrong((*keys, number) if isinstance(value, list) else keys, fault)

    def _lost(self, field: Field, text: str) -> str:
        known = [uid for uid, row in self.rows.items() if row.entity in field.refers]
        by_name = any(one in BY_NAME_ALONE for one in field.refers) or ("person" in field.refers and "@" in text)
        if text in known or by_name:
            return ""
        what = " or ".join(field.refers)
        near = did_you_mean(text, known) or f"; give it below `given:`, as {field.refers[0]}: [{{uid: {text[:40]}}}]"
        return f"no {what} of this test has the uid {quoted(text)}{near}"

    def known(self, keys: Keys, uid: str, *, key: bool) -> Named | None:
        """Return the row of that uid; None with a fault at the key or value where there is none."""
        if uid in self.rows:
            return self.rows[uid]
        near = did_you_mean(uid, self.rows) or or_known(uid, self.rows) or "; give it below `given:` or `add:`"
        (self._page.wrong_key if key else self._page.wrong)(
            keys, f"no row of this test has the uid {quoted(uid)}{near}"
        )
        return None


def _no_field(entity: Entity, called: str, name: str, known: Iterable[str]) -> str:
    if called in ROWS_OF and name == "is_milestone":
        return f"each {called} is one: delete the field"
    if entity.field(name) is not None and name not in known:
        return f"{called}.{name} is computed: give what it follows from"
    near = or_known(name, known) or f"; 'pmo-watch fields {called}' lists them"
    return f"{quoted(name)} is no field of {called} that a source delivers{near}"


def _whole(uid: str, entity: Entity, called: str, values: Row) -> Row:
    """Return the row as a source delivers it: its uid is its key, and what people call it where nothing else is."""
    row: Row = {"key": uid, **values}
    if called in ROWS_OF:
        row["is_milestone"] = True
    for name in ("id", "code"):
        one = entity.field(name)
        if one is not None and one.kind == Kind.TEXT and not one.computed and name not in row:
            row[name] = uid
    return row
