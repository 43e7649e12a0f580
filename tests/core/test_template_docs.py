"""docs/templates.md is true: every field with an example, every block, and a letterhead that works."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import pytest

from pmo_watch.render import render
from pmo_watch.sample_messages import sample_messages
from pmo_watch.telling import CellView, ChartView, ItemView, MessageView, SectionView, TableView
from pmo_watch.template_checks import template_remarks
from pmo_watch.template_files import load_templates, sample_context, trials
from pmo_watch.template_grammar import BUILT_IN
from pmo_watch.template_names import FILTERS, LOOP, NAMES, TESTS, parts_of
from pmo_watch.templates import built_in_text

PAGE = (Path(__file__).parents[2] / "docs" / "templates.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"^```jinja (?P<name>\S+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<type>[^|]*) \| (?P<meaning>[^|]+) \| (?P<example>.*) \|$", re.MULTILINE)
CALLED = {
    SectionView: "sections",
    ItemView: "alerts",
    TableView: "tables",
    CellView: "cells",
    ChartView: "charts",
}
VIEWS = {
    "A message": MessageView,
    "A section": SectionView,
    "An alert": ItemView,
    "A table": TableView,
    "A cell": CellView,
    "A chart": ChartView,
}


def type_in_words(kind: Any) -> str:
    if get_origin(kind) is UnionType:
        (kind,) = set(get_args(kind)) - {type(None)}
    if get_origin(kind) is Mapping:
        return "label and address"
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        if get_args(kind)[-1] is not Ellipsis:
            return f"{len(get_args(kind))} texts"
        if get_origin(inner) is tuple and get_args(inner)[-1] is Ellipsis:
            return f"list of lists of {CALLED[get_args(inner)[0]]}"
        return f"list of {CALLED.get(inner) or ('texts' if inner is str else type_in_words(inner))}"
    return {str: "text", int: "number", datetime: "moment", TableView: "table"}[kind]


def example(value: Any) -> str:
    """Return a value of the samples as the page shows it; nothing for what has a table of its own."""
    if isinstance(value, Mapping):
        value = " ".join(next(iter(value.items()), ("", "")))
    while isinstance(value, tuple) and value and type(value[0]) not in CALLED:
        value = value[0] if isinstance(value[0], tuple) else ", ".join(map(str, value))
    if isinstance(value, (tuple, TableView)):
        return ""
    text = str(value).replace("|", "/")
    return f"`{text[:60]}{'…' if len(text) > 60 else ''}`" if text else ""


def samples(kind: type) -> list[Any]:
    """Return the parts of the made-up messages of that kind, those of single alerts first."""
    views = [trial.values["view"] for trial in trials() if trial.language == "en"]
    tables = [table for view in views for table in (*view.tables, *(chart.table for chart in view.charts))]
    found: dict[type, list[Any]] = {
        MessageView: views,
        SectionView: [section for view in views for section in view.sections],
        ItemView: [item for view in views for section in view.sections for item in section.items],
        TableView: tables,
        CellView: [cell for table in tables for row in table.rows for cell in row],
        ChartView: [chart for view in views for chart in view.charts],
    }
    return found[kind]


def fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Yield name, type and example of each field of a view."""
    for name, annotation in (parts_of(kind) or {}).items():
        filled = (shown for one in samples(kind) if (shown := example(getattr(one, name))))
        yield name, type_in_words(annotation), next(filled, "")


def part(heading: str) -> str:
    found = re.search(rf"^### {heading}$(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("heading", VIEWS)
def test_every_field_is_on_the_page_with_its_type_and_an_example(heading: str) -> None:
    shown = [(one["name"], one["type"], one["example"].strip()) for one in ROW.finditer(part(heading))]

    assert shown == list(fields(VIEWS[heading]))


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_block_is_on_the_page_in_its_order(name: str) -> None:
    blocks = re.findall(r"{% block (\w+) %}", built_in_text(name))

    listed = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", part("Blocks"), re.MULTILINE)

    form = name.split(".")[1]
    assert sorted(block for block, forms in listed if form in forms) == sorted(blocks)


def test_every_name_filter_and_test_is_on_the_page() -> None:
    assert set(re.findall(r"`(\w+)`", part("Beside the message"))) >= {*NAMES, "pair"}
    language = part("The language")
    named = set(re.findall(r"`(\w+)`", language))
    assert named >= {*FILTERS, *TESTS, *LOOP}


def test_words_of_labels_are_on_the_page() -> None:
    labels = samples(MessageView)[0].labels

    assert set(re.findall(r"`(\w+)`", part("Labels"))) >= set(labels)


def test_templates_that_are_shown_work_together_and_leave_nothing_out(tmp_path: Path) -> None:
    for found in EXAMPLE.finditer(PAGE):
        (tmp_path / found["name"]).write_text(found["text"], encoding="utf-8")

    loaded = load_templates(tmp_path)

    assert [one.shown() for one in loaded.faults] == []
    assert [str(one) for one in template_remarks(loaded)] == []
    rendered, _ = render(sample_messages()[0].message, sample_context(loaded.overrides))
    assert "Project Management Office" in rendered.html
    assert "#004494" in rendered.html
    assert "Project Management Office" in rendered.text


def test_fault_is_shown_as_check_prints_it(tmp_path: Path) -> None:
    printed = re.search(r"^```text\n(templates/.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert printed is not None
    folder = tmp_path / "templates"
    folder.mkdir()
    text = '{% extends "message.html.j2" %}\n{% block signature %}\n<p>{{ view.recipent_name }}</p>\n{% endblock %}\n'
    (folder / "mail.html.j2").write_text(text, encoding="utf-8")

    (fault,) = load_templates(folder).faults

    assert fault.shown().replace(f"{tmp_path}/", "") + "\n" == printed[1]
