"""Columns of dates: the order of day and month is settled once, for the whole column (spec sources 5.3)."""

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl
from pmo_watch_plugins.sources.csv_file.amounts import Decided
from pmo_watch_plugins.sources.csv_file.cells import DASHES
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.report import Report

from pmo_watch.api import DTYPES, Kind, SourceDataError

MOMENT = DTYPES[Kind.MOMENT]
EXCEL_ZERO = date(1899, 12, 30)
DAYS_1904 = 1462  # between the two epochs of workbooks
LEAST_SERIAL = 61  # 1900-03-01: below it Excel counts a day that never was
TWO_DIGIT_PIVOT = 68  # 00 to 68 are 2000s
GUARD_DAYS = 366  # spec model 1.7
MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier januari januar",
            "feb february fev fevr fevrier februari februar",
            "mar march mars mrt maart mrz marz maerz",
            "apr april avr avril",
            "may mai mei",
            "jun june juin juni",
            "jul july juil juillet juli",
            "aug august aout augustus",
            "sep sept september septembre",
            "oct october octobre okt oktober",
            "nov november novembre",
            "dec december decembre dez dezember",
        ),
        1,
    )
    for name in names.split()
}
_TIME = r"(?:t|[\s,]+)(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([ap]\.?m\.?)?\s*(z|utc|[+-]\d{2}:?\d{2})?$"
_ISO = r"^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})$"
_SOLID = r"^((?:19|20)\d{2})(\d{2})(\d{2})$"
_PARTS = r"^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})$"
_DAY_MONTH = r"^(\d{1,2})(?:er|ste|st|nd|rd|th|\.)?[\s\-/.]+(\p{L}+)\.?[\s\-/.,]*(\d{4}|\d{2})$"
_MONTH_DAY = r"^(\p{L}+)\.?[\s\-/.]+(\d{1,2})(?:st|nd|rd|th)?,?[\s\-/]+(\d{4}|\d{2})$"
_SERIAL = r"^(\d{1,7})(?:[.,]\d+)?$"
ORDERS = {"dmy": "day first", "mdy": "month first", "ymd": "year first"}


def read_dates(column: Column, rules: Rules, report: Report) -> Decided:
    """Read civil dates; times behind them are dropped.

    Raises:
        SourceDataError: the order of day and month is not settled.
    """
    known, said = dates_in(column, column.distinct(rules), rules)
    column.report_faults(known, report)
    usual = ORDERS.get(rules.dates, "")
    if usual and said.startswith(tuple(ORDERS.values())) and not said.startswith(usual):
        report.degraded.append(
            f"{column.grid.name}: {column.label} has the {said}, though 'dates: {rules.dates}' is set"
        )
    return Decided(column.spread(known, pl.Date()), said)


def read_moments(column: Column, rules: Rules, report: Report) -> Decided:
    """Read instants: without an offset they are local time of the organisation, without a time its midnight.

    Raises:
        SourceDataError: the order of day and month is not settled.
    """
    known, said = dates_in(column, column.distinct(rules), rules)
    zone = getattr(rules.zone, "key", "UTC")
    part = pl.col("folded").str.extract_groups(_TIME)
    number = [part.struct.field(str(one)).cast(pl.Int64, strict=False).fill_null(0) for one in (1, 2, 3)]
    evening = part.struct.field("4").str.starts_with("p").fill_null(value=False) & (number[0] < 12)
    offset = part.struct.field("5")
    minutes = offset.str.extract(r"^[+-](\d{2})").cast(pl.Int64) * 60 + offset.str.extract(r"(\d{2})$").cast(pl.Int64)
    east = pl.when(offset.str.starts_with("-")).then(-minutes).otherwise(minutes).fill_null(0)
    clock = pl.col("value").cast(pl.Datetime("us")) + pl.duration(
        hours=number[0] + pl.when(evening).then(12).otherwise(0), minutes=number[1], seconds=number[2]
    )
    local = clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    absolute = (clock - pl.duration(minutes=east)).dt.replace_time_zone("UTC")
    known = known.with_columns(value=pl.when(offset.is_null()).then(local).otherwise(absolute))
    column.report_faults(known, report)
    return Decided(column.spread(known, MOMENT), said)


def dates_in(column: Column, texts: pl.DataFrame, rules: Rules) -> tuple[pl.DataFrame, str]:
    """Return the distinct cells with `value` (date) and `fault`, and how the order was settled.

    Raises:
        SourceDataError: the order of day and month is not settled.
    """
    folded = pl.col("text").str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    known = texts.with_columns(folded=folded).with_columns(day_text=pl.col("folded").str.replace(_TIME, ""))
    order, said = _settled(column, known, rules)
    known = known.with_columns(value=pl.lit(None, pl.Date))
    for form in _forms(order, rules):
        known = known.with_columns(value=pl.when(~pl.col("null")).then(pl.coalesce("value", form)))
        if known["value"].null_count() == 0:
            break
    return known.with_columns(fault=_fault()), said


def _forms(order: str, rules: Rules) -> Iterator[pl.Expr]:
    """Yield what a cell may be, likeliest first: most columns have one form, and need no second look."""
    if order:
        yield _built(_PARTS, order)
    yield _built(_ISO, "ymd")
    yield _built(_SOLID, "ymd")
    yield _named(_DAY_MONTH, (3, 2, 1))
    yield _named(_MONTH_DAY, (3, 1, 2))
    yield from _serials(rules)


def _fault() -> pl.Expr:
    """Say why a cell is no date; a dash or nothing says that there is none, other words are worth a line."""
    silent = pl.col("text").is_in(DASHES)
    digits = pl.col("day_text").str.contains(_SERIAL)
    return (
        pl.when(pl.col("value").is_not_null() | silent | pl.col("fault").is_not_null())
        .then("fault")
        .when("null")
        .then(pl.lit("no date: it means that nobody knows"))
        .when(digits)
        .then(pl.lit("not a date; 'dates: excel' reads numbers of days"))
        .otherwise(pl.lit("not a date"))
    )


def _settled(column: Column, known: pl.DataFrame, rules: Rules) -> tuple[str, str]:
    """Return the order of `a/b/yyyy` in the column and what settled it."""
    groups = pl.col("day_text").str.extract_groups(_PARTS)
    first, second = (groups.struct.field(name).cast(pl.Int64, strict=False) for name in ("1", "2"))
    parted = known.select("raw", first=first, second=second).filter(pl.col("first").is_not_null())
    if parted.is_empty():
        return "", "each cell proves itself" if known.height else "no cell is filled"
    if rules.dates == "ymd" and not known["day_text"].str.contains(r"^\d{1,2}[-/.]\d{1,2}[-/.]\d{4}$").any():
        return "ymd", f"{ORDERS['ymd']}, as 'dates:' says"
    day_first = parted.filter((pl.col("first") > 12) & (pl.col("first") <= 31))["raw"]
    month_first = parted.filter((pl.col("second") > 12) & (pl.col("second") <= 31))["raw"]
    if day_first.len() and not month_first.len():
        return "dmy", f"day first, proved by {column.shown(day_first)}"
    if month_first.len() and not day_first.len():
        return "mdy", f"month first, proved by {column.shown(month_first)}"
    setting = rules.own_dates if rules.own_dates in ORDERS else rules.dates
    if setting in ORDERS:
        return setting, f"{ORDERS[setting]}, as 'dates:' says"
    where = f"{column.grid.name}: {column.label}: "
    if day_first.len():
        raise SourceDataError(
            f"{where}{column.shown(day_first)} has the day first and {column.shown(month_first)} the month: correct "
            "one of them, or set 'dates: dmy' or 'dates: mdy' to reject the other"
        )
    raise SourceDataError(
        f"{where}{column.shown(parted['raw'])} may have the day or the month first, and no cell of the column settles "
        "it: set 'dates: dmy' or 'dates: mdy'"
    )


def _built(pattern: str, order: str) -> pl.Expr:
    """Return the date whose parts a pattern finds in this order."""
    parts = pl.col("day_text").str.extract_groups(pattern)
    piece = {letter: parts.struct.field(str(at)) for at, letter in enumerate(order, 1)}
    return _day(piece["y"], piece["m"], piece["d"])


def _named(pattern: str, places: Sequence[int]) -> pl.Expr:
    """Return the date of a pattern with a month's name; `places` of year, month and day."""
    parts = pl.col("day_text").str.extract_groups(pattern)
    year, month, day = (parts.struct.field(str(at)) for at in places)
    return _day(year, month.replace_strict(MONTHS, default=None, return_dtype=pl.Int64).cast(pl.String), day)


def _day(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    short = pl.when(year.cast(pl.Int64, strict=False) <= TWO_DIGIT_PIVOT).then(pl.lit("20")).otherwise(pl.lit("19"))
    whole = pl.when(year.str.len_chars() == 2).then(pl.concat_str(short, year)).otherwise(year)
    return pl.concat_str(whole, month, day, separator="-").str.to_date("%Y-%m-%d", strict=False)


def _serials(rules: Rules) -> list[pl.Expr]:
    if rules.own_dates not in {"excel", "excel1904"}:
        return []
    days = pl.col("day_text").str.extract(_SERIAL, 1).cast(pl.Int32, strict=False)
    shift = DAYS_1904 if rules.own_dates == "excel1904" else 0
    valid = (days + shift >= LEAST_SERIAL) & (pl.col("day_text").str.len_chars() > 1)
    return [pl.when(valid).then(pl.lit(EXCEL_ZERO) + pl.duration(days=days + shift)).cast(pl.Date)]


def without_placeholders(
    frame: pl.DataFrame, columns: Sequence[str], placeholders: Sequence[date]
) -> tuple[pl.DataFrame, list[date]]:
    """Make dates null that tools write where there is none, unless other dates lie within a year of them.

    Returns the frame, and which of them were found and taken out.
    """
    spans = [(frame[name].min(), frame[name].max()) for name in columns]
    near = [day for day in placeholders if any(_holds(first, day, last) for first, last in spans)]
    if not near:
        return frame, []
    days = pl.concat([frame[name].unique().alias("day") for name in columns]).unique().drop_nulls()
    listed = [day for day in near if day in days]
    real = days.filter(~days.is_in(listed))
    gone = [day for day in listed if not ((real - day).dt.total_days().abs() <= GUARD_DAYS).any()]
    if not gone:
        return frame, []
    return frame.with_columns(pl.when(~pl.col(name).is_in(gone)).then(name).alias(name) for name in columns), gone


def _holds(first: object, day: date, last: object) -> bool:
    return isinstance(first, date) and isinstance(last, date) and first <= day <= last
