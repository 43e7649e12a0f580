"""The checks of the DCMA 14-point assessment: the vectors of spec measures 4.5, and what lies beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import schedule_quality
from snapshots import catalogue, evidence, finding, found, snapshot

from pmo_watch.flow import Snapshot

MEASURES = catalogue(*schedule_quality.pmo_watch_measures())
STATUS = date(2026, 3, 13)
NAMES = "ABKCDEFGHIJ"
# row: progress, baseline days, baseline finish, finish (actual where done), start, slack in days
VECTOR: Mapping[str, tuple[int, int, str, str, str, int | None]] = {
    "A": (100, 5, "03-06", "03-06", "03-02", None),
    "B": (100, 5, "03-06", "03-10", "03-04", None),
    "K": (100, 3, "03-13", "03-12", "03-10", None),
    "C": (50, 5, "03-13", "03-18", "03-12", 0),
    "D": (0, 1, "03-13", "03-13", "03-13", 0),
    "E": (0, 4, "03-20", "03-24", "03-19", 3),
    "F": (0, 2, "03-20", "03-12", "03-11", 5),
    "G": (0, 60, "06-05", "06-05", "03-16", 50),
    "H": (0, 3, "03-27", "03-27", "03-25", -2),
    "I": (0, 5, "04-03", "04-03", "03-30", 10),
    "J": (0, 0, "06-12", "06-12", "06-12", 0),
}
LINKS: Sequence[tuple[str, str, str, int]] = (
    ("A", "B", "fs", 0),
    ("B", "K", "fs", 0),
    ("A", "C", "fs", 0),
    ("B", "D", "fs", 960),
    ("C", "E", "fs", 0),
    ("C", "F", "ss", 0),
    ("D", "G", "fs", -960),
    ("K", "G", "fs", 0),
    ("E", "H", "fs", 0),
    ("G", "J", "fs", 0),
    ("H", "J", "fs", 0),
)


def day(text: str) -> date:
    return date.fromisoformat(text if len(text) > len("03-13") else f"2026-{text}")


def uid(name: str) -> str:
    return f"plans:task:{name.lower()}"


def row(name: str, **more: Any) -> dict[str, Any]:
    """Return a row of the vector."""
    progress, days, promised, finish, start, slack = VECTOR[name]
    done, begun = progress == 100, progress > 0
    return {
        "uid": uid(name),
        "name": name,
        "position": NAMES.index(name) + 1,
        "is_milestone": name == "J",
        "progress": progress,
        "baseline_duration": days * 480,
        "duration": days * 480,
        "baseline_finish": day(promised),
        "forecast_start": day(start),
        "forecast_finish": None if done else day(finish),
        "actual_start": day(start) if begun else None,
        "actual_finish": day(finish) if done else None,
        "constraint_type": "finish_no_later" if name == "H" else "asap",
        "total_slack": None if slack is None else slack * 480,
        **more,
    }


def link(before: str, after: str, kind: str = "fs", lag: int = 0, **more: Any) -> dict[str, Any]:
    return {"predecessor": uid(before), "successor": uid(after), "type": kind, "lag": lag, **more}


PROJECT = {
    "code": "P1",
    "status_date": STATUS,
    "deadline": day("06-05"),
    "forecast_finish": day("06-12"),
    "minutes_per_day": 480,
}


def known(
    rows: Sequence[Mapping[str, Any]],
    links: Sequence[Mapping[str, Any]] = (),
    *,
    today: date = STATUS,
    assignment: Sequence[Mapping[str, Any]] = (),
    **project: Any,
) -> Snapshot:
    return snapshot(
        today, project=[{**PROJECT, **project}], task=list(rows), dependency=list(links), assignment=list(assignment)
    )


def vector(*without: str, change: Mapping[str, Mapping[str, Any]] | None = None, **project: Any) -> Snapshot:
    """Return the plan of spec measures 4.5; `without` some of its rows, with `change` to others."""
    names = [name for name in NAMES if name not in without]
    rows = [row(name, **(change or {}).get(name, {})) for name in names]
    links = [link(*one) for one in LINKS if not {one[0], one[1]} & set(without)]
    people = [{"task": uid(name), "person": "plans:person:1"} for name in names if name not in {"H", "J"}]
    return known(rows, links, assignment=people, **project)


def of(name: str, plan: Snapshot, **params: Any) -> dict[str, Any]:
    """Return the only finding of a check, with its default thresholds."""
    return finding(MEASURES, plan, {"measure": f"schedule.{name}", **({"with": params} if params else {})})


@pytest.mark.parametrize(
    ("name", "numerator", "denominator", "value", "state", "rows"),
    [
        pytest.param("missing_logic", 2, 8, 25, "red", "F, I", id="DC-01"),
        pytest.param("leads", 1, 9, 11.111111, "red", "D → G", id="DC-02"),
        pytest.param("lags", 1, 9, 11.111111, "red", "B → D", id="DC-03"),
        pytest.param("fs_links", 8, 9, 88.888889, "red", "C → F", id="DC-04"),
        pytest.param("hard_constraints", 1, 8, 12.5, "red", "H", id="DC-05"),
        pytest.param("high_float", 1, 7, 14.285714, "red", "G", id="DC-06"),
        pytest.param("negative_float", 1, 8, 12.5, "red", "H", id="DC-07"),
        pytest.param("long_tasks", 1, 7, 14.285714, "red", "G", id="DC-08"),
        pytest.param("invalid_dates", None, None, 1, "red", "F", id="DC-09"),
        pytest.param("missed_tasks", 2, 5, 40, "red", "C, B", id="DC-11"),
        pytest.param("cpli", 56, 61, 0.918033, "red", None, id="DC-13"),
        pytest.param("bei", 3, 5, 0.6, "red", "C, D", id="DC-14"),
    ],
)
def test_vector(
    name: str, numerator: float | None, denominator: float | None, value: float, state: str, rows: str | None
) -> None:
    left = of(name, vector())

    assert (left["numerator"], left["denominator"], left["value"], left["state"]) == (
        numerator,
        denominator,
        value,
        state,
    )
    assert left["evidence"].get("affected_rows") == rows


def test_tasks_without_people_are_for_information_dc_10() -> None:
    left = finding(MEASURES, vector(), {"measure": "schedule.unresourced", "amber": "over 99 %"})

    assert (left["numerator"], left["denominator"], left["value"], left["state"]) == (1, 7, 14.285714, "green")
    assert not MEASURES["schedule.unresourced"].amber + MEASURES["schedule.unresourced"].red


@pytest.mark.parametrize(("name", "value"), [("missed_tasks", 50), ("bei", 0.5)])
def test_few_rows_are_amber_at_worst(name: str, value: float) -> None:
    left = of(name, vector("K"))

    assert (left["value"], left["state"], left["note"]) == (value, "amber", "small sample: 2 of 4")


@pytest.mark.parametrize("name", ["leads", "negative_float", "invalid_dates"])
def test_one_row_is_enough_where_none_is_allowed(name: str) -> None:
    plan = vector(
        "B", "K", "E", "F", "H", "I", change={"C": {"total_slack": -480}, "D": {"forecast_start": day("03-12")}}
    )

    assert of(name, plan)["state"] == "red"


# --- what cannot be said ------------------------------------------------------------------------------------------

LINK_CHECKS = ("missing_logic", "leads", "lags", "fs_links")
EVERY = tuple(VECTOR)


def gone(field: str, names: Sequence[str] = EVERY) -> dict[str, dict[str, Any]]:
    return {name: {field: None} for name in names}


@pytest.mark.parametrize("name", LINK_CHECKS)
def test_links_of_a_source_without_any_are_grey(name: str) -> None:
    left = of(name, known([row("C"), row("D")]))

    assert (left["state"], left["reason"]) == ("grey", "missing task.predecessor_count")


@pytest.mark.parametrize("name", ["leads", "lags", "fs_links"])
def test_no_link_to_an_open_row_is_no_question(name: str) -> None:
    left = of(name, known([row("A"), row("B"), row("C")], [link("A", "B")]))

    assert (left["state"], left["reason"]) == ("na", "nothing due yet")


@pytest.mark.parametrize(
    "name", [*LINK_CHECKS, "hard_constraints", "high_float", "negative_float", "long_tasks", "unresourced"]
)
@pytest.mark.parametrize(("rows", "reason"), [("AB", "done"), ("", "nothing due yet")])
def test_nothing_open_is_no_question(name: str, rows: str, reason: str) -> None:
    plan = known([row(one) for one in rows], [link("A", "B")] if rows else [])

    left = finding(MEASURES, plan, {"measure": f"schedule.{name}", "amber": "over 0 %"})

    assert (left["state"], left["reason"]) == ("na", reason)


@pytest.mark.parametrize("name", ["high_float", "long_tasks", "unresourced"])
def test_milestones_are_no_tasks(name: str) -> None:
    plan = known([row("A"), row("J")], [link("A", "J")])

    left = finding(MEASURES, plan, {"measure": f"schedule.{name}", "amber": "over 0 %"})

    assert (left["state"], left["reason"]) == ("na", "done")


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("hard_constraints", gone("constraint_type"), "missing task.constraint_type"),
        ("high_float", gone("total_slack", "G"), "missing task.total_slack on 1 of 7 rows"),
        ("high_float", gone("total_slack"), "missing task.total_slack"),
        ("negative_float", gone("total_slack", "J"), "missing task.total_slack on 1 of 8 rows"),
        ("long_tasks", gone("baseline_duration", "G"), "missing task.baseline_duration on 1 of 7 rows"),
        ("unresourced", gone("duration", "G"), "missing task.duration on 1 of 7 rows"),
        ("missed_tasks", gone("baseline_finish"), "missing task.baseline_finish"),
        ("missed_tasks", gone("forecast_finish", "C"), "missing task.forecast_finish on 1 of 5 rows"),
        ("bei", gone("baseline_finish"), "missing task.baseline_finish"),
    ],
)
def test_what_is_missing_is_named(name: str, change: Mapping[str, Mapping[str, Any]], reason: str) -> None:
    links_gone = reason == "missing task.total_slack"
    plan = vector(change=change)
    if links_gone:
        plan = known([row(one, **change.get(one, {})) for one in NAMES])

    left = finding(MEASURES, plan, {"measure": f"schedule.{name}", "amber": "over 99"
                                    + ("" if name == "bei" else " %")})  # fmt: skip

    assert (left["state"], left["reason"]) == ("grey", reason)


def test_what_remains_of_a_task_stands_in_for_its_baseline() -> None:
    change = {"G": {"baseline_duration": None, "remaining_duration": 45 * 480}}

    left = of("long_tasks", vector(change=change))
    by_rest = of("long_tasks", vector(change=change), duration="remaining")

    assert (left["numerator"], left["note"]) == (1, "remaining duration: 1 of 7 rows")
    assert by_rest["reason"] == "missing task.remaining_duration on 6 of 7 rows"


def test_people_that_were_not_exported_are_not_missing() -> None:
    left = finding(MEASURES, known([row("C")]), {"measure": "schedule.unresourced", "amber": "over 0 %"})

    assert (left["state"], left["reason"]) == ("grey", "missing assignment.person")


def test_a_task_with_a_cost_is_resourced() -> None:
    left = finding(
        MEASURES, vector(change={"H": {"cost": 100}}), {"measure": "schedule.unresourced", "amber": "over 0 %"}
    )

    assert left["state"] == "green"


def test_constraints_that_are_not_known_are_left_out() -> None:
    left = of("hard_constraints", vector(change=gone("constraint_type", "C")))

    assert (left["numerator"], left["denominator"], left["note"]) == (1, 7, "1 of 8 rows left out")


@pytest.mark.parametrize("name", ["high_float", "long_tasks"])
def test_days_need_minutes(name: str) -> None:
    left = of(name, vector(minutes_per_day=0))

    assert (left["state"], left["reason"]) == ("grey", "invalid project.minutes_per_day: 0")


def test_days_have_the_minutes_of_the_project() -> None:
    assert of("high_float", vector(minutes_per_day=600))["state"] == "green"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (None, "missing project.status_date"),
        (day("03-16"), "invalid project.status_date: 2026-03-16"),
        (day("02-02"), "project.status_date is 29 wd old, limit 20"),
    ],
)
def test_dates_are_compared_with_a_real_status_date_only(status: date | None, reason: str) -> None:
    left = of("invalid_dates", vector(status_date=status))

    assert (left["state"], left["reason"]) == ("grey", reason)


@pytest.mark.parametrize(
    "change",
    [
        {"actual_start": day("03-16"), "forecast_finish": day("03-20")},
        {"actual_start": day("03-12"), "actual_finish": day("03-16")},
        {"forecast_finish": day("03-12"), "forecast_start": day("03-16")},
        {"forecast_start": day("03-12")},
    ],
)
def test_impossible_dates_count_once(change: Mapping[str, Any]) -> None:
    assert of("invalid_dates", vector("F", change={"D": change}))["value"] == 1


def test_possible_dates_are_green() -> None:
    left = of("invalid_dates", vector("F"))

    assert (left["value"], left["state"]) == (0, "green")


@pytest.mark.parametrize("name", ["missed_tasks", "bei"])
def test_nothing_promised_yet_is_no_question(name: str) -> None:
    left = of(name, known([row("A", baseline_finish=day("04-03")), row("E")]))

    assert (left["state"], left["reason"]) == ("na", "nothing due yet")


@pytest.mark.parametrize(
    ("project", "state", "reason"),
    [
        ({"forecast_finish": None}, "grey", "missing project.forecast_finish"),
        ({"deadline": None}, "na", "not configured"),
        ({"forecast_finish": STATUS}, "na", "planned finish passed"),
        ({"deadline": day("06-12")}, "green", None),
        ({"deadline": day("06-11")}, "amber", None),
        ({"deadline": None, "baseline_finish": day("06-12")}, "green", None),
    ],
)
def test_path_length_index(project: Mapping[str, Any], state: str, reason: str | None) -> None:
    left = of("cpli", vector(**project))

    assert (left["state"], left["reason"]) == (state, reason)


def test_path_length_index_against_a_chosen_target() -> None:
    plan = vector(baseline_finish=day("06-12"))

    assert of("cpli", plan, finish_target=["baseline_finish", "deadline"])["value"] == 1


def test_more_done_than_promised_is_above_one() -> None:
    plan = vector("B", "K", "D", change={"E": {"actual_finish": STATUS, "progress": 100}})

    assert of("bei", plan)["value"] == 1


# --- links --------------------------------------------------------------------------------------------------------


def test_a_link_out_of_the_plan_is_one() -> None:
    away = {"predecessor": None, "successor": uid("I"), "external": True, "external_name": "Network.xml"}
    plan = known([row(one) for one in "AFIJ"], [link("A", "F"), link("F", "J"), link("I", "J"), away])

    left = of("missing_logic", plan)

    assert (left["numerator"], left["denominator"]) == (0, 3)
    assert of("fs_links", plan)["denominator"] == 4


def test_links_to_rows_that_do_not_count_are_none() -> None:
    plan = known(
        [row("A"), row("C", active=False), row("F"), row("J")], [link("C", "F"), link("F", "J"), link("A", "J")]
    )

    assert of("missing_logic", plan)["evidence"]["affected_rows"] == "F"
    assert of("fs_links", plan)["denominator"] == 2


@pytest.mark.parametrize(("inherit", "names"), [(False, "E, F"), (True, "E")])
def test_links_of_summaries_may_be_inherited(inherit: bool, names: str) -> None:
    """E and F lie in a summary that follows C; F goes on to J."""
    plan = known(
        [
            row("A"),
            row("C"),
            {"uid": uid("S"), "name": "S"},
            row("E", parent=uid("S")),
            row("F", parent=uid("S")),
            row("J"),
        ],
        [link("A", "C"), link("C", "S"), link("F", "J")],
    )

    left = of("missing_logic", plan, inherit_summary_links=inherit)

    assert left["evidence"]["affected_rows"] == names


def test_one_start_and_one_end_are_enough() -> None:
    """A and B both begin the plan and lead nowhere but the later of the two ends."""
    plan = known([row("C"), row("D"), row("E"), row("J")], [link("C", "E"), link("D", "J")])

    assert of("missing_logic", plan)["evidence"]["affected_rows"] == "D, E"


def test_a_lag_in_per_cent_and_in_calendar_time_counts() -> None:
    plan = known(
        [row(one) for one in "CDEJ"],
        [
            link("C", "D", lag_percent=-50),
            link("D", "E", lag_percent=25),
            link("E", "J", lag=1440, lag_elapsed=True),
        ],
    )

    assert (of("leads", plan)["numerator"], of("lags", plan)["numerator"]) == (1, 2)


def test_each_project_has_its_own_share() -> None:
    plan = snapshot(
        STATUS,
        project=[PROJECT, {**PROJECT, "code": "P2"}],
        task=[row("C"), row("E"), row("F", project="project:p2"), row("G", project="project:p2")],
        dependency=[link("C", "E"), link("F", "G", "ss")],
    )

    (shares,) = found(MEASURES, plan, {"measure": "schedule.fs_links"})

    assert shares.frame["value"].to_list() == [100, 0]


# --- the line of a report -----------------------------------------------------------------------------------------

CHECKS = [name for name, one in MEASURES.items() if one.red]


def line(plan: Snapshot, *rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of these rules together."""
    *_, last = found(MEASURES, plan, *rules, {"measure": "schedule.failed_checks", "amber": "at least 1"})
    (row,) = last.frame.to_dicts()
    return {**row, "evidence": evidence(last).get(row["uid"], {})}


def test_the_line_counts_the_checks_that_apply() -> None:
    rules = [{"measure": name} for name in CHECKS if name != "schedule.critical_path_test"]
    attested = {"measure": "schedule.critical_path_test", "with": {"method": "attested"}}
    informed = {"measure": "schedule.unresourced", "red": "over 0 %"}

    left = line(vector(), *rules, attested, informed)

    assert (left["note"], left["value"]) == ("0 of 12 applicable checks passed", 12)
    assert left["evidence"]["not_applicable_checks"] == "critical path test"


def test_the_line_names_what_failed_and_counts_amber_as_passed() -> None:
    left = line(vector(deadline=day("06-11")), {"measure": "schedule.cpli"}, {"measure": "schedule.leads"})

    assert (left["note"], left["evidence"]["failed_checks"]) == ("1 of 2 applicable checks passed", "leads")


def test_the_worst_of_two_rules_on_one_check_counts() -> None:
    left = line(vector(), {"measure": "schedule.leads", "red": "over 50 %"}, {"measure": "schedule.leads"})

    assert left["note"] == "0 of 1 applicable checks passed"


def test_without_checks_there_is_no_line() -> None:
    left = line(vector())

    assert (left["state"], left["reason"]) == ("na", "not configured")
