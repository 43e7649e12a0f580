"""Portfolio metrics: what is left out, and when they are written anew."""

from datetime import timedelta

import pytest
from exporter_bench import (
    FAMILIES,
    READ,
    Noted,
    P,
    a_report,
    again,
    an_exporter,
    body,
    samples,
    series,
)
from pmo_watch_plugins.notifiers.prometheus import Settings
from structlog.testing import capture_logs

from pmo_watch.plugin_host import load_plugins


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
