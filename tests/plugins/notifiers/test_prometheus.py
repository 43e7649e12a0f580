"""Portfolio metrics: every family of the contract, stable labels, limits, both formats, kept bytes."""

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from exporter_bench import (
    READ,
    ROWS,
    SOURCES,
    Noted,
    a_report,
    again,
    an_exporter,
    body,
    exposed,
    samples,
    series,
    some_alerts,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import an_alert
from metric_tables import contract, doubled, families, family, read
from pmo_watch_plugins.notifiers.prometheus import Settings
from pmo_watch_plugins.notifiers.prometheus import families as declared
from pmo_watch_plugins.notifiers.prometheus.exposition import Family
from served import Daemon, served
from structlog.testing import capture_logs

from pmo_watch.plugin_host import load_plugins
from pmo_watch.store import open_store
from pmo_watch.testing import check_plugin

FOLDER = Path(__file__).parents[3] / "plugins" / "notifiers" / "prometheus"
PROJECT, MILESTONE = "project", "project, milestone"
# The table of spec channels 4.5.
FAMILIES = {
    name: family(kind, labels, text)
    for name, kind, labels, text in (
        (
            "pmo_project_info",
            "info",
            "project, name, portfolio, program, phase, state",
            "Descriptive facts about a project; join on project.",
        ),
        (
            "pmo_project_rag_level",
            "gauge",
            "project, dimension",
            "Computed RAG as of the last evaluation: 0 green, 1 amber, 2 red; absent while grey or not applicable.",
        ),
        (
            "pmo_project_declared_rag_level",
            "gauge",
            "project, dimension",
            "RAG declared by the project: 0 green, 1 amber, 2 red; absent when not declared.",
        ),
        ("pmo_projects", "gauge", "portfolio, dimension, rag", "Projects by computed RAG, zero-filled."),
        (
            "pmo_project_schedule_performance_ratio",
            "gauge",
            PROJECT,
            "Schedule performance index: earned value divided by planned value.",
        ),
        (
            "pmo_project_earned_schedule_performance_ratio",
            "gauge",
            PROJECT,
            "Time-based schedule performance index: earned schedule divided by actual time.",
        ),
        (
            "pmo_project_cost_performance_ratio",
            "gauge",
            PROJECT,
            "Cost performance index: earned value divided by actual cost.",
        ),
        ("pmo_project_progress_ratio", "gauge", PROJECT, "Progress, 0 to 1."),
        ("pmo_project_planned_value", "gauge", "project, currency", "Planned value in the currency of the label."),
        ("pmo_project_earned_value", "gauge", "project, currency", "Earned value in the currency of the label."),
        ("pmo_project_actual_cost", "gauge", "project, currency", "Actual cost in the currency of the label."),
        (
            "pmo_project_budget_at_completion",
            "gauge",
            "project, currency",
            "Budget at completion in the currency of the label.",
        ),
        (
            "pmo_project_estimate_at_completion",
            "gauge",
            "project, currency",
            "Estimate at completion in the currency of the label.",
        ),
        (
            "pmo_project_finish_baseline_timestamp_seconds",
            "gauge",
            PROJECT,
            "Baseline finish, end of that civil day.",
        ),
        (
            "pmo_project_finish_forecast_timestamp_seconds",
            "gauge",
            PROJECT,
            "Forecast finish, end of that civil day.",
        ),
        ("pmo_project_milestones", "gauge", "project, status", "Milestones by status, zero-filled."),
        (
            "pmo_project_open_items",
            "gauge",
            "project, kind, due",
            "Open risks, issues, actions, decisions and changes, zero-filled.",
        ),
        (
            "pmo_project_snapshot_timestamp_seconds",
            "gauge",
            "project, source",
            "As-of time of the source data used in the last evaluation.",
        ),
        (
            "pmo_milestone_info",
            "info",
            "project, milestone, name, kind",
            "Descriptive facts about a milestone; join on project and milestone.",
        ),
        (
            "pmo_milestone_baseline_timestamp_seconds",
            "gauge",
            MILESTONE,
            "Baseline finish of a milestone, end of that civil day.",
        ),
        (
            "pmo_milestone_forecast_timestamp_seconds",
            "gauge",
            MILESTONE,
            "Forecast or actual finish of a milestone, end of that civil day.",
        ),
        ("pmo_milestone_completed", "gauge", MILESTONE, "1 when the milestone is done, else 0."),
        ("pmo_kpi_value", "gauge", "project, kpi, unit", "Last accepted value of an indicator, in its own unit."),
        (
            "pmo_kpi_observed_timestamp_seconds",
            "gauge",
            "project, kpi",
            "When the indicator value was observed at its provider.",
        ),
        (
            "pmo_rule_findings",
            "gauge",
            "rule, state",
            "Findings of the last evaluation per rule and state, zero-filled.",
        ),
        ("pmo_rule_alerts", "gauge", "rule, level, state", "Alerts per rule, level and state, zero-filled."),
        (
            "pmo_alerts",
            "gauge",
            "rule, project, entity, level, state",
            "1 for every alert that is not closed; the series ends with the alert.",
        ),
        ("pmo_alert_since_timestamp_seconds", "gauge", "rule, project, entity", "When the alert opened."),
    )
}
# In place of the project where an indicator is observed in a programme.
ALSO = {"pmo_kpi_value": {"program"}}


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


P = 'project="HB-017"'
PLACE = 'portfolio="infrastructure",program="HB"'
OPEN = {("decision", "on_time"), ("risk", "overdue")}


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


# --- settings and limits ----------------------------------------------------------------------------------------------


def test_names_of_persons_are_shown_only_where_the_settings_say_so() -> None:
    without, with_ = an_exporter(), an_exporter(person_labels=True)

    assert b"Ann" not in body(without)
    assert b"ann@" not in body(without)
    assert 'project_leader="Ann Smith"' in samples(with_, "pmo_project_info")[0]
    assert len(samples(with_, "pmo_alerts")) == len(samples(without, "pmo_alerts")) + 1


def test_milestones_can_be_left_out() -> None:
    noted = Noted()

    exporter = an_exporter(metrics=noted, milestones=False)

    assert set(FAMILIES) - series(exporter) == {name for name in FAMILIES if name.startswith("pmo_milestone_")}
    assert noted.renderings[0][1] == 0


@pytest.mark.parametrize(
    ("most", "gone"),
    [
        (108, ()),
        (107, ("pmo_milestone_",)),
        (97, ("pmo_milestone_", "pmo_kpi_")),
        (94, ("pmo_milestone_", "pmo_kpi_", "pmo_alert")),
        (87, ("pmo_milestone_", "pmo_kpi_", "pmo_alert", "pmo_project_")),
    ],
)
def test_whole_families_go_until_the_rest_fits(most: int, gone: tuple[str, ...]) -> None:
    noted = Noted()
    whole = an_exporter(metrics=noted)
    total = noted.renderings[0][0]

    exporter = an_exporter(metrics=noted, max_series=most)

    kept, dropped, at = noted.renderings[1]
    assert series(exporter) == {name for name in FAMILIES if not (gone and name.startswith(gone))}
    assert kept + dropped == total == body(whole).count(b"\n") - 2 * len(FAMILIES)
    assert kept <= most
    assert kept == body(exporter).count(b"\n") - 2 * len(series(exporter))
    assert at == READ


def test_what_is_left_out_is_logged_once_by_name() -> None:
    report = a_report()
    with capture_logs() as lines:
        exporter = an_exporter(report, max_series=107)
        exporter.cycle_finished(again(report))
        exporter._settings = Settings()
        exporter.cycle_finished(again(report))

    assert lines == [
        {
            "event": "families left out",
            "log_level": "warning",
            "over": 107,
            "families": [name for name in FAMILIES if name.startswith("pmo_milestone_")],
        },
        {"event": "families left out", "log_level": "info", "over": 50_000, "families": []},
    ]


# --- labels -----------------------------------------------------------------------------------------------------------


def milestones(*rows: dict[str, Any]) -> list[str]:
    """Return the labels of the milestones, without their project."""
    found = samples(an_exporter(a_report({"milestone": list(rows)}, alerts=[])), "pmo_milestone_completed")
    return [re.fullmatch(r'{project="HB-017",milestone="(.*)"} 0.0', one)[1] for one in found]  # type: ignore[index]


def test_labels_are_escaped() -> None:
    assert milestones({"id": 'a"b\\c'}) == ['a\\"b\\\\c']
    (info,) = exposed(an_exporter(a_report({"milestone": [{"id": 'a"b\\c', "name": '\\n"'}]})))[
        "pmo_milestone_info"
    ].samples
    assert (info.labels["milestone"], info.labels["name"]) == ('a"b\\c', '\\n"')


def test_text_of_others_is_made_harmless() -> None:
    assert milestones({"id": "a\nb\t c\u202e\u200b\x00 "}) == ["a b c"]
    assert milestones({"id": "Cafe\u0301"}) == ["Caf\u00e9"]


def test_two_of_a_name_are_told_apart_by_their_uid() -> None:
    first, second, third = ({"uid": f"plans:task:{n}", "id": "M"} for n in (1, 2, 3))

    # The beginnings of SHA-256 of the uids, as any other program would compute them.
    assert milestones(third, first, second) == ["M", "M~18c4d80e", "M~6a16a67c"]
    assert milestones(first) == ["M"]


def test_same_id_in_two_projects_is_told_apart_by_the_project() -> None:
    projects = [ROWS["project"][0], {"uid": "project:p2", "code": "HB-018"}]
    rows = [{"uid": "plans:task:1", "id": "M"}, {"uid": "plans:task:2", "id": "M", "project": "project:p2"}]

    exporter = an_exporter(a_report({"project": projects, "milestone": rows}))

    assert samples(exporter, "pmo_milestone_completed") == [
        '{project="HB-017",milestone="M"} 0.0',
        '{project="HB-018",milestone="M"} 0.0',
    ]


def test_projects_of_one_code_are_the_same_two_in_every_family() -> None:
    projects = [{"uid": f"project:{n}", "code": "P", "name": f"Project {n}", "progress": n} for n in (1, 2)]
    rows = [{"uid": f"plans:task:{n}", "id": "M", "project": f"project:{n}"} for n in (1, 2)]
    alerts = [an_alert(n, subject_id="M", project=f"project:{n}", project_code="P") for n in (1, 2)]

    exporter = an_exporter(a_report({"project": projects, "milestone": rows}, alerts=alerts))

    (second,) = {one.labels["project"] for one in exposed(exporter)["pmo_project_progress_ratio"].samples} - {"P"}
    assert re.fullmatch(r"P~[0-9a-f]{8}", second)
    for name in ("pmo_project_info", "pmo_milestone_completed", "pmo_alerts", "pmo_alert_since_timestamp_seconds"):
        assert {one.labels["project"] for one in exposed(exporter)[name].samples} == {"P", second}, name


def test_long_id_is_cut_at_a_character_and_stays_itself() -> None:
    exactly = "x" * 128
    first, second = milestones({"uid": "plans:task:1", "id": "é" * 65}, {"uid": "plans:task:2", "id": exactly})

    assert first == exactly if first.startswith("x") else second == exactly
    (cut,) = {first, second} - {exactly}
    assert re.fullmatch(r"é{59}~[0-9a-f]{8}", cut)
    assert len(cut.encode()) == 118 + 9


def test_long_ids_that_begin_alike_are_told_apart() -> None:
    rows = [{"uid": f"plans:task:{n}", "id": "x" * 150} for n in (1, 2)]

    found = milestones(*rows)

    assert len(set(found)) == 2
    assert {len(one) for one in found} == {128}


def test_names_are_cut_at_200_characters() -> None:
    exporter = an_exporter(a_report({"milestone": [{"id": "M", "name": "é" * 300}]}))

    assert samples(exporter, "pmo_milestone_info") == [f'{{{P},milestone="M",name="{"é" * 199}…",kind="internal"}} 1.0']


def test_project_that_is_gone_still_names_its_alerts() -> None:
    gone = an_alert(1, subject_id="M1", project="project:gone", project_code="OLD\n1")

    assert samples(an_exporter(a_report(alerts=[gone])), "pmo_alerts") == [
        '{rule="key-milestone-slip",project="OLD 1",entity="M1",level="red",state="open"} 1.0'
    ]


TEXTS = st.text(max_size=140)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6))
def test_any_texts_give_series_that_parsers_read_and_that_are_there_once(texts: list[tuple[str, str, str]]) -> None:
    projects = [
        {"uid": f"project:{n}", "code": code, "name": name, "portfolio": "portfolio:infra"}
        for n, (code, name, _) in enumerate(texts)
    ]
    rows = [
        {"uid": f"plans:task:{n}", "id": key, "name": name, "project": f"project:{n % 2}"}
        for n, (_, name, key) in enumerate(texts)
    ]
    alerts = [
        an_alert(n, subject=f"plans:task:{n}", subject_id=key, project=f"project:{n}", project_code=code)
        for n, (code, _, key) in enumerate(texts)
    ]
    exporter = an_exporter(a_report({"project": projects, "milestone": rows}, alerts=alerts))

    for openmetrics in (False, True):
        found = exposed(exporter, openmetrics=openmetrics)
        assert list(doubled(found)) == []
        assert len(found["pmo_project_info"].samples) == len(texts)
        assert len(found["pmo_alerts"].samples) == len(texts)


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


# --- rendering --------------------------------------------------------------------------------------------------------


def test_openmetrics_names_infos_and_units() -> None:
    text = body(an_exporter(), openmetrics=True).decode()

    assert "# TYPE pmo_project info\n" in text
    assert "# HELP pmo_milestone Descriptive facts" in text
    assert text.count("# UNIT ") == sum(name.endswith("_seconds") for name in FAMILIES)
    assert (
        "# HELP pmo_alert_since_timestamp_seconds When the alert opened.\n"
        "# TYPE pmo_alert_since_timestamp_seconds gauge\n"
        "# UNIT pmo_alert_since_timestamp_seconds seconds\n"
    ) in text


def test_rendering_that_fails_keeps_the_bytes_and_counts() -> None:
    noted = Noted()
    report = a_report()
    exporter = an_exporter(report, metrics=noted)
    before = body(exporter)

    with pytest.raises(AttributeError):
        exporter.cycle_finished(again(report, alerts=[None]))

    assert body(exporter) is before
    assert (noted.failures, len(noted.renderings)) == (1, 1)


def test_cycle_with_nothing_new_writes_and_packs_nothing_anew() -> None:
    noted = Noted()
    report = a_report()
    exporter = an_exporter(report, metrics=noted)
    before, facts = exporter._renderings, exporter._facts

    exporter.cycle_finished(again(report, ended=READ + timedelta(minutes=1)))

    assert all(exporter._renderings[form] is before[form] for form in (False, True))
    assert exporter._facts is facts
    assert noted.renderings[-1] == (noted.renderings[0][0], 0, READ + timedelta(minutes=1))


def test_new_rows_a_new_day_and_new_alerts_are_shown() -> None:
    report = a_report()
    exporter = an_exporter(report)

    exporter.cycle_finished(again(report, alerts=[]))
    without_alerts = samples(exporter, "pmo_alerts")
    exporter.cycle_finished(again(a_report({"decision": []}), alerts=[]))

    assert without_alerts == []
    assert f'{{{P},kind="decision",due="on_time"}} 0.0' in samples(exporter, "pmo_project_open_items")


def test_exporter_asks_for_measures_that_there_are() -> None:
    known = load_plugins(installed=False).measures

    assert set(an_exporter().wishes()) <= set(known)


# --- serving ----------------------------------------------------------------------------------------------------------

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    ("accept", "served_as"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        (PROTOBUF, TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text;Version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text; version=0.0.1", TEXT),
        ("application/openmetrics-text; version=2.0.0", TEXT),
        ("application/openmetrics-text; q=0", TEXT),
        ("application/openmetrics-text; q=high", TEXT),
        ("application/openmetrics-text; q=nan", TEXT),
        ("application/openmetrics-text; q=0.5, text/plain; q=0.5", OPENMETRICS),
        ("application/openmetrics-text; q=0.5, text/plain; q=0.6", TEXT),
        ("application/openmetrics-text; q=0.5, text/*", TEXT),
        ("application/openmetrics-text; q=0.5, */*", OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (f"{PROTOBUF};q=0.6,{PROMETHEUS_3}", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1;q=0.9, application/openmetrics-text;q=0.1", OPENMETRICS),
        (";;;,,,=;q", TEXT),
    ],
)
async def test_format_is_the_one_asked_for(sqlite_url: str, accept: str, served_as: str) -> None:
    async with metrics(sqlite_url) as client:
        answer = await client.get("/metrics", headers={"accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, served_as)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("# EOF\n") is (served_as == OPENMETRICS)
    found = read(answer.content, openmetrics=served_as == OPENMETRICS)
    assert {"pmo_project_info", "pmo_watch_leader"} <= set(found)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", True),
        ("gzip;q=0.001", True),
        ("deflate, GZIP;q=1.0", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("*", False),
        ("", False),
    ],
)
async def test_answer_is_packed_where_that_is_accepted(sqlite_url: str, encoding: str, packed: bool) -> None:
    async with metrics(sqlite_url) as client:
        plain = (await client.get("/metrics", headers={"accept-encoding": "identity"})).content
        async with client.stream("GET", "/metrics", headers={"accept-encoding": encoding}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert int(answer.headers["content-length"]) == len(raw)
    assert (gzip.decompress(raw) if packed else raw) == plain
    assert raw.count(b"\x1f\x8b\x08") == packed, "one gzip member"


async def test_head_says_what_get_would_and_other_methods_are_not_served(sqlite_url: str) -> None:
    async with metrics(sqlite_url) as client:
        head, get = await client.head("/metrics"), await client.get("/metrics")
        others = [await client.request(method, "/metrics") for method in ("POST", "PUT", "DELETE", "OPTIONS")]

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]
    assert [(one.status_code, one.headers["allow"]) for one in others] == [(405, "GET, HEAD")] * 4


async def test_before_the_first_cycle_the_daemon_s_part_is_served(sqlite_url: str) -> None:
    async with metrics(sqlite_url, rendered=False) as client:
        for accept, openmetrics in ((TEXT, False), (OPENMETRICS, True)):
            answer = await client.get("/metrics", headers={"accept": accept})
            assert set(read(answer.content, openmetrics=openmetrics)) == {"pmo_watch_leader"}


def metrics(url: str, *, rendered: bool = True) -> Any:
    """Serve an exporter's metrics."""
    from pmo_watch_plugins.notifiers.prometheus import Exporter

    noted = Noted()
    exporter = an_exporter(metrics=noted) if rendered else Exporter(Settings(), noted)
    return served(Daemon(open_store(url), mounts=exporter.mounts()))


# --- the folder -------------------------------------------------------------------------------------------------------


def test_folder_is_what_a_plugin_must_be() -> None:
    assert check_plugin(FOLDER) == []
