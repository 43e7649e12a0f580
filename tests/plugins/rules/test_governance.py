"""Colours declared and computed: the vectors G-01 to G-03 of spec measures 4.9, and how long a project stays amber."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import governance, raid
from snapshots import TODAY, catalogue, found, snapshot

from pmo_watch.flow import COLOURS, FINDING_SCHEMA, Findings, Samples
from pmo_watch.rollup import computed_colours, why_unassessed

MEASURES = catalogue(*governance.pmo_watch_measures(), *raid.pmo_watch_measures())
RISK = {"id": "risk", "measure": "risk.level"}
IMPACT = {"green": 1, "amber": 2, "red": 5, "grey": None}
WEEKS = Samples(COLOURS, "week", 53, ("overall",))


def risk(computed: str) -> dict[str, Any]:
    """Return a risk that gives its project that colour; a closed one gives none."""
    status = "closed" if computed == "na" else "approved"
    likelihood = 5 if computed == "red" else 2
    return {"status": status, "likelihood": likelihood, "impact": IMPACT.get(computed, 1)}


def of(measure: str, *risks: str, past: tuple[str | None, ...] = (), **project: Any) -> dict[str, Any]:
    """Return the finding on a project with these risks; `past`: its colours in the weeks before, newest last."""
    days = [date.fromordinal(TODAY.toordinal() - 7 * back) for back in range(len(past), 0, -1)]
    rows = [
        {"uid": "project:p1", "source": "", "period": f"{day:%G-W%V}", "ends": day, "overall": colour}
        for day, colour in zip(days, past, strict=True)
        if colour
    ]
    schema = {"uid": pl.String, "source": pl.String, "period": pl.String, "ends": pl.Date, "overall": pl.String}
    known = snapshot(
        past={WEEKS: pl.DataFrame(rows, schema=schema)},
        project=[{"code": "P1", **project}],
        risk=[risk(one) for one in risks],
    )
    findings = found(MEASURES, known, {"id": "it", "measure": measure}, RISK)
    assert not findings[0].failed, findings[0].failed
    return findings[0].frame.row(0, named=True)


# --- GO-01 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "computed", "value", "state"),
    [("green", "red", 2, "red"), ("amber", "red", 1, "amber"), ("red", "amber", -1, "green")],
    ids=["G-01 two", "G-01 one", "G-01 better"],
)
def test_gap(declared: str, computed: str, value: int, state: str) -> None:
    answer = of("project.rag_gap", computed, declared_rag=declared)

    assert (answer["value"], answer["state"]) == (value, state)


def test_nothing_declared_is_grey_g02() -> None:
    answer = of("project.rag_gap", "red")

    assert (answer["state"], answer["reason"]) == ("grey", "missing project.declared_rag")


@pytest.mark.parametrize(
    ("risks", "reason"),
    [
        (("grey", "green"), "missing risk.impact"),
        (("na",), "closed"),
        ((), "missing project.computed_rag"),
    ],
    ids=["grey", "not applicable", "nothing found"],
)
def test_gap_without_a_computed_colour_is_grey_for_the_reason_of_its_worst_dimension(
    risks: tuple[str, ...], reason: str
) -> None:
    answer = of("project.rag_gap", *risks, declared_rag="green")

    assert (answer["state"], answer["reason"]) == ("grey", reason)


# --- G-03 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "colour"),
    [
        (("green", "amber", "grey"), "amber"),
        (("green", "grey"), "grey"),
        (("green", "na"), "green"),
        (("na", "na"), None),
        (("red", "grey"), "red"),
    ],
    ids=["amber", "grey", "green", "na", "red"],
)
def test_roll_up_g03(states: tuple[str, ...], colour: str | None) -> None:
    known = snapshot(risk=[{"uid": f"r{number}"} for number in range(len(states))])

    colours = computed_colours([findings(*states)], {"risk": "risk"}, known)

    overall = colours.filter(pl.col("dimension") == "overall")["state"].to_list()
    assert overall == ([] if colour is None else [colour])


def test_data_are_shown_beside_the_colour_and_not_in_it() -> None:
    known = snapshot(risk=[{"uid": "r0"}])

    colours = computed_colours([findings("red")], {"risk": "data"}, known)

    assert colours["dimension"].to_list() == ["data"]


@pytest.mark.parametrize(
    ("rows", "colour"),
    [
        ({"role": [{"uid": "r0", "scope": "project:p1"}]}, ["red", "red"]),
        ({"role": [{"uid": "r0", "scope": "program:d"}]}, []),
    ],
    ids=["of the project", "of a programme"],
)
def test_roles_count_for_the_project_that_they_are_held_for(rows: dict[str, Any], colour: list[str]) -> None:
    colours = computed_colours([findings("red")], {"risk": "resources"}, snapshot(**rows))

    assert colours["state"].to_list() == colour


@pytest.mark.parametrize(("dimension", "reason"), [("cost", "missing risk.cost"), ("overall", "missing risk.impact")])
def test_reason_is_that_of_the_dimension_asked_for_and_of_the_first_rule(dimension: str, reason: str) -> None:
    known = snapshot(risk=[{"uid": "r0"}])
    several = [findings("grey", rule="a", reason="missing risk.impact"), findings("grey", reason="missing risk.cost")]
    asked = pl.DataFrame({"project": ["project:p1"], "dimension": [dimension]})

    reasons = why_unassessed(several, {"a": "risk", "risk": "cost"}, known, asked)

    assert reasons.rows() == [("project:p1", reason)]


def findings(*states: str, rule: str = "risk", reason: str | None = None) -> Findings:
    rows = [{"uid": f"r{number}", "state": state, "reason": reason} for number, state in enumerate(states)]
    return Findings.of(rule, pl.DataFrame(rows, schema=FINDING_SCHEMA))


# --- GO-04 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("past", "now", "value", "state"),
    [
        (("green", "amber"), "amber", 2, "green"),
        (("amber", "amber"), "amber", 3, "amber"),
        (("red", "amber", "amber", "amber", "amber"), "amber", 5, "red"),
        (("amber", "green", "amber"), "amber", 2, "green"),
        (("amber", "grey", "amber"), "amber", 2, "green"),
        (("amber", None, "amber"), "amber", 3, "amber"),
        (("amber", "amber", "amber"), "red", 0, "green"),
        (("amber", "amber", "amber"), "green", 0, "green"),
        (("amber", "amber", "amber"), "na", 0, "green"),
    ],
    ids=["two", "three", "five", "broken", "grey ends it", "a week nobody looked", "red now", "green now", "no colour"],
)
def test_streak_counts_back_from_now(past: tuple[str | None, ...], now: str, value: int, state: str) -> None:
    answer = of("project.amber_streak", now, past=past)

    assert (answer["value"], answer["state"]) == (value, state)


def test_streak_needs_a_sample_before_the_present_one() -> None:
    answer = of("project.amber_streak", "amber")

    assert (answer["state"], answer["reason"]) == ("grey", "needs 2 samples, has 1")


def test_streak_is_grey_while_the_colour_is() -> None:
    answer = of("project.amber_streak", "grey", past=("amber", "amber"))

    assert (answer["state"], answer["reason"]) == ("grey", "missing risk.impact")


# --- GO-06, GO-10 -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "value", "state"),
    [
        (date(2026, 4, 14), 20, "green"),  # 1 May is a holiday
        (date(2026, 4, 13), 21, "amber"),
        (date(2026, 2, 13), 61, "red"),
    ],
)
def test_project_on_hold_counts_working_days(since: date, value: int, state: str) -> None:
    answer = of("project.on_hold_for", state="on_hold", on_hold_since=since)

    assert (answer["value"], answer["state"]) == (value, state)


@pytest.mark.parametrize(
    ("project", "state", "reason"),
    [
        ({"state": "executing"}, "na", "out of scope"),
        ({"state": None, "on_hold_since": date(2026, 1, 5)}, "na", "out of scope"),
        ({"state": "closed"}, "na", "closed"),
        ({"state": "on_hold"}, "grey", "missing project.on_hold_since"),
    ],
)
def test_project_that_is_not_on_hold_or_not_known_since_when(project: dict[str, Any], state: str, reason: str) -> None:
    answer = of("project.on_hold_for", **project)

    assert (answer["state"], answer["reason"]) == (state, reason)


@pytest.mark.parametrize(
    ("given", "state", "reason"),
    [
        (5, "green", None),
        (4, "green", None),
        (3, "amber", None),
        (2, "red", None),
        (1, "red", None),
        (None, "grey", "missing project.delivery_confidence"),
        (0, "grey", "invalid project.delivery_confidence: 0"),
    ],
)
def test_confidence_is_the_reviewers(given: int | None, state: str, reason: str | None) -> None:
    answer = of("project.confidence", delivery_confidence=given)

    assert (answer["state"], answer["reason"]) == (state, reason)
