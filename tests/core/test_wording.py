"""One alert in words: how much, since when, what changed, why not, on which data, what is expected."""

from dataclasses import replace
from datetime import date, datetime

import pytest
from messages import CONTEXT, GREY, NB, NOW, SLIP, a_message, an_alert, an_item, only

from pmo_watch.render import render
from pmo_watch.rules import Rule


@pytest.mark.parametrize(
    ("language", "against", "since", "change"),
    [
        ("en", "12 working days, threshold 10 working days", "red since 11 May 2026", "from amber to red"),
        (
            "fr",
            "12 jours ouvrés, seuil de 10 jours ouvrés",
            "rouge depuis le 11 mai 2026",
            "passe de l'orange au rouge",
        ),
        ("nl", "12 werkdagen, drempelwaarde 10 werkdagen", "rood sinds 11 mei 2026", "van oranje naar rood"),
    ],
)
def test_item_says_how_much_since_when_and_what_changed(language: str, against: str, since: str, change: str) -> None:
    item = only(an_item(reason="worsened", before="amber"), language)

    assert (item.how_much, item.since, item.change) == (against, since, change)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "back to green after 8 working days"),
        ("fr", "retour au vert après 8 jours ouvrés"),
        ("nl", "terug naar groen na 8 werkdagen"),
    ],
)
def test_recovery_says_after_how_many_working_days(language: str, sentence: str) -> None:
    opened = datetime(2026, 5, 12, 9, tzinfo=NOW.tzinfo)
    alert = an_alert(opened_at=opened, closed_at=datetime(2026, 5, 26, 9, tzinfo=NOW.tzinfo))  # two holidays between

    assert only(an_item(alert=alert, reason="recovered", level="green"), language).change == sentence


@pytest.mark.parametrize(
    ("language", "promised", "missed"),
    [
        (
            "en",
            "acknowledged by Ann until 1 June 2026, new date promised: 20 February 2027",
            "the promised date, 8 May 2026, was not met",
        ),
        (
            "fr",
            f"pris en compte par Ann jusqu'au 1er juin 2026, nouvelle date promise{NB}: 20 février 2027",
            "la date promise, le 8 mai 2026, n'a pas été tenue",
        ),
        (
            "nl",
            "bevestigd door Ann tot 1 juni 2026, nieuwe datum toegezegd: 20 februari 2027",
            "de toegezegde datum, 8 mei 2026, werd niet gehaald",
        ),
    ],
)
def test_a_promised_date_is_shown_until_it_was_not_met(language: str, promised: str, missed: str) -> None:
    made = an_alert(acknowledged_until=date(2026, 6, 1), acknowledged_by="Ann", new_date=date(2027, 2, 20))
    broken = an_alert(missed_date=date(2026, 5, 8))

    assert only(an_item(alert=made, reason="open"), language).change == promised
    assert only(an_item(alert=broken, reason="promise_missed"), language).change == missed
    assert only(an_item(alert=broken, reason="recovered", level="green"), language).change.endswith(missed) is False


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", 'not assessable: baseline finish is missing for milestone "Go-live"'),
        ("fr", f"non évaluable{NB}: la fin de référence du jalon «{NB}Go-live{NB}» manque"),
        ("nl", 'niet beoordeelbaar: de einddatum baseline van mijlpaal "Go-live" ontbreekt'),
    ],
)
def test_grey_names_the_missing_field(language: str, sentence: str) -> None:
    item = an_item(level="grey", reason="unknown", finding={**GREY, "reason": "missing milestone.baseline_finish"})

    assert only(item, language).how_much == sentence


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Please give cause, action, owner and date by 18 May 2026."),
        ("fr", "Merci d'indiquer la cause, l'action, le responsable et l'échéance pour le 18 mai 2026."),
        ("nl", "Gelieve oorzaak, actie, verantwoordelijke en vervaldatum te bezorgen tegen 18 mei 2026."),
    ],
)
def test_newly_red_alert_without_advice_asks_for_cause_action_owner_and_date(language: str, sentence: str) -> None:
    _, view = render(a_message(an_item(rule=replace(SLIP, advice={})), language=language), CONTEXT)

    assert view.expected == ((SLIP.name[language], sentence),)


def test_data_basis_names_kind_and_date_and_both_names_where_two_are_alike() -> None:
    basis = (
        ("ict-plans", date(2026, 5, 12), True),
        ("kpi-sheet", date(2026, 5, 1), False),
        ("x", date(2026, 5, 2), False),
    )

    _, french = render(a_message(an_item(), language="fr", data_basis=basis), CONTEXT)
    _, alike = render(
        a_message(an_item(), data_basis=basis), replace(CONTEXT, source_kinds={"x": "jira", "kpi-sheet": "jira"})
    )

    assert french.data_basis == (
        "Sur la base du fichier MS Project du 12 mai 2026, date de situation supposée\u202f; "
        "du fichier CSV ou Excel du 1er mai 2026\u202f; de la source x du 2 mai 2026."
    )
    assert alike.data_basis.endswith('; Jira "kpi-sheet" of 1 May 2026; Jira "x" of 2 May 2026.')


def test_message_without_a_basis_of_its_own_names_that_of_its_findings() -> None:
    _, view = render(a_message(an_item(), data_basis=()), CONTEXT)

    assert view.data_basis == "Based on: MS Project file of 12 May 2026, status date assumed."


def test_persons_text_is_in_the_readers_language_else_the_organisations() -> None:
    rule = Rule(id="r", name={"nl": "Regel", "fr": "Règle"}, for_each="milestone", measures=())

    assert only(an_item(rule=rule), "fr").rule == "Règle"
    assert only(an_item(rule=rule), "en").rule in {"Regel", "Règle"}


def test_unknown_zone_of_a_person_stops_nothing() -> None:
    assert only(an_item(), zone="Mars/Olympus").since == "red since 11 May 2026"


def test_plans_of_one_source_with_different_dates_are_said_once() -> None:
    days = [date(2026, 5, 12), date(2026, 5, 4), date(2026, 5, 8)]

    _, view = render(a_message(an_item(), data_basis=tuple(("ict-plans", day, False) for day in days)), CONTEXT)

    assert view.data_basis == "Based on: MS Project file of 4 May 2026 and 12 May 2026."
