"""Columns of periods: weeks, months, quarters and days, as ISO texts or as the last day of each (spec model 2.13)."""

from datetime import date, timedelta

import polars as pl
from pmo_watch_plugins.sources.csv_file.amounts import Decided
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.dates import MONTHS, TWO_DIGIT_PIVOT, dates_in
from pmo_watch_plugins.sources.csv_file.profile import Form
from pmo_watch_plugins.sources.csv_file.report import Report

_WEEK = r"(?:week|semaine|sem|wk|w|s)\.?"
# Pattern, and which group holds the year and the number; a year of 0 is not written.
_FORMS = (
    ("week", rf"^(\d{{4}})[\s\-/]*{_WEEK}\s*(\d{{1,2}})$", 1, 2),
    ("week", rf"^{_WEEK}\s*(\d{{1,2}})[\s\-/]+(\d{{4}})$", 2, 1),
    ("week", rf"^{_WEEK}\s*(\d{{1,2}})$", 0, 1),
    ("quarter", r"^(\d{4})[\s\-/]*[qtk]\s*([1-4])$", 1, 2),
    ("quarter", r"^[qtk]\s*([1-4])[\s\-/]+(\d{4})$", 2, 1),
    ("month", r"^(\d{4})[-/.](\d{1,2})$", 1, 2),
    ("month", r"^(\d{1,2})[-/.](\d{4})$", 2, 1),
)
_NAMED_MONTH = r"^(\p{L}+)\.?[\s\-/]*(\d{4}|\d{2})$"


def read_periods(column: Column, rules: Rules, report: Report) -> Decided:
    """Read periods as ISO texts (2026-W30, 2026-07, 2026-Q3, 2026-07-31), as the last day of each, or as weeks.

    Raises:
        SourceDataError: the order of day and month of dates among them is not settled.
    """
    texts = column.distinct(rules)
    folded = pl.col("text").str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    known = _numbered(texts.with_columns(folded=folded), rules.today)
    known = known.with_columns(iso=_iso(), last=_last())
    plain = known.filter(pl.col("iso").is_null())
    days, said = dates_in(column, plain.select("raw", "text", "native", "null", "fault"), rules)
    known = known.drop("null", "fault").join(days.select("raw", "value", "null", "fault"), on="raw", how="left")
    found, reason = _asked(column.spec.form)
    # A word for "nobody knows" is an empty period, and the key of the row says so.
    known = known.with_columns(
        value=found,
        fault=pl.when(found.is_null() & ~pl.col("null").fill_null(value=False)).then(pl.lit(reason)),
    )
    column.report_faults(known, report)
    kinds = sorted({f"{kind}s" for kind in known["kind"].drop_nulls()} | ({"days"} if plain.height else set()))
    order = f"; {said}" if plain.height else ""
    values = column.spread(known, pl.Date() if column.spec.form == Form.PERIOD_END else pl.String())
    return Decided(values, f"{' and '.join(kinds) or 'no cell is filled'}{order}")


def _asked(form: Form) -> tuple[pl.Expr, str]:
    """Return what becomes of a cell, null for one that is none, and what is said of that; a day stands for its week."""
    day = pl.col("value")
    if form == Form.WEEK:
        week = pl.when(pl.col("kind") == "week").then("iso")
        return pl.coalesce(week, day.dt.strftime("%G-W%V")), "not a week: such as 2026-W30, or a day of it"
    reason = "not a period: such as 2026-W30, 2026-07, 2026-Q3 or a date"
    ends = form == Form.PERIOD_END
    return pl.coalesce("last" if ends else "iso", day if ends else day.dt.strftime("%Y-%m-%d")), reason


def _numbered(texts: pl.DataFrame, today: date) -> pl.DataFrame:
    """Add `kind`, `year` and `number` of weeks, quarters and months."""
    for kind, pattern, year_at, number_at in _FORMS:
        parts = pl.col("folded").str.extract_groups(pattern)
        number = parts.struct.field(str(number_at)).cast(pl.Int64, strict=False)
        year = (
            parts.struct.field(str(year_at)).cast(pl.Int64, strict=False) if year_at else _year_of_week(number, today)
        )
        texts = _with(texts, kind, year, number)
    parts = pl.col("folded").str.extract_groups(_NAMED_MONTH)
    month = parts.struct.field("1").replace_strict(MONTHS, default=None, return_dtype=pl.Int64)
    short = parts.struct.field("2").cast(pl.Int64, strict=False)
    year = pl.when(short > 99).then(short).when(short <= TWO_DIGIT_PIVOT).then(short + 2000).otherwise(short + 1900)
    return _with(texts, "month", year, month)


def _with(texts: pl.DataFrame, kind: str, year: pl.Expr, number: pl.Expr) -> pl.DataFrame:
    if "kind" not in texts.columns:
        nothing = pl.lit(None, pl.Int64)
        texts = texts.with_columns(kind=pl.lit(None, pl.String), year=nothing, number=nothing)
    fits = pl.col("kind").is_null() & number.is_not_null()
    return texts.with_columns(
        kind=pl.when(fits).then(pl.lit(kind)).otherwise("kind"),
        year=pl.when(fits).then(year).otherwise("year"),
        number=pl.when(fits).then(number).otherwise("number"),
    )


def _year_of_week(number: pl.Expr, today: date) -> pl.Expr:
    """Return the year in which the week of that number is nearest to today."""
    this_year = today.isocalendar().year
    nearest = {}
    for week in range(1, 54):
        starts = {
            year: date.fromisocalendar(year, min(week, 52), 1) for year in (this_year - 1, this_year, this_year + 1)
        }
        nearest[week] = min(starts, key=lambda year: abs(starts[year] - today))
    return number.replace_strict(nearest, default=None, return_dtype=pl.Int64)


def _iso() -> pl.Expr:
    year, number = pl.col("year").cast(pl.String), pl.col("number").cast(pl.String)
    two = number.str.zfill(2)
    return (
        pl.when((pl.col("kind") == "week") & _monday().is_not_null())
        .then(pl.concat_str(year, pl.lit("-W"), two))
        .when(pl.col("kind") == "quarter")
        .then(pl.concat_str(year, pl.lit("-Q"), number))
        .when((pl.col("kind") == "month") & pl.col("number").is_between(1, 12))
        .then(pl.concat_str(year, pl.lit("-"), two))
    )


def _monday() -> pl.Expr:
    text = pl.concat_str("year", pl.lit("-W"), pl.col("number").cast(pl.String).str.zfill(2), pl.lit("-1"))
    return text.str.to_date("%G-W%V-%u", strict=False)


def _last() -> pl.Expr:
    """Return the last day of each period."""
    month = pl.when(pl.col("kind") == "quarter").then(pl.col("number") * 3).otherwise("number")
    first = pl.concat_str("year", pl.lit("-"), month.cast(pl.String), pl.lit("-1")).str.to_date(
        "%Y-%m-%d", strict=False
    )
    return pl.when(pl.col("kind") == "week").then(_monday() + timedelta(days=6)).otherwise(first.dt.month_end())
