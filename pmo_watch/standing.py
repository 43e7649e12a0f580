"""How projects stand, in facts: what digests and a committee's page say beside alerts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import polars as pl


@dataclass(frozen=True, slots=True)
class Owed:
    """What a project or programme owes: its status report, or the values of one indicator.

    `names`: of the indicator, by language; empty for a status report. `period`: the last one that is missing, of
    `periods`. `due_on`: of the one that is missing longest. `provider`: name of who delivers; empty where nobody says.
    """

    kind: Literal["status_report", "submission"]
    names: Mapping[str, str]
    project_code: str
    project_name: str
    period: str
    due_on: date
    periods: int
    provider: str = ""


@dataclass(frozen=True, slots=True)
class ProjectStanding:
    """One project: its colours by dimension (`overall` among them), computed and declared; empty where there is none.

    `before`: the overall colour when the report left last. `history`: the overall colour at the end of each week in
    which anything was read, oldest first; the last is today's. `moved`: movement -> number of alerts since then.
    """

    uid: str
    code: str
    name: str
    computed: Mapping[str, str]
    declared: Mapping[str, str]
    before: str = ""
    history: tuple[tuple[date, str], ...] = ()
    moved: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MilestoneTrend:
    """A key milestone: the day it was expected on at the end of each week, oldest first; `reached`: None while open."""

    project_code: str
    name: str
    forecasts: tuple[tuple[date, date], ...]
    baseline: date | None = None
    reached: date | None = None

    @property
    def moved(self) -> int:
        """Calendar days from the first forecast to the last; later is positive."""
        return (self.forecasts[-1][1] - self.forecasts[0][1]).days


@dataclass(frozen=True, slots=True)
class Standing:
    """Projects and key milestones at one moment; `since`: when the report left last, None when never."""

    projects: tuple[ProjectStanding, ...]
    milestones: tuple[MilestoneTrend, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LookBack:
    """What was, for digests that leave now; every frame sorted by uid and day.

    `colours`: `uid` of projects, `ends`, `overall`; `milestones`: `uid`, `ends`, `forecast_finish`: both at the ends
    of weeks. `before`: digest -> project uid -> overall colour when that digest left last.
    """

    colours: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"uid": pl.String(), "ends": pl.Date(), "overall": pl.String()})
    )
    milestones: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(
            schema={"uid": pl.String(), "ends": pl.Date(), "forecast_finish": pl.Date()}
        )
    )
    before: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
