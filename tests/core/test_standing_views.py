"""How projects stand, in the reader's words; text, HTML and card say the same."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from messages import CONTEXT, EVIL, a_digest, a_message
from pmo_watch_plugins.notifiers.teams.card import message_payload
from pmo_watch_plugins.notifiers.teams.settings import Settings
from pmo_watch_plugins.notifiers.teams.sizes import fault

from pmo_watch import typesetting
from pmo_watch.alerts import Message
from pmo_watch.render import MOST_HTML_BYTES, render
from pmo_watch.standing import MilestoneTrend, Owed, ProjectStanding, Standing

SINCE = datetime(2026, 4, 7, 6, 30, tzinfo=UTC)
WEEKS = [date(2026, 4, 12) + timedelta(weeks=n) for n in range(4)]
CARD = Settings(url="https://flow.example.org/x?sig=y")


def project(code: str, now: str, before: str = "", **parts: Any) -> ProjectStanding:
    history = tuple(zip(WEEKS, (before or now, now, now, now), strict=True))
    colours = {"overall": now, "schedule": now, "cost": "green"} if now else {}
    known = ProjectStanding(f"project:{code.lower()}", code, f"Project {code}", colours, {}, before, history)
    return replace(known, **parts)


def trend(name: str, moved: int) -> MilestoneTrend:
    start = date(2026, 9, 1)
    return MilestoneTrend("PRJ-1", name, ((WEEKS[0], start), (WEEKS[-1], start + timedelta(days=moved))), start)


def a_page(**parts: Any) -> Message:
    """Return a committee's page on three projects."""
    projects = (
        project("PRJ-1", "red", "amber", moved={"new": 2, "ended": 1}, declared={"overall": "green"}),
        project("PRJ-2", "green", "amber"),
        project("PRJ-3", "grey", "grey"),
    )
    standing = Standing(projects, (trend("Go-live", 12), trend("Pilot", -3)), SINCE)
    usual = replace(
        a_digest(), digest="monthly", items=(), no_names=True, standing=standing, counts={"red": 2, "owed": 4}
    )
    return replace(usual, **parts)


OWED = (
    Owed("submission", {"en": "Calls answered", "nl": "Beantwoorde oproepen"}, "PRJ-1", "One", "2026-W18",
         date(2026, 5, 1), 3, "Maria Rossi"),
    Owed("status_report", {}, "PRJ-2", "Two", "2026-04", date(2026, 5, 4), 1),
)  # fmt: skip


def card_texts(message: Message) -> str:
    payload, _ = message_payload(CARD, render(message, CONTEXT)[1])
    return json.dumps(payload, ensure_ascii=False)


def test_committee_reads_counts_movements_status_by_dimension_and_trends() -> None:
    text = render(a_page(), CONTEXT)[0].text

    assert "Projects: 1 red, 1 grey, 1 green." in text
    assert "Since 7 April 2026: 1 project worse, 1 project better." in text
    assert "4 figures or reports not delivered." in text
    assert "* PRJ-1 Project PRJ-1\n  Status: ▲ Red (was ◆ Amber)\n  Alerts: 2 new, 1 ended\n" in text
    assert "  Overall: ▲ Red (● Green)\n  Schedule: ▲ Red\n  Cost: ● Green\n  Scope: –\n" in text
    assert (
        "1 of 2 key milestones is expected later than on 12 April 2026. "
        "Most: PRJ-1 Go-live, from 01/09/2026 to 13/09/2026 (12 days later)."
    ) in text
    assert "Since 12 April 2026: worse PRJ-1; better PRJ-2." in text


def test_what_was_not_delivered_is_listed_with_who_delivers_and_only_counted_for_a_committee() -> None:
    reader = replace(a_digest(), owed=OWED)

    text = render(reader, CONTEXT)[0].text
    assert "* Calls answered, week 18 (W18) (3 periods)\n  Project: PRJ-1\n  Due since: 01/05/2026\n" in text
    assert "  Who delivers: Maria Rossi\n* Status report, April 2026\n" in text
    assert "Beantwoorde oproepen, week 18 (W18) (3 perioden)" in render(replace(reader, language="nl"), CONTEXT)[0].text
    committee = a_page(owed=OWED)
    for made in (render(committee, CONTEXT)[0].text, render(committee, CONTEXT)[0].html, card_texts(committee)):
        assert "Rossi" not in made
        assert "Calls answered" not in made


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
def test_text_html_and_card_say_the_same(language: str) -> None:
    rendered, view = render(a_page(language=language), CONTEXT)
    card = card_texts(a_page(language=language))

    movements = next(one for one in view.tables if one.name == "movements")
    for line in (*view.lines, movements.heading, *(cell.text for row in movements.rows for cell in row)):
        assert line in rendered.text
        assert line in unescape(rendered.html)
        assert line in card
    for chart in view.charts:
        assert chart.finding in rendered.text
    matrix = next(one for one in view.tables if one.name == "matrix")
    assert matrix.heading in rendered.text
    assert matrix.heading not in card  # eight columns are too many for a card


def test_charts_are_pictures_in_the_mail_with_what_they_say() -> None:
    if not typesetting.is_there():
        pytest.skip("the extra pdf is not installed: there are tables in place of pictures")
    rendered, view = render(a_page(), CONTEXT)

    assert [one.name.partition(".")[0] for one in rendered.pictures] == ["trend", "status"]
    for picture, chart in zip(rendered.pictures, view.charts, strict=True):
        assert picture.png.startswith(b"\x89PNG")
        assert len(picture.png) <= 200_000
        assert picture.alt == chart.finding
        assert f'src="cid:{picture.name}"' in rendered.html
        assert f'alt="{chart.finding}"' in unescape(rendered.html)
    assert render(a_page(address=""), CONTEXT)[0].pictures == ()  # a channel shows none


def test_without_the_extra_a_table_has_the_same_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "is_there", lambda: False)

    rendered, view = render(a_page(), CONTEXT)

    assert rendered.pictures == ()
    assert "cid:" not in rendered.html
    for chart in view.charts:
        assert all(cell.text in rendered.html for row in chart.table.rows for cell in row)


def test_a_picture_that_cannot_be_made_costs_no_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise RuntimeError("no")

    monkeypatch.setattr(typesetting, "is_there", lambda: True)
    monkeypatch.setattr(typesetting, "png_of", broken)

    rendered, _ = render(a_page(), CONTEXT)

    assert rendered.pictures == ()
    assert "13/09/2026" in rendered.html


def test_one_reading_is_no_trend() -> None:
    now = (WEEKS[-1], "red")
    alone = Standing((replace(project("PRJ-1", "red"), history=(now,)),), (), None)

    _, view = render(a_page(standing=alone), CONTEXT)

    assert view.charts == ()
    assert [one.name for one in view.tables] == ["matrix"]  # nothing moved either
    assert not [line for line in view.lines if line.startswith("Since")]


def test_a_large_portfolio_still_fits_and_says_how_much_is_left_out() -> None:
    many = tuple(project(f"PRJ-{n:03}", "red", "green", moved={"new": 1}) for n in range(150))

    rendered, view = render(a_page(standing=Standing(many, (), SINCE), owed=()), CONTEXT)

    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    assert rendered.text.count("+ 130 more") == 2
    assert all(len(one.rows) == 150 for one in view.tables)
    payload, left_out = message_payload(CARD, view)
    assert len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()) <= 18_000
    assert left_out > 0
    assert "Projects: 150 red." in json.dumps(payload)  # counts stay


def test_hostile_names_are_text_in_every_form() -> None:
    evil = project("PRJ-1", "red", "green", name=EVIL, moved={"new": 1})
    message = a_page(standing=Standing((evil,), (trend(EVIL, 3),), SINCE))
    owed = replace(a_digest(), owed=(replace(OWED[0], names={"en": EVIL}, provider=EVIL),))

    for one in (message, owed):
        rendered, _ = render(one, CONTEXT)
        assert "<script" not in rendered.html
        assert EVIL in rendered.text
        assert fault(message_payload(CARD, render(one, CONTEXT)[1])[0]) == ""  # no mention that the card does not know


def test_plain_message_has_none_of_it() -> None:
    _, view = render(a_message(), CONTEXT)

    assert (view.tables, view.charts, view.owed) == ((), (), ())
