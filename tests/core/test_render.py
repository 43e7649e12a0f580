"""A message in words: patterns of the glossary, golden mails, sizes, and texts that others wrote."""

import os
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from messages import CONTEXT, EVIL, LATE, NOW, SLIP, a_digest, a_message, an_alert, an_item

from pmo_watch.alerts import Awaited, Message
from pmo_watch.contracts import NoParams as NoSettings
from pmo_watch.render import MOST_HTML_BYTES, MOST_ITEMS, render, render_for
from pmo_watch.telling import MessageView, NotifierType

GOLDEN = Path(__file__).parent / "render"


def several() -> Message:
    amber = an_item(2, subject_name="Pilot", level="amber", reason="worsened", before="green", finding=LATE)
    gone = an_item(
        3,
        project_code="ATL-7",
        project_name="Atlas",
        subject_name="Ramp-up",
        reason="entity_gone",
        level="green",
        finding={"value": None, "evidence": {}},
    )
    grey = an_item(
        4,
        alert=an_alert(4, unknown_since=NOW),
        reason="unknown",
        level="grey",
        subject_name="Handover",
        finding={"state": "grey", "value": None, "limit": None, "reason": "missing baseline_finish", "evidence": {}},
    )
    return a_message(an_item(1, url="https://jira.example.org/browse/PRJ-1"), amber, gone, grey, thread="")


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
@pytest.mark.parametrize("name", ["alert", "several", "digest"])
def test_mail_is_as_its_golden_copy(name: str, language: str) -> None:
    message = {"alert": a_message(an_item()), "several": several(), "digest": a_digest()}[name]

    rendered, _ = render(replace(message, language=language), CONTEXT)

    for suffix, text in (("txt", f"{rendered.subject}\n\n{rendered.text}"), ("html", rendered.html)):
        golden = GOLDEN / f"{name}.{language}.{suffix}"
        if os.environ.get("PMO_WATCH_WRITE_GOLDEN"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8")


def test_headers_hold_whole_unique_entries() -> None:
    items = [an_item(n, project_code=f"PROJECT-{n % 30:03}-{'x' * 20}") for n in range(60)]

    headers = render(a_message(*items), CONTEXT)[0].headers

    projects = headers["X-PMO-Watch-Project"].split(", ")
    assert len(headers["X-PMO-Watch-Project"]) <= 200
    assert len(set(projects)) == len(projects) == 5
    assert all(len(project) == 32 for project in projects)
    assert headers["X-PMO-Watch-Reason"] == "opened"
    assert headers["X-PMO-Watch-Level"] == "red"


@pytest.mark.parametrize(
    ("message", "important"),
    [
        (a_message(an_item()), True),
        (a_message(an_item(level="amber")), False),
        (a_message(an_item(reason="reminded")), False),
        (a_message(an_item(), kind="digest", digest="daily"), False),
    ],
)
def test_only_a_newly_red_alert_sent_at_once_is_important(message: Message, *, important: bool) -> None:
    headers = render(message, CONTEXT)[0].headers

    assert headers.get("Importance") == ("high" if important else None)
    assert headers.get("X-Priority") == ("1" if important else None)


class Page(HTMLParser):
    """What a reader of the HTML part sees, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self._hidden = "", 0
        self.links: list[str | None] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data


def test_text_that_others_wrote_is_shown_as_it_is_and_makes_no_markup() -> None:
    rule = replace(SLIP, name={"en": EVIL}, message={"en": EVIL}, advice={"en": EVIL})
    item = an_item(
        rule=rule, subject_name=EVIL, project_name=EVIL, program_name=EVIL, finding={"evidence": {"x": EVIL}}
    )

    rendered, _ = render(a_message(item), CONTEXT)

    page = Page(rendered.html)
    assert page.text.count(EVIL) >= 5
    assert all(
        link and link.startswith(("https://pmo.example.org/", "https://grafana.example.org/")) for link in page.links
    )
    assert not [tag for tag, _ in page.tags if tag in {"script", "at", "img", "form", "iframe", "link"}]
    assert rendered.text.count(EVIL) >= 5


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://user@evil.test/", "http://" + "x" * 2000])
def test_link_that_is_not_safe_is_left_out(url: str) -> None:
    rendered, view = render(a_message(an_item(url=url)), CONTEXT)

    assert view.sections[0].items[0].url == ""
    assert url not in rendered.html
    assert url not in rendered.text


def test_link_into_a_source_stands_beside_its_host() -> None:
    rendered, _ = render(a_message(an_item(url="https://jira.example.org/browse/PRJ-1")), CONTEXT)

    page = Page(rendered.html)
    assert "https://jira.example.org/browse/PRJ-1" in page.links
    assert "Open (jira.example.org)" in page.text


def test_without_an_address_of_our_own_there_are_no_links() -> None:
    rendered, view = render(a_message(an_item()), replace(CONTEXT, external_url=""))

    assert not view.links
    assert not Page(rendered.html).links


def test_page_is_accessible_and_self_contained() -> None:
    rendered, _ = render(replace(several(), language="nl"), CONTEXT)

    page = Page(rendered.html)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "nl"}) in page.tags
    assert tags.count("h1") == 1
    assert tags.count("title") == 1
    for tag, attributes in page.tags:
        assert tag != "th" or attributes.get("scope") in {"col", "row"}
        assert tag != "table" or attributes.get("role") == "presentation" or "caption" in tags
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags
    assert "@media (prefers-color-scheme: dark)" in rendered.html
    assert "url(" not in rendered.html
    assert not [1 for _, attributes in page.tags if "src" in attributes]
    for word in ("flex", "grid", "position:", "float"):
        assert word not in rendered.html
    body = rendered.html.partition("<body")[2]
    assert body.index("○") or body.index("▲") < body.index("<h1")  # the preheader comes first


def test_items_that_do_not_fit_are_left_out_whole_from_the_end_and_counted() -> None:
    items = [an_item(n, project_code=f"P-{n // 25}", subject_name=f"Milestone {n:03} " + "x" * 180) for n in range(500)]

    rendered, view = render(a_message(*items), CONTEXT)

    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    shown = 500 - rendered.trimmed
    assert 20 < shown < MOST_ITEMS
    assert f"+ {rendered.trimmed} more" in rendered.html
    assert f"+ {rendered.trimmed} more" in rendered.text
    assert rendered.text.count("Milestone ") == shown
    assert sum(len(section.items) for section in view.sections) == 500  # whole, for other forms


def test_mail_has_at_most_a_hundred_items() -> None:
    rendered, _ = render(a_message(*(an_item(n, finding={"evidence": {}}) for n in range(101))), CONTEXT)

    assert rendered.trimmed >= 1
    assert rendered.text.count("▲ Red · Key milestone") == 101 - rendered.trimmed + 1  # and the heading


def test_everything_at_its_longest_still_fits() -> None:
    long = "x" * 1000
    rules = [replace(SLIP, id=f"r{n}", name={"en": f"{n}{long}"}, advice={"en": f"{n}{long}"}) for n in range(200)]
    items = [an_item(n, rule=rule, subject_name=long, url="") for n, rule in enumerate(rules)]
    awaited = tuple(Awaited(str(n), long, long, long) for n in range(200))
    message = a_message(*items, kind="digest", digest=long, lines=(long,) * 200, decisions=awaited)

    rendered, _ = render(message, CONTEXT)

    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    assert "+ 160 more" in rendered.text


def test_channel_without_addresses_gets_no_html() -> None:
    rendered, _ = render(a_message(an_item(), address="", notifier="teams"), CONTEXT)

    assert rendered.html == ""
    assert rendered.text


def test_notifier_with_a_form_of_its_own_makes_it_from_the_view() -> None:
    def payload(_: NoSettings, view: MessageView) -> tuple[dict[str, str], int]:
        return {"title": view.title}, 3

    kind = NotifierType("x", NoSettings, open=lambda *_: pytest.fail("not opened"), payload=payload)

    rendered, _ = render_for(a_message(an_item(), address=""), CONTEXT, kind, NoSettings())

    assert rendered.payload == {"title": "Key milestone slips against its baseline"}
    assert rendered.trimmed == 3
