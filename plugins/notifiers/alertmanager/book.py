"""Which alerts Alertmanager is told of, under which labels, and which have ended (spec channels 5)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pmo_watch_plugins.notifiers.alertmanager.settings import Settings

from pmo_watch.api import (
    CLOSING,
    PRIVATE,
    Alert,
    CycleReport,
    alert_labels,
    project_labels,
    state_of,
    told_apart,
)

SOURCE = "pmo_watch"
REPEATED = timedelta(minutes=15)  # how long an end is repeated

Labels = tuple[tuple[str, str], ...]  # in the order of their names: what tells an alert from another one there


@dataclass(frozen=True, slots=True)
class Told:
    """An alert as it is told: `since` is the moment from which it has this level."""

    labels: Labels
    since: datetime
    annotations: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""  # its id here


@dataclass(frozen=True, slots=True)
class Book:
    """What is known after a cycle. `firing`: by the alert's id. `ended`: labels -> since when, and until when."""

    firing: Mapping[str, Told] = field(default_factory=dict)
    ended: Mapping[Labels, tuple[datetime, datetime]] = field(default_factory=dict)

    def after(self, report: CycleReport, settings: Settings) -> "Book":
        """Return what is known after a further cycle: those that went on keep what they were called."""
        names = _Names(report, self)
        firing = {
            one.id: _told(one, names.of(one), report, settings)
            for one in report.alerts
            if _is_told(one) and one.id not in report.silenced
        }
        ended = {
            labels: (since, until) for labels, (since, until) in self.ended.items() if until + REPEATED > report.ended
        }
        ended |= {labels: (since, report.ended) for labels, since in self._ends(report, firing, names, settings)}
        for one in firing.values():
            ended.pop(one.labels, None)
        return Book(firing, ended)

    def _ends(
        self, report: CycleReport, firing: Mapping[str, Told], names: "_Names", settings: Settings
    ) -> Iterator[tuple[Labels, datetime]]:
        """Yield the labels that are told no more: of alerts that closed, and those of another level."""
        is_open = {one.id for one in report.alerts if one.level is not None and one.closed_at is None}
        for id_, before in self.firing.items():
            now = firing.get(id_)
            if id_ not in is_open or (now is not None and now.labels != before.labels):
                yield before.labels, before.since
        for step in report.transitions:  # what an earlier process told, `once` above all
            before_it = step.before
            hidden = step.alert.id in self.firing or step.alert.id in report.silenced
            if before_it is None or hidden or not _is_told(before_it):
                continue
            if step.reason in CLOSING or (step.alert.level and step.alert.level != before_it.level):
                labels = _labels(before_it, names.of(before_it), settings)
                yield labels, before_it.since or report.ended


def _is_told(alert: Alert) -> bool:
    return alert.level is not None and alert.closed_at is None and alert.entity not in PRIVATE


class _Names:
    """What alerts are called: project, portfolio and entity."""

    def __init__(self, report: CycleReport, before: Book) -> None:
        projects = project_labels(report.snapshot)
        self._portfolios = dict(projects.select("uid", "portfolio").rows())
        known = {id_: dict(one.labels) for id_, one in before.firing.items()}
        self._named = {id_: (one.get("project", ""), one.get("entity", "")) for id_, one in known.items()}
        taken = {(one["alertname"], *self._named[id_]) for id_, one in known.items()}
        named = [one for one in _all(report) if _is_told(one)]
        for id_, uid, rule, project, entity in alert_labels(projects, named).rows():
            if id_ in self._named:
                continue
            called = told_apart(entity, uid) if (rule, project, entity) in taken else entity
            self._named[id_] = (project, called)
            taken.add((rule, project, called))

    def of(self, alert: Alert) -> Mapping[str, str]:
        """Return the labels that name what an alert is about."""
        project, entity = self._named[alert.id]
        return {"project": project, "portfolio": self._portfolios.get(alert.project) or "", "entity": entity}


def _all(report: CycleReport) -> Iterable[Alert]:
    """Return every alert once: those that are there, and as they were those that closed or changed."""
    found = {step.alert.id: step.before for step in report.transitions if step.before is not None}
    return {**found, **{one.id: one for one in report.alerts if _is_told(one)}}.values()


def _labels(alert: Alert, names: Mapping[str, str], settings: Settings) -> Labels:
    level = alert.level or "amber"
    severity = settings.severity.red if level == "red" else settings.severity.amber
    own = {"alertname": alert.rule, "severity": severity, "level": level, "source": SOURCE, **names}
    return tuple(sorted((name, value) for name, value in own.items() if value))


def _told(alert: Alert, names: Mapping[str, str], report: CycleReport, settings: Settings) -> Told:
    since = alert.since or alert.opened_at or report.ended
    annotations = {
        "summary": report.headline(alert, settings.language),
        "state": state_of(alert, silenced=False),
        "data_as_of": _as_of(alert, report),
    }
    shown = {name: value for name, value in annotations.items() if value}
    return Told(_labels(alert, names, settings), since, shown, alert.id)


def _as_of(alert: Alert, report: CycleReport) -> str:
    """Return the end of the day that the data describe; when they were read, where that is earlier or all there is."""
    source = report.sources.get(alert.source)
    if source is None or source.last_good is None:
        return ""
    moment = source.last_good
    if source.as_of is not None:
        zone = ZoneInfo(report.snapshot.organisation.timezone)
        moment = min(moment, datetime.combine(source.as_of, time(23, 59, 59), zone))
    return rfc3339(moment)


def rfc3339(moment: datetime) -> str:
    """Return a moment as it is sent: RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
