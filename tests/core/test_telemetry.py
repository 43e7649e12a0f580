"""The daemon's own metrics: every family of the contract, from zero on, and none of what has gone."""

from datetime import UTC, datetime

import pytest
from metric_tables import contract, families, family, read
from prometheus_client.metrics_core import Metric

from pmo_watch.alerts import Reason
from pmo_watch.telemetry import Names, Telemetry

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
NAMES = Names(
    rules=["slip", "late"],
    files=["10-schedule.yaml"],
    sources={"plans": 4 * 3600.0, "kpi": 86400.0},
    notifiers=["mail", "teams"],
    audiences=["pmo"],
    plugins=[("csv_file", "0.1.0", "source"), ("email", "0.1.0", "notifier"), ("prometheus", "0.1.0", "observer")],
)
# The table of spec channels 4.6, without what this version does not have: the heartbeat.
FAMILIES = {
    name: family(kind, labels, text)
    for name, kind, labels, text in (
        ("pmo_watch_build_info", "info", "version, revision, python", "Version of the daemon."),
        ("pmo_watch_leader", "gauge", "", "1 in the daemon that runs the cycles, else 0."),
        ("pmo_watch_store_up", "gauge", "", "1 when the store answers, else 0."),
        ("pmo_watch_config_hash", "gauge", "", "First 48 bits of the SHA-256 of the active settings and rules."),
        ("pmo_watch_config_last_reload_successful", "gauge", "", "1 when the last reload succeeded, else 0."),
        (
            "pmo_watch_config_last_reload_success_timestamp_seconds",
            "gauge",
            "",
            "When the active configuration was loaded.",
        ),
        (
            "pmo_watch_reload_waiting_approval",
            "gauge",
            "",
            "1 while a reload waits for a person because it would change too many alerts.",
        ),
        (
            "pmo_watch_rule_file_stale",
            "gauge",
            "file",
            "1 while an older good version of the rule file is in force, else 0.",
        ),
        ("pmo_watch_rules", "gauge", "status", "Rules by status."),
        ("pmo_watch_cycles_total", "counter", "result", "Evaluation cycles by result."),
        ("pmo_watch_cycle_duration_seconds", "histogram", "", "Duration of one evaluation cycle."),
        ("pmo_watch_last_evaluation_timestamp_seconds", "gauge", "", "When the last evaluation cycle ended."),
        ("pmo_watch_next_evaluation_timestamp_seconds", "gauge", "", "When the next evaluation cycle is due."),
        ("pmo_watch_rule_evaluations_total", "counter", "rule", "Evaluations of the rule."),
        (
            "pmo_watch_rule_evaluation_failures_total",
            "counter",
            "rule",
            "Evaluations of the rule that raised an error.",
        ),
        ("pmo_watch_alert_transitions_total", "counter", "reason", "Alert transitions by reason."),
        ("pmo_watch_flapping_alerts", "gauge", "", "Alerts marked as flapping."),
        ("pmo_watch_source_last_attempt_timestamp_seconds", "gauge", "source", "When the source was last asked."),
        (
            "pmo_watch_source_last_success_timestamp_seconds",
            "gauge",
            "source",
            "When the source last gave a complete reading.",
        ),
        (
            "pmo_watch_source_max_age_seconds",
            "gauge",
            "source",
            "Configured age after which data of the source count as stale.",
        ),
        ("pmo_watch_source_read_duration_seconds", "histogram", "source", "Duration of one reading of the source."),
        ("pmo_watch_source_readings_total", "counter", "source, result", "Readings by result."),
        ("pmo_watch_source_failures_total", "counter", "source, reason", "Failed readings by reason."),
        ("pmo_watch_source_records", "gauge", "source, entity", "Records in the last accepted reading."),
        ("pmo_watch_source_rejected_records", "gauge", "source", "Records refused in the last reading."),
        ("pmo_watch_deliveries_total", "counter", "notifier, outcome", "Delivery attempts by outcome."),
        (
            "pmo_watch_delivery_failures_total",
            "counter",
            "notifier, reason",
            "Deferred and rejected delivery attempts by reason.",
        ),
        ("pmo_watch_delivery_duration_seconds", "histogram", "notifier", "Duration of one delivery attempt."),
        ("pmo_watch_delivery_delay_seconds", "histogram", "notifier", "Time from due to accepted."),
        (
            "pmo_watch_outbox_messages",
            "gauge",
            "notifier, outcome",
            "Messages that wait for delivery, zero-filled.",
        ),
        (
            "pmo_watch_outbox_oldest_due_timestamp_seconds",
            "gauge",
            "notifier",
            "Due time of the oldest undelivered message; absent when none waits.",
        ),
        (
            "pmo_watch_outbox_dead_letters",
            "gauge",
            "notifier",
            "Rejected and expired messages that nobody has dealt with.",
        ),
        ("pmo_watch_messages_held_total", "counter", "reason", "Messages held back on purpose."),
        (
            "pmo_watch_message_items_trimmed_total",
            "counter",
            "notifier",
            "Items left out of messages because of a size limit.",
        ),
        ("pmo_watch_recipients_unresolved_total", "counter", "audience", "Times an audience resolved to nobody."),
        ("pmo_watch_notifier_healthy", "gauge", "notifier", "0 while the notifier has a channel fault, else 1."),
        (
            "pmo_watch_oauth_token_expiry_timestamp_seconds",
            "gauge",
            "notifier",
            "Expiry of the cached access token.",
        ),
        ("pmo_watch_acknowledgements_total", "counter", "via", "Acknowledgements accepted."),
        ("pmo_watch_ack_links_refused_total", "counter", "reason", "Acknowledge links refused."),
        ("pmo_watch_http_requests_total", "counter", "handler, code", "HTTP requests by route and status class."),
        ("pmo_watch_http_request_duration_seconds", "histogram", "handler", "Duration of HTTP requests by route."),
        ("pmo_watch_plugin_info", "info", "plugin, version, kind", "Loaded plugins."),
        ("pmo_watch_plugin_errors_total", "counter", "plugin, hook", "Exceptions that left a plugin."),
        (
            "pmo_watch_exposition_duration_seconds",
            "gauge",
            "",
            "Duration of the last rendering of the portfolio metrics.",
        ),
        ("pmo_watch_exposition_timestamp_seconds", "gauge", "", "When the portfolio metrics were rendered."),
        ("pmo_watch_exposition_series", "gauge", "", "Portfolio series in the last rendering."),
        (
            "pmo_watch_exposition_dropped_series",
            "gauge",
            "",
            "Portfolio series left out of the last rendering because of the limit.",
        ),
        ("pmo_watch_exposition_failures_total", "counter", "", "Renderings that raised an error."),
    )
}
COUNTED = {
    ("pmo_watch_rules", "status"): ("active", "disabled", "quarantined"),
    ("pmo_watch_cycles_total", "result"): ("success", "partial", "failure"),
    ("pmo_watch_alert_transitions_total", "reason"): tuple(Reason),
    ("pmo_watch_source_readings_total", "result"): ("complete", "partial", "held", "failed"),
    ("pmo_watch_source_failures_total", "reason"): (
        *("timeout", "connect", "tls", "auth", "throttled", "not_found", "bad_data", "server_error", "other"),
    ),
    ("pmo_watch_deliveries_total", "outcome"): ("accepted", "deferred", "rejected"),
    ("pmo_watch_delivery_failures_total", "reason"): (
        *("timeout", "connect", "tls", "auth", "throttled", "rejected", "too_large", "bad_request", "not_found"),
        *("disconnected", "server_error", "config", "other"),
    ),
    ("pmo_watch_outbox_messages", "outcome"): ("waiting", "leased", "deferred"),
    ("pmo_watch_messages_held_total", "reason"): (
        "silenced",
        "acknowledged",
        "send_window",
        "once_a_day",
        "absent",
        "dry_run",
    ),
    ("pmo_watch_acknowledgements_total", "via"): ("link", "page", "cli", "api"),
    ("pmo_watch_ack_links_refused_total", "reason"): ("malformed", "signature", "expired", "closed", "confirm"),
    ("pmo_watch_http_requests_total", "code"): ("2xx", "3xx", "4xx", "5xx"),
}
BUCKETS = {
    "pmo_watch_cycle_duration_seconds": "0.1 0.5 1 2.5 5 10 30 60 120 300",
    "pmo_watch_source_read_duration_seconds": "0.1 0.5 1 5 10 30 60 300 900",
    "pmo_watch_delivery_duration_seconds": "0.05 0.1 0.25 0.5 1 2.5 5 10 30 60",
    "pmo_watch_delivery_delay_seconds": "1 5 30 60 300 900 3600 14400 86400",
    "pmo_watch_http_request_duration_seconds": "0.005 0.025 0.1 0.5 1 5",
}


def a_daemon(names: Names = NAMES) -> Telemetry:
    """Return the metrics of a daemon that has started, has a message waiting, and took a token."""
    telemetry = Telemetry()
    telemetry.start(names, "0.1.0", "abc123")
    telemetry.serve(["/metrics", "other"])
    telemetry.show_oldest({"mail": NOW})
    telemetry.token_taken("mail", NOW)
    telemetry.set_moment(telemetry.next_evaluation, NOW)
    telemetry.source_records.labels("plans", "task").set(12)
    return telemetry


def own(telemetry: Telemetry, *, openmetrics: bool = True) -> dict[str, Metric]:
    """Return the daemon's families, without those of process and interpreter."""
    found = read(telemetry.render(openmetrics=openmetrics), openmetrics=openmetrics)
    return {name: one for name, one in found.items() if name.startswith("pmo_watch_")}


def values(telemetry: Telemetry, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Return the samples of a family by the values of these labels."""
    samples = own(telemetry)[name].samples if name in own(telemetry) else []
    return {tuple(one.labels[label] for label in labels): one.value for one in samples}


@pytest.mark.parametrize("openmetrics", [False, True], ids=["text", "openmetrics"])
def test_families_are_those_of_the_contract(openmetrics: bool) -> None:
    assert families(own(a_daemon(), openmetrics=openmetrics), openmetrics=openmetrics) == FAMILIES


def test_list_of_this_test_is_the_contract_s() -> None:
    missing = {"pmo_watch_heartbeat_last_success_timestamp_seconds"}  # there is no heartbeat yet

    assert {name: one for name, one in contract("4.6").items() if name not in missing} == FAMILIES


def test_process_and_interpreter_are_shown_too() -> None:
    found = read(a_daemon().render(openmetrics=False), openmetrics=False)

    assert {"process_resident_memory_bytes", "process_open_fds", "python_info"} <= set(found)


@pytest.mark.parametrize(("name", "label"), COUNTED)
def test_closed_sets_are_there_from_the_start(name: str, label: str) -> None:
    found = values(a_daemon(), name, label)

    assert set(found) == {(value,) for value in COUNTED[name, label]}
    assert set(found.values()) == {0}


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_those_of_the_contract(name: str) -> None:
    edges = dict.fromkeys(one.labels["le"] for one in own(a_daemon())[name].samples if one.name.endswith("_bucket"))

    assert list(edges) == [str(float(edge)) for edge in BUCKETS[name].split()] + ["+Inf"]


def test_times_have_their_unit_in_openmetrics() -> None:
    found = own(a_daemon())

    assert {name: one.unit for name, one in found.items() if one.unit} == {
        name: "seconds" for name in FAMILIES if name.endswith("_seconds")
    }


def test_counters_have_no_moment_of_creation() -> None:
    assert b"_created" not in a_daemon().render(openmetrics=True)
    assert b"_created" not in a_daemon().render(openmetrics=False)


def test_what_is_no_longer_set_is_no_longer_shown() -> None:
    telemetry = a_daemon()
    telemetry.deliveries.labels("mail", "accepted").inc(3)
    telemetry.start(Names(rules=["slip"], sources={"kpi": 60.0}, notifiers=["mail"]), "0.1.0")

    text = telemetry.render(openmetrics=False).decode()

    assert all(f'="{gone}' not in text for gone in ("late", "plans", "teams", "10-schedule", "csv_file", "pmo"))
    assert values(telemetry, "pmo_watch_deliveries_total", "notifier", "outcome")["mail", "accepted"] == 3
    assert values(telemetry, "pmo_watch_source_max_age_seconds", "source") == {("kpi",): 60}


def test_reload_leaves_a_broken_notifier_broken() -> None:
    telemetry = a_daemon()
    telemetry.healthy.labels("mail").set(0)

    telemetry.start(Names(notifiers=["mail", "other"]), "0.1.0")

    assert values(telemetry, "pmo_watch_notifier_healthy", "notifier") == {("mail",): 0, ("other",): 1}


def test_oldest_message_is_shown_as_long_as_one_waits() -> None:
    telemetry = a_daemon()
    name = "pmo_watch_outbox_oldest_due_timestamp_seconds"

    one = values(telemetry, name, "notifier")
    telemetry.show_oldest({"teams": NOW})
    other = values(telemetry, name, "notifier")
    telemetry.show_oldest({})

    assert one == {("mail",): NOW.timestamp()}
    assert other == {("teams",): NOW.timestamp()}
    assert values(telemetry, name, "notifier") == {}


def test_cycle_is_not_due_since_1970() -> None:
    telemetry = Telemetry()
    telemetry.start(NAMES, "0.1.0")
    before = values(telemetry, "pmo_watch_next_evaluation_timestamp_seconds")
    telemetry.set_moment(telemetry.next_evaluation, NOW)

    assert before == {}
    assert values(telemetry, "pmo_watch_next_evaluation_timestamp_seconds") == {(): NOW.timestamp()}


def test_times_before_the_first_are_0() -> None:
    telemetry = Telemetry()
    telemetry.start(NAMES, "0.1.0")
    telemetry.set_moment(telemetry.last_evaluation, None)

    assert values(telemetry, "pmo_watch_last_evaluation_timestamp_seconds") == {(): 0}
    assert values(telemetry, "pmo_watch_source_last_success_timestamp_seconds", "source") == {
        ("plans",): 0,
        ("kpi",): 0,
    }


def test_rendering_of_the_portfolio_is_noted() -> None:
    telemetry = a_daemon()

    telemetry.exposed(4600, 200, 0.25, NOW)
    telemetry.not_exposed()

    assert [values(telemetry, f"pmo_watch_exposition_{name}") for name in (
        "series", "dropped_series", "duration_seconds", "timestamp_seconds", "failures_total")] == [
        {(): 4600}, {(): 200}, {(): 0.25}, {(): NOW.timestamp()}, {(): 1}
    ]  # fmt: skip


def test_plugins_and_their_hooks_are_named() -> None:
    telemetry = a_daemon()

    assert values(telemetry, "pmo_watch_plugin_errors_total", "plugin", "hook") == {
        ("csv_file", "read"): 0,
        ("email", "send"): 0,
        ("prometheus", "cycle_finished"): 0,
    }
    assert values(telemetry, "pmo_watch_plugin_info", "plugin", "version", "kind") == dict.fromkeys(NAMES.plugins, 1)


def test_number_of_series_is_as_the_contract_estimates() -> None:
    rules, sources, notifiers = 50, 10, 3
    names = Names(
        rules=[f"r{n}" for n in range(rules)],
        sources={f"s{n}": 60.0 for n in range(sources)},
        notifiers=[f"n{n}" for n in range(notifiers)],
    )

    series = sum(len(one.samples) for one in own(a_daemon(names)).values())

    assert series <= 350 + 2 * rules + 50 * sources + 50 * notifiers <= 2000
