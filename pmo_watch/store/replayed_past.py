"""Wishes for history, answered at a moment that has passed as they were answered then."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, tzinfo

import polars as pl

from pmo_watch.flow import COLOURS, Outcome, Samples, Wish
from pmo_watch.store import wishes as of
from pmo_watch.store.changes import ReadingChange
from pmo_watch.store.stored_history import StoredHistory, empty_versions

Depends = tuple[date, int, frozenset[tuple[str, str]]]


class ReplayedPast:
    """Answers wishes as `Store.past` does, going from moment to moment through stored history."""

    def __init__(self, history: StoredHistory) -> None:
        self._versions = history.versions
        self._changes = {name: _moments(frame) for name, frame in history.versions.items()}
        self._heard: dict[str, list[datetime]] = {}
        self._looked = sorted(
            one.read_at for one in history.attempts if one.outcome == Outcome.COMPLETE and one.number != 0
        )
        for one in history.attempts:
            if one.number is not None:
                self._heard.setdefault(one.source, []).append(one.read_at)
        self._kept: dict[Wish, pl.DataFrame] = {}
        self._answers: dict[Samples, tuple[Depends, pl.DataFrame]] = {}
        self._at: datetime | None = None  # up to when readings were taken in

    def written(self, at: datetime, changes: Sequence[ReadingChange]) -> None:
        """Follow what a cycle took in."""
        self._kept = {wish: _moved(frame, wish, changes, at) for wish, frame in self._kept.items()}
        self._at = at

    def answer(
        self, wishes: Iterable[Wish], now: datetime, zone: tzinfo, pending: Sequence[ReadingChange]
    ) -> dict[Wish, pl.DataFrame]:
        """Answer each wish but those for colours; see `Store.past`."""
        asked = [one for one in dict.fromkeys(wishes) if one.entity != COLOURS]
        return {wish: self._one(wish, now, zone, pending) for wish in asked}

    def samples_of(self, wish: Samples, uids: Sequence[str], now: datetime, zone: tzinfo) -> pl.DataFrame:
        """Answer a wish for samples of these rows alone."""
        looked = of.periods_of(wish, now, zone)
        rows = self._as_known(wish, now, looked[0].looked_at)
        return of.samples(rows.filter(pl.col("uid").is_in(list(uids))), wish, looked, self._periods_heard(looked))

    def heard_at_all(self, looked: Sequence[of.Period]) -> set[str]:
        """Return the periods in which any source was read whole, and the present one."""
        spans = [(one, bisect_right(self._looked, one.looked_at)) for one in looked]
        return {one.name for one, end in spans if end and self._looked[end - 1] >= one.begins} | {looked[-1].name}

    def _one(self, wish: Wish, now: datetime, zone: tzinfo, pending: Sequence[ReadingChange]) -> pl.DataFrame:
        if not of.fields_of(wish):
            return of.nothing(wish)
        if isinstance(wish, Samples):
            return self._samples(wish, now, zone)
        if wish not in self._kept:
            self._kept[wish] = of.kept_of(self._as_known(wish, self._at, None), wish, of.since_of(wish, now, zone))
        return of.standing(_moved(self._kept[wish], wish, pending, now), wish, now, zone)

    def _samples(self, wish: Samples, now: datetime, zone: tzinfo) -> pl.DataFrame:
        looked = of.periods_of(wish, now, zone)
        heard = self._periods_heard(looked)
        pairs = frozenset((name, source) for name, sources in heard.items() for source in sources)
        depends = (now.astimezone(zone).date(), bisect_right(self._changes.get(wish.entity, []), now), pairs)
        had = self._answers.get(wish)
        if had is None or had[0] != depends:
            found = of.samples(self._as_known(wish, now, looked[0].looked_at), wish, looked, heard)
            had = self._answers[wish] = (depends, found)
        return had[1]

    def _as_known(self, wish: Wish, at: datetime | None, since: datetime | None) -> pl.DataFrame:
        """Return the versions that were known at a moment, as they stood in the tables then."""
        names = ["vanished_on", *of.ORIGIN, *of.fields_of(wish)]
        frame = self._versions.get(wish.entity)
        if frame is None or at is None:
            return empty_versions(wish.entity).select(names)
        moment = pl.lit(at).cast(of.MOMENT)
        rows = frame.filter(pl.col("known_from") <= moment)
        ended = pl.col("ends") <= moment
        known = rows.with_columns(
            pl.when(ended).then("known_to").alias("known_to"), pl.when(ended).then("vanished_on").alias("vanished_on")
        ).select(names)
        lasting = pl.col("known_to").is_null() | (pl.col("known_to") > pl.lit(since).cast(of.MOMENT))
        return known if since is None else known.filter(lasting)

    def _periods_heard(self, looked: Sequence[of.Period]) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for source, moments in self._heard.items():
            for one in looked:
                end = bisect_right(moments, one.looked_at)
                if end and moments[end - 1] >= one.begins:
                    found.setdefault(one.name, set()).add(source)
        return found


def _moved(frame: pl.DataFrame, wish: Wish, changes: Sequence[ReadingChange], at: datetime) -> pl.DataFrame:
    for change in changes:
        frame = of.moved_on(frame, wish, change, change.state.read_at or at)
    return frame


def _moments(frame: pl.DataFrame) -> list[datetime]:
    """Return the instants at which a version began or ended."""
    return pl.concat([frame["known_from"], frame["ends"].rename("known_from")]).drop_nulls().unique().sort().to_list()
