"""A message as an Adaptive Card 1.4 in the envelope that Workflows expects (spec channels 3.2 to 3.4).

Whatever others wrote is literal text in a TextRun, or escaped in a TextBlock. Elements that may be left out carry an
id, so that a stored card can be made smaller without the message that it came from.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pmo_watch_plugins.notifiers.teams.settings import Settings
from pmo_watch_plugins.notifiers.teams.sizes import trim

from pmo_watch.api import CellView, ItemView, MessageView, TableView, link, shorten

Element = dict[str, Any]

SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"
CARD = "application/vnd.microsoft.card.adaptive"
_COLUMNS = 3
MOST_ACTIONS = 3  # labels of more do not fit on a phone
STYLES = {"red": "attention", "amber": "warning", "grey": "emphasis", "green": "good"}
COLOURS = {"red": "attention", "amber": "warning", "grey": "default", "green": "good"}
# In bytes, so that what can never be left out stays under 4,000 whatever the script.
_TITLE, _LINE, _SENTENCE, _NOTE = 240, 240, 400, 600

_MARKDOWN = re.compile(r"[\\`*_\[\]()~#>]")
_MARKUP = re.compile(r"[\\`*_\[\]()~#<>&{}]")
_DATE = re.compile(r"\{(?=\{)")
# Begins a mention, or a link: `<https://...>`, `<name@...>`; those end even at a backslash.
_MENTION = re.compile(r"<(?=/?at|[a-z][a-z0-9+.-]*:|[^\s<>]+@)", re.IGNORECASE)
_ENTITY = re.compile(r"&(?=#?\w+;)")


def escape(text: str) -> str:
    """Return text for a TextBlock or a fact, shown as it is: no markup, no link, no date function, no mention."""
    harmless = _DATE.sub("{ ", _MARKDOWN.sub(r"\\\g<0>", _MENTION.sub("‹", text)))
    return _ENTITY.sub(r"\\&", harmless)


def message_payload(settings: Settings, view: MessageView) -> tuple[Mapping[str, Any], int]:
    """Return the whole request body for a message, within the size budget, and how many items were left out."""
    mentions = _mentions(view) if settings.mentions else ()
    body = [
        _head(view, settings),
        *_summary(view, mentions),
        *_facts(view),
        *_items(view),
        _more(view),
        *_notes(view),
        _text(view.labels["foot"], size="Small", isSubtle=True),
    ]
    smaller, left_out = trim(_envelope(view, body, mentions, settings), settings.max_bytes, settings.max_items)
    return dict(smaller), int(left_out)


def _mentions(view: MessageView) -> tuple[tuple[str, str], ...]:
    """Return whom to call; a mention cannot be escaped, so a name loses what would be markup."""
    named = ((" ".join(_MARKUP.sub(" ", name).split()), account) for name, account in view.mentions)
    return tuple((name, account) for name, account in named if name)


def text_payload(subject: str, text: str, foot: str, settings: Settings) -> Mapping[str, Any]:
    """Return a plain card for a message that was made for another channel and comes here as its fallback."""
    lines = [line.strip() for line in text.splitlines()]
    shown = [line for line in lines if line.strip("-=")]
    body = [
        _text(_cut(subject, _TITLE), weight="Bolder", size="Large"),
        *(_rich(_cut(line, _NOTE), id=f"item-{number}") for number, line in enumerate(shown, 1)),
        {**_text("+ 0"), "id": "more", "isVisible": False},
        _text(_cut(foot, _LINE), size="Small", isSubtle=True),
    ]
    card = _card(body, subject, subject, settings)
    smaller, _ = trim(_wrap(card, subject), settings.max_bytes, len(shown))
    return dict(smaller)


def _envelope(
    view: MessageView, body: Sequence[Element], mentions: Sequence[tuple[str, str]], settings: Settings
) -> Element:
    card = _card(body, view.subject, view.speak, settings)
    actions = [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in view.links.items() if link(url)]
    card["actions"] = actions[:MOST_ACTIONS]
    card["msteams"]["entities"] = [
        {"type": "mention", "text": f"<at>{name}</at>", "mentioned": {"id": account, "name": name}}
        for name, account in mentions
    ]
    return _wrap(card, view.subject)


def _card(body: Sequence[Element], subject: str, speak: str, settings: Settings) -> Element:
    return {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": settings.card_version,
        "fallbackText": _cut(subject, _LINE),
        "speak": _cut(speak, _SENTENCE),
        "body": list(body),
        "actions": [],
        "msteams": {"width": "Full", "entities": []},
    }


def _wrap(card: Element, subject: str) -> Element:
    attachment = {"contentType": CARD, "contentUrl": None, "content": card}
    return {"type": "message", "summary": _cut(subject, _LINE), "attachments": [attachment]}


def _head(view: MessageView, settings: Settings) -> Element:
    """Return level, rule and project, on the level's colour."""
    told = view.subject if view.kind == "test" else view.title
    title = _cut(" · ".join(part for part in (view.level_text, told) if part), _TITLE)
    heading = _text(escape(title), weight="Bolder", size="Large")
    if settings.card_version != "1.4":
        heading["style"] = "heading"
    style = STYLES[view.level] if view.level_text else "accent"
    items = [heading]
    if len(view.sections) == 1:
        section = view.sections[0]
        runs = [_run(_cut(section.heading, _LINE), weight="Bolder")] if section.heading else []
        runs += [_run(_cut(f"  {section.program}", _LINE), isSubtle=True)] if section.program else []
        items += [{"type": "RichTextBlock", "inlines": runs}] if runs else []
    return {"type": "Container", "style": style, "bleed": True, "items": items}


def _summary(view: MessageView, mentions: Sequence[tuple[str, str]]) -> Iterable[Element]:
    called = " ".join(f"<at>{name}</at>" for name, _ in mentions)
    said = " ".join(part for part in (escape(_cut(view.summary, _SENTENCE)), called) if part)
    if said:
        yield _text(said)


def _facts(view: MessageView) -> Iterable[Element]:
    """Yield the figures of the only item, and the data basis."""
    if (item := _only_item(view)) is not None:
        facts = [(view.labels["value"], item.how_much), (view.labels["since"], item.when), *item.facts]
        shown = [
            {"title": escape(_cut(label[:1].upper() + label[1:], _LINE)), "value": escape(_cut(value, _SENTENCE))}
            for label, value in facts
            if value
        ]
        yield {"type": "FactSet", "id": "facts", "facts": shown}
    if view.data_basis:
        yield {**_text(escape(_cut(view.data_basis, _NOTE)), isSubtle=True), "id": "basis"}


def _only_item(view: MessageView) -> ItemView | None:
    items = [item for section in view.sections for item in section.items]
    return items[0] if len(items) == 1 and view.kind == "alert" else None


def _items(view: MessageView) -> Iterable[Element]:
    """Yield one row per alert, line, decision and row of a table, with a heading where there are several parts."""
    number = 0
    for name, heading, rows in _parts(view):
        if heading:
            yield _part(f"section-{name}", heading)
        for row in rows:
            number += 1
            yield {**row, "id": f"item-{number}"}


def _parts(view: MessageView) -> Iterable[tuple[str, str, Sequence[Element]]]:
    """Yield name, heading and rows of each part, what goes last when the card is too large first.

    The only alert of a message has no row: its figures stand in the facts. A table too wide for a card is left out.
    """
    digest, several = view.kind == "digest", len(view.sections) > 1
    lines = [_rich(_cut(line, _NOTE)) for line in view.lines]
    one_level = not digest and len({item.level for section in view.sections for item in section.items}) == 1
    yield "lines", "", lines if digest else []
    for table in view.tables:
        if len(table.head) <= _COLUMNS:
            yield table.name, table.heading, _table(table)
    for place, section in enumerate(view.sections, 1):
        shown = () if _only_item(view) else section.items
        rows = [_row(item, view, with_level=not one_level) for item in shown]
        yield str(place), section.heading if several else "", rows
    yield "lines", "", [] if digest else lines
    decisions = [_columns([_run(_cut(one, _SENTENCE))], project, day) for one, project, day in view.decisions]
    yield "decisions", view.labels["decision_awaited"] if decisions else "", decisions
    for table in view.owed:
        yield table.name, table.heading, _table(table)


def _table(table: TableView) -> list[Element]:
    """Return the rows of a table, with as many of its first columns as a card has."""
    return [_columns([_run(_cut(row[0].text, _SENTENCE))], *map(_cell, row[1:_COLUMNS])) for row in table.rows]


def _cell(cell: CellView) -> str:
    return f"{cell.text} ({cell.beside})" if cell.beside else cell.text


def _part(name: str, heading: str) -> Element:
    runs = [_run(_cut(heading, _LINE), weight="Bolder")]
    return {"type": "RichTextBlock", "id": name, "spacing": "Medium", "inlines": runs}


def _row(item: ItemView, view: MessageView, *, with_level: bool) -> Element:
    what = f"{item.project} {item.what}" if view.kind == "digest" and item.project else item.what
    runs = [_run(_cut(what, _SENTENCE))]
    if with_level:
        runs.insert(0, _run(f"{item.level_text} ", weight="Bolder", color=COLOURS[item.level]))
    if item.change:
        runs.append(_run(_cut(f" · {item.change}", _LINE), isSubtle=True))
    return _columns(runs, item.when, item.how_much)


def _columns(first: list[Element], second: str, third: str) -> Element:
    widths = ("stretch", "auto", "stretch")
    cells = (first, [_run(_cut(second, _LINE))], [_run(_cut(third, _SENTENCE))])
    columns = [
        {"type": "Column", "width": width, "items": [{"type": "RichTextBlock", "inlines": runs}]}
        for width, runs in zip(widths, cells, strict=True)
    ]
    return {"type": "ColumnSet", "spacing": "Small", "columns": columns}


def _more(view: MessageView) -> Element:
    """Return the line that counts what is left out; hidden as long as nothing is."""
    text = view.more.replace("{n}", "0")
    address = next(iter(view.links.values()), "")
    shown = f"[{text}]({address})" if link(address) and ")" not in address else text
    return {**_text(shown), "id": "more", "isVisible": False}


def _notes(view: MessageView) -> Iterable[Element]:
    """Yield why and advice, each text once."""
    whys = dict.fromkeys(item.why for section in view.sections for item in section.items if item.why)
    several = len(view.expected) > 1
    label = view.labels["expected_action"]
    advice = [_pair(view, f"{label} ({rule})" if several else label, text) for rule, text in view.expected]
    for name, texts in (("why", list(whys)), ("advice", advice)):
        if texts:
            shown = "\n\n".join(escape(_cut(text, _NOTE)) for text in texts)
            yield {**_text(shown, isSubtle=True), "id": name, "spacing": "Medium"}


def _pair(view: MessageView, label: str, value: str) -> str:
    return view.labels["pair"].replace("{label}", label, 1).replace("{value}", value, 1)


def _text(text: str, **parts: Any) -> Element:
    return {"type": "TextBlock", "text": text, "wrap": True, **parts}


def _rich(text: str, **parts: Any) -> Element:
    return {"type": "RichTextBlock", "inlines": [_run(text)], **parts}


def _run(text: str, **parts: Any) -> Element:
    return {"type": "TextRun", "text": text, **parts}


def _cut(text: str, most: int) -> str:
    """Return the text, cut to so many bytes with an ellipsis as the last sign."""
    size = len(text.encode())
    while size > most:
        text = shorten(text, max(1, len(text) * most // size - 1))
        size = len(text.encode())
    return text or " "
