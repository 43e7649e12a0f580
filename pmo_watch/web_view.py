"""What a page is made of, in words, and its HTML: every page has the same few parts and one template."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pmo_watch.templates import page
from pmo_watch.web_answers import STYLESHEET
from pmo_watch.words import Words

TEMPLATE = "page.html.j2"
PLACES = ("portfolio", "alerts", "silences", "sources", "rules", "outbox", "status")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: its text, the level whose mark it bears, where it leads, and smaller lines below it."""

    text: str
    level: str = ""
    link: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Act:
    """A button of a row or page that sends a form of its own: path, token, the button's words, fields sent with it."""

    action: str
    token: str
    button: str
    label: str = ""  # the same with what it is about, for readers of the screen


@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first cell of each row names it. `acts`: one for each row, None where there is none."""

    kind: ClassVar[str] = "table"
    caption: str
    head: tuple[str, ...]
    rows: Sequence[Sequence[Cell]]
    empty: str = ""
    acts: Sequence[Act | None] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """A heading with names and values below it."""

    kind: ClassVar[str] = "facts"
    heading: str
    pairs: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, slots=True)
class Text:
    """A heading with lines below it; `verbatim`: shown as it is written, such as the faults of a file."""

    kind: ClassVar[str] = "text"
    heading: str
    lines: Sequence[str]
    verbatim: bool = False
    language: str = ""  # where it is not the page's


@dataclass(frozen=True, slots=True)
class Field:
    """One input: `kind` is text, date, textarea or select, `options` are value and words."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    least: str = ""
    most: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form; with `token` it is posted, without it only looks. `buttons`: value of the field `do`, and words."""

    kind: ClassVar[str] = "form"
    heading: str
    action: str
    fields: Sequence[Field]
    buttons: Sequence[tuple[str, str]]
    token: str = ""


@dataclass(frozen=True, slots=True)
class Links:
    """Where one can go on from here, such as the next page: words and address."""

    kind: ClassVar[str] = "links"
    heading: str
    links: Sequence[tuple[str, str]]


Part = Table | Facts | Text | Form | Links


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page. `place`: the entry of the menu that it belongs to. `said`: what has just happened, or is wrong."""

    place: str
    title: str
    parts: Sequence[Part] = field(default_factory=tuple)
    said: str = ""


def html(shown: Page, said: Words, name: str, moment: str) -> str:
    """Return the page; `name`: who is signed in. `moment`: when it is made."""
    menu = [(one, "/" if one == "portfolio" else f"/{one}", said(f"page.{one}")) for one in PLACES]
    labels: Mapping[str, str] = {one: said(f"page.{one}") for one in ("menu", "skip", "act")}
    return page(
        TEMPLATE,
        language=said.language,
        page=shown,
        menu=menu,
        labels=labels,
        stylesheet=STYLESHEET,
        foot=" · ".join(one for one in (moment, name) if one),
    )
