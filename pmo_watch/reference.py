"""Writes the two pages that follow from the code: what rules may name, and the measures there are.

Called by `make reference`; a test compares the pages with what this returns.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NoReturn

from pmo_watch.entities import ENTITIES
from pmo_watch.entities.readable import PREFIXES
from pmo_watch.errors import ConfigError
from pmo_watch.measure_catalogue import WorkedExample
from pmo_watch.measure_sheets import Sheet, example_lines, outcome, sheets_of
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


def measures_page(sheets: Iterable[Sheet]) -> str:
    """Return the catalogue of measures, by the entity that they are for."""
    by_entity: dict[str, list[Sheet]] = {}
    for one in sorted(sheets, key=lambda one: (list(PREFIXES).index(one.measure.entity), one.measure.name)):
        by_entity.setdefault(one.measure.entity, []).append(one)
    lines = ["# Measures", "", GENERATED, "", *INTRODUCTION, ""]
    for entity, some in by_entity.items():
        lines += [f"## For each {entity}", ""]
        lines += [line for one in some for line in _measure(one)]
    return "\n".join(lines)


INTRODUCTION = (
    "What a rule may measure: how it is computed, when it cannot be, and an example of each, which the tests run.",
    "`pmo-watch measures TEXT` searches by name, number or meaning, in English, French and Dutch; with a whole name it",
    "prints all of one. The README of the plugin says what a measure finds and where it ends.",
    "",
    "Thresholds are defaults: a rule that gives none of its own has these, and where there are none it must give some.",
    "wd are working days, d calendar days, pp the difference of two percentages, steps places on a scale. For every",
    "measure:",
    "",
    "- na: the row is gone (`vanished`); its project is proposed, closed, cancelled (`closed`) or paused (`on hold`);",
    "  a share is asked for of nothing (`nothing due yet`)",
    "- grey: a field that it needs is missing; the reason names the first one, as in `missing project.budget`",
    "",
    "Examples are of Friday 15 May 2026 unless they say otherwise, in the Belgian calendar. Rows name what they belong",
    "to; a row that names no project belongs to the first one. Earlier days say what changed on them.",
)


def _measure(sheet: Sheet) -> Iterator[str]:
    yield f"### `{sheet.measure.name}`"
    yield ""
    yield sheet.measure.text
    yield ""
    for what, said in sheet.facts().items():
        yield f"- {what}: {'; '.join(_fact(*one) for one in said)}"
    yield ""
    if sheet.entry:
        yield from _example(sheet, sheet.entry.example)


def _fact(name: str, text: str) -> str:
    return ": ".join(filter(None, (f"`{name}`" if name else "", text)))


def _example(sheet: Sheet, example: WorkedExample) -> Iterator[str]:
    yield f"Example. {example.text} That is {outcome(sheet, example)}."
    yield ""
    yield "```text"
    yield from example_lines(example)
    yield "```"
    yield ""


def pages() -> dict[str, str]:
    """Return each page by the name of its file."""
    return {
        "reference.md": fields_page(),
        "measures.md": measures_page(sheets_of(load_plugins(installed=False), _raise)),
    }


def _raise(fault: str) -> NoReturn:
    raise ConfigError(fault)


if __name__ == "__main__":
    for name, text in pages().items():
        Path(sys.argv[1], name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
