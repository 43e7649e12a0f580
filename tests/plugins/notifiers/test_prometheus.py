"""Portfolio metrics: every family of the contract and what it says."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from exporter_bench import (
    ALSO,
    FAMILIES,
    READ,
    ROWS,
    SOURCES,
    P,
    a_report,
    an_exporter,
    body,
    exposed,
    samples,
    series,
    some_alerts,
)
from metric_tables import contract, families
from pmo_watch_plugins.notifiers.prometheus import families as declared
from pmo_watch_plugins.notifiers.prometheus.exposition import Family

PLACE = 'portfolio="infrastructure",program="HB"'
OPEN = {("decision", "on_time"), ("risk", "overdue")}

# --- the families -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
def test_families_are_those_of_the_contract(openmetrics: bool) -> None:
    found = families(exposed(an_exporter(), openmetrics=openmetrics), openmetrics=openmetrics)

    assert list(found) == list(FAMILIES)
    assert {name: one.labels - ALSO.get(name, set()) for name, one in found.items()} == {
        name: one.labels for name, one in FAMILIES.items()
    }
    assert {name: (one.kind, one.text) for name, one in found.items()} == {
        name: (one.kind, one.text) for name, one in FAMILIES.items()
    }


def test_list_of_this_test_is_the_contract_s() -> None:
    assert contract("4.5") == FAMILIES


def test_families_that_are_given_up_for_size_are_those_of_the_contract() -> None:
    gone = [name for names in declared.GIVEN_UP for name in declared.HELP if name.startswith(names)]

    assert set(FAMILIES) - set(gone) == {"pmo_projects", "pmo_rule_findings", "pmo_rule_alerts"}
    assert gone[0].startswith("pmo_milestone_")
    assert gone[-1].startswith("pmo_project_")
    assert len(gone) == len(set(gone))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "pmo_project_info",
            [f'{{{P},name="Harbour Bridge",{PLACE},phase="executing",state="executing"}} 1.0'],
        ),
        (
            "pmo_project_rag_level",
            [
                f'{{{P},dimension="cost"}} 0.0',
                f'{{{P},dimension="overall"}} 2.0',
                f'{{{P},dimension="schedule"}} 2.0',
            ],
        ),
        ("pmo_project_declared_rag_level", [f'{{{P},dimension="cost"}} 0.0', f'{{{P},dimension="overall"}} 1.0']),
        ("pmo_project_progress_ratio", [f"{{{P}}} 0.69"]),
        ("pmo_project_actual_cost", [f'{{{P},currency="EUR"}} 700.0']),
        ("pmo_project_budget_at_completion", [f'{{{P},currency="EUR"}} 1000.0']),
        ("pmo_project_earned_value", [f'{{{P},currency="EUR"}} 500.0']),
        ("pmo_project_estimate_at_completion", [f'{{{P},currency="EUR"}} 1100.0']),
        ("pmo_project_cost_performance_ratio", [f"{{{P}}} 0.714286"]),
        # 30 June 23:59:59 in Brussels.
        ("pmo_project_finish_baseline_timestamp_seconds", [f"{{{P}}} 1782856799.0"]),
        ("pmo_project_finish_forecast_timestamp_seconds", [f"{{{P}}} 1783115999.0"]),
        (
            "pmo_project_milestones",
            [f'{{{P},status="completed"}} 1.0', f'{{{P},status="open"}} 1.0', f'{{{P},status="overdue"}} 1.0'],
        ),
        (
            "pmo_project_open_items",
            [
                f'{{{P},kind="{kind}",due="{due}"}} {float((kind, due) in OPEN)}'
                for kind in ("action", "change", "decision", "issue", "risk")
                for due in ("on_time", "overdue")
            ],
        ),
        # The status date of the plan, 12 May 23:59:59, lies before the reading.
        ("pmo_project_snapshot_timestamp_seconds", [f'{{{P},source="plans"}} 1778623199.0']),
        (
            "pmo_milestone_info",
            [
                f'{{{P},milestone="M1",name="Go-live",kind="key"}} 1.0',
                f'{{{P},milestone="M2",name="Start",kind="internal"}} 1.0',
                f'{{{P},milestone="M3",name="Opening",kind="internal"}} 1.0',
            ],
        ),
        (
            "pmo_milestone_baseline_timestamp_seconds",
            [f'{{{P},milestone="M1"}} 1777672799.0', f'{{{P},milestone="M2"}} 1772492399.0'],
        ),
        (
            "pmo_milestone_forecast_timestamp_seconds",
            [f'{{{P},milestone="M1"}} 1779227999.0', f'{{{P},milestone="M2"}} 1772578799.0'],
        ),
        (
            "pmo_milestone_completed",
            [
                f'{{{P},milestone="M1"}} 0.0',
                f'{{{P},milestone="M2"}} 1.0',
                f'{{{P},milestone="M3"}} 0.0',
            ],
        ),
        ("pmo_kpi_value", ['{program="HB",kpi="trucks",unit="t"} 90.0', f'{{{P},kpi="trucks",unit="t"}} 42.5']),
        # 4 May 00:00:00 in Brussels.
        ("pmo_kpi_observed_timestamp_seconds", [f'{{{P},kpi="trucks"}} 1777845600.0']),
        (
            "pmo_rule_findings",
            [
                f'{{rule="key-milestone-slip",state="{state}"}} {number}'
                for state, number in (("amber", 0.0), ("green", 0.0), ("grey", 1.0), ("na", 0.0), ("red", 1.0))
            ],
        ),
        (
            "pmo_alerts",
            [
                '{rule="key-milestone-slip",entity="HB",level="red",state="silenced"} 1.0',
                f'{{rule="key-milestone-slip",{P},entity="M1",level="red",state="acknowledged"}} 1.0',
                f'{{rule="key-milestone-slip",{P},entity="M2",level="red",state="pending"}} 1.0',
                f'{{rule="key-milestone-slip",{P},entity="M3",level="amber",state="unknown"}} 1.0',
            ],
        ),
        (
            "pmo_alert_since_timestamp_seconds",
            [
                '{rule="key-milestone-slip",entity="HB"} 1778488200.0',
                f'{{rule="key-milestone-slip",{P},entity="M1"}} 1778488200.0',
                f'{{rule="key-milestone-slip",{P},entity="M3"}} 1778488200.0',
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_family_says_what_is_known(name: str, expected: list[str]) -> None:
    assert samples(an_exporter(), name) == expected


def test_projects_are_counted_from_zero_in_every_portfolio() -> None:
    found = samples(an_exporter(), "pmo_projects")

    assert len(found) == 32
    assert [one for one in found if not one.endswith(" 0.0")] == [
        '{portfolio="infrastructure",dimension="cost",rag="green"} 1.0',
        '{portfolio="infrastructure",dimension="data",rag="grey"} 1.0',
        '{portfolio="infrastructure",dimension="overall",rag="red"} 1.0',
        '{portfolio="infrastructure",dimension="schedule",rag="red"} 1.0',
    ]


def test_alerts_are_counted_from_zero_for_every_rule_also_those_on_persons() -> None:
    found = samples(an_exporter(), "pmo_rule_alerts")

    assert len(found) == 2 * 2 * 5
    assert [one for one in found if not one.endswith(" 0.0")] == [
        f'{{rule="key-milestone-slip",level="{level}",state="{state}"}} 1.0'
        for level, state in (
            ("amber", "unknown"),
            ("red", "acknowledged"),
            ("red", "open"),
            ("red", "pending"),
            ("red", "silenced"),
        )
    ]


def test_unknown_value_is_an_absent_series() -> None:
    bare = {"project": [{"code": "P1"}], "milestone": [{"id": "M1"}], "task": [], "observation": []}
    exporter = an_exporter(a_report(bare, alerts=[], colours=pl.DataFrame()))

    assert samples(exporter, "pmo_project_progress_ratio") == []
    assert samples(exporter, "pmo_project_cost_performance_ratio") == []
    assert samples(exporter, "pmo_milestone_baseline_timestamp_seconds") == []
    assert samples(exporter, "pmo_project_rag_level") == []
    assert samples(exporter, "pmo_project_info") == ['{project="P1"} 1.0']
    assert len(samples(exporter, "pmo_projects")) == 64, "the portfolio there is, and the project that is in none"
    assert b"NaN" not in body(exporter)


def test_amounts_in_hours_are_no_money() -> None:
    task = {"id": "T1", "progress": 50, "baseline_work": 100, "actual_work": 40,
            "baseline_start": ROWS["task"][0]["baseline_start"],
            "baseline_finish": ROWS["task"][0]["baseline_finish"]}  # fmt: skip
    project = {**ROWS["project"][0], "baseline_cost": None, "actual_cost": None, "declared_eac": None}

    exporter = an_exporter(a_report({"task": [task], "project": [project]}))

    assert samples(exporter, "pmo_project_earned_value") == []
    assert samples(exporter, "pmo_project_actual_cost") == []
    assert len(samples(exporter, "pmo_project_cost_performance_ratio")) == 1


def test_nothing_at_all_is_rendered_too() -> None:
    nothing: dict[str, list[Any]] = {name: [] for name in ROWS}

    exporter = an_exporter(a_report(nothing, alerts=[], findings=(), colours=pl.DataFrame(), measures={}, sources={}))

    assert {name for name, one in exposed(exporter).items() if one.samples} == {"pmo_rule_alerts"}


def test_measure_that_is_not_there_counts_nothing_wrongly() -> None:
    exporter = an_exporter(a_report(measures={}))

    assert "pmo_project_milestones" not in series(exporter)
    assert samples(exporter, "pmo_project_planned_value") == []


def test_milestones_of_a_project_on_hold_are_not_overdue() -> None:
    exporter = an_exporter(a_report({"project": [{**ROWS["project"][0], "state": "on_hold"}]}))

    assert samples(exporter, "pmo_project_milestones") == [
        f'{{{P},status="completed"}} 1.0',
        f'{{{P},status="open"}} 2.0',
        f'{{{P},status="overdue"}} 0.0',
    ]


def test_data_are_not_newer_than_their_reading() -> None:
    read_at = READ - timedelta(days=2)
    sources = {"plans": replace(SOURCES["plans"], last_good=read_at)}

    exporter = an_exporter(a_report(sources=sources))

    assert samples(exporter, "pmo_project_snapshot_timestamp_seconds") == [
        f'{{{P},source="plans"}} {read_at.timestamp()}'
    ]


# --- numbers and order ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.0, 0.1 + 0.2, 1e16, 1.5e300, 1e-7, 5e-324, -2.5, 123456789012345.0, 1782856799.0]
)
def test_value_is_written_as_python_writes_it(value: float) -> None:
    one = Family("pmo_x", "text", pl.DataFrame({"label": ["a"], "value": [value]}))

    assert one.lines == f'pmo_x{{label="a"}} {value!r}\n'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_value_that_is_none_gives_no_series(value: float | None) -> None:
    rows = pl.DataFrame({"project": ["a", "b"], "value": [1.0, value]}, schema_overrides={"value": pl.Float64()})
    one = declared.family("pmo_project_progress_ratio", ("project",), rows)

    assert (one.series, one.lines) == (1, b'pmo_project_progress_ratio{project="a"} 1.0\n')


def test_order_is_the_same_whatever_order_rows_come_in() -> None:
    backwards = {name: rows[::-1] for name, rows in ROWS.items()}

    assert body(an_exporter(a_report(backwards, alerts=some_alerts()[::-1]))) == body(an_exporter())
