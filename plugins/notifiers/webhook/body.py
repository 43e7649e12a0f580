"""A message as JSON, as `message.schema.json` describes it, and how one that is too large is made smaller."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pmo_watch_plugins.notifiers.webhook.settings import Settings

from pmo_watch.api import ItemView, MessageView, OutboxRow, SectionView, link, packed, plain

VERSION = 1
LONGEST_LINE, LONGEST_NAME = 500, 200
_LISTS = ("items", "decisions", "lines")  # what is left out, in this order
_TEXTS = ("why", "advice", "facts")

Body = dict[str, Any]


def message_body(settings: Settings, view: MessageView) -> tuple[Mapping[str, Any], int]:
    """Return the body for a message, within the size budget, and how many items were left out."""
    body: Body = {
        **_head(view.id, view.kind, view.language),
        "timestamp": _moment(view.made_at),
        "recipient": {"id": view.recipient, "name": view.recipient_name},
        "level": view.level if view.level_text else None,
        "subject": view.subject,
        "title": view.title,
        "summary": view.summary,
        "items": list(_items(view)),
        "lines": list(view.lines),
        "decisions": [{"text": text, "project": code, "needed_by": day} for text, code, day in view.decisions],
        "links": [{"label": label, "url": url} for label, url in view.links.items() if link(url)],
        "data_basis": view.data_basis,
        "items_left_out": 0,
    }
    return trimmed(body, settings.max_bytes, settings.max_items)


def text_body(row: OutboxRow, settings: Settings) -> Mapping[str, Any]:
    """Return the body for a message that was made for another channel and comes here as its fallback."""
    lines = [plain(line, LONGEST_LINE) for line in row.rendered.text.splitlines()]
    body: Body = {
        **_head(row.id, row.kind, row.language),
        "timestamp": None,
        "recipient": {"id": row.recipient, "name": plain(row.recipient_name, LONGEST_NAME)},
        "level": row.rendered.headers.get("X-PMO-Watch-Level"),
        "subject": row.rendered.subject,
        "title": row.rendered.subject,
        "summary": "",
        "items": [],
        "lines": [line for line in lines if line.strip("-= ")],
        "decisions": [],
        "links": [],
        "data_basis": "",
        "items_left_out": 0,
    }
    return trimmed(body, settings.max_bytes, settings.max_items)[0]


def trimmed(body: Mapping[str, Any], most_bytes: int, most_items: int) -> tuple[Body, int]:
    """Return the body within its budget, and how many entries were left out now.

    Whole entries go from the end; then why, advice and facts of those that are left.
    """
    smaller: Body = {**body, **{name: list(body[name]) for name in _LISTS}}
    left_out = len(smaller["items"][most_items:])
    del smaller["items"][most_items:]
    over = len(packed(smaller)) - most_bytes + 20  # the number itself grows
    for name in _LISTS:
        while over > 0 and len(smaller[name]) > (1 if name == "items" else 0):
            over -= len(packed(smaller[name].pop())) + 1
            left_out += 1
    if over > 0:
        smaller["items"] = [{**one, **dict.fromkeys(_TEXTS[:2], ""), "facts": []} for one in smaller["items"]]
    if len(packed(smaller)) > most_bytes:
        left_out += len(smaller["items"])
        smaller["items"] = []
    smaller["items_left_out"] = body["items_left_out"] + left_out
    return smaller, left_out


def _head(message: str, kind: str, language: str) -> Body:
    return {"version": VERSION, "id": message, "type": f"message.{kind}", "language": language}


def _items(view: MessageView) -> Iterator[Body]:
    for section in view.sections:
        for item in section.items:
            yield _item(item, section, in_digest=view.kind == "digest")


def _item(item: ItemView, section: SectionView, *, in_digest: bool) -> Body:
    return {
        "alert": item.alert,
        "rule": item.rule_id,
        "rule_name": item.rule,
        "reason": item.reason,
        "level": item.level,
        "level_text": item.level_text,
        "project": item.project,
        "project_name": "" if in_digest else section.name,
        "part": section.heading if in_digest else "",
        "subject": item.subject,
        "subject_id": item.subject_id,
        "since": _moment(item.since_at),
        "text": item.what,
        "value": item.how_much,
        "change": item.change,
        "facts": [{"name": name, "value": value} for name, value in item.facts],
        "why": item.why,
        "advice": item.advice,
        "url": link(item.url) or None,
    }


def _moment(at: datetime | None) -> str | None:
    """Return a moment in RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
