"""What a silence would hide, before anybody sets it: which open alerts, and who would not be told of them at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pmo_watch.alerts import Alert, Silence
from pmo_watch.desk import AT_ONCE, Desk
from pmo_watch.routings import TELL, Reader, Router
from pmo_watch.rules import Rule
from pmo_watch.silences import matches


@dataclass(frozen=True, slots=True)
class Untold:
    """Somebody who would hear of hidden alerts at once, and will not; `alerts`: how many of them.

    `address` is empty for a channel. `audiences`: why they would be told.
    """

    name: str
    address: str
    channel: str
    audiences: tuple[str, ...]
    alerts: int


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A silence that nobody has set yet, the open alerts that it would hide, and who would not be told."""

    silence: Silence
    alerts: tuple[Alert, ...]
    untold: tuple[Untold, ...]

    def document(self, shown: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return it as JSON has it; `shown`: the hidden alerts as whoever asks sees them."""
        silence = {name: one for name, one in asdict(self.silence).items() if name not in {"id", "ended", "ended_by"}}
        return {"silence": silence, "hides": [*shown], "not_told": [asdict(one) for one in self.untold]}


def preview(silence: Silence, alerts: Iterable[Alert], desk: Desk) -> Preview:
    """Return what a silence would do among these alerts; digests and the ends of alerts go through it."""
    rules, router = desk.rules.rules, Router(desk)
    found = tuple(one for one in alerts if _is_open(one) and matches(silence, one, rules.get(one.rule)))
    desk.subjects.fetch((one.entity, one.subject) for one in found)
    heard: dict[tuple[str, str], dict[str, set[str]]] = {}
    readers: dict[tuple[str, str], Reader] = {}
    for alert in found:
        for audience, reader in _readers(router, desk.rule(alert.rule), alert):
            key = reader.id, reader.channel
            readers.setdefault(key, reader)
            heard.setdefault(key, {}).setdefault(audience, set()).add(alert.id)
    untold = (_untold(readers[key], audiences) for key, audiences in heard.items())
    return Preview(silence, found, tuple(sorted(untold, key=lambda one: (-one.alerts, one.name))))


def _is_open(alert: Alert) -> bool:
    return alert.level is not None and alert.closed_at is None


def _readers(router: Router, rule: Rule, alert: Alert) -> Iterator[tuple[str, Reader]]:
    for one in router.routings(rule, alert):
        is_over = one.by == TELL and one.level == "amber" and alert.level == "red"
        if one.how == AT_ONCE and not one.counted and not is_over:
            yield from ((one.audience, reader) for reader in one.readers)


def _untold(reader: Reader, audiences: Mapping[str, set[str]]) -> Untold:
    alerts = set().union(*audiences.values())
    return Untold(reader.name, reader.address, reader.channel, tuple(sorted(audiences)), len(alerts))
