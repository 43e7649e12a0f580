"""What sources say against each other, and what of theirs could not be taken in: counted per project."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from rows import NOW, known, reading, records

from pmo_watch.contradictions import MOST_LEFT_OUT, ConflictOver
from pmo_watch.flow import Outcome, Records, Rejected, Snapshot, SourceState, Summary, Vanished, Wish
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.normalise import Limits, accept
from pmo_watch.workdays import Calendar

DEFAULT = {
    "default": Calendar("default"),
    "idle": Calendar("idle", week=(True, False, False, False, False, False, False)),
}


def snapshot(
    sources: Mapping[str, Sequence[Records]],
    past: Mapping[Wish, pl.DataFrame] | None = None,
    left_out: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
    **context: Any,
) -> Snapshot:
    """Merge complete first readings of these sources, in this order."""
    accepted = {name: known(name, *batches) for name, batches in sources.items()}
    states = {
        name: SourceState(name, "csv_file", Outcome.COMPLETE, 1, left_out=(left_out or {}).get(name, ()))
        for name in accepted
    }
    made = Context(NOW, NOW.date(), DEFAULT, order=list(sources), **context)
    return build_snapshot({name: one.rows for name, one in accepted.items()}, states, made, past or {})


def project(**fields: Any) -> list[Records]:
    """Return the project ATL with these fields."""
    return [records("project", {"key": "ATL", "code": "ATL", "name": "Atlas", **fields})]


def against(first: Mapping[str, Any], second: Mapping[str, Any], **context: Any) -> list[tuple[str, str]]:
    """Return field and both values of what two sources say of one project."""
    made = snapshot({"plans": project(**first), "register": project(**second)}, **context)
    assert set(made.contradictions["project"]) <= {"project:atl"}
    assert set(made.contradictions["kind"]) <= {"disagreement"}
    return made.contradictions.select("field", "said").rows()


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        pytest.param({"forecast_finish": date(2026, 12, 4)}, {"forecast_finish": date(2026, 12, 11)}, False, id="5 wd"),
        pytest.param({"forecast_finish": date(2026, 12, 4)}, {"forecast_finish": date(2026, 12, 14)}, True, id="6 wd"),
        pytest.param({"deadline": date(2026, 12, 14)}, {"deadline": date(2026, 12, 4)}, True, id="sooner"),
        pytest.param({"actual_cost": Decimal(100)}, {"actual_cost": Decimal(105)}, False, id="5 %"),
        pytest.param({"actual_cost": Decimal(100)}, {"actual_cost": Decimal("105.01")}, True, id="over 5 %"),
        pytest.param({"actual_cost": Decimal(0)}, {"actual_cost": Decimal(1)}, True, id="of nothing"),
        pytest.param({"effort_actual": Decimal(-10)}, {"effort_actual": Decimal(-9)}, True, id="below 0"),
        pytest.param({"progress": Decimal(5)}, {"progress": Decimal(9)}, False, id="4 points"),
        pytest.param({"progress": Decimal(50)}, {"progress": Decimal(56)}, True, id="6 points"),
        pytest.param({"actual_cost": Decimal(100)}, {"actual_cost": None}, False, id="one is silent"),
        pytest.param({"budget": Decimal(100)}, {"budget": Decimal(120)}, True, id="a fact of the register"),
        pytest.param({"name": "Atlas"}, {"name": "ATLAS 2"}, False, id="words"),
        pytest.param({"status_date": date(2026, 1, 5)}, {"status_date": date(2026, 9, 5)}, False, id="of which day"),
    ],
)  # fmt: skip
def test_two_sources_disagree_beyond_a_distance(
    first: Mapping[str, Any], second: Mapping[str, Any], counts: bool
) -> None:
    # Progress belongs to the schedule, which the source wins that knows the forecast finish.
    (field,) = first
    anchor = {} if field in {"forecast_finish", "status_date", "name"} else {"forecast_finish": date(2026, 12, 4)}

    assert [one for one, _ in against({**anchor, **first}, {**anchor, **second})] == ([field] if counts else [])


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [("EUR", "USD", False), ("EUR", "EUR", True), ("EUR", None, True), (None, None, True)],
)
def test_amounts_in_two_currencies_are_not_compared(first: str | None, second: str | None, counts: bool) -> None:
    costs = [{"actual_cost": Decimal(one), "budget": Decimal(one)} for one in (100, 200)]

    found = against({**costs[0], "currency": first}, {**costs[1], "currency": second})

    assert [one for one, _ in found] == (["budget", "actual_cost"] if counts else [])


def test_both_values_are_shown_and_whose_they_are_the_one_that_counts_first() -> None:
    said = against(
        {"forecast_finish": date(2026, 12, 4), "actual_cost": Decimal("54000.50")},
        {"forecast_finish": date(2026, 12, 18), "actual_cost": Decimal(61000)},
        policy={"cost": ["register"]},
    )

    assert said == [
        ("forecast_finish", "2026-12-04 (plans), 2026-12-18 (register)"),
        ("actual_cost", "61000 (register), 54000.5 (plans)"),
    ]


def test_the_distance_is_what_the_settings_say() -> None:
    first = {"forecast_finish": date(2026, 12, 4), "actual_cost": Decimal(100)}
    second = {"forecast_finish": date(2026, 12, 7), "actual_cost": Decimal(102)}

    assert against(first, second) == []
    assert len(against(first, second, conflict_over=ConflictOver(days=0, share=0.01))) == 2
    assert (
        len(against(first, {**second, "forecast_finish": date(2027, 3, 5)}, conflict_over=ConflictOver(99, 0.5))) == 0
    )


def test_days_are_counted_in_the_calendar_of_the_project() -> None:
    days = ({"forecast_finish": date(2026, 12, 4)}, {"forecast_finish": date(2026, 12, 18)})
    assert len(against(*days)) == 1

    assert against(*({**one, "calendar": "idle"} for one in days)) == [], "one day a week is worked"


def test_one_source_alone_contradicts_nobody() -> None:
    made = snapshot({"plans": project(forecast_finish=date(2026, 12, 4))})

    assert made.contradictions.is_empty()


def plan(key: str, **fields: Any) -> list[Records]:
    """Return a plan of the project ATL with one milestone of that key."""
    milestone = {"key": key, "id": key, "project": "ATL", "name": f"Go-live {key}", "is_milestone": True, **fields}
    return [*project(), records("task", milestone)]


@pytest.mark.parametrize("first", ["plans", "register"])
def test_a_milestone_that_names_its_twin_is_compared_with_it(first: str) -> None:
    sources = {
        "plans": plan("M1", forecast_finish=date(2026, 12, 4)),
        "register": plan("J1", same_as="M1", forecast_finish=date(2026, 12, 18), baseline_finish=date(2026, 12, 4)),
    }

    made = snapshot(sources, policy={"schedule": [first]})

    (row,) = made.contradictions.to_dicts()
    assert row["row"] == made.frame("task")["uid"].item(), "the row that counts is the one that is contradicted"
    assert row["project"] == "project:atl"
    assert row["field"] == "forecast_finish"
    assert row["said"].startswith({"plans": "2026-12-04 (plans)", "register": "2026-12-18 (register)"}[first])


def test_rows_of_two_plans_that_name_no_twin_are_not_compared() -> None:
    sources = {
        "plans": plan("M1", forecast_finish=date(2026, 12, 4)),
        "register": plan("M1", forecast_finish=date(2026, 12, 18)),
    }

    assert snapshot(sources).contradictions.is_empty()


def test_a_reference_that_leads_nowhere_is_of_the_project_of_its_row() -> None:
    risks = [{"key": f"R{n}", "project": "ATL", "title": f"Risk {n}", "owner": owner}
             for n, owner in enumerate(("Nobody", None, "No one"))]  # fmt: skip
    boards = records("board", {"key": "B", "name": "Team", "project": ["ATL", "GONE"]})

    made = snapshot({"sheet": [*project(leader="Ghost"), records("risk", *risks), boards]})

    rows = made.contradictions.select("row", "name", "kind", "field").rows()
    assert sorted(rows) == [
        ("project:atl", "Atlas", "leads_nowhere", "leader"),
        ("sheet:board:B", "Team", "leads_nowhere", "project"),
        ("sheet:risk:R0", "Risk 0", "leads_nowhere", "owner"),
        ("sheet:risk:R2", "Risk 2", "leads_nowhere", "owner"),
    ]


def test_a_row_that_does_not_count_is_not_held_against_the_project() -> None:
    sources = {"plans": plan("M1"), "register": plan("J1", owner="Nobody")}

    assert snapshot(sources, policy={"schedule": ["plans"]}).contradictions.is_empty()
    assert snapshot(sources, policy={"schedule": ["register"]}).contradictions["field"].to_list() == ["owner"]


TWO = [
    records("project", {"key": "1", "code": "ATL", "name": "Atlas"}, part="atlas.xml"),
    records("project", {"key": "2", "code": "BOR", "name": "Boreal"}, part="boreal.xml"),
    records("task", {"key": "10", "id": "BOR-7", "project": "2", "name": "Seven"}, part="boreal.xml"),
]


@pytest.mark.parametrize(
    ("where", "said", "owner"),
    [
        pytest.param("risks.csv:line 4", "ATL", "project:atl", id="the record says its project's code"),
        pytest.param("risks.csv:line 4", "2", "project:bor", id="or its key"),
        pytest.param("boreal.xml:task 3", "", "project:bor", id="its file has one project"),
        pytest.param("atlas.xml:project", "", "project:atl", id="a file without rows"),
        pytest.param("issue BOR-7", "", "project:bor", id="it names the row"),
        pytest.param("msdyn_project Boreal", "", "project:bor", id="it names the project"),
        pytest.param("risks.csv:line 2", "", None, id="a line's number is no key"),
        pytest.param("issue ZZZ-1", "", None, id="a row that nobody knows"),
        pytest.param("risks.csv:line 4", "GHOST", None, id="a project that nobody knows"),
    ],
)
def test_what_was_left_out_is_of_the_project_that_it_tells_of(where: str, said: str, owner: str | None) -> None:
    made = snapshot({"live": TWO}, left_out={"live": ((where, said), (where, said))})

    rows = made.contradictions.select("project", "row", "name", "kind").rows()
    assert rows[:1] == ([(owner, f"live|{where}", where, "rejected")] if owner else [])


# --- from reading to reading --------------------------------------------------------------------------------------


def rejected(*places: str) -> list[Rejected]:
    return [Rejected(place, "owner", "x", "no person", "ATL") for place in places]


def after(first: Summary, second: Summary, *batches: Records, outcome: Outcome = Outcome.COMPLETE) -> list[str]:
    """Return the places that are known to be left out after two readings."""
    rows = [{"key": f"R{n}", "id": f"R{n}", "project": "ATL", "title": "x"} for n in (1, 2)]
    whole = records("risk", *rows, part="a.csv")
    one = accept(reading("sheet", whole, summary=first), {}, SourceState("sheet", "csv_file"), Limits())
    two = accept(reading("sheet", *batches, summary=second, outcome=outcome), one.rows, one.state, Limits())
    return [where for where, _ in two.state.left_out]


def risk(key: str, part: str = "a.csv") -> Records:
    return records("risk", {"key": key, "id": key, "project": "ATL", "title": "y"}, part=part)


def test_a_reading_replaces_what_was_left_out_before() -> None:
    first, second = Summary(rejected=rejected("a.csv:line 2")), Summary(rejected=rejected("a.csv:line 5"))

    assert after(first, second, risk("R1"), risk("R2")) == ["a.csv:line 5"]
    assert after(first, Summary(), risk("R1"), risk("R2")) == []


def test_what_was_left_out_of_a_file_that_did_not_change_is_still_missing() -> None:
    first = Summary(rejected=rejected("a.csv:line 2", "b.csv:line 3"))

    assert after(first, Summary(unchanged=["a.csv"]), risk("R3", "b.csv")) == ["a.csv:line 2"]


def test_what_was_left_out_of_a_file_that_could_not_be_read_is_still_missing() -> None:
    first = Summary(rejected=rejected("a.csv:line 2", "b.csv:line 3"))

    assert after(first, Summary(), risk("R3", "b.csv"), outcome=Outcome.PARTIAL) == ["a.csv:line 2"]


def test_a_list_of_changes_mends_the_rows_that_it_sends() -> None:
    first = Summary(rejected=rejected("issue R1", "issue R2"))

    assert after(first, Summary(listed=False), risk("R1")) == ["issue R2"]
    assert after(first, Summary(listed=False, rejected=rejected("issue R1")), risk("R1")) == ["issue R1", "issue R2"]
    assert after(first, Summary(listed=False)) == ["issue R1", "issue R2"]


def test_a_failed_reading_leaves_it_as_it_was() -> None:
    first = Summary(rejected=rejected("a.csv:line 2"))

    assert after(first, Summary(), outcome=Outcome.FAILED) == ["a.csv:line 2"]


def test_no_more_places_are_remembered_than_anybody_counts() -> None:
    many = Summary(rejected=rejected(*(f"a.csv:line {n}" for n in range(MOST_LEFT_OUT + 5))))

    assert len(after(Summary(), many, risk("R1"), risk("R2"))) == MOST_LEFT_OUT


# --- rows that are gone -------------------------------------------------------------------------------------------


def gone(source: str, project: str) -> dict[Wish, pl.DataFrame]:
    wish = Vanished("task", 30, ("project", "name"))
    columns = {
        "uid": [f"{source}:task:M9"],
        "source": [source],
        "vanished_on": [NOW.date()],
        "project": [project],
        "name": ["x"],
    }
    return {wish: pl.DataFrame(columns)}


def test_what_is_gone_is_of_the_project_that_it_was_of() -> None:
    made = snapshot({"plans": plan("M1")}, gone("plans", "ATL"))

    (found,) = made.past.values()
    assert found.select("uid", "project").rows() == [("plans:task:M9", "project:atl")]


def test_what_is_gone_from_a_plan_that_does_not_count_is_nobodys_loss() -> None:
    sources = {"plans": plan("M1"), "register": plan("J1")}

    made = [snapshot(sources, gone(one, "ATL"), policy={"schedule": ["plans"]}) for one in sources]

    assert [next(iter(one.past.values())).height for one in made] == [1, 0]


def test_what_is_gone_with_its_whole_plan_is_not_forgotten() -> None:
    (found,) = snapshot({"plans": project()}, gone("plans", "ATL")).past.values()

    assert found.height == 1
