"""Writes the two pages that follow from the code: what rules may name, and the measures there are.

Called by `make reference`; a test compares the pages with what this returns.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pmo_watch.contracts import Measure
from pmo_watch.entities import ENTITIES
from pmo_watch.entities.readable import PREFIXES
from pmo_watch.model import Entity, Field, Kind
from pmo_watch.plugin_host import load_plugins

GENERATED = "<!-- Made by `make reference`: change the code, not this page. -->"
KINDS: Mapping[Kind, str] = {
    Kind.TEXT: "text",
    Kind.ENUM: "one of",
    Kind.FLAG: "true or false",
    Kind.COUNT: "whole number",
    Kind.NUMBER: "number",
    Kind.PERCENT: "%, 0 to 100",
    Kind.MINUTES: "working minutes",
    Kind.HOURS: "hours of effort",
    Kind.MONEY: "money",
    Kind.DATE: "date",
    Kind.MOMENT: "moment, in UTC",
    Kind.REF: "reference",
    Kind.LIST: "list of texts",
}


def fields_page() -> str:
    """Return the page of the fields that rules may name, by what a rule is for."""
    return "\n".join(
        [
            "# Fields",
            "",
            GENERATED,
            "",
            "What a rule may name in `only_if`, `show`, thresholds and examples. A rule is for each row of one entity",
            "(`for_each`) and may also name the fields of what the row belongs to. `pmo-watch fields milestone` prints",
            "the same for one entity. Null always means that the source does not say: nothing is made up in its place.",
            "",
            "| `for_each` | may name fields of |",
            "| --- | --- |",
            *(f"| `{name}` | {_prefixes(prefixes)} |" for name, prefixes in PREFIXES.items()),
            "",
            *_entities(),
        ]
    )


def _prefixes(prefixes: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}.`" + (f" (a {entity})" if name != entity else "") for name, entity in prefixes.items())


def _entities() -> Iterator[str]:
    for entity in dict.fromkeys(entity for prefixes in PREFIXES.values() for entity in prefixes.values()):
        yield from _entity(ENTITIES[entity])


def _entity(entity: Entity) -> Iterator[str]:
    yield f"## {entity.name}"
    yield ""
    yield entity.text
    yield ""
    yield "| field | holds | meaning |"
    yield "| --- | --- | --- |"
    for field in entity.fields:
        if field.readable:
            yield f"| `{field.name}` | {_holds(field)} | {_text(field)} |"
    yield ""


def _holds(field: Field) -> str:
    if field.one_of:
        return ", ".join(f"`{word}`" for word in field.one_of)
    if field.refers:
        return f"reference to a {' or '.join(field.refers)}"
    return KINDS[field.kind]


def _text(field: Field) -> str:
    text = field.text.replace("|", "\\|")
    return f"{text} Computed." if field.computed else text


# --- measures -----------------------------------------------------------------------------------------------------


def measures_page(measures: Iterable[Measure[Any]]) -> str:
    """Return the catalogue of measures, by the entity that they are for."""
    by_entity: dict[str, list[Measure[Any]]] = {}
    for one in sorted(measures, key=lambda one: (list(PREFIXES).index(one.entity), one.name)):
        by_entity.setdefault(one.entity, []).append(one)
    lines = [
        "# Measures",
        "",
        GENERATED,
        "",
        "What a rule may measure. `pmo-watch measures NAME` prints one; the README of the plugin says what it finds",
        "and where it ends. Thresholds are defaults: a rule that gives none of its own has these. A row for which a",
        "measure cannot be computed is grey and names the first field missing among those it needs.",
        "",
    ]
    for entity, some in by_entity.items():
        lines += [f"## For each {entity}", ""]
        lines += [line for one in some for line in _measure(one)]
    return "\n".join(lines)


def _measure(measure: Measure[Any]) -> Iterator[str]:
    yield f"### `{measure.name}`"
    yield ""
    yield measure.text
    yield ""
    facts = {
        "unit": measure.unit.value,
        "also for each": ", ".join(measure.also_for),
        "needs": ", ".join(f"`{need}`" for need in measure.needs),
        "date": "status date of the project" if measure.clock == "as_of" else "today",
        "dimension": measure.dimension,
        "amber": measure.amber,
        "red": measure.red,
        "recover": measure.recover,
        "thresholds": f"those of the {measure.row_thresholds} come first" if measure.row_thresholds else "",
        "companions": ", ".join(f"`{name}` ({unit.value})" for name, unit in measure.companions.items()),
        "parameters": ", ".join(_parameters(measure)),
    }
    yield from (f"- {name}: {value}" for name, value in facts.items() if value)
    yield ""


def _parameters(measure: Measure[Any]) -> Iterator[str]:
    defaults = measure.params.model_construct().model_dump(mode="json", by_alias=True)
    for name, field in measure.params.model_fields.items():
        key = field.alias or name
        yield f"`{key}` (required)" if field.is_required() else f"`{key}: {_written(defaults[key])}`"


def _written(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)


def pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    measures = load_plugins(installed=False).measures
    return {"reference.md": fields_page(), "measures.md": measures_page(measures.values())}


if __name__ == "__main__":
    for name, text in pages().items():
        Path(sys.argv[1], name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
