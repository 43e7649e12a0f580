"""Steps 1 to 6 once: read, normalise, evaluate, advance, route, commit. The file to read first.

Delivery is not here: what is to be said lies in the outbox when a cycle is committed, in the same transaction as the
states it speaks of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import polars as pl
import structlog

from pmo_watch.advance import Advanced
from pmo_watch.alerts import Alert, Message, Rendered, Silence
from pmo_watch.collect import Asked, collect, failed, let_go, longest_seconds
from pmo_watch.contracts import Source
from pmo_watch.digests import leaving_now
from pmo_watch.errors import PmoWatchError, SourceError
from pmo_watch.flow import Findings, Outcome, Reading, Snapshot
from pmo_watch.headlines import alert_line
from pmo_watch.in_force import InForce, open_source, reads_files
from pmo_watch.look_back import look_back
from pmo_watch.memory import QUARTER_HOUR, Known, Picture, changes, picture, shown_measures, take_in
from pmo_watch.normalise import Accepted
from pmo_watch.operations import ACCEPT
from pmo_watch.outgoing import channel_faults, channels, named, rendered
from pmo_watch.own_rules import own_findings, with_own_rules
from pmo_watch.rollup import computed_colours, dimensions_of
from pmo_watch.route import Changes, Ledger, Routed, route
from pmo_watch.rules import RuleSet, Span
from pmo_watch.second_round import advance_twice
from pmo_watch.shown import Showing, Shown, same_rows, shown_of
from pmo_watch.silences import silenced
from pmo_watch.standing import LookBack
from pmo_watch.store import CycleChange, CycleStore, MarkKind, StoreConflict
from pmo_watch.telling import CycleReport, Defect, Observer, unnoticed

LOG = structlog.get_logger("pmo_watch.cycle")
DEFECT = "the plugin failed; the log holds the details: please report it to its author"
LATELY = timedelta(days=2)  # a civil day, wherever somebody is
TRIES = 5  # times a cycle decides again because a person acknowledged or silenced meanwhile


class Stopped(PmoWatchError):
    """The cycle was given up while it read: nothing of it is kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """All that a cycle has decided and not yet written."""

    now: datetime
    readings: Sequence[Reading]
    accepted: Mapping[str, Accepted]
    picture: Picture
    rules: RuleSet
    findings: tuple[Findings, ...]
    advanced: Advanced
    routed: Routed
    messages: tuple[tuple[Message, Rendered], ...]
    silences: tuple[Silence, ...]
    change: CycleChange


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What does not depend on alerts: it is decided once, however often the rest is."""

    readings: Sequence[Reading]
    accepted: Mapping[str, Accepted]
    picture: Picture
    rules: RuleSet
    findings: tuple[Findings, ...]
    accepting: frozenset[str] = field(default_factory=frozenset)

    def drafted(
        self,
        now: datetime,
        advanced: Advanced,
        routed: Routed,
        messages: tuple[tuple[Message, Rendered], ...],
        change: CycleChange,
    ) -> Draft:
        known = (self.readings, self.accepted, self.picture, self.rules, self.findings)
        return Draft(now, *known, advanced, routed, messages, routed.standing, change)

    def still(self, now: datetime, alerts: Sequence[Alert], change: CycleChange) -> Draft:
        return self.drafted(now, Advanced((), (), tuple(alerts)), Routed(), (), change)


class Engine:
    """Runs cycles over one store; keeps between them what the last committed one knew."""

    def __init__(
        self,
        store: CycleStore,
        in_force: InForce,
        observers: Mapping[str, Observer] | None = None,
        defect: Defect = unnoticed,
        ahead: Known | None = None,
    ) -> None:
        self.store = store
        self.in_force = in_force
        self.observers: Mapping[str, Observer] = observers or {}
        self._defect = defect
        self._former: RuleSet | None = None
        self.known = Known.stored(store, ahead)
        self._picture: Picture | None = None
        self._shown: tuple[Snapshot, Shown] | None = None  # what views for dashboards hold, and of what
        self._reads_files: dict[str, bool] = {}
        self._revision = -1  # of the alerts as the last cycle left them
        self.report: CycleReport | None = None
        self._number = 0
        self._settled: set[str] = set()
        self._stopped = False
        self._being_read: list[Asked] = []

    def forget(self, flag: str) -> None:
        """Let the next cycle take back a mark that a person set and that has been acted upon."""
        self._settled.add(flag)

    def cycle(self, now: datetime, due: Sequence[str]) -> Draft:
        """Read the sources that are due and take everything one step on, in one transaction.

        Raises:
            StoreError, Stopped: nothing of it is kept; the next cycle begins where this one did.
        """
        decided = self._decide(now, due)
        if self._is_quiet(decided):
            return self._rest(now, decided)
        for _ in range(TRIES):
            draft = self._draft(now, decided)
            try:
                self.store.write(draft.change)
            except StoreConflict:
                continue  # a person's act came in between: decide again on what it left
            self._take(draft)
            return draft
        raise StoreConflict("alerts are changing faster than a cycle can decide: is another daemon running?")

    def _is_quiet(self, decided: Decided) -> bool:
        """Say whether there is nothing to decide: the same data, the same quarter of an hour, nobody acted."""
        same = self._picture is not None and decided.picture.key == self._picture.key
        same = same and decided.picture.evaluated is (self._picture and self._picture.evaluated)
        unread = all(one.nothing_new for one in decided.accepted.values())
        unread = unread and not decided.accepting and not self._settled
        return same and unread and self.report is not None and self.store.revision() == self._revision

    def _rest(self, now: datetime, decided: Decided) -> Draft:
        """Write that sources were asked and had nothing new; everything else stays as the last cycle left it."""
        assert self.report is not None  # as `_is_quiet` has seen
        readings = changes(decided.accepted, decided.readings, decided.picture.snapshot.today)
        change = CycleChange(now, readings=readings)
        if readings:
            self.store.write(change)
        self.known, self._picture = decided.picture.known, decided.picture
        return decided.still(now, self.report.alerts, change)

    def show_stored(self, now: datetime) -> None:
        """Tell observers what the store holds, before anything is read: nothing is written, and no alert changes.

        The picture is kept: a first cycle that finds nothing new does not make it again. With nothing known nothing is
        told.

        Raises:
            StoreError, Stopped
        """
        if not self.known.states:
            return
        decided = self._decide(now, ())
        # How long a source may fail is known once it was opened: its own finding waits for the first cycle.
        decided = replace(decided, findings=decided.picture.evaluated.findings)
        alerts = [one for one in self.store.alerts() if one.closed_at is None]
        self._picture = decided.picture
        self._former = self._former or decided.rules
        self._tell(replace(decided.still(now, alerts, CycleChange(now)), silences=tuple(self.store.silences())))

    def preview(self, now: datetime, due: Sequence[str]) -> Draft:
        """Decide a cycle and write nothing."""
        return self._draft(now, self._decide(now, due))

    # --- steps 1 to 3: what is known ------------------------------------------------------------------------------

    def _decide(self, now: datetime, due: Sequence[str]) -> Decided:
        accepting = frozenset(name.removeprefix(ACCEPT) for name in self._flags() if name.startswith(ACCEPT))
        readings, accepted = self._taken_in(now, due, accepting)
        pending = changes(accepted, readings, now.astimezone(self.in_force.zone).date())
        made = picture(
            None if any(one.imported for one in accepted.values()) else self._picture,  # another past
            self.known.after(accepted),
            self.in_force,
            (now, self._part_of_day(now)),
            lambda wishes: self.store.past(wishes, now, self.in_force.zone, pending),
            shown_measures(self.observers),
        )
        if self._picture is None or made.evaluated is not self._picture.evaluated:
            for name in made.evaluated.defects:
                self._defect("measure", name)
        rules = with_own_rules(self.in_force.rules)
        findings = (*made.evaluated.findings, *own_findings(made.snapshot, self.graces()))
        return Decided(readings, accepted, made, rules, findings, accepting & set(accepted))

    def _taken_in(
        self, now: datetime, due: Sequence[str], accepting: frozenset[str]
    ) -> tuple[Sequence[Reading], Mapping[str, Accepted]]:
        readings = self._read(now, due)
        if self._stopped:
            raise Stopped("stopped while it read")  # what closed sources still say is no news of them
        return readings, take_in(readings, self.known, self.in_force, accepting)

    def _read(self, now: datetime, due: Sequence[str]) -> list[Reading]:
        asked: list[Asked] = []
        unopened: list[Reading] = []
        for name in due:
            entry = self.in_force.sources().get(name)
            if entry is None:
                continue
            defect = partial(self._defect, "source", entry.type)
            try:
                source = self._opened(name, now, defect)
            except SourceError as fault:
                unopened.append(failed(name, now, fault))
                continue
            except Exception:  # a plugin's defect costs its source, never the others
                LOG.exception("source cannot be opened", source=name)
                defect()
                unopened.append(Reading(name, now, Outcome.FAILED, error=DEFECT))
                continue
            rows = self.known.rows.get(name, {})
            longest = longest_seconds(entry.settings)
            cursor = self.known.state(name, entry.type).cursor
            asked.append(Asked(name, source, cursor, defect, rows, longest))
        self._being_read = asked
        try:
            return [*collect(asked, now, self.in_force.settings.reading_limits()), *unopened]
        finally:
            let_go(asked)
            self._being_read = []

    def _opened(self, name: str, now: datetime, defect: Callable[[], None]) -> Source:
        source = open_source(self.in_force, name, now)
        try:
            self._reads_files[name] = reads_files(source)
        except Exception:
            let_go([Asked(name, source, {}, defect)])
            raise
        return source

    def graces(self) -> dict[str, Span]:
        """Return how long each source may fail before the ICT unit is told."""
        return {name: self.in_force.settings.limits.grace(files=one) for name, one in self._reads_files.items()}

    def _flags(self) -> dict[str, str]:
        return self.store.marks(MarkKind.FLAG)

    # --- steps 4 and 5: what follows ------------------------------------------------------------------------------

    def _draft(self, now: datetime, decided: Decided) -> Draft:
        revision = self.store.revision()
        advanced, decided = self._advanced(decided)
        colours = self._colours(decided.rules, decided.findings, decided.picture.snapshot)
        ledger = self._ledger(now, decided)
        routed = route(
            Changes(advanced.transitions, advanced.current, decided.findings, advanced.flapping, colours),
            ledger,
            decided.rules,
            decided.picture.snapshot,
            channels(self.in_force),
            self._former,
        )
        messages = tuple((message, self._in_words(message, now)) for message in routed.messages)
        change = CycleChange(
            now,
            based_on=revision,
            readings=changes(decided.accepted, decided.readings, decided.picture.snapshot.today),
            alerts=advanced.alerts,
            transitions=advanced.transitions,
            told=routed.told_added,
            told_removed=routed.told_removed,
            silences=routed.silences,
            messages=messages,
            withdrawn=routed.replaces,
            expires=self.in_force.settings.delivery.expires,
            threads=named(routed.threads, messages),
            marks=self._marks(routed, decided),
            colours=colours,
            showing=self._showing(now, decided, advanced, routed.standing),
        )
        return decided.drafted(now, advanced, routed, messages, change)

    def _part_of_day(self, now: datetime) -> int:
        return int(now.timestamp()) // QUARTER_HOUR

    def _in_words(self, message: Message, now: datetime) -> Rendered:
        return rendered(message, self.in_force, now, self._defect)

    def _showing(self, now: datetime, decided: Decided, advanced: Advanced, silences: Sequence[Silence]) -> Showing:
        snapshot, hidden = decided.picture.snapshot, silenced(advanced.current, decided.rules.rules, silences, now)
        of, before = self._shown or (None, None)
        return Showing(hidden) if same_rows(of, snapshot) else Showing(hidden, shown_of(snapshot), before)

    def _advanced(self, decided: Decided) -> tuple[Advanced, Decided]:
        """Take alerts one step on, and return what is decided with the findings of rules about alerts."""
        measures, seen, told_on = self.in_force.plugins.measures, decided.picture.snapshot, self.store.told_on
        rounds = advance_twice(self.store.alerts(), decided.findings, decided.rules, seen, measures, told_on)
        for name in rounds.defects:
            self._defect("measure", name)
        shown = replace(decided.picture, snapshot=rounds.snapshot)
        return rounds.advanced, replace(decided, findings=rounds.findings, picture=shown)

    def _colours(self, rules: RuleSet, findings: Sequence[Findings], snapshot: Snapshot) -> pl.DataFrame:
        return computed_colours(findings, dimensions_of(rules, self.in_force.plugins.measures), snapshot)

    def _ledger(self, now: datetime, decided: Decided) -> Ledger:
        marks = {(kind.value, name): text for kind in (MarkKind.DIGEST, MarkKind.FLAG)
                 for name, text in self.store.marks(kind).items()}  # fmt: skip
        faults = channel_faults(self.in_force, self.store.circuits())
        store, snapshot = self.store, decided.picture.snapshot
        told, threads = store.told(), store.threads()
        silences = [*store.silences(), *store.ended_by_hand()]
        was = LookBack()
        if leaving := leaving_now(decided.rules.digests, marks, snapshot):
            was = look_back(store, snapshot, leaving, changes(decided.accepted, decided.readings, snapshot.today))
        failed = self.in_force.templates.failed()
        left = store.left(now - LATELY)
        return Ledger(told, silences, store.waiting(now), threads, marks, faults, was, failed, left)

    def _marks(self, routed: Routed, decided: Decided) -> dict[tuple[MarkKind, str], str | None]:
        marks: dict[tuple[MarkKind, str], str | None] = {
            (MarkKind(kind), name): text for (kind, name), text in routed.marks.items()
        }
        marks |= {(MarkKind.FLAG, f"{ACCEPT}{name}"): None for name in decided.accepting}
        marks |= {(MarkKind.FLAG, flag): None for flag in tuple(self._settled)}
        texts = self.in_force.loaded.texts
        known = self.store.marks(MarkKind.RULE_TEXT)
        marks |= {(MarkKind.RULE_TEXT, file): text for file, text in texts.items() if known.get(file) != text}
        marks |= {(MarkKind.RULE_TEXT, file): None for file in known if file not in texts}
        return marks

    # --- after the commit -----------------------------------------------------------------------------------------

    def _take(self, draft: Draft) -> None:
        # A reload in another thread may have added one since the marks were written: that one stays for the next cycle.
        self._settled -= {name for (_, name), text in draft.change.marks.items() if text is None}
        self._revision = (draft.change.based_on or 0) + 1
        self.known = draft.picture.known
        self._picture = draft.picture
        if draft.change.showing and draft.change.showing.shown:
            self._shown = draft.picture.snapshot, draft.change.showing.shown
        self._former = draft.rules
        self._number += 1
        self._tell(draft)

    def _tell(self, draft: Draft) -> None:
        self.report = self._reported(draft)
        for name, observer in self.observers.items():
            try:
                observer.cycle_finished(self.report)
            except Exception:
                LOG.exception("observer failed", notifier=name)
                entry = self.in_force.settings.notifiers.get(name)
                self._defect("observer", entry.type if entry else name)

    def _reported(self, draft: Draft) -> CycleReport:
        snapshot = draft.picture.snapshot
        colours = draft.change.colours
        return CycleReport(
            number=self._number,
            started=draft.now,
            ended=draft.now,
            snapshot=snapshot,
            rules=draft.rules,
            findings=draft.findings,
            alerts=draft.advanced.current,
            transitions=draft.advanced.transitions,
            silenced=silenced(draft.advanced.current, draft.rules.rules, draft.silences, draft.now),
            measures={(name, ""): frame for name, frame in draft.picture.evaluated.values.items()},
            readings={one.source: draft.accepted[one.source].state.outcome or one.outcome for one in draft.readings},
            sources=snapshot.sources,
            colours=self._colours(draft.rules, draft.findings, snapshot) if colours is None else colours,
            headline=partial(alert_line, draft.rules.rules),
        )

    def swap(self, in_force: InForce, observers: Mapping[str, Observer]) -> None:
        """Take up new settings and rules between two cycles."""
        self.in_force = in_force
        self.observers = observers
        self._picture = None
        self._revision = -1  # the next cycle is not quiet, whatever is shown before it

    def stop(self) -> None:
        """Give up a reading that goes on, and begin no other; what is read already is still taken in."""
        self._stopped = True
        let_go(self._being_read, wait_seconds=0)
