"""What was, asked again in every cycle: what a wish keeps stays in memory and follows what is written.

So a cycle in which nothing happened costs nothing, and one in which little changed does not read a year again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from threading import Lock

import polars as pl
from sqlalchemy import Connection, case, func, select

from pmo_watch.flow import Outcome, Samples, Wish
from pmo_watch.store import wishes as of
from pmo_watch.store.changes import ReadingChange
from pmo_watch.store.imports import stands_for, with_past
from pmo_watch.store.snapshots import Written
from pmo_watch.store.tables import READING, SOURCE

AT_ONCE = 500  # uids in one query
Good = tuple[tuple[str, date], ...]  # source, day of its last complete reading


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """The moment, the zone of days, and what a cycle has read and not yet written."""

    now: datetime
    zone: tzinfo
    pending: Sequence[ReadingChange] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What a wish keeps, as of the attempt `token`; of Samples the versions that were current at or after `since`."""

    frame: pl.DataFrame
    token: int
    since: datetime


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Samples as they were answered last, what they depend on, and the last moment at which a version began."""

    frame: pl.DataFrame
    depends: tuple[int, date, Good]
    latest: datetime


def token_of(connection: Connection) -> int:
    """Return the number of the last attempt that changed rows."""
    found: int | None = connection.execute(select(func.max(SOURCE.c.last_change))).scalar()
    return found or 0


@dataclass(slots=True)
class Past:
    """Answers wishes for history."""

    kept: dict[Wish, _Kept] = field(default_factory=dict)
    answers: dict[Samples, _Answer] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def answer(self, connection: Connection, wishes: Iterable[Wish], question: Question) -> dict[Wish, pl.DataFrame]:
        """Answer each wish; see `Store.past`."""
        token, good = token_of(connection), _good_days(connection, question)
        wanted = list(dict.fromkeys(wishes))
        with self.lock:
            self._read(connection, wanted, question, token)
            return {wish: self._one(connection, wish, question, (token, good)) for wish in wanted}

    def written(self, before: int, after: int, changes: Sequence[tuple[ReadingChange, Written]]) -> None:
        """Follow what was committed."""
        with self.lock:
            for wish, one in list(self.kept.items()):
                # Samples of a vanished row end with the reading that first missed it, which only the tables know.
                lost = isinstance(wish, Samples) and any(change.vanished.get(wish.entity) for change, _ in changes)
                lost = lost or any(change.imported for change, _ in changes)
                if one.token != before or lost:
                    del self.kept[wish]
                    continue
                frame = one.frame
                for change, result in changes:
                    frame = of.moved_on(frame, wish, change, result.began)
                self.kept[wish] = _Kept(frame, after, one.since)

    def forget(self) -> None:
        """Read everything again next time."""
        with self.lock:
            self.kept.clear()
            self.answers.clear()

    def _read(self, connection: Connection, wishes: Iterable[Wish], question: Question, token: int) -> None:
        """Read what wishes lack, once for each entity: they share most of its columns."""
        lacking: dict[str, list[tuple[Wish, datetime]]] = {}
        for wish in wishes:
            since = of.since_of(wish, question.now, question.zone)
            one = self.kept.get(wish)
            if of.fields_of(wish) and (one is None or one.token != token or one.since > since):
                lacking.setdefault(wish.entity, []).append((wish, since))
        for some in lacking.values():
            versions = of.read_versions(connection, [wish for wish, _ in some], min(since for _, since in some))
            for wish, since in some:
                self.kept[wish] = _Kept(of.kept_of(versions, wish, since), token, since)

    def _one(self, connection: Connection, wish: Wish, question: Question, tables: tuple[int, Good]) -> pl.DataFrame:
        if not of.fields_of(wish):
            return of.nothing(wish)
        if isinstance(wish, Samples):
            return self._samples(connection, wish, question, tables)
        frame = self._with_pending(connection, wish, question)
        return of.standing(frame, wish, question.now, question.zone)

    def _samples(
        self, connection: Connection, wish: Samples, question: Question, tables: tuple[int, Good]
    ) -> pl.DataFrame:
        token, good = tables
        depends = (token, question.now.astimezone(question.zone).date(), good)
        quiet = not any(_concerns(change, wish.entity) for change in question.pending)
        had = self.answers.get(wish)
        if quiet and had and had.depends == depends and had.latest <= question.now:
            return had.frame
        looked = of.periods_of(wish, question.now, question.zone)
        frame = self._with_pending(connection, wish, question)
        found = of.samples(frame, wish, looked, _heard(connection, looked, good, question.pending))
        latest = frame["known_from"].max()
        if quiet and isinstance(latest, datetime) and latest <= question.now:
            self.answers[wish] = _Answer(found, depends, latest)
        return found

    def _with_pending(self, connection: Connection, wish: Wish, question: Question) -> pl.DataFrame:
        """Return what the wish keeps, with what is pending counted as written."""
        began = [(change, change.state.read_at or question.now) for change in question.pending]
        frame = self.kept[wish].frame
        if any(change.imported and wish.entity in change.imported.versions for change, _ in began):
            frame = _with_past(connection, wish, began, self.kept[wish].since)
        for change, moment in began:
            frame = of.moved_on(frame, wish, change, moment)
        return frame


def samples_of(connection: Connection, wish: Samples, uids: Sequence[str], question: Question) -> pl.DataFrame:
    """Answer a wish for samples of some rows alone, now and then: nothing of it is kept."""
    since = of.since_of(wish, question.now, question.zone)
    pieces = [of.versions_of(connection, wish, uids[at : at + AT_ONCE], since) for at in range(0, len(uids), AT_ONCE)]
    kept = pl.concat(pieces) if pieces else of.versions_of(connection, wish, (), since)
    for change in question.pending:
        kept = of.moved_on(kept, wish, change, change.state.read_at or question.now)
    rows = kept.filter(pl.col("uid").is_in(list(uids)))
    looked = of.periods_of(wish, question.now, question.zone)
    return of.samples(
        rows, wish, looked, _heard(connection, looked, _good_days(connection, question), question.pending)
    )


def _with_past(
    connection: Connection, wish: Wish, began: Sequence[tuple[ReadingChange, datetime]], since: datetime
) -> pl.DataFrame:
    """Return what a wish keeps once the past that is pending has entered."""
    versions = of.read_versions(connection, [wish], since)
    for change, moment in began:
        versions = with_past(connection, versions, wish.entity, change, moment)
    return of.kept_of(versions, wish, since)


def _concerns(change: ReadingChange, entity: str) -> bool:
    changed = change.changed.get(entity)
    moved = (changed is not None and changed.height) or change.vanished.get(entity) or change.deleted.get(entity)
    return bool(moved or (change.imported and entity in change.imported.versions))


def _good_days(connection: Connection, question: Question) -> Good:
    states = connection.execute(select(SOURCE.c.name, SOURCE.c.last_good).where(SOURCE.c.last_good.is_not(None)))
    latest: dict[str, datetime] = {row.name: row.last_good for row in states}
    latest |= {one.state.name: one.state.last_good for one in question.pending if one.state.last_good is not None}
    return tuple(sorted((name, moment.astimezone(question.zone).date()) for name, moment in latest.items()))


def _heard(
    connection: Connection, looked: Sequence[of.Period], good: Good, pending: Sequence[ReadingChange]
) -> Mapping[str, set[str]]:
    """Return, by period, the sources that gave a new complete reading in it."""
    period = case(*[(READING.c.read_at <= one.looked_at, one.name) for one in looked])
    query = (
        select(READING.c.source, period)
        .where(READING.c.number.is_not(None), READING.c.source.in_([name for name, _ in good]))
        .where(READING.c.read_at >= looked[0].begins, READING.c.read_at <= looked[-1].looked_at)
        .distinct()
    )
    heard: dict[str, set[str]] = {}
    for source, name in connection.execute(query):
        heard.setdefault(name, set()).add(source)
    numbers = {row.name: row.reading for row in connection.execute(select(SOURCE.c.name, SOURCE.c.reading))}
    for one in pending:
        is_new = one.state.outcome == Outcome.COMPLETE and one.state.reading > numbers.get(one.state.name, 0)
        if is_new and stands_for(connection, one, one.state.read_at or looked[-1].looked_at) is None:
            heard.setdefault(looked[-1].name, set()).add(one.state.name)
        for past in one.imported.readings if one.imported else ():
            for within in [each.name for each in looked if each.begins <= past.at <= each.looked_at]:
                heard.setdefault(within, set()).add(one.state.name)
    return heard
