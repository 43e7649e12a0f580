"""Series and expected deliveries of indicators: which period counts now, what is due when, what has arrived."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch import periods
from pmo_watch.flow import Organisation
from pmo_watch.references import plain
from pmo_watch.workdays import Calendar

Frames = Mapping[str, pl.DataFrame]
KEPT = 12  # closed periods that are looked at; a measure that counts deliveries reads no more
DELIVERING = ("executing", "closing")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
BY_WEEKDAY = re.compile(rf"({'|'.join(WEEKDAYS)})(?:\s+(\d{{1,2}}):(\d{{2}}))?")
AFTER_PERIOD = re.compile(r"(\d{1,3})\s*wd after period(?:\s+(\d{1,2}):(\d{2}))?")
END_OF_DAY = time(23, 59)


def expected_figures(
    frames: Frames, now: datetime, today: date, calendars: Mapping[str, Calendar], organisation: Organisation
) -> dict[str, pl.DataFrame]:
    """Return the `kpi` rows (one per indicator and scope) and the `submission` rows (one per period of each)."""
    series = _series(frames, organisation)
    due = _due(series, now, today, calendars, organisation)
    received = (
        frames["observation"]
        .filter(pl.col("value").is_not_null() & pl.col("accepted"))
        .group_by("indicator", "scope", "period")
        .agg(pl.col("submitted_on").min().alias("received_on"))
    )
    timed = series.join(due, on=["cadence", "cut_off", "calendar"], nulls_equal=True)
    closed = timed.filter("closed").sort("last").group_by("indicator", "scope", maintain_order=True)
    latest = closed.agg(pl.col("period").last())
    kpi = series.join(latest, on=["indicator", "scope"], how="left").with_columns(_uid("kpi", "indicator", "scope"))
    delivering = pl.col("state").is_in(DELIVERING).fill_null(value=True)
    begun = (pl.col("last") >= pl.col("begun")).fill_null(value=True)  # nobody delivers before there is a project
    expected = timed.filter(
        delivering & begun & pl.col("expected") & (pl.col("defined") | (pl.col("period") >= pl.col("first_seen")))
    )
    submission = expected.join(received, on=["indicator", "scope", "period"], how="left").with_columns(
        _uid("submission", "indicator", "scope", "period")
    )
    extra = ("cadence", "cut_off", "calendar", "state", "expected", "defined", "first_seen", "begun", "closed", "last")
    return {"kpi": kpi.drop(extra, strict=False), "submission": submission.drop(extra, strict=False)}


def last_submitted(observations: pl.DataFrame) -> pl.DataFrame:
    """Return the observation of each period of each series that was submitted last, in the order of periods.

    A correction stands for what it corrects; one that says its day counts as later than one that does not.
    """
    series = ("indicator", "scope")
    ordered = observations.sort("submitted_on", "uid", nulls_last=False)
    return ordered.unique([*series, "period"], keep="last").sort(*series, "period")


def _uid(*parts: str) -> pl.Expr:
    first, *rest = parts
    return pl.concat_str([pl.lit(first), *[pl.col(name) for name in rest]], separator="|").alias("uid")


def _series(frames: Frames, organisation: Organisation) -> pl.DataFrame:
    """Return each indicator with each of its scopes, who delivers it, and in which calendar."""
    pairs = _pairs(frames)
    indicators = frames["indicator"].select(
        "cadence",
        "cut_off",
        indicator="uid",
        named="provider",
        source="source",
        usable="@usable",
        reading="@reading",
    )
    projects = frames["project"].select(
        *("leader", "state", "calendar"),
        begun="actual_start",
        project_program="program",
        scope="uid",
        project="uid",
    )
    people = frames["person"].select(provider="uid", own_calendar="calendar")
    calendar = pl.coalesce("own_calendar", "calendar", pl.lit(organisation.calendar))
    return (
        pairs.join(indicators, on="indicator")
        .join(_observed(frames), on="indicator", how="left")
        .join(projects, on="scope", how="left")
        .with_columns(provider=pl.coalesce("named", "leader"))
        .join(people, on="provider", how="left")
        .select(
            "indicator",
            "scope",
            "project",
            "provider",
            "cut_off",
            "state",
            "expected",
            "defined",
            "first_seen",
            "begun",
            program=pl.coalesce("project_program", pl.when(pl.col("scope").str.starts_with("program:")).then("scope")),
            cadence=pl.coalesce("cadence", _written_every(), pl.lit("month")),
            calendar=calendar,
            source=pl.coalesce("from", "source"),
            **{
                "@usable": pl.coalesce("seen", "usable"),
                "@reading": pl.coalesce("readings", "reading").cast(pl.Int64),
            },
        )
    )


def _observed(frames: Frames) -> pl.DataFrame:
    """Return what is known of each indicator from its values."""
    return (
        frames["observation"]
        .group_by("indicator")
        .agg(
            pl.col("@usable").all().alias("seen"),
            pl.struct("source", "@reading").unique().struct.field("@reading").sum().alias("readings"),
            pl.col("source").sort().first().alias("from"),
            pl.col("period").sort().last().alias("form"),
            pl.col("period").sort().first().alias("first_seen"),
        )
    )


def _written_every() -> pl.Expr:
    """Return the cadence that the form of an indicator's periods tells."""
    return pl.coalesce(
        *[
            pl.when(pl.col("form").str.contains(f"^{one.pattern}$")).then(pl.lit(every))
            for every, one in periods.FORMS.items()
        ]
    )


def _pairs(frames: Frames) -> pl.DataFrame:
    """Return indicator and scope: those it names, else every delivering project; and every one observed."""
    indicators = frames["indicator"].select("scopes", indicator="uid")
    places = (
        pl.concat(
            [frames["project"].select(scope="uid", word=plain(pl.col(name))) for name in ("code", "id", "uid")]
            + [frames["program"].select(scope="uid", word=plain(pl.col("id")))]
        )
        .drop_nulls()
        .unique(["word"], keep="first", maintain_order=True)
    )
    named = (
        indicators.filter(pl.col("scopes").list.len() > 0)
        .explode("scopes")
        .with_columns(word=plain(pl.col("scopes")))
        .join(places, on="word")
        .select("indicator", "scope")
    )
    delivering = frames["project"].filter(pl.col("state").is_in(DELIVERING)).select(scope="uid")
    defined = frames["indicator"].filter(pl.col("cadence").is_not_null() | pl.col("name_en").is_not_null())
    everywhere = (
        indicators.filter(pl.col("scopes").is_null() & pl.col("indicator").is_in(defined["uid"].implode()))
        .select("indicator")
        .join(delivering, how="cross")
    )
    observed = frames["observation"].select("indicator", "scope").drop_nulls().unique()
    due = pl.concat([named, everywhere]).with_columns(expected=pl.lit(value=True), defined=pl.lit(value=True))
    # What was once delivered without a definition is a series, and goes on being expected from who delivered it.
    undefined = observed.join(defined.select(indicator="uid"), on="indicator", how="anti")
    also = observed.with_columns(
        expected=pl.col("indicator").is_in(undefined["indicator"].implode()), defined=pl.lit(value=False)
    )
    return (
        pl.concat([due, also])
        .unique(["indicator", "scope"], keep="first", maintain_order=True)
        .sort("indicator", "scope")
    )


def _due(
    series: pl.DataFrame, now: datetime, today: date, calendars: Mapping[str, Calendar], organisation: Organisation
) -> pl.DataFrame:
    """Return, for each way of collecting that occurs, its last periods with the day each is due."""
    zone = ZoneInfo(organisation.timezone)
    local = now.astimezone(zone)
    rows = []
    for cadence, cut_off, name in (
        series.select("cadence", "cut_off", "calendar").unique().sort("cadence", "cut_off", "calendar").rows()
    ):
        calendar = calendars.get(name, calendars[organisation.calendar])
        for period in periods.latest(cadence, today, KEPT + 1):
            moment = cut_off_of(period, cut_off, calendar, zone)
            rows.append(
                (cadence, cut_off, name, period, periods.bounds(period)[1], due_on(moment, calendar), moment <= local)
            )
    names = ("cadence", "cut_off", "calendar", "period")
    schema = {**dict.fromkeys(names, pl.String()), "last": pl.Date(), "due_on": pl.Date(), "closed": pl.Boolean()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def cut_off_of(period: str, text: str | None, calendar: Calendar, zone: ZoneInfo) -> datetime:
    """Return when the period's value is due: `friday 12:00`, `5 wd after period`, else its last day at 23:59."""
    first, last = periods.bounds(period)
    words = (text or "").strip().lower()
    if found := BY_WEEKDAY.fullmatch(words):
        back = (last.weekday() - WEEKDAYS.index(found[1])) % 7
        day = max(last - timedelta(days=back), first)
        return datetime.combine(day, _time(found[2], found[3]), zone)
    if found := AFTER_PERIOD.fullmatch(words):
        day = calendar.add(last, int(found[1])) or last
        return datetime.combine(day, _time(found[2], found[3]), zone)
    return datetime.combine(last, END_OF_DAY, zone)


def is_cut_off(text: str) -> bool:
    """Say whether the text is a cut-off that `cut_off_of` reads."""
    words = text.strip().lower()
    return bool(BY_WEEKDAY.fullmatch(words) or AFTER_PERIOD.fullmatch(words))


def _time(hour: str | None, minute: str | None) -> time:
    return time(int(hour), int(minute)) if hour and minute else END_OF_DAY


def due_on(moment: datetime, calendar: Calendar) -> date:
    """Return the civil day of a cut-off; one that is not worked moves to the working day before."""
    day = moment.date()
    return day if calendar.works(day) else calendar.add(day, -1) or day
