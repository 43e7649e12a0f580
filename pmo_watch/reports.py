"""Status reports that are expected: one for each project and period of the organisation's rhythm (spec model 2.15)."""

from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch import periods
from pmo_watch.figures import DELIVERING, KEPT, cut_off_of, due_on
from pmo_watch.flow import Organisation
from pmo_watch.workdays import Calendar

PLACE = ("project", "@period")
OWN = pl.format("status_report|{}|{}", "project", "@period")
DAYS = {"calendar": pl.String(), "@period": pl.String(), "@last": pl.Date(), "@due": pl.Date()}


def expected_reports(
    reports: pl.DataFrame,
    projects: pl.DataFrame,
    today: date,
    calendars: Mapping[str, Calendar],
    organisation: Organisation,
) -> pl.DataFrame:
    """Return the status reports with the due days of the rhythm, and a row for each that has not come.

    A project's report of a period is one row whether it has come or not, so that an alert on it ends when it comes.
    Without a rhythm the reports stay as they are.
    """
    if not organisation.report_every:
        return reports
    known = _own_named(_in_periods(reports, organisation))
    working = projects.select("calendar", "state", "source", "@reading", project="uid", since=_begun())
    rhythm = _rhythm(known, working, today, calendars, organisation)
    dated = known.join(working.select("project", "calendar"), on="project", how="left").join(
        rhythm.select("calendar", "@period", "@due"), on=["calendar", "@period"], how="left", nulls_equal=True
    )
    filled = dated.with_columns(due_on=pl.coalesce("due_on", "@due")).drop("calendar", "@due")
    missing = _missing(known, working, rhythm, today)
    return pl.concat([filled, missing], how="diagonal_relaxed").drop("@period")


def _begun() -> pl.Expr:
    return pl.coalesce("actual_start", "baseline_start", "forecast_start")


def _in_periods(reports: pl.DataFrame, organisation: Organisation) -> pl.DataFrame:
    """Add the period of the rhythm that each report is of; null where it says no period that there is."""
    texts = reports["period"].drop_nulls().unique().to_list()
    within = [_period(text, organisation) for text in texts]
    known = pl.col("period").replace_strict(texts, within, default=None, return_dtype=pl.String)
    return reports.with_columns(known.alias("@period"))


def _period(text: str, organisation: Organisation) -> str | None:
    try:
        _, last = periods.bounds(text)
    except ValueError:  # a source may write anything
        return None
    return periods.period_of(last, organisation.report_every or "month")


def _own_named(reports: pl.DataFrame) -> pl.DataFrame:
    """Give a project's report of a period the uid under which it was expected; of several the first that came."""
    ordered = reports.sort("submitted_on", "uid", nulls_last=True)
    is_own = (pl.col("kind") == "project") & pl.col("project").is_not_null() & pl.col("@period").is_not_null()
    first = is_own & pl.struct("project", "@period", "kind").is_first_distinct()
    return ordered.with_columns(uid=pl.when(first).then(OWN).otherwise("uid"))


def _rhythm(
    reports: pl.DataFrame,
    projects: pl.DataFrame,
    today: date,
    calendars: Mapping[str, Calendar],
    organisation: Organisation,
) -> pl.DataFrame:
    """Return the last periods and those of reports: their last day and, in each calendar that counts, the due day."""
    zone = ZoneInfo(organisation.timezone)
    recent = periods.latest(organisation.report_every or "month", today, KEPT + 1)
    names = dict.fromkeys([*recent, *reports["@period"].drop_nulls().unique().sort()])
    rows = []
    for name in projects["calendar"].unique().sort():
        calendar = calendars.get(name or organisation.calendar, calendars[organisation.calendar])
        for period in names:
            moment = cut_off_of(period, organisation.report_due, calendar, zone)
            rows.append((name, period, periods.bounds(period)[1], due_on(moment, calendar)))
    return pl.DataFrame(rows, schema=DAYS, orient="row")


def _missing(reports: pl.DataFrame, projects: pl.DataFrame, rhythm: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return a row for each report that a delivering project owes; before its first one only for the last period."""
    ended = rhythm.filter((pl.col("@last") < today) | (pl.col("@due") <= today))
    ended = ended.sort("@last").group_by("calendar", maintain_order=True).tail(KEPT)
    first = reports.filter(pl.col("kind") == "project").group_by("project").agg(pl.col("@period").min().alias("@first"))
    owed = (
        projects.filter(pl.col("state").is_in(DELIVERING))
        .join(first, on="project", how="left")
        .join(ended, on="calendar", nulls_equal=True)
        .filter(_asked(pl.col("@last") == pl.col("@last").max().over("project")))
    )
    absent = owed.join(reports.filter(pl.col("kind") == "project"), on=PLACE, how="anti")
    return absent.select(
        *PLACE,
        "source",
        "@reading",
        uid=OWN,
        period="@period",
        kind=pl.lit("project"),
        due_on="@due",
        **{"@usable": pl.lit(value=True)},
    )


def _asked(latest: pl.Expr) -> pl.Expr:
    """Say whether a project owed a report of a period: it had begun, or had reported before."""
    begun = pl.col("since") <= pl.col("@last")
    return pl.coalesce(begun, pl.col("@first") <= pl.col("@period"), latest)
