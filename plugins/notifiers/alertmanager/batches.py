"""The alerts of a push as Alertmanager's API takes them, five hundred at a time (spec channels 5)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pmo_watch_plugins.notifiers.alertmanager.book import SOURCE, Book, Labels, rfc3339

MOST_IN_A_BATCH = 500
LASTS = 3  # times the interval: so long an alert lives without another push
HEARTBEAT = (("alertname", "PmoWatchHeartbeat"), ("severity", "none"), ("source", SOURCE))
TEST = (("alertname", "PmoWatchTest"), ("severity", "none"), ("source", SOURCE))
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

Pushed = dict[str, Any]


def alerts_of(book: Book, now: datetime, every: timedelta, external_url: str) -> list[Pushed]:
    """Return all that is open, and what has ended, as of now."""
    found = []
    for one in book.firing.values():
        alert = pushed(one.labels, one.since, now + LASTS * every, one.annotations)
        if external_url:
            alert["generatorURL"] = f"{external_url.rstrip('/')}/alerts/{one.alert}"
        found.append(alert)
    found += [pushed(labels, since, until, {}) for labels, (since, until) in book.ended.items()]
    return found


def pushed(labels: Labels, starts: datetime, ends: datetime, annotations: Mapping[str, str]) -> Pushed:
    """Return one alert; it never ends before it starts, which would be refused."""
    return {
        "labels": dict(labels),
        "annotations": dict(annotations),
        "startsAt": rfc3339(starts),
        "endsAt": rfc3339(max(starts, ends)),
    }


def fault(alert: Pushed) -> str:
    """Say what is wrong with an alert; nothing when it is fine. A batch with a bad one is refused, and half stored."""
    labels = alert["labels"]
    if not labels.get("alertname"):
        return "it has no alertname"
    for kind in ("labels", "annotations"):
        for name, value in alert[kind].items():
            if not _NAME.fullmatch(name):
                return f"'{name}' is no name of a label"
            if not isinstance(value, str) or not value.strip() or "\x00" in value:
                return f"the value of '{name}' is none"
            if any("\ud800" <= sign <= "\udfff" for sign in value):
                return f"the value of '{name}' is no text"
    return ""


def batches(alerts: Sequence[Pushed]) -> Iterator[Sequence[Pushed]]:
    """Yield the alerts in batches; one empty batch where there are none, so that members are seen all the same."""
    for first in range(0, max(len(alerts), 1), MOST_IN_A_BATCH):
        yield alerts[first : first + MOST_IN_A_BATCH]
