"""Counts what the daemon does, for its own metrics: what is in force, what a cycle brought, what waits."""

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog

from pmo_watch import __version__
from pmo_watch.cycle import Draft
from pmo_watch.errors import PmoWatchError
from pmo_watch.in_force import InForce
from pmo_watch.store import Store
from pmo_watch.telemetry import Names, Telemetry

LOG = structlog.get_logger("pmo_watch.daemon")
MOST_LOGGED = 20


def tell_names(telemetry: Telemetry, in_force: InForce, now: datetime) -> None:
    """Export every name in force from zero on."""
    plugins = in_force.plugins
    names = Names(
        rules=list(in_force.rules.rules),
        files=sorted({*in_force.loaded.texts, *in_force.rules.stale_files}),
        sources={name: _max_age(one.every) for name, one in in_force.sources().items()},
        notifiers=[*in_force.notifiers(), *in_force.pushers()],
        audiences=list(in_force.rules.audiences),
        plugins=[(one.name, one.version, kind) for one in plugins.loaded for kind in one.kinds],
    )
    telemetry.start(names, __version__)
    telemetry.store_up.set(1)
    telemetry.config_hash.set(int(in_force.rules.hash[:12] or "0", 16))
    telemetry.reload_good.set(not in_force.loaded.faults)
    telemetry.set_moment(telemetry.reload_at, now)
    rules = in_force.rules.rules.values()
    telemetry.rules.labels("active").set(sum(one.enabled for one in rules))
    telemetry.rules.labels("disabled").set(sum(not one.enabled for one in rules))
    for file in in_force.loaded.texts:
        telemetry.rule_file_stale.labels(file).set(file in in_force.rules.stale_files)


def tell_outbox(telemetry: Telemetry, store: Store, told: Collection[str]) -> None:
    """Bring the figures up to date that live in the store."""
    try:
        figures, circuits = store.outbox_figures(), store.circuits()
    except PmoWatchError:
        telemetry.store_up.set(0)
        return
    telemetry.store_up.set(1)
    for name in told:
        for outcome in ("waiting", "leased", "deferred"):
            telemetry.outbox.labels(name, outcome).set(0)
        telemetry.dead_letters.labels(name).set(figures.dead_letters.get(name, 0))
        telemetry.healthy.labels(name).set(name not in circuits or circuits[name].fault_since is None)
    for (name, state), count in figures.counts.items():
        if name in told and state.value in {"waiting", "leased", "deferred"}:
            telemetry.outbox.labels(name, state.value).set(count)
    telemetry.show_oldest(figures.oldest_due)


def _log_nowhere(draft: Draft) -> None:
    """Log what rows name and no source has, when a reading brought something new: not in every cycle."""
    nowhere = draft.picture.snapshot.rejected
    if nowhere and any(not one.nothing_new for one in draft.accepted.values()):
        shown = [f"{one.where} {one.field} {one.value}: {one.reason}" for one in nowhere[:MOST_LOGGED]]
        LOG.warning("rows name what no source has", number=len(nowhere), first=shown)


def count_cycle(telemetry: Telemetry, draft: Draft, seconds: float, now: datetime) -> None:
    """Count what a cycle found, changed and said."""
    bad = [one for one in draft.findings if one.failed]
    outcomes = {draft.accepted[one.source].state.outcome for one in draft.readings}
    partial = bad or any(one is not None and one.value != "complete" for one in outcomes)
    telemetry.cycles.labels("partial" if partial else "success").inc()
    telemetry.cycle_seconds.observe(seconds)
    telemetry.set_moment(telemetry.last_evaluation, now)
    for one in draft.findings:
        telemetry.evaluations.labels(one.rule).inc()
        if one.failed:
            telemetry.evaluation_failures.labels(one.rule).inc()
            LOG.warning("rule failed", rule=one.rule, error=one.failed)
    _log_nowhere(draft)
    for step in draft.advanced.transitions:
        telemetry.transitions.labels(step.reason.value).inc()
    telemetry.flapping.set(sum(one.flapping for one in draft.advanced.current))
    for reason, count in draft.routed.held.items():
        telemetry.held.labels(reason).inc(count)
    for audience, count in draft.routed.unresolved.items():
        telemetry.unresolved.labels(audience).inc(count)
    for message, rendered in draft.messages:
        if rendered.trimmed:
            telemetry.trimmed.labels(message.notifier).inc(rendered.trimmed)
    _count_readings(telemetry, draft)


def _count_readings(telemetry: Telemetry, draft: Draft) -> None:
    for reading in draft.readings:
        accepted = draft.accepted[reading.source]
        state, name = accepted.state, reading.source
        telemetry.set_moment(telemetry.source_attempt.labels(name), state.read_at)
        telemetry.set_moment(telemetry.source_success.labels(name), state.last_good)
        telemetry.source_readings.labels(name, state.outcome.value if state.outcome else "failed").inc()
        telemetry.source_rejected.labels(name).set(state.rejected)
        telemetry.source_seconds.labels(name).observe(reading.summary.cost.get("seconds", 0.0))
        if reading.outcome.value == "failed":
            telemetry.source_failures.labels(name, "auth" if reading.refused else "bad_data").inc()
        for entity, frame in accepted.rows.items():
            telemetry.source_records.labels(name, entity).set(frame.height)


def _max_age(every: timedelta) -> float:
    """Return after how many seconds without a good reading data count as stale: three tries and an hour."""
    return every.total_seconds() * 3 + 3600
