"""Rows of several sources become one snapshot: identity, references, and which source wins a field group."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from rows import NOW, known, reading, records

from pmo_watch.flow import First, Outcome, Records, Samples, Since, Snapshot, SourceState, Summary, Wish
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.normalise import Accepted, Limits, accept
from pmo_watch.workdays import Calendar

DEFAULT = {"default": Calendar("default")}


def snapshot(
    sources: Mapping[str, Sequence[Records]], past: Mapping[Wish, pl.DataFrame] | None = None, **context: Any
) -> Snapshot:
    """Merge complete first readings of these sources, in this order."""
    accepted: dict[str, Accepted] = {name: known(name, *batches) for name, batches in sources.items()}
    rows = {name: one.rows for name, one in accepted.items()}
    states: dict[str, SourceState] = {name: one.state for name, one in accepted.items()}
    states |= context.pop("states", {})
    made = Context(NOW, NOW.date(), DEFAULT, order=list(sources), **context)
    return build_snapshot(rows, states, made, past or {})


PLAN = [
    records(
        "project",
        {"key": "G1", "code": "ATL", "name": "Atlas", "leader": "Marie Rossi", "forecast_finish": date(2026, 12, 1)},
    ),
    records(
        "task",
        {"key": "G1/1", "id": "1", "project": "G1", "name": "Phase"},
        {"key": "G1/2", "id": "2", "project": "G1", "parent": "G1/1", "name": "Go-live", "is_milestone": True},
    ),
]
REGISTER = [
    records(
        "project",
        {"key": "atl", "code": "atl", "state": "executing", "leader": "m.rossi@example.org", "budget": Decimal(100)},
    ),
    records("person", {"key": "m", "name": "Marie Rossi", "email": "M.Rossi@example.org", "language": "fr"}),
]


def only(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the only row."""
    assert frame.height == 1, frame
    return frame.row(0, named=True)


def test_one_project_of_two_sources_is_one_row_matched_by_code() -> None:
    row = only(snapshot({"plans": PLAN, "sheet": REGISTER}).frame("project"))

    assert row["uid"] == "project:atl"
    assert row["name"] == "Atlas"
    assert row["state"] == "executing", "the register's gaps are filled by the next source"
    assert row["budget"] == Decimal("100.0000"), "an approved budget is a fact of the register"
    assert row["@source:schedule"] == row["@source:register"] == "plans"


def test_projects_are_matched_by_the_field_that_the_settings_name() -> None:
    sheet = [records("project", {"key": "1", "code": "P-001", "name": "ATLAS", "budget": Decimal(100)})]

    by_code = snapshot({"plans": PLAN, "sheet": sheet}).frame("project")
    by_name = snapshot({"plans": PLAN, "sheet": sheet}, match_on={"project": "name"}).frame("project")

    assert by_code["uid"].to_list() == ["project:atl", "project:p-001"]
    assert only(by_name)["uid"] == "project:atlas"
    assert only(by_name)["budget"] == Decimal("100.0000")


def test_a_schedule_is_never_mixed_from_two_sources() -> None:
    other = [records("project", {"key": "ATL", "code": "ATL", "forecast_start": date(2026, 1, 5)})]

    row = only(snapshot({"plans": PLAN, "other": other}).frame("project"))

    assert row["forecast_start"] is None, "the winner of the schedule does not know its start"
    assert row["forecast_finish"] == date(2026, 12, 1)


def test_the_policy_says_whose_cost_counts() -> None:
    first = [records("project", {"key": "A", "code": "A", "actual_cost": Decimal(1), "committed_cost": Decimal(5)})]
    second = [records("project", {"key": "A", "code": "A", "actual_cost": Decimal(2)})]

    row = only(snapshot({"first": first, "second": second}, policy={"cost": ["second"]}).frame("project"))

    assert row["actual_cost"] == Decimal(2)
    assert row["committed_cost"] is None


def test_references_find_keys_of_their_own_source_then_codes_addresses_and_names() -> None:
    made = snapshot({"plans": PLAN, "sheet": REGISTER})

    assert only(made.frame("project"))["leader"] == "person:m.rossi@example.org"
    assert made.frame("task")["project"].unique().to_list() == ["project:atl"]
    assert made.frame("task")["parent"].to_list() == [None, "plans:task:G1/1"]
    assert made.rejected == ()


def test_a_reference_to_nobody_is_null_and_reported_once() -> None:
    risks = records("risk", *({"key": f"R{n}", "project": "ATL", "title": "x", "owner": "Nobody"} for n in range(3)))

    made = snapshot({"plans": PLAN, "sheet": [*REGISTER, risks]})

    assert made.frame("risk")["owner"].null_count() == 3
    assert [(one.where, one.field, one.value) for one in made.rejected] == [("sheet", "risk.owner", "Nobody")]


def test_somebody_of_whom_sources_give_an_address_alone_is_a_person() -> None:
    risks = records(
        "risk", *({"key": f"R{n}", "project": "ATL", "title": "x", "owner": "Piet@Example.org "} for n in range(2))
    )
    role = records("role", {"key": "r", "code": "pmo", "person": "an@example.org", "deputy": "piet@example.org"})

    made = snapshot({"plans": PLAN, "sheet": [*REGISTER, risks, role]})

    assert made.frame("risk")["owner"].to_list() == ["person:piet@example.org"] * 2
    assert made.frame("person").select("uid", "id", "email", "name", "source").rows() == [
        ("person:an@example.org", "an@example.org", "an@example.org", None, "sheet"),
        ("person:m.rossi@example.org", None, "M.Rossi@example.org", "Marie Rossi", "sheet"),
        ("person:piet@example.org", "piet@example.org", "piet@example.org", None, "sheet"),
    ]
    assert made.rejected == ()


def test_an_address_that_is_another_one_of_somebody_makes_nobody_new() -> None:
    people = records("person", {"key": "m", "email": "m@example.org", "aliases": ["marie@example.org"]})
    project = records("project", {"key": "A", "code": "A", "leader": "Marie@example.org", "owner": "mr@example.org"})

    made = snapshot({"sheet": [people, project]}, aliases={"mr@example.org": "m@example.org"})

    assert made.frame("person")["uid"].to_list() == ["person:m@example.org"]
    assert made.frame("project").select("leader", "owner").rows() == [("person:m@example.org",) * 2]


@pytest.mark.parametrize("text", ["x@y", "two a@example.org b@example.org", "Nobody"])
def test_what_is_no_address_makes_nobody(text: str) -> None:
    project = records("project", {"key": "A", "code": "A", "leader": text})

    assert snapshot({"sheet": [project]}).frame("person").is_empty()


def test_an_absence_of_an_address_that_nobody_knows_makes_nobody() -> None:
    away = records("absence", {"key": "1", "person": "x@example.org", "from": date(2026, 5, 1), "to": date(2026, 5, 2)})

    assert snapshot({"sheet": [away]}).frame("person").is_empty()


def test_where_a_source_is_believed_about_persons_an_address_alone_is_nobody() -> None:
    project = records("project", {"key": "A", "code": "A", "leader": "left@example.org"})

    made = snapshot({"sheet": [project]}, policy={"people": ["hr"]})

    assert only(made.frame("project"))["leader"] is None
    assert [one.value for one in made.rejected] == ["left@example.org"]


def test_a_name_that_two_persons_bear_means_neither() -> None:
    people = records(
        "person",
        {"key": "1", "name": "J. Peeters", "email": "jan@example.org"},
        {"key": "2", "name": "J. Peeters", "email": "johan@example.org"},
    )
    project = records("project", {"key": "A", "code": "A", "leader": "J. Peeters"})

    made = snapshot({"sheet": [people, project]})

    assert only(made.frame("project"))["leader"] is None


def test_an_alias_leads_to_the_person() -> None:
    project = records("project", {"key": "A", "code": "A", "leader": "MRO"})

    made = snapshot({"sheet": [*REGISTER[1:], project]}, aliases={"MRO": "m.rossi@example.org"})

    assert only(made.frame("project"))["leader"] == "person:m.rossi@example.org"


def test_a_person_without_address_is_the_same_as_the_one_of_that_name() -> None:
    resources = [records("person", {"key": "7", "name": "marie  rossi"})]

    assert only(snapshot({"plans": resources, "sheet": REGISTER}).frame("person"))["language"] == "fr"


def test_tasks_of_a_project_come_from_one_source_only() -> None:
    sheet = [
        records(
            "task",
            {"key": "M1", "project": "ATL", "name": "Go-live", "forecast_finish": date(2026, 12, 2)},
            {"key": "M2", "project": "BOR", "name": "Other", "forecast_finish": date(2026, 12, 2)},
        ),
        records("project", {"key": "BOR", "code": "BOR"}),
    ]
    dated = records("task", {"key": "G1/3", "project": "G1", "name": "x", "forecast_finish": date(2026, 12, 1)})

    rows = snapshot({"plans": [*PLAN, dated], "sheet": sheet}).frame("task")

    assert set(rows.filter(pl.col("project") == "project:atl")["source"]) == {"plans"}
    assert rows.filter(pl.col("project") == "project:bor")["source"].to_list() == ["sheet"]


def test_a_row_is_unusable_while_its_source_fails_and_its_rows_stay() -> None:
    failed = SourceState("plans", "ms_project", outcome=Outcome.FAILED, reading=4)

    made = snapshot({"plans": PLAN, "sheet": REGISTER}, states={"plans": failed})

    assert made.frame("task")["@usable"].to_list() == [False, False]
    assert made.frame("task")["@reading"].to_list() == [4, 4]


def test_structure_decides_what_is_a_summary_and_what_counts() -> None:
    rows = snapshot({"plans": PLAN}).frame("task").sort("uid")

    assert rows["is_summary"].to_list() == [True, False]
    assert rows["countable"].to_list() == [False, True]
    assert rows["kind"].to_list() == [None, "internal"]


def test_done_follows_from_dates_and_progress() -> None:
    given: list[dict[str, Any]] = [
        {"key": "a", "project": "G1", "actual_finish": date(2026, 1, 1)},
        {"key": "b", "project": "G1", "progress": Decimal(100)},
        {"key": "c", "project": "G1", "progress": Decimal(99)},
        {"key": "d", "project": "G1"},
        {"key": "e", "project": "G1", "done": False, "progress": Decimal(100)},
    ]

    rows = snapshot({"plans": [PLAN[0], records("task", *given)]}).frame("task")

    assert dict(zip(rows["uid"].str.slice(-1), rows["done"], strict=True)) == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
        "e": False,
    }


def test_history_answers_first_baseline_and_since() -> None:
    dates = {"baseline_finish": date(2026, 11, 30), "forecast_finish": date(2026, 12, 4), "project": "G1"}
    task = records("task", {"key": "m", "confirmed_on": date(2026, 11, 10), **dates})
    uid = "plans:task:m"
    past: dict[Wish, pl.DataFrame] = {
        First("task", "baseline_finish"): pl.DataFrame(
            {"uid": [uid], "source": ["plans"], "baseline_finish": [date(2026, 10, 1)]}
        ),
        Since("task", "forecast_finish"): pl.DataFrame(
            {"uid": [uid], "source": ["plans"], "since": [date(2026, 11, 12)]}
        ),
        Since("project", "state"): pl.DataFrame(
            {"uid": ["sheet:project:atl"], "source": ["sheet"], "since": [date(2026, 3, 1)]}
        ),
    }
    held = [records("project", {"key": "atl", "code": "ATL", "state": "on_hold"})]

    made = snapshot({"plans": [PLAN[0], task], "sheet": held}, past)

    assert only(made.frame("task"))["first_baseline_finish"] == date(2026, 10, 1)
    assert only(made.frame("task"))["confirmed"] is False, "the date moved after it was confirmed"
    assert only(made.frame("project"))["on_hold_since"] == date(2026, 3, 1)


def test_samples_of_a_project_come_field_by_field_from_the_source_whose_word_counts() -> None:
    wish = Samples("project", "month", 2, ("actual_cost", "budget"))
    ends = date(2026, 10, 31)
    said = [("plans:project:G1", "plans", 5, None), ("sheet:project:atl", "sheet", 60, 100)]
    rows = [
        {"uid": uid, "source": source, "period": "2026-10", "ends": ends, "actual_cost": cost, "budget": budget}
        for uid, source, cost, budget in said
    ]
    booked = [records("project", {"key": "atl", "code": "ATL", "actual_cost": Decimal(70), "budget": Decimal(100)})]

    made = snapshot({"plans": PLAN, "sheet": booked}, {wish: pl.DataFrame(rows)})

    row = only(made.past[wish])
    assert (row["uid"], row["period"], row["actual_cost"], row["budget"]) == ("project:atl", "2026-10", 60, 100)


def test_amounts_keep_the_currency_of_the_source_that_wrote_them() -> None:
    bought = [records("project", {"key": "atl", "code": "ATL", "budget": Decimal(200), "currency": "USD"})]
    booked = [records("project", {"key": "1", "code": "ATL", "actual_cost": Decimal(100), "currency": "EUR"})]

    row = only(snapshot({"plans": PLAN, "sheet": bought, "ledger": booked}).frame("project"))

    assert (row["currency"], row["@currency:cost"], row["@currency:register"]) == ("EUR", "EUR", "USD")


def test_costs_without_a_currency_are_in_the_one_that_another_source_names() -> None:
    bought = [records("project", {"key": "atl", "code": "ATL", "budget": Decimal(200), "currency": "USD"})]
    booked = [records("project", {"key": "1", "code": "ATL", "actual_cost": Decimal(100)})]

    row = only(snapshot({"sheet": bought, "ledger": booked}).frame("project"))

    assert (row["currency"], row["@currency:cost"], row["@currency:register"]) == ("USD", None, "USD")


def observation(period: str, value: str | None, on: date | None = None, indicator: str = "KPI-1") -> Records:
    """Return one value of an indicator for ATL."""
    return records(
        "observation",
        {
            "key": f"{indicator}/{period}",
            "indicator": indicator,
            "scope": "ATL",
            "period": period,
            "value": None if value is None else Decimal(value),
            "submitted_on": on,
        },
    )


def test_a_board_that_sprints_and_tickets_only_name_is_one() -> None:
    sprint = records("sprint", {"key": "S1", "board": "Team", "name": "Sprint 1"})
    task = records(
        "task",
        {"key": "T1", "project": "ATL", "name": "One", "board": "team "},
        {"key": "T2", "project": "ATL", "name": "Two", "board": "Other"},
    )

    made = snapshot({"sheet": [records("project", {"key": "ATL", "code": "ATL"}), sprint, task]})

    assert made.frame("board")["id"].sort().to_list() == ["Other", "Team"]
    assert only(made.frame("sprint"))["board"] == "sheet:board:Team"
    assert made.frame("task")["board"].to_list() == ["sheet:board:Team", "sheet:board:Other"]
    assert made.rejected == ()


def test_a_programme_that_is_only_named_is_one_and_its_roles_resolve() -> None:
    project = records(
        "project", {"key": "A", "code": "A", "program": "GEM"}, {"key": "B", "code": "B", "program": "gem"}
    )
    role = records("role", {"key": "r", "code": "programme_manager", "scope": "GEM", "person": "m.rossi@example.org"})

    made = snapshot({"sheet": [project, role, *REGISTER[1:]]})

    assert made.frame("project")["program"].unique().to_list() == ["program:gem"]
    listed = made.frame("role").filter(pl.col("code") == "programme_manager")
    assert only(listed)["scope"] == "program:gem"
    assert made.rejected == ()


def test_every_project_must_have_a_leader_and_an_owner_whoever_lists_its_roles() -> None:
    owner = records(
        "role",
        {"key": "r", "code": "project_owner", "scope": "atl", "mandatory": False},
        {"key": "s", "code": "business_manager", "scope": "atl"},
    )

    roles = snapshot({"plans": PLAN, "sheet": [*REGISTER, owner]}).frame("role")

    assert roles.select("code", "scope", "person", "mandatory", "@usable").sort("code").rows() == [
        ("business_manager", "project:atl", None, False, True),
        ("project_leader", "project:atl", "person:m.rossi@example.org", True, True),
        ("project_owner", "project:atl", None, False, True),
    ]


def test_a_partial_reading_says_nothing_of_the_projects_it_did_show() -> None:
    two = [records("project", {"key": "A", "code": "A", "name": "A"}, part="a.xml"),
           records("project", {"key": "B", "code": "B", "name": "B"}, part="b.xml")]  # fmt: skip
    before = known("plans", *two)
    seen = accept(
        reading("plans", two[0], outcome=Outcome.PARTIAL, summary=Summary(whole=False)),
        before.rows,
        before.state,
        Limits(),
    )

    made = build_snapshot({"plans": seen.rows}, {"plans": seen.state}, Context(NOW, NOW.date(), DEFAULT), {})

    assert made.frame("project").select("code", "@usable:register").rows() == [("A", True), ("B", False)]


def test_an_indicator_nobody_described_is_expected_from_its_first_value_on() -> None:
    made = snapshot({"plans": PLAN, "sheet": [*REGISTER, observation("2026-W45", "3", date(2026, 11, 9))]})

    expected = made.frame("submission").select("period", "due_on", "received_on", "provider")

    assert expected.rows() == [
        ("2026-W45", date(2026, 11, 6), date(2026, 11, 9), "person:m.rossi@example.org"),
        ("2026-W46", date(2026, 11, 13), None, "person:m.rossi@example.org"),
        ("2026-W47", date(2026, 11, 20), None, "person:m.rossi@example.org"),
    ]
    assert only(made.frame("kpi"))["period"] == "2026-W46", "week 47 ends on Sunday"


def test_a_value_outside_the_plausible_range_is_not_received() -> None:
    described = records("indicator", {"key": "KPI-1", "id": "KPI-1", "cadence": "week", "max": Decimal(100)})

    made = snapshot(
        {"plans": PLAN, "sheet": [*REGISTER, described, observation("2026-W46", "995", date(2026, 11, 16))]}
    )

    assert only(made.frame("observation"))["accepted"] is False
    assert made.frame("submission")["received_on"].null_count() == made.frame("submission").height


def test_a_defined_indicator_is_expected_of_every_delivering_project() -> None:
    described = records("indicator", {"key": "K", "id": "K", "cadence": "month", "name_en": "Kept promises"})
    projects = records(
        "project",
        {"key": "A", "code": "A", "state": "executing"},
        {"key": "B", "code": "B", "state": "closed"},
        {"key": "C", "code": "C", "state": "closing"},
    )

    made = snapshot({"sheet": [described, projects]})

    assert sorted(made.frame("kpi")["scope"]) == ["project:a", "project:c"]
    assert made.frame("submission").height == 2 * 13


def test_nothing_is_expected_of_a_project_for_periods_before_it_began() -> None:
    described = records("indicator", {"key": "K", "id": "K", "cadence": "month", "name_en": "Kept promises"})
    projects = records("project", {"key": "A", "code": "A", "state": "executing", "actual_start": date(2026, 9, 15)})

    periods = snapshot({"sheet": [described, projects]}).frame("submission")["period"]

    assert min(periods) == "2026-09"


def test_no_source_at_all_gives_empty_frames() -> None:
    made = snapshot({})

    assert all(frame.is_empty() for frame in made.frames.values())
    assert made.now == datetime(2026, 11, 20, 10, tzinfo=UTC)
