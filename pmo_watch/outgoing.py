"""What leaves under the settings in force: the notifiers as routing sees them, and messages in their words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from pmo_watch.ack_links import Key, token_for
from pmo_watch.alerts import Message, Rendered, Thread
from pmo_watch.audiences import Channels
from pmo_watch.in_force import InForce
from pmo_watch.render import RenderContext, render, render_for
from pmo_watch.store import Circuit
from pmo_watch.telling import Defect, unnoticed

LOG = structlog.get_logger("pmo_watch.outgoing")


def channels(in_force: InForce) -> Channels:
    """Return the notifiers as routing sees them."""
    entries = in_force.notifiers()
    kinds = in_force.plugins.notifiers
    delivery = in_force.settings.delivery
    return Channels(
        addressed=tuple(name for name, one in entries.items() if kinds[one.type].addresses),
        posted=tuple(name for name, one in entries.items() if not kinds[one.type].addresses),
        fallbacks={name: one.fallback for name, one in entries.items() if one.fallback},
        languages={name: said for name, one in entries.items() if (said := getattr(one.settings, "language", ""))},
        send_from=delivery.send_from,
        send_until=delivery.send_until,
        once_a_day=delivery.once_a_day,
    )


def rendered(message: Message, in_force: InForce, now: datetime, defect: Defect = unnoticed) -> Rendered:
    """Return a message in its reader's words, and in the form that its notifier sends where its plugin can make it."""
    entry = in_force.notifiers().get(message.notifier)
    context = render_context(in_force, now)
    if entry is None:
        return render(message, context)[0]
    try:
        return render_for(message, context, in_force.plugins.notifiers[entry.type], entry.settings)[0]
    except Exception:  # a plugin's defect costs the form of its messages, and no cycle
        LOG.exception("notifier cannot render", notifier=entry.name)
        defect("notifier", entry.type)
        return render(message, context)[0]


def channel_faults(in_force: InForce, circuits: Mapping[str, Circuit]) -> dict[str, tuple[str, str]]:
    """Return the notifiers in force that do not work: since when, and what the other side said."""
    known = {**in_force.notifiers(), **in_force.pushers()}
    return {
        name: (one.fault_since.isoformat(), f"{one.fault_reason}: {one.fault_answer}")
        for name, one in circuits.items()
        if one.fault_since is not None and name in known
    }


def named(threads: Sequence[Thread], messages: Sequence[tuple[Message, Rendered]]) -> list[Thread]:
    """Give threads that start now the subject that was rendered for their first message."""
    subjects = {message.thread: one.headers.get("thread-subject", "") for message, one in messages}
    return [replace(one, subject=subjects.get(one.id, one.subject)) for one in threads]


def render_context(in_force: InForce, now: datetime) -> RenderContext:
    """Return what holds for every message of a cycle."""
    settings, organisation = in_force.settings, in_force.organisation
    keys = [Key(one.id, one.key.get_secret_value().encode()) for one in settings.http.ack.keys]
    external = settings.http.external_url

    def acknowledge(message: Message) -> str:
        if not (keys and external):
            return ""
        return f"{external}/ack/{token_for(message.id, message.recipient, now, settings.http.ack.valid, keys)}"

    return RenderContext(
        now=now,
        organisation=organisation,
        calendar=in_force.calendars[organisation.calendar],
        source_kinds={name: entry.type for name, entry in settings.sources.items()},
        external_url=external,
        alerts_page=f"{external.rstrip('/')}/alerts" if external else "",
        grafana_url=settings.grafana.url,
        acknowledge=acknowledge,
        overrides=in_force.templates.overrides,
    )
