"""A digest or a committee's page as a document of its own: HTML, PDF, or text as a mail has it."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any

from pmo_watch.alerts import Message
from pmo_watch.plain import NAME, plain
from pmo_watch.telling import ItemView, MessageView, TableView
from pmo_watch.templates import page
from pmo_watch.typesetting import pdf_of
from pmo_watch.views import message_view
from pmo_watch.wording import RenderContext, Voice


class Form(StrEnum):
    """What a page is written as."""

    HTML = "html"
    PDF = "pdf"
    TEXT = "text"


def written(message: Message, form: Form, context: RenderContext) -> bytes:
    """Return the page, whole: nothing is left out for its size.

    Raises:
        ConfigError: PDF, and the extra `pdf` is not installed.
    """
    # Whoever prints a page or passes it on must not hand out a link by which others act in a reader's name.
    voice = Voice.to(message, replace(context, acknowledge=lambda _: ""))
    view = message_view(message, voice)
    made = voice.words(
        "report_made",
        product="pmo-watch",
        moment=voice.words.moment(context.now, voice.zone),
        audience=plain(message.recipient_name, NAME),
    )
    if form is Form.PDF:
        return pdf_of("report.typ", _data(view, made, voice))
    if form is Form.HTML:
        return page(
            "report.html.j2",
            view=view,
            pair=voice.words.pair,
            made=made,
            labels=_labels(voice),
            organisation=voice.context.organisation.name,
        ).encode()
    signed = {**view.labels, "sent_by": made, "foot": voice.context.organisation.name}
    return page("message.txt.j2", view=replace(view, labels=signed), more="", pair=voice.words.pair).encode()


def _labels(voice: Voice) -> Mapping[str, str]:
    return {key: voice.words.beginning(key) for key in ("chart_figures",)}


# --- as data, for the typesetter ----------------------------------------------------------------------------------


def _data(view: MessageView, made: str, voice: Voice) -> Mapping[str, Any]:
    """Return the view as plain data; what is put together by a pattern is put together here."""
    charts = [{"heading": one.heading, "finding": one.finding, "svg": one.svg} for one in view.charts]
    return {
        "language": view.language,
        "title": view.title,
        "summary": "" if view.summary == view.title else view.summary,
        "lines": view.lines,
        "labels": view.labels,
        "tables": [_table(one) for one in view.tables],
        "charts": charts,
        "sections": [
            {"heading": one.heading, "items": [_item(item, view, voice) for item in one.items]} for one in view.sections
        ],
        "decisions": view.decisions,
        "owed": [_table(one) for one in view.owed],
        "expected": [voice.words.pair(rule, text) for rule, text in view.expected],
        "foot": [one for one in (view.data_basis, voice.context.organisation.name, made) if one],
    }


def _table(table: TableView) -> Mapping[str, Any]:
    rows = [[asdict(cell) for cell in row] for row in table.rows]
    return {"heading": table.heading, "head": table.head, "rows": rows, "note": table.note}


def _item(item: ItemView, view: MessageView, voice: Voice) -> Mapping[str, Any]:
    facts = " · ".join(voice.words.pair(label, value) for label, value in item.facts)
    notes = [item.change or (item.since if item.level == "grey" else ""), facts, item.why]
    return {
        "level": item.level,
        "level_text": item.level_text,
        "what": f"{item.project} {item.what}".strip(),
        "when": item.when,
        "how_much": item.how_much,
        "notes": [one for one in notes if one],
    }
