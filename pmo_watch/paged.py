"""What the daemon gives its pages: what people set, without secrets, and all that lies behind an alert."""

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pmo_watch import __version__
from pmo_watch.errors import ConfigError
from pmo_watch.in_force import InForce
from pmo_watch.inquiry import World
from pmo_watch.outgoing import channels
from pmo_watch.own_rules import with_own_rules
from pmo_watch.route import Changes, Ledger, desk_of
from pmo_watch.rules import RuleSet
from pmo_watch.settings import redacted
from pmo_watch.silences import going_on
from pmo_watch.store import Store
from pmo_watch.telling import CycleReport
from pmo_watch.web_reader import InUse
from pmo_watch.why_asked import ask_why
from pmo_watch.why_shown import parts


def in_use(in_force: InForce) -> InUse:
    """Return what people set as pages show it."""
    versions = {"pmo-watch": __version__, "Python": platform.python_version()}
    rules = with_own_rules(in_force.rules)
    return InUse(rules, in_force.organisation, redacted(in_force.settings), versions)


@dataclass(frozen=True, slots=True, eq=False)
class Behind:
    """Answers `why` for an alert from the last finished cycle, so that nothing is read from the store again for it."""

    store: Store
    in_force: InForce
    report: Callable[[], CycleReport | None]
    now: Callable[[], datetime]

    def __call__(self, alert: str) -> Sequence[str]:
        """Return the lines, in English as the command has them; nothing before the first cycle of this process."""
        report = self.report()
        if report is None:
            return ()
        try:
            answer = ask_why(self.store, self._world(report), alert)
        except ConfigError as fault:
            return (str(fault),)
        found = []
        for part in parts(answer):
            found += ["", part.heading]
            found += [f"  {line['what']}: {text}" for line in part.lines for text in line["is"].splitlines()]
        return found[1:]

    def _world(self, report: CycleReport) -> World:
        rules, now = with_own_rules(self.in_force.rules), self.now()
        silences = self.store.every_silence()
        snapshot = replace(report.snapshot, now=now)
        alerts = tuple(one for one in report.alerts if one.closed_at is None)
        ledger = Ledger(self.store.told(), going_on(silences, now))
        desk = desk_of(Changes(alerts=alerts), ledger, rules, RuleSet(), snapshot, channels(self.in_force))
        return World(self.in_force, rules, snapshot, alerts, tuple(silences), desk, past=False)
