"""A message's subject, text and HTML, in the recipient's language and within a mail's size (spec channels 1.6, 2.5)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import css_inline
from pydantic import BaseModel

from pmo_watch.alerts import Message, Rendered
from pmo_watch.headlines import thread_subject
from pmo_watch.pictures import with_pictures
from pmo_watch.plain import NAME, plain
from pmo_watch.telling import MessageView, NotifierType, SectionView, TableView
from pmo_watch.template_pages import TemplateFault
from pmo_watch.templates import page
from pmo_watch.views import message_view
from pmo_watch.wording import RenderContext, Voice, newly_red

__all__ = ["RenderContext", "page_values", "render", "render_for"]

MOST_ITEMS = 100
MOST_ROWS = 20  # of a table
MOST_HTML_BYTES = 90_000  # Gmail cuts near 102 kB
_HEADER_LENGTH = 200

_COLOURS = {"red": "#b42318", "amber": "#8f5a00", "green": "#1b6e3c", "grey": "#4b5563", "": "#1f4e79"}


def render(message: Message, context: RenderContext) -> tuple[Rendered, MessageView]:
    """Return the message in words, cut to a mail's size, and its view, whole, for notifiers with a form of their own.

    `Rendered.headers` holds mail headers that depend on no setting of the notifier, and under `thread` and
    `thread-subject` what belongs to the conversation (spec channels 2.4): the first message of a thread makes the
    subject that the store keeps for the others.
    """
    voice = Voice.to(message, context)
    view, pictures = with_pictures(message_view(message, voice), wanted=bool(message.address))
    shown, text, html = _fitting(view, voice, with_html=bool(message.address))
    rendered = Rendered(
        subject=view.subject,
        text=text,
        html=html,
        headers=_headers(message, view, voice),
        trimmed=_count(view) - shown,
        pictures=pictures,
    )
    return rendered, view


def render_for(
    message: Message, context: RenderContext, kind: NotifierType[Any], settings: BaseModel
) -> tuple[Rendered, MessageView]:
    """Return the message as `render` does, with the notifier's own form of it where it has one."""
    rendered, view = render(message, context)
    if kind.payload is None:
        return rendered, view
    payload, trimmed = kind.payload(settings, view)
    return replace(rendered, payload=payload, trimmed=trimmed), view


def page_values(message: Message, context: RenderContext) -> Mapping[str, Any]:
    """Return what a template is given to make the mail of a message."""
    voice = Voice.to(message, context)
    view = message_view(message, voice)
    return _values(view, voice, min(_count(view), MOST_ITEMS))


def _fitting(view: MessageView, voice: Voice, *, with_html: bool) -> tuple[int, str, str]:
    """Return how many items fit, and both parts with that many."""
    shown, html = _fitting_html(view, voice) if with_html else (min(_count(view), MOST_ITEMS), "")
    return shown, _page("txt", view, voice, shown), html


def _fitting_html(view: MessageView, voice: Voice) -> tuple[int, str]:
    shown = min(_count(view), MOST_ITEMS)
    html = _html(view, voice, shown)
    if len(html.encode()) > MOST_HTML_BYTES:
        fewer = range(1, shown)
        shown = bisect_right(fewer, MOST_HTML_BYTES, key=lambda number: len(_html(view, voice, number).encode()))
        html = _html(view, voice, shown)
    if (size := len(html.encode())) > MOST_HTML_BYTES and (name := _own(view, voice, "html")):
        said = f"{name}: it makes {size} bytes without any alert; a mail may have {MOST_HTML_BYTES}"
        voice.context.overrides.give_up(name, said)
        return _fitting_html(view, voice)
    return shown, html


def _count(view: MessageView) -> int:
    return sum(len(section.items) for section in view.sections)


def _html(view: MessageView, voice: Voice, shown: int) -> str:
    made = _page("html", view, voice, shown)
    try:
        return _inliner().inline(made)
    except css_inline.InlineError as fault:
        if not (name := _own(view, voice, "html")):
            raise
        voice.context.overrides.give_up(name, f"{name}: its styles cannot be used: {fault}")
        return _html(view, voice, shown)


def _own(view: MessageView, voice: Voice, form: str) -> str:
    """Return the organisation's template for a message; nothing where ours makes it."""
    kind = "committee" if view.kind == "digest" and voice.no_names else view.kind
    return voice.context.overrides.chosen(kind, view.language, form)


def _page(form: str, view: MessageView, voice: Voice, shown: int) -> str:
    values = _values(view, voice, shown)
    while name := _own(view, voice, form):
        try:
            return voice.context.overrides.page(name, values)
        except TemplateFault as fault:
            voice.context.overrides.give_up(name, str(fault))  # the next one, at last ours: no message is lost
    return page(f"message.{form}.j2", **values)


def _values(view: MessageView, voice: Voice, shown: int) -> dict[str, Any]:
    rest = _count(view) - shown
    return {
        "view": replace(
            view,
            sections=tuple(_first(view.sections, shown)),
            tables=tuple(map(_cut, view.tables)),
            owed=tuple(map(_cut, view.owed)),
        ),
        "more": view.more.replace("{n}", voice.words.number(rest)) if rest else "",
        "pair": voice.words.pair,
        "colours": _COLOURS,
        "accent": _COLOURS[""],
        "organisation": voice.context.organisation.name,
    }


def _cut(table: TableView) -> TableView:
    return replace(table, rows=table.rows[:MOST_ROWS], rest=max(0, len(table.rows) - MOST_ROWS))


def _first(sections: Iterable[SectionView], number: int) -> Iterable[SectionView]:
    """Yield the sections with their first items, `number` in all; a section without items left is left out."""
    for section in sections:
        if not section.items:
            yield section
        elif number > 0:
            yield replace(section, items=section.items[:number])
            number -= len(section.items)


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=False, keep_at_rules=True, load_remote_stylesheets=False)


def _headers(message: Message, view: MessageView, voice: Voice) -> Mapping[str, str]:
    items = message.items
    headers = {"Content-Language": view.language}
    if items:
        headers |= {
            "X-PMO-Watch-Level": view.level,
            "X-PMO-Watch-Reason": _entries(item.reason for item in items),
            "X-PMO-Watch-Rule": _entries(item.rule.id for item in items),
            "X-PMO-Watch-Project": _entries(item.project_code for item in items),
        }
    if newly_red(message):
        headers |= {"Importance": "high", "X-Priority": "1"}
    if message.kind == "digest":
        headers["Precedence"] = "bulk"
    if message.thread:
        headers |= {"thread": message.thread, "thread-subject": thread_subject(message, voice)}
    return {name: value for name, value in headers.items() if value}


def _entries(texts: Iterable[str]) -> str:
    """Return unique entries, separated by commas, as many whole ones as fit."""
    line = ""
    for entry in dict.fromkeys(plain(text, NAME) for text in texts if text):
        longer = f"{line}, {entry}" if line else entry
        if len(longer) > _HEADER_LENGTH:
            break
        line = longer
    return line
