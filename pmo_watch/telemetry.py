"""What the daemon says of itself: every `pmo_watch_*` metric, in one place, from zero on (spec channels 4.6)."""

import platform
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from pmo_watch.alerts import Reason

DELIVERY_REASONS = (
    "timeout", "connect", "tls", "auth", "throttled", "rejected", "too_large", "bad_request", "not_found",
    "disconnected", "server_error", "config", "other",
)  # fmt: skip
SOURCE_REASONS = (
    "timeout", "connect", "tls", "auth", "throttled", "not_found", "bad_data", "server_error", "other",
)  # fmt: skip
READING_RESULTS = ("complete", "partial", "held", "failed")
DELIVERY_OUTCOMES = ("accepted", "deferred", "rejected")
WAITING_OUTCOMES = ("waiting", "leased", "deferred")
CYCLE_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
READ_SECONDS = (0.1, 0.5, 1, 5, 10, 30, 60, 300, 900)
DELIVERY_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
DELAY_SECONDS = (1, 5, 30, 60, 300, 900, 3600, 14400, 86400)
HTTP_SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 5)


@dataclass(frozen=True, slots=True)
class Names:
    """The closed sets that label values come from; everything is exported from zero on."""

    rules: Collection[str] = ()
    files: Collection[str] = ()
    sources: Mapping[str, float] = field(default_factory=dict)  # name -> seconds after which its data are stale
    notifiers: Collection[str] = ()
    audiences: Collection[str] = ()
    plugins: Sequence[tuple[str, str, str]] = ()  # name, version, kind


class Telemetry:
    """The daemon's own registry; callers set and count, the metrics endpoint renders. Safe from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._define_daemon()
        self._define_cycles()
        self._define_sources()
        self._define_delivery()
        self._define_http()

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"pmo_watch_{name}", text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"pmo_watch_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(f"pmo_watch_{name}", text, labels, registry=self.registry, buckets=buckets)

    def _define_daemon(self) -> None:
        self.build = Info("pmo_watch_build", "Version of the daemon.", registry=self.registry)
        self.leader = self._gauge("leader", "1 in the daemon that runs the cycles, else 0.")
        self.store_up = self._gauge("store_up", "1 when the store answers, else 0.")
        self.config_hash = self._gauge("config_hash", "First 48 bits of the SHA-256 of the active settings and rules.")
        self.reload_good = self._gauge("config_last_reload_successful", "1 when the last reload succeeded, else 0.")
        self.reload_at = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the active configuration was loaded."
        )
        self.reload_waiting = self._gauge(
            "reload_waiting_approval", "1 while a reload waits for a person because it would change too many alerts."
        )
        self.rule_file_stale = self._gauge(
            "rule_file_stale", "1 while an older good version of the rule file is in force, else 0.", "file"
        )
        self.rules = self._gauge("rules", "Rules by status.", "status")
        self.plugins = self._gauge("plugin_info", "Loaded plugins.", "plugin", "version", "kind")
        self.plugin_errors = self._counter("plugin_errors", "Exceptions that left a plugin.", "plugin", "hook")

    def _define_cycles(self) -> None:
        self.cycles = self._counter("cycles", "Evaluation cycles by result.", "result")
        self.cycle_seconds = self._histogram(
            "cycle_duration_seconds", "Duration of one evaluation cycle.", CYCLE_SECONDS
        )
        self.last_evaluation = self._gauge("last_evaluation_timestamp_seconds", "When the last evaluation cycle ended.")
        self.next_evaluation = self._gauge(
            "next_evaluation_timestamp_seconds", "When the next evaluation cycle is due."
        )
        self.evaluations = self._counter("rule_evaluations", "Evaluations of the rule.", "rule")
        self.evaluation_failures = self._counter(
            "rule_evaluation_failures", "Evaluations of the rule that raised an error.", "rule"
        )
        self.transitions = self._counter("alert_transitions", "Alert transitions by reason.", "reason")
        self.flapping = self._gauge("flapping_alerts", "Alerts marked as flapping.")
        self.exposition_seconds = self._gauge(
            "exposition_duration_seconds", "Duration of the last rendering of the portfolio metrics."
        )
        self.exposition_at = self._gauge("exposition_timestamp_seconds", "When the portfolio metrics were rendered.")
        self.exposition_series = self._gauge("exposition_series", "Portfolio series in the last rendering.")
        self.exposition_dropped = self._gauge(
            "exposition_dropped_series", "Portfolio series left out of the last rendering because of the limit."
        )
        self.exposition_failures = self._counter("exposition_failures", "Renderings that raised an error.")

    def _define_sources(self) -> None:
        self.source_attempt = self._gauge(
            "source_last_attempt_timestamp_seconds", "When the source was last asked.", "source"
        )
        self.source_success = self._gauge(
            "source_last_success_timestamp_seconds", "When the source last gave a complete reading.", "source"
        )
        self.source_max_age = self._gauge(
            "source_max_age_seconds", "Configured age after which data of the source count as stale.", "source"
        )
        self.source_seconds = self._histogram(
            "source_read_duration_seconds", "Duration of one reading of the source.", READ_SECONDS, "source"
        )
        self.source_readings = self._counter("source_readings", "Readings by result.", "source", "result")
        self.source_failures = self._counter("source_failures", "Failed readings by reason.", "source", "reason")
        self.source_records = self._gauge("source_records", "Records in the last accepted reading.", "source", "entity")
        self.source_rejected = self._gauge("source_rejected_records", "Records refused in the last reading.", "source")

    def _define_delivery(self) -> None:
        self.deliveries = self._counter("deliveries", "Delivery attempts by outcome.", "notifier", "outcome")
        self.delivery_failures = self._counter(
            "delivery_failures", "Deferred and rejected delivery attempts by reason.", "notifier", "reason"
        )
        self.delivery_seconds = self._histogram(
            "delivery_duration_seconds", "Duration of one delivery attempt.", DELIVERY_SECONDS, "notifier"
        )
        self.delivery_delay = self._histogram(
            "delivery_delay_seconds", "Time from due to accepted.", DELAY_SECONDS, "notifier"
        )
        self.outbox = self._gauge(
            "outbox_messages", "Messages that wait for delivery, zero-filled.", "notifier", "outcome"
        )
        self.oldest_due = self._gauge(
            "outbox_oldest_due_timestamp_seconds",
            "Due time of the oldest undelivered message; absent when none waits.",
            "notifier",
        )
        self.dead_letters = self._gauge(
            "outbox_dead_letters", "Rejected and expired messages that nobody has dealt with.", "notifier"
        )
        self.held = self._counter("messages_held", "Messages held back on purpose.", "reason")
        self.trimmed = self._counter(
            "message_items_trimmed", "Items left out of messages because of a size limit.", "notifier"
        )
        self.unresolved = self._counter("recipients_unresolved", "Times an audience resolved to nobody.", "audience")
        self.healthy = self._gauge("notifier_healthy", "0 while the notifier has a channel fault, else 1.", "notifier")

    def _define_http(self) -> None:
        self.acknowledgements = self._counter("acknowledgements", "Acknowledgements accepted.", "via")
        self.links_refused = self._counter("ack_links_refused", "Acknowledge links refused.", "reason")
        self.requests = self._counter("http_requests", "HTTP requests by route and status class.", "handler", "code")
        self.request_seconds = self._histogram(
            "http_request_duration_seconds", "Duration of HTTP requests by route.", HTTP_SECONDS, "handler"
        )

    def start(self, names: Names, version: str, revision: str = "") -> None:
        """Export every label value from zero on, and forget those that are no longer set."""
        self.build.info({"version": version, "revision": revision, "python": platform.python_version()})
        self._zero(self.rules, ("active", "disabled", "quarantined"))
        self._zero(self.cycles, ("success", "partial", "failure"))
        self._zero(self.transitions, tuple(Reason))
        self._zero(self.held, ("silenced", "acknowledged", "send_window", "dry_run"))
        self._zero(self.acknowledgements, ("link", "page", "cli", "api"))
        self._zero(self.links_refused, ("malformed", "signature", "expired", "closed", "confirm"))
        self._zero(self.unresolved, names.audiences)
        for metric in (self.evaluations, self.evaluation_failures):
            _keep_only(metric, [(rule,) for rule in names.rules])
        _keep_only(self.rule_file_stale, [(file,) for file in names.files])
        self._start_sources(names.sources)
        self._start_notifiers(names.notifiers)
        for name, its_version, kind in names.plugins:
            self.plugins.labels(name, its_version, kind).set(1)
            self.plugin_errors.labels(name, kind)

    def _start_sources(self, sources: Mapping[str, float]) -> None:
        one = [(name,) for name in sources]
        for metric in (self.source_attempt, self.source_success, self.source_rejected, self.source_seconds):
            _keep_only(metric, one)
        _keep_only(self.source_readings, [(name, result) for name in sources for result in READING_RESULTS])
        _keep_only(self.source_failures, [(name, reason) for name in sources for reason in SOURCE_REASONS])
        for name, seconds in sources.items():
            self.source_max_age.labels(name).set(seconds)

    def _start_notifiers(self, notifiers: Collection[str]) -> None:
        one = [(name,) for name in notifiers]
        for metric in (self.delivery_seconds, self.delivery_delay, self.trimmed, self.dead_letters):
            _keep_only(metric, one)
        _keep_only(self.deliveries, [(name, outcome) for name in notifiers for outcome in DELIVERY_OUTCOMES])
        _keep_only(self.delivery_failures, [(name, reason) for name in notifiers for reason in DELIVERY_REASONS])
        _keep_only(self.outbox, [(name, outcome) for name in notifiers for outcome in WAITING_OUTCOMES])
        for name in notifiers:
            self.healthy.labels(name).set(1)

    @staticmethod
    def _zero(metric: Gauge | Counter, values: Collection[str]) -> None:
        for value in values:
            metric.labels(value)

    def set_moment(self, gauge: Gauge, moment: datetime | None) -> None:
        """Set a timestamp; 0 before the first."""
        gauge.set(moment.timestamp() if moment else 0)

    def exposed(self, series: int, dropped: int, seconds: float, at: datetime) -> None:
        """Note a rendering of the portfolio metrics."""
        self.exposition_series.set(series)
        self.exposition_dropped.set(dropped)
        self.exposition_seconds.set(seconds)
        self.set_moment(self.exposition_at, at)

    def not_exposed(self) -> None:
        """Note a rendering of the portfolio metrics that failed."""
        self.exposition_failures.inc()

    def render(self, *, openmetrics: bool) -> bytes:
        """Return every metric of the daemon in text 0.0.4, or OpenMetrics with its end mark."""
        write = generate_openmetrics if openmetrics else generate_latest
        text: bytes = write(self.registry)
        return text


def _keep_only(metric: Gauge | Counter | Histogram, wanted: Sequence[tuple[str, ...]]) -> None:
    """Export these label values from zero on and remove all others: rules and sources come and go with a reload."""
    children = getattr(metric, "_metrics")  # noqa: B009  # the library lists its children nowhere else
    for labels in set(children) - set(wanted):
        metric.remove(*labels)
    for labels in wanted:
        metric.labels(*labels)
