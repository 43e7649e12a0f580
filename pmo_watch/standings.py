"""How the projects of a reader stand: colours now and before, and where their key milestones have moved."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl

from pmo_watch.flow import Snapshot
from pmo_watch.rollup import COUNTED, OVERALL
from pmo_watch.standing import LookBack, MilestoneTrend, ProjectStanding, Standing

DECLARED = {OVERALL: "declared_rag", **{one: f"declared_rag_{one}" for one in COUNTED}}
ENDED = ("closed", "cancelled", "proposed")
MOST_MILESTONES = 8  # more lines than that cannot be told apart
WORST_FIRST = ("red", "amber", "grey", "green", "")


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What standings are made of: `colours` as `rollup.computed_colours` gives them now, and what was."""

    snapshot: Snapshot
    colours: pl.DataFrame
    look_back: LookBack = field(default_factory=LookBack)


def running_projects(snapshot: Snapshot) -> list[str]:
    """Return the uids of projects that have begun or may begin, and have not ended."""
    going = ~pl.col("state").is_in(ENDED).fill_null(value=False)
    return snapshot.frame("project").filter(going)["uid"].to_list()


def key_milestones(snapshot: Snapshot) -> pl.DataFrame:
    """Return the key milestones of plans that count, as rows of tasks."""
    is_key = pl.col("is_milestone").fill_null(value=False) & (pl.col("kind") == "key")
    return snapshot.frame("task").filter(is_key & pl.col("countable").fill_null(value=False))


class Standings:
    """Tells how projects stand; what all readers share is put together once, when it is first asked for."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def of(
        self, projects: Collection[str], digest: str, since: datetime | None, moved: Mapping[str, Mapping[str, int]]
    ) -> Standing:
        """Return how these projects stand, worst first; `moved`: project uid -> movement -> number of alerts."""
        before = self._known.look_back.before.get(digest, {})
        found = [
            replace(one, before=before.get(one.uid, ""), moved=moved.get(one.uid, {}))
            for one in self._projects
            if one.uid in projects
        ]
        trends = [trend for project, trend in self._trends if project in projects]
        return Standing(tuple(found), tuple(trends[:MOST_MILESTONES]), since)

    @cached_property
    def coloured(self) -> frozenset[str]:
        """The uids of projects that have an overall colour now."""
        return frozenset(self._known.colours.filter(pl.col("dimension") == OVERALL)["project"])

    @cached_property
    def _projects(self) -> Sequence[ProjectStanding]:
        computed, history = _by_project(self._known.colours), _histories(self._known)
        rows = self._known.snapshot.frame("project").select("uid", "id", "code", "name", *DECLARED.values())
        found = [
            ProjectStanding(
                row["uid"],
                row["code"] or row["id"] or row["uid"],
                row["name"] or row["code"] or row["id"] or "",
                computed.get(row["uid"], {}),
                {dimension: row[column] for dimension, column in DECLARED.items() if row[column]},
                history=history.get(row["uid"], ()),
            )
            for row in rows.iter_rows(named=True)
        ]
        return sorted(found, key=lambda one: (WORST_FIRST.index(one.computed.get(OVERALL, "")), one.code))

    @cached_property
    def _trends(self) -> Sequence[tuple[str, MilestoneTrend]]:
        """Return the milestones with their projects, those that moved most to a later day first.

        Those with one forecast, or reached before there is any, say nothing.
        """
        told = _forecasts(self._known.look_back.milestones)
        frame = self._known.snapshot.frame("project")
        codes = dict(frame.select("uid", pl.coalesce("code", "id", "uid")).iter_rows())
        rows = key_milestones(self._known.snapshot).select(
            "uid", "id", "name", "project", "baseline_finish", "actual_finish"
        )
        found = [
            (row["project"], _trend(row, codes.get(row["project"], ""), told[row["uid"]]))
            for row in rows.iter_rows(named=True)
            if _says(row["actual_finish"], told.get(row["uid"], ()))
        ]
        return sorted(found, key=lambda one: (-one[1].moved, one[1].forecasts[-1][1], one[1].name))


def _says(reached: date | None, forecasts: Sequence[tuple[date, date]]) -> bool:
    return len(forecasts) > 1 and (reached is None or reached >= forecasts[0][0])


def _trend(row: Mapping[str, Any], code: str, forecasts: Sequence[tuple[date, date]]) -> MilestoneTrend:
    named, reached = row["name"] or row["id"] or "", row["actual_finish"]
    told = [one for one, before in zip(forecasts, [None, *forecasts], strict=False) if not _over(before, reached)]
    return MilestoneTrend(code, named, tuple(told), row["baseline_finish"], reached)


def _over(before: tuple[date, date] | None, reached: date | None) -> bool:
    """Say whether the report before spoke of a milestone that was reached by then: later ones repeat it."""
    return reached is not None and before is not None and before[0] >= reached


def _forecasts(samples: pl.DataFrame) -> dict[str, list[tuple[date, date]]]:
    found: dict[str, list[tuple[date, date]]] = {}
    told = samples.drop_nulls("forecast_finish").select("uid", "ends", "forecast_finish").sort("uid", "ends")
    for uid, ends, forecast in told.iter_rows():
        found.setdefault(uid, []).append((ends, forecast))
    return found


def _by_project(colours: pl.DataFrame) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for project, dimension, state in colours.select("project", "dimension", "state").iter_rows():
        found.setdefault(project, {})[dimension] = state
    return found


def _histories(known: Known) -> dict[str, tuple[tuple[date, str], ...]]:
    """Return the overall colour of each project by week; the present one as it is now, not as the store has it."""
    today = known.snapshot.today
    told: dict[str, dict[date, str]] = {}
    for uid, ends, state in known.look_back.colours.select("uid", "ends", "overall").iter_rows():
        if ends < today and state:
            told.setdefault(uid, {})[ends] = state
    for project, state in known.colours.filter(pl.col("dimension") == OVERALL).select("project", "state").iter_rows():
        told.setdefault(project, {})[today] = state
    return {uid: tuple(sorted(days.items())) for uid, days in told.items()}
