"""Digests, notices and test messages as the recipient reads them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from messages import CONTEXT, NOW, SLIP, a_digest, a_message, an_alert, an_item

from pmo_watch.alerts import Item
from pmo_watch.render import render


def test_digest_lists_its_parts_in_order_and_what_is_open_by_age() -> None:
    young, old = (an_alert(n, opened_at=NOW - timedelta(days=n)) for n in (20, 40))
    items = (an_item(20, alert=young, reason="open"), an_item(40, alert=old, reason="open"), *a_digest().items)

    _, view = render(a_message(*items, kind="digest", digest="daily"), CONTEXT)

    headings = [section.heading for section in view.sections]
    assert headings == [
        "New (1)",
        "Improved (1)",
        "Ended (1)",
        "Still open, oldest first (3)",
        "Unknown (1)",
        "Silenced (1)",
    ]
    assert [item.when for item in view.sections[3].items] == ["02/04/2026", "11/05/2026", "11/05/2026"]


def overdue(number: int, owner: str, **parts: Any) -> Item:
    finding = {"measure": "action.overdue", "evidence": {"owner": owner}}
    return an_item(number, alert=an_alert(number, entity="action"), finding=finding, **parts)


def test_digest_counts_overdue_actions_by_owner() -> None:
    items = (
        *(overdue(number, "Bob") for number in (1, 2)),
        *(overdue(number, "Ann") for number in (3, 4)),
        *(overdue(number, "Cid") for number in (5, 6, 7)),
        overdue(8, ""),
        overdue(9, "Dan", reason="recovered", level="green"),
        an_item(10, finding={"evidence": {"owner": "Eve"}}),
    )
    digest = a_message(*items, kind="digest", digest="weekly", language="fr")

    assert render(digest, CONTEXT)[1].lines == ("Actions en retard par responsable\u00a0: Cid 3, Ann 2, Bob 2",)
    assert render(replace(digest, no_names=True), CONTEXT)[1].lines == ()
    assert render(replace(digest, items=items[:1]), CONTEXT)[1].lines == ()


def test_empty_digest_says_so() -> None:
    rendered, view = render(a_message(kind="digest", digest="daily", language="fr", day=date(2026, 5, 12)), CONTEXT)

    assert view.title == "Récapitulatif quotidien, mardi 12 mai 2026"
    assert view.lines == ("Rien à signaler.",)
    assert "Rien à signaler." in rendered.html


def test_committee_sees_counts_movements_and_decisions_and_no_names() -> None:
    about_a_person = an_item(
        2,
        alert=an_alert(2, entity="person"),
        subject_name="Maria Rossi",
        finding={"evidence": {"owner": "Maria Rossi"}},
    )
    message = replace(
        a_digest(),
        items=(*a_digest().items, about_a_person),
        no_names=True,
        counts={"red": 3, "amber": 4, "not_assessed": 2},
        digest="monthly",
    )

    rendered, view = render(message, CONTEXT)

    assert view.summary == "3 red, 4 amber, 2 projects could not be assessed"
    assert "Maria" not in rendered.text + rendered.html
    assert view.decisions == (("Choose the hosting contract", "ATL-7", "20/05/2026"),)
    assert not [section for section in view.sections if section.heading.startswith("Unknown") and section.items]
    assert not view.expected


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
def test_test_message_is_clearly_marked(language: str) -> None:
    rendered, view = render(a_message(kind="test", language=language), CONTEXT)

    assert rendered.subject.startswith("[TEST] ")
    assert view.lines[0] in rendered.text
    assert "mail" in view.lines[0]
    assert view.level_text == ""


def test_notice_shows_its_lines_and_cuts_a_long_list() -> None:
    rendered, _ = render(a_message(kind="notice", title="Rules have faults", lines=("a <b>", *("x",) * 100)), CONTEXT)

    assert "a &lt;b&gt;" in rendered.html
    assert "+ 61 more" in rendered.text


@pytest.mark.parametrize(
    ("reasons", "shown"),
    [
        (("recovered", "recovered"), "● Green"),
        (("entity_done", "entity_done"), "● Closed: finished"),
        (("recovered", "entity_gone"), "● Closed"),
    ],
)
def test_message_of_endings_claims_no_more_than_all_of_them_have(reasons: tuple[str, ...], shown: str) -> None:
    items = [an_item(number, reason=reason, level="green") for number, reason in enumerate(reasons)]

    _, view = render(a_message(*items), CONTEXT)

    assert view.level_text == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [("en", "2 red, 1 amber, 2 green"), ("fr", "2 rouges, 1 orange, 2 verts"), ("nl", "2 rood, 1 oranje, 2 groen")],
)
def test_several_alerts_are_counted_by_level(language: str, shown: str) -> None:
    levels = ("red", "amber", "green", "red", "green")
    rules = [replace(SLIP, id=f"rule-{number}") for number in range(5)]
    items = [an_item(n, rule=rules[n], level=level) for n, level in enumerate(levels)]

    _, view = render(a_message(*items, language=language), CONTEXT)

    assert view.summary == shown
    assert view.speak.endswith(shown)


def test_without_a_page_that_lists_alerts_nothing_leads_there() -> None:
    _, view = render(a_message(an_item()), replace(CONTEXT, alerts_page=""))

    assert list(view.links) == ["Acknowledge", "Dashboard"]
