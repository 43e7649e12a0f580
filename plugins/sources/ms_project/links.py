"""Links between the rows of a project, and to rows of others (spec model 2.6)."""

from decimal import Decimal
from functools import lru_cache

import polars as pl

from .columns import Value, frame_of
from .conversion import Project
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


def link_frame(project: Project) -> pl.DataFrame:
    """Return the links; one to a row that is not there, or to itself, is dropped and reported."""
    links = project.plan.links
    place_of = {row: place for place, row in enumerate(project.outline.rows)}
    columns: dict[str, list[Value]] = {name: [] for name in COLUMNS}
    seen: set[str] = set()
    for row, owner in enumerate(links.parents):
        place = place_of.get(owner)
        if place is None:  # the project's own row, or a blank one
            continue
        begin, name = _begin(project, row), links.texts["CrossProjectName"][row]
        is_across = bool(links.flags["CrossProject"][row])
        if not is_across and (begin is None or begin == place):
            _reject(project, row, owner, "no such task" if begin is None else "a link to itself")
            continue
        shown = name or "" if begin is None else links.texts["PredecessorUID"][row] or ""
        mark = shown if begin is None else project.identity.keys[begin]
        kind = _type(project, links.numbers["Type"][row], owner)
        key = f"{project.keys[place]}/{mark}/{kind}"
        if key in seen:
            continue
        seen.add(key)
        lag = _lag(links.numbers["LinkLag"][row], links.numbers["LagFormat"][row])
        shown = f"{shown} {kind} {project.plan.tasks.texts['UID'][owner]}"
        ends = (None if begin is None else project.keys[begin], project.keys[place])
        for column, value in zip(
            columns.values(), (key, shown, project.place.key, *ends, kind, *lag, is_across, name), strict=True
        ):
            column.append(value)
    return frame_of("dependency", columns)


def _begin(project: Project, row: int) -> int | None:
    """Return the place of the row a link comes from; None when it is not in this plan."""
    links, tasks = project.plan.links, project.plan.tasks
    place = project.by_uid.get(links.texts["PredecessorUID"][row] or "")
    if place is None or not links.flags["CrossProject"][row]:
        return place
    # The number may be one of the other plan: only a placeholder for its row is meant by it here.
    return place if tasks.flags["ExternalTask"][project.outline.rows[place]] else None


def _reject(project: Project, row: int, owner: int, reason: str) -> None:
    uid = project.plan.links.texts["PredecessorUID"][row] or ""
    project.reject(project.row_name(owner), "PredecessorLink/PredecessorUID", uid, f"{reason}: left out")


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
