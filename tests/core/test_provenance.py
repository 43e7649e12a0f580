"""Which sources a finding rests on, and of which day."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest
from made_measures import BANDS, POINTS, measure, points
from snapshots import catalogue, finding, snapshot

from pmo_watch.flow import Outcome, SourceState


def state_of(name: str, reading: int = 1, as_of: date | None = None) -> SourceState:
    moment = datetime(2026, 5, 13, tzinfo=UTC)
    return SourceState(name, "csv_file", Outcome.COMPLETE, reading, as_of=as_of, last_good=moment)


def merged(*, schedule: bool = True, cost: bool = True, **more: Any) -> dict[str, Any]:
    """Return a project of which the plans give the schedule and a sheet the cost, and whether each still shows it."""
    sources = {"@source:schedule": "plans", "@source:cost": "sheet", "source": "register"}
    return {**sources, "@usable:schedule": schedule, "@usable:cost": cost, **more}


@pytest.mark.parametrize(
    ("shown", "usable", "source"),
    [({}, True, "plans"), ({"cost": False}, False, "sheet"), ({"schedule": False, "cost": False}, False, "plans")],
)
def test_a_project_rests_on_the_sources_of_what_its_measure_needs(
    shown: dict[str, bool], usable: bool, source: str
) -> None:
    spent = measure("project.spent", pl.lit(21), needs=("forecast_finish", "actual_cost"))
    dates = measure("project.dates", pl.lit(21), needs=("forecast_finish",))
    known = snapshot(project=[merged(**shown)], sources={"plans": state_of("plans", 3), "sheet": state_of("sheet", 4)})

    both = finding(catalogue(spent), known, {"measure": "project.spent", "red": "over 20"})
    one = finding(catalogue(dates), known, {"measure": "project.dates", "red": "over 20"})

    assert (both["usable"], both["reading"], both["source"]) == (usable, 7, source)
    assert (one["usable"], one["reading"], one["source"]) == (shown.get("schedule", True), 3, "plans")


def test_the_earlier_day_counts_where_two_sources_meet_and_both_are_named() -> None:
    spent = measure("project.spent", pl.col("@as_of").dt.day(), needs=("forecast_finish", "actual_cost"))
    project = merged(status_date=date(2026, 5, 11))
    sources = {"plans": state_of("plans"), "sheet": state_of("sheet", as_of=date(2026, 5, 5))}

    one = finding(
        catalogue(spent), snapshot(project=[project], sources=sources), {"measure": "project.spent", "red": "over 1"}
    )

    assert (one["value"], one["as_of"]) == (5, date(2026, 5, 5))
    assert one["as_of_note"] == "schedule from plans, cost from sheet"


def test_a_row_that_a_source_no_longer_shows_is_not_relied_on() -> None:
    known = points(21, **{"@usable": False, "@reading": 7})

    one = finding(catalogue(POINTS), known, BANDS)

    assert (one["state"], one["usable"], one["reading"]) == ("red", False, 7)
