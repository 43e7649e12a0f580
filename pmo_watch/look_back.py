"""Asks the store for what was, when a digest leaves: colours of projects, and forecasts of key milestones."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from pmo_watch.flow import COLOURS, Samples, Snapshot
from pmo_watch.rollup import OVERALL
from pmo_watch.standing import LookBack
from pmo_watch.standings import key_milestones
from pmo_watch.store import CycleStore, ReadingChange

WEEKS = 26
COLOURED = Samples(COLOURS, "week", WEEKS, (OVERALL,))
FORECAST = Samples("task", "week", WEEKS, ("forecast_finish",))


def look_back(
    store: CycleStore, snapshot: Snapshot, left: Mapping[str, datetime | None], pending: Sequence[ReadingChange] = ()
) -> LookBack:
    """Return what was in the last half year; `left`: digest -> when it left last, None when never.

    `pending`: what this cycle has read and will write at its end.
    """
    zone = ZoneInfo(snapshot.organisation.timezone)
    uids = key_milestones(snapshot)["uid"].to_list()
    return LookBack(
        store.past([COLOURED], snapshot.now, zone)[COLOURED],
        store.samples_of(FORECAST, uids, snapshot.now, zone, pending),
        {name: store.colours_at(at, OVERALL) for name, at in left.items() if at is not None},
    )
