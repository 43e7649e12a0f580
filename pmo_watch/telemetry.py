"""What the daemon says of itself: every `pmo_watch_*` metric, in one place, from zero on (spec channels 4.6)."""

import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import ALLOWUTF8
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
STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
# What only the daemon tells that runs the cycles: two of them would add up, and one that reads nothing is not stale.
LEADERS_OWN = tuple(f"pmo_watch_{name}" for name in (
    "cycle", "last_evaluation", "next_evaluation", "rule", "alert_transitions", "flapping", "exposition", "source",
    "outbox", "messages_held", "message_items", "recipients_unresolved",
))  # fmt: skip
HOOKS = {"source": "read", "measure": "measure", "notifier": "send", "observer": "cycle_finished"}  # by kind of plugin
Labelled = Gauge | Counter | Histogram | Info


@dataclass(frozen=True, slots=True)
class Names:
    """The closed sets that label values come from; everything is exported from zero on."""

    rules: Collection[str] = ()
    files: Collection[str] = ()
    sources: Mapping[str, float] = field(default_factory=dict)  # name -> seconds after which its data are stale
    notifiers: Collection[str] = ()
    audiences: Collection[str] = ()
    plugins: Sequence[tuple[str, str, str]] = ()  # name, version, kind


class Later:
    """A gauge that is absent until it is set: 0 would say that a cycle has been due since 1970."""

    def __init__(self, gauge: Gauge, registry: CollectorRegistry) -> None:
        self._gauge = gauge
        self._is_set = False
        registry.unregister(gauge)
        registry.register(self)

    def set(self, value: float) -> None:
        """Set it, and be exported from now on."""
        self._gauge.set(value)
        self._is_set = True

    def collect(self) -> Iterable[Metric]:
        """Return the family once there is a value."""
        return self._gauge.collect() if self._is_set else ()


class _Shown:
    """The families that are exported now."""

    def __init__(self, registry: CollectorRegistry, *, leads: bool) -> None:
        self._registry = registry
        self._hidden = () if leads else LEADERS_OWN

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return (one for one in self._registry.collect() if not one.name.startswith(self._hidden))


class Telemetry:
    """The daemon's own registry; callers set and count, the metrics endpoint renders. Safe from any thread."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self.registry = CollectorRegistry(auto_describe=False)
        self._leads = True
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        self._define_daemon()
        self._define_cycles()
        self._define_sources()
        self._define_delivery()
        self._define_http()

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"pmo_watch_{name}", text, labels, registry=self.registry, unit=_unit(name))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"pmo_watch_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        told = f"pmo_watch_{name}"
        return Histogram(told, text, labels, registry=self.registry, buckets=buckets, unit=_unit(name))

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
        named = ("plugin", "version", "kind")
        self.plugins = Info("pmo_watch_plugin", "Loaded plugins.", named, registry=self.registry)
        self.plugin_errors = self._counter("plugin_errors", "Exceptions that left a plugin.", "plugin", "hook")

    def _define_cycles(self) -> None:
        self.cycles = self._counter("cycles", "Evaluation cycles by result.", "result")
        self.cycle_seconds = self._histogram(
            "cycle_duration_seconds", "Duration of one evaluation cycle.", CYCLE_SECONDS
        )
        self.last_evaluation = self._gauge("last_evaluation_timestamp_seconds", "When the last evaluation cycle ended.")
        self.next_evaluation = Later(
            self._gauge("next_evaluation_timestamp_seconds", "When the next evaluation cycle is due."), self.registry
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
        self.token_expiry = self._gauge(
            "oauth_token_expiry_timestamp_seconds", "Expiry of the cached access token.", "notifier"
        )

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
        _each(self.rules, ("active", "disabled", "quarantined"))
        _each(self.cycles, ("success", "partial", "failure"))
        _each(self.transitions, tuple(Reason))
        _each(self.held, ("silenced", "acknowledged", "send_window", "once_a_day", "absent", "dry_run"))
        _each(self.acknowledgements, ("link", "page", "cli", "api"))
        _each(self.links_refused, ("malformed", "signature", "expired", "closed", "confirm"))
        _each(self.unresolved, names.audiences)
        _each(self.evaluations, names.rules)
        _each(self.evaluation_failures, names.rules)
        _each(self.rule_file_stale, names.files)
        self._start_sources(names.sources)
        self._start_notifiers(names.notifiers)
        _keep_only(self.plugins, [tuple(plugin) for plugin in names.plugins])
        for plugin in names.plugins:
            self.plugins.labels(*plugin).info({})
        _keep_only(self.plugin_errors, [(name, HOOKS.get(kind, kind)) for name, _, kind in names.plugins])

    def _start_sources(self, sources: Mapping[str, float]) -> None:
        for metric in (
            self.source_attempt,
            self.source_success,
            self.source_max_age,
            self.source_seconds,
            self.source_rejected,
        ):
            _each(metric, sources)
        _keep_only(self.source_readings, product(sources, READING_RESULTS))
        _keep_only(self.source_failures, product(sources, SOURCE_REASONS))
        _keep_only(self.source_records, [labels for labels in _exported(self.source_records) if labels[0] in sources])
        for name, seconds in sources.items():
            self.source_max_age.labels(name).set(seconds)

    def _start_notifiers(self, notifiers: Collection[str]) -> None:
        for metric in (self.delivery_seconds, self.delivery_delay, self.trimmed, self.dead_letters):
            _each(metric, notifiers)
        _keep_only(self.deliveries, product(notifiers, DELIVERY_OUTCOMES))
        _keep_only(self.delivery_failures, product(notifiers, DELIVERY_REASONS))
        _keep_only(self.outbox, product(notifiers, WAITING_OUTCOMES))
        for metric in (self.oldest_due, self.token_expiry):  # those that have something to say go on saying it
            _keep_only(metric, [labels for labels in _exported(metric) if labels[0] in notifiers])
        new = [name for name in notifiers if (name,) not in _exported(self.healthy)]
        _each(self.healthy, notifiers)
        for name in new:
            self.healthy.labels(name).set(1)

    def serve(self, handlers: Collection[str]) -> None:
        """Export every route from zero on."""
        _keep_only(self.requests, product(handlers, STATUS_CLASSES))
        _each(self.request_seconds, handlers)

    def show_oldest(self, due: Mapping[str, datetime]) -> None:
        """Show since when the oldest undelivered message of each notifier is due; no series where none waits."""
        _each(self.oldest_due, due)
        for notifier, moment in due.items():
            self.oldest_due.labels(notifier).set(moment.timestamp())

    def token_taken(self, notifier: str, until: datetime) -> None:
        """Note until when the access token is good that a notifier has just taken."""
        self.token_expiry.labels(notifier).set(until.timestamp())

    def pushed(self, notifier: str, outcome: str, reasons: Iterable[str], seconds: float) -> None:
        """Note a push: how it ended, and for what reasons members did not take it; one that took it is enough."""
        self.deliveries.labels(notifier, outcome).inc()
        self.delivery_seconds.labels(notifier).observe(seconds)
        self.healthy.labels(notifier).set(outcome == "accepted")
        for reason in reasons:
            self.delivery_failures.labels(notifier, reason if reason in DELIVERY_REASONS else "other").inc()

    def set_moment(self, gauge: "Gauge | Later", moment: datetime | None) -> None:
        """Set a timestamp; 0 before the first."""
        gauge.set(moment.timestamp() if moment else 0)

    def exposed(self, series: int, dropped: int, seconds: float, at: datetime) -> None:
        """Note a rendering of the portfolio metrics."""
        self.exposition_series.set(series)
        self.exposition_dropped.set(dropped)
        self.exposition_seconds.set(seconds)
        self.set_moment(self.exposition_at, at)

    def plugin_failed(self, kind: str, plugin: str) -> None:
        """Count an exception that left a plugin; `kind`: source, measure, notifier, observer."""
        self.plugin_errors.labels(plugin, HOOKS.get(kind, kind)).inc()

    def not_exposed(self) -> None:
        """Note a rendering of the portfolio metrics that failed."""
        self.exposition_failures.inc()

    def lead(self, *, leads: bool) -> None:
        """Show that this daemon runs the cycles, or leave out what only that one tells."""
        self._leads = leads
        self.leader.set(leads)

    def render(self, *, openmetrics: bool) -> bytes:
        """Return every metric of the daemon in text 0.0.4, or OpenMetrics with its end mark."""
        write = generate_openmetrics if openmetrics else generate_latest
        # Our names need no escaping; looking for what does takes longer than all the rest.
        text: bytes = write(_Shown(self.registry, leads=self._leads), ALLOWUTF8)
        return text


def _unit(name: str) -> str:
    """Return the unit that a name ends in, which OpenMetrics has in a line of its own."""
    return "seconds" if name.endswith("_seconds") else ""


def _exported(metric: Labelled) -> list[tuple[str, ...]]:
    return list(getattr(metric, "_metrics"))  # noqa: B009  # the library lists its children nowhere else


def _each(metric: Labelled, values: Iterable[str]) -> None:
    _keep_only(metric, [(value,) for value in values])


def _keep_only(metric: Labelled, wanted: Iterable[tuple[str, ...]]) -> None:
    """Export these label values from zero on and remove all others: rules and sources come and go with a reload."""
    kept = list(wanted)
    for labels in set(_exported(metric)) - set(kept):
        metric.remove(*labels)
    for labels in kept:
        metric.labels(*labels)
