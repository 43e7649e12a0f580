"""Colour is never the only sign: in text, HTML and card each level stands as a symbol with its word."""

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from card_bench import card, texts

from pmo_watch.alerts import Message
from pmo_watch.render import render
from pmo_watch.sample_messages import Sample, sample_messages, spoken
from pmo_watch.telling import MessageView
from pmo_watch.template_files import sample_context
from pmo_watch.words import LANGUAGES, words

SYMBOLS = {"red": "▲", "amber": "◆", "green": "●", "grey": "○"}
STYLES = {"attention": "red", "warning": "amber", "good": "green", "emphasis": "grey"}
CASES = [
    pytest.param(sample, language, id=f"{number} {sample.kind} {language}")
    for number, sample in enumerate(sample_messages())
    for language in LANGUAGES
]


class Coloured(HTMLParser):
    """Gathers the text of each element whose colour is that of a level."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"br", "img", "meta", "hr"}:
            return
        ink = re.search(r"\bink-(\w+)", dict(attrs).get("class") or "")
        self._open.append(ink[1] if ink else "")
        if ink:
            self.found.append((ink[1], ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in {"br", "img", "meta", "hr"}:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1]:
            level, text = self.found[-1]
            self.found[-1] = (level, text + data)


def levels(view: MessageView) -> Iterator[tuple[str, str]]:
    """Yield each level that a message shows, and what it says of it."""
    yield from ((item.level, item.level_text) for section in view.sections for item in section.items)
    yield from (
        (cell.level, cell.text) for table in view.tables for row in table.rows for cell in row if cell.level in SYMBOLS
    )


def is_in_words(text: str, language: str) -> bool:
    """Say whether a text begins with a level's symbol and goes on with its word, or with how an alert ended."""
    said = words(language)
    short = [f"{sign} {said(level).partition(' ')[2].split()[0].rstrip(':')}" for level, sign in SYMBOLS.items()]
    ended = [f"● {said.beginning(key)}" for key in ("closed_done", "closed_out_of_scope", "closed_gone")]
    return any(text.startswith(one) for one in (*short, *ended))


@pytest.mark.parametrize(("sample", "language"), CASES)
def test_every_level_of_a_message_is_a_symbol_and_a_word(sample: Sample, language: str) -> None:
    _, view = render(spoken(sample.message, language), sample_context())

    shown = list(levels(view))

    assert [one for one in shown if not is_in_words(one[1], language)] == []
    assert bool(shown) == (sample.kind not in {"notice", "test"})


@pytest.mark.parametrize(("sample", "language"), CASES)
def test_text_says_every_level(sample: Sample, language: str) -> None:
    rendered, view = render(spoken(sample.message, language), sample_context())

    assert [text for _, text in levels(view) if text not in rendered.text] == []


@pytest.mark.parametrize(("sample", "language"), CASES)
def test_whatever_html_colours_by_level_says_the_level(sample: Sample, language: str) -> None:
    rendered, view = render(spoken(sample.message, language), sample_context())

    coloured = Coloured(rendered.html).found

    assert [one for one in coloured if not is_in_words(one[1], language)] == []
    assert {text for _, text in levels(view)} <= {text for _, text in coloured}


def spots(element: Any) -> Iterator[tuple[str, str]]:
    """Yield what a card colours by level, with the text that stands there."""
    if isinstance(element, list):
        for one in element:
            yield from spots(one)
    elif isinstance(element, dict):
        if element.get("style") in STYLES:
            yield STYLES[element["style"]], " ".join(texts(element))
        if element.get("color") in STYLES:
            yield STYLES[element["color"]], str(element["text"])
        for value in element.values():
            yield from spots(value)


@pytest.mark.parametrize(("sample", "language"), CASES)
def test_whatever_a_card_colours_by_level_says_the_level(sample: Sample, language: str) -> None:
    message: Message = replace(spoken(sample.message, language), address="", notifier="teams")

    coloured = list(spots(card(message)["body"]))

    assert [one for one in coloured if not is_in_words(one[1], language)] == []
    assert coloured or sample.kind in {"notice", "test"}
