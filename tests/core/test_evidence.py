"""Evidence, notes and reasons in words."""

import pytest
from messages import GREY, NB, an_alert, an_item, only


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("missing story_size", "missing: story size"),
        ("missing progress on 3 of 8 rows", "missing: progress on 3 of 8 rows"),
        ("missing project.cpi 2026-03", "missing: cost performance index (CPI), March 2026"),
        (
            "invalid project.effort_planned: recalculated by the source",
            "the source recalculates the planned effort: there is no plan to compare with",
        ),
        ("missing document.updated_on on 1 of 2 rows", "missing: date of the last update on 1 of 2 rows"),
        (
            "invalid milestone.total_slack: manual row",
            "the row is scheduled by hand: its slack says nothing",
        ),
        (
            "invalid project.baseline_finish: equals baseline_start",
            "the project baseline does not end after it starts",
        ),
        ("invalid dependency.predecessor: circle of links", "links of the plan form a circle"),
        ("invalid baseline_finish: 2026-13-01", "invalid: baseline finish = 2026-13-01"),
        ("needs 3 samples, has 1", "needs 3 measurements, has 1"),
        ("only 4 items, needs 5", "only 4 items, 5 needed"),
        (
            "project.status_date is 31 wd old, limit 20",
            "status date is 31 working days old, limit 20 working days",
        ),
        ("source jira not read since 2026-05-11T06:00:00+00:00", "source jira not read since 11 May 2026 08:00"),
        ("mixed currencies: EUR, USD", "mixed currencies: EUR, USD"),
        ("too early", "too early to say"),
        ("no baseline at all", "no baseline at all"),
    ],
)
def test_reason_of_the_closed_list_is_said_in_words(reason: str, sentence: str) -> None:
    item = only(an_item(level="grey", reason="unknown", finding={**GREY, "reason": reason}))

    assert item.how_much == f"not assessable: {sentence}"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", 'Indicator "progress" for week 30 was due on 24 July 2026 and has not been received.'),
        (
            "fr",
            (
                f"L'indicateur «{NB}progress{NB}» de la semaine 30 était attendu le 24 juillet 2026 "
                "et n'a pas été transmis."
            ),
        ),
        ("nl", 'De indicator "progress" van week 30 werd verwacht op 24 juli 2026 en is niet aangeleverd.'),
    ],
)
def test_missing_figure_is_said_in_a_sentence(language: str, sentence: str) -> None:
    evidence = {"period": "2026-W30", "due_on": "2026-07-24"}
    finding = {"measure": "submission.days_late", "evidence": evidence}

    item = only(an_item(subject_name="progress", alert=an_alert(entity="submission"), finding=finding), language)

    assert item.why == sentence


def test_month_of_a_missing_figure_takes_no_elision_in_french() -> None:
    evidence = {"period": "2026-04", "due_on": "2026-05-08"}
    finding = {"measure": "submission.days_late", "evidence": evidence}

    item = only(an_item(subject_name="progress", alert=an_alert(entity="submission"), finding=finding), "fr")

    assert "pour avril 2026 était attendu" in item.why


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        (
            "fr",
            (
                ("statut déclaré", "vert"),
                ("prévisions successives", "04/12/2026, 14/12/2026"),
                ("temps écoulé", "7,5"),
                ("période", "semaine"),
                ("story size", "XL"),
            ),
        ),
        (
            "nl",
            (
                ("opgegeven status", "groen"),
                ("opeenvolgende prognoses", "04/12/2026, 14/12/2026"),
                ("verstreken tijd", "7,5"),
                ("periode", "week"),
                ("story size", "XL"),
            ),
        ),
    ],
)
def test_evidence_is_shown_in_the_readers_words(language: str, shown: tuple[tuple[str, str], ...]) -> None:
    evidence = {
        "declared_status": "green",
        "forecasts": "2026-12-04, 2026-12-14",
        "actual_time": "7.5",
        "period": "week",
        "empty": "",
        "story_size": "XL",
    }

    assert only(an_item(finding={"evidence": evidence}), language).facts == shown


@pytest.mark.parametrize(
    ("note", "as_of_note", "sentence"),
    [
        ("small sample: 2 of 4", "", "échantillon réduit\u00a0: 2 sur 4"),
        ("estimate at completion: declared", "", "estimation à l'achèvement\u00a0: déclaré"),
        ("3 of 8 rows left out: no baseline value", "", "3 lignes sur 8 non prises en compte"),
        ("actual cost of 2026-05-01", "", "coût réel au 1er mai 2026"),
        ("missing periods: 2026-W30", "", "périodes manquantes\u00a0: 2026-W30"),
        (
            "no project tolerance: organisation default used",
            "",
            "pas de tolérance propre au projet\u00a0: valeur par défaut de l'organisation",
        ),
        (
            "value of an earlier period; against the baseline",
            "",
            "valeur d'une période antérieure; par rapport à la référence",
        ),
        ("assumed 10 wd after it was asked for", "", "date supposée\u00a0: 10 jours ouvrés après la demande"),
        ("last change taken for the review", "", "dernière modification prise pour revue"),
        ("counted from the day it was first seen", "", "compté à partir du jour de sa première lecture"),
        ("1 of 2 probabilities from the likelihood", "", "probabilités déduites de l'échelle de 1 à 5\u00a0: 1 sur 2"),
        ("derived from EAC", "", "déduit de l'estimation à l'achèvement"),
        ("contingency used unknown", "", "provision utilisée inconnue\u00a0: comptée comme nulle"),
        ("needed when the successor starts", "", "requise au début du successeur"),
        ("", "status date 31 wd old", "date de situation vieille de 31 jours ouvrés"),
        (
            "",
            "status date in the future; plan from ict-plans, cost from ledger",
            "date de situation future; données de ict-plans et ledger",
        ),
        ("as a person wrote", "status date assumed", "as a person wrote"),
    ],
)
def test_note_is_said_in_words(note: str, as_of_note: str, sentence: str) -> None:
    item = only(an_item(finding={"note": note, "as_of_note": as_of_note, "evidence": {}}), "fr")

    assert item.facts == (("éléments constatés", sentence),)


def test_most_telling_facts_come_first_and_notes_are_not_lost() -> None:
    evidence = {f"figure_{number}": str(number) for number in range(20)}

    facts = only(an_item(finding={"evidence": evidence, "note": "small sample: 2 of 4"})).facts

    assert [value for _, value in facts] == ["0", "1", "2", "3", "4", "5", "6", "small sample: 2 of 4"]
