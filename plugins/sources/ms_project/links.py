"""Links between the rows of a project, and to rows of others (spec model 2.6)."""

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import polars as pl

from .columns import Value, frame_of
from .conversion import Project
from .outline import places_of
from .schedule import ELAPSED_FORMATS
from .values import FINE_UNIT, rounded

TYPES = ("ff", "fs", "sf", "ss")
FINISH_TO_START = 1
PERCENT_FORMATS = frozenset({19, 20, 51, 52})
TENTHS = 10
COLUMNS = (
    "key",
    "id",
    "project",
    "predecessor",
    "successor",
    "type",
    "lag",
    "lag_percent",
    "lag_elapsed",
    "external",
    "external_name",
)


@dataclass(frozen=True, slots=True)
class _End:
    """Where a link comes from: its mark in keys, what people call it, and the row unless it is in another plan."""

    mark: str
    called: str
    key: str | None = None


def link_frame(project: Project) -> pl.DataFrame:
    """Return the links; one to a row that is not there, or to itself, is dropped and reported."""
    links = project.plan.links
    uids = project.plan.tasks.texts["UID"]
    place_of = {row: place for place, row in enumerate(project.outline.rows)}
    by_uid = places_of(project.plan, project.outline)
    found: dict[str, tuple[Value, ...]] = {}
    for row, owner in enumerate(links.parents):
        if owner not in place_of:  # the project's own row, or a blank one
            continue
        begin = _begin(project, by_uid, row, owner)
        if begin is None:
            continue
        kind = _type(project, links.numbers["Type"][row], owner)
        successor = project.row_key(place_of[owner])
        key = f"{successor}/{begin.mark}/{kind}"
        lag = _lag(links.numbers["LinkLag"][row], links.numbers["LagFormat"][row])
        other = (bool(links.flags["CrossProject"][row]), links.texts["CrossProjectName"][row])
        shown = f"{begin.called} {kind} {uids[owner]}"
        found.setdefault(key, (key, shown, project.place.key, begin.key, successor, kind, *lag, *other))
    columns = zip(*found.values(), strict=True) if found else [()] * len(COLUMNS)
    return frame_of("dependency", dict(zip(COLUMNS, columns, strict=True)))


def _begin(project: Project, by_uid: dict[str, int], row: int, owner: int) -> _End | None:
    """Find where a link comes from; None when it leads nowhere."""
    links, tasks = project.plan.links, project.plan.tasks
    uid = links.texts["PredecessorUID"][row]
    place = by_uid.get(uid or "")
    if links.flags["CrossProject"][row]:
        # The number may be one of the other plan: only a placeholder for its row is meant by it here.
        if place is not None and tasks.flags["ExternalTask"][project.outline.rows[place]]:
            return _End(project.identity.keys[place], uid or "", project.row_key(place))
        name = links.texts["CrossProjectName"][row] or uid or ""
        return _End(name, name)
    if place is None or project.outline.rows[place] == owner:
        reason = "no such task" if place is None else "a link to itself"
        project.reject(project.row_name(owner), "PredecessorLink/PredecessorUID", uid or "", f"{reason}: left out")
        return None
    return _End(project.identity.keys[place], uid or "", project.row_key(place))


def _type(project: Project, number: int | None, owner: int) -> str:
    if number is None or 0 <= number < len(TYPES):
        return TYPES[FINISH_TO_START if number is None else number]
    project.reject(project.row_name(owner), "PredecessorLink/Type", str(number), "not known: fs was taken")
    return TYPES[FINISH_TO_START]


@lru_cache(maxsize=256)
def _lag(lag: int | None, lag_format: int | None) -> tuple[int | None, int | None, bool]:
    """Return minutes, percentage, and whether it is clock time; `lag` comes in millionths.

    In some formats the number is not tenths of a minute but the percentage itself.
    """
    is_elapsed = lag_format in ELAPSED_FORMATS
    if lag_format in PERCENT_FORMATS:
        return None, lag, is_elapsed
    return rounded(Decimal(lag or 0) / (TENTHS * FINE_UNIT)), None, is_elapsed
