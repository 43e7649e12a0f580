"""Numbers as the model holds them: amounts, percentages, counts, effort and durations (spec sources 5.3)."""

from dataclasses import dataclass

import polars as pl
from pmo_watch_plugins.sources.csv_file.column import Column, Rules
from pmo_watch_plugins.sources.csv_file.numbers import (
    EXACT,
    NOT_A_NUMBER,
    Plain,
    header_unit,
    read_numbers,
    read_plainly,
)
from pmo_watch_plugins.sources.csv_file.profile import Form
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.vocabulary import fold

from pmo_watch.api import DTYPES, Kind, SourceDataError

DECIMAL = DTYPES[Kind.NUMBER]
MONEY = DTYPES[Kind.MONEY]
COUNT = DTYPES[Kind.COUNT]
OVER_FULL = frozenset({"units", "max_units"})  # shares of a person that may pass 100 %
STEP_WORDS = {
    1: "very low, lowest, trivial, very unlikely, très faible, très bas, zeer laag",
    2: "low, minor, unlikely, faible, bas, basse, laag",
    3: "medium, moderate, possible, moyen, moyenne, modéré, gemiddeld, matig, middel",
    4: "high, major, likely, élevé, élevée, haut, haute, hoog",
    5: "very high, highest, blocker, critical, almost certain, très élevé, très élevée, critique, zeer hoog, kritiek",
}
STEPS = {fold(word): step for step, words in STEP_WORDS.items() for word in words.split(",")}
# Units of time in working minutes, a day standing for the calendar's; months are refused.
_DAY_UNITS = "j, jr, jrs, jour, jours, d, dag, dagen, day, days, wd, jd, mandagen, jh"
_HOUR_UNITS = "h, hr, hrs, heure, heures, u, uur, uren, hour, hours"
_WEEK_UNITS = "w, week, weeks, weken, sem, semaine, semaines, wk"
_MINUTE_UNITS = "min, mins, minute, minutes, minuten"


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """The values of a column, how they were decided, and the currency of each amount where a cell says one."""

    values: pl.Series
    said: str
    currencies: pl.Series | None = None


def read_amounts(column: Column, rules: Rules, report: Report) -> Decided:
    """Read numbers, whole numbers and money.

    Raises:
        SourceDataError: the decimal mark is not settled.
    """
    form = column.spec.form
    dtype = {Form.MONEY: MONEY, Form.COUNT: COUNT}.get(form, DECIMAL)
    currency = header_unit(column.unit)[1] or rules.currency if form == Form.MONEY else ""
    plain = read_plainly(column, dtype)
    # Where the setting overrules what most cells prove, each of them needs a closer look.
    if plain is None or (plain.mark and rules.own_decimal not in ("", plain.mark)):
        return _read_closely(column, dtype, currency or None, rules, report)
    signs = _same(currency, plain.values) if currency else None
    if plain.odd.is_empty():
        return Decided(plain.values.alias(column.spec.name), plain.said, signs)
    closer = _read_closely(column.part(plain.odd), dtype, currency or None, rules, report, plain)
    values = plain.values.scatter(plain.odd, closer.values)
    if closer.currencies is not None and closer.currencies.null_count() < closer.currencies.len():
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, values.len())
        signs = (nothing if signs is None else signs).scatter(plain.odd, closer.currencies)
    return Decided(values.alias(column.spec.name), closer.said, signs)


def _read_closely(
    column: Column, dtype: pl.DataType, currency: str | None, rules: Rules, report: Report, plain: Plain | None = None
) -> Decided:
    numbers = read_numbers(column, column.distinct(rules), rules, plain)
    known = _fitted(numbers.known, dtype, whole=dtype == COUNT)
    column.report_faults(known, report)
    values = column.spread(known, dtype)
    if column.spec.form != Form.MONEY:
        return Decided(values, numbers.said)
    signs = known.select("raw", value=pl.col("currency").fill_null(pl.lit(currency, pl.String)))
    return Decided(values, numbers.said + _signs_said(known), column.spread(signs, pl.String()))


def _same(text: str, like: pl.Series) -> pl.Series:
    return pl.Series([text], dtype=pl.String).new_from_index(0, like.len()).set(like.is_null(), None)


def _signs_said(known: pl.DataFrame) -> str:
    signs = sorted(known["currency"].drop_nulls().unique())
    return f", in {' and '.join(signs)}" if signs else ""


def _fitted(known: pl.DataFrame, dtype: pl.DataType, *, whole: bool = False) -> pl.DataFrame:
    """Bring exact values to the model's type; what has decimals where it must not, or is too large, is faulty."""
    broken = (pl.col("value") != pl.col("value").round(0)) if whole else pl.lit(value=False)
    fitted = pl.when(~broken).then(pl.col("value").cast(dtype, strict=False))
    return known.with_columns(
        value=fitted,
        fault=pl.when(pl.col("fault").is_not_null() | pl.col("value").is_null())
        .then("fault")
        .when(broken)
        .then(pl.lit("not a whole number"))
        .when(fitted.is_null())
        .then(pl.lit("too large")),
    )


def read_steps(column: Column, rules: Rules, report: Report) -> Decided:
    """Read a scale of 1 to 5, in figures or words."""
    texts = column.distinct(rules)
    steps = pl.Series([STEPS.get(fold(text)) for text in texts["text"]], dtype=pl.Int64)
    texts = texts.with_columns(text=pl.coalesce(steps.cast(pl.String), "text"))
    known = _fitted(read_numbers(column, texts, rules).known, COUNT, whole=True)
    known = _within(known, 1, 5, "not one of 1 to 5")
    column.report_faults(known, report)
    return Decided(column.spread(known, COUNT), "")


def _within(known: pl.DataFrame, least: int, most: int | None, reason: str) -> pl.DataFrame:
    outside = pl.col("value") < least
    outside = outside if most is None else outside | (pl.col("value") > most)
    outside = outside.fill_null(value=False)
    return known.with_columns(
        value=pl.when(~outside).then("value"),
        fault=pl.when(outside).then(pl.lit(reason)).otherwise("fault"),
    )


def read_percent(column: Column, rules: Rules, report: Report) -> Decided:
    """Read shares as 0 to 100, whether the column holds percentages or fractions.

    Raises:
        SourceDataError: nothing but 0 and 1, or the decimal mark is not settled.
    """
    numbers = read_numbers(column, column.distinct(rules), rules)
    known = numbers.known.with_columns(
        percent=pl.col("percent") | (pl.col("native") == "percent").fill_null(value=False)
    )
    fraction, said = _scale(column, known, rules)
    if known["percent"].any():
        bare = ~pl.col("percent") & (pl.col("value") != 0)
        known = known.with_columns(
            value=pl.when(~bare).then("value"),
            fault=pl.when(bare).then(pl.lit("no % in a column of percentages")).otherwise("fault"),
        )
    factor = 100 if fraction else 1
    known = _fitted(known.with_columns(value=(pl.col("value") * factor).cast(EXACT)), DECIMAL)
    most = None if column.spec.name in OVER_FULL else 100
    known = _within(known, 0, most, "outside 0 to 100 %" if most else "below 0 %")
    column.report_faults(known, report)
    return Decided(column.spread(known, DECIMAL), f"{said}; {numbers.said}")


def _scale(column: Column, known: pl.DataFrame, rules: Rules) -> tuple[bool, str]:
    """Say whether the column holds fractions, and what settled it."""
    signed = known.filter("percent")["raw"]
    if signed.len():
        return False, f"percent, proved by {column.shown(signed)}"
    if rules.scale:
        return rules.scale == "fraction", f"{rules.scale}, as 'progress_scale:' says"
    above = known.filter(pl.col("value") > 1)["raw"]
    if above.len():
        return False, f"percent, proved by {column.shown(above)}"
    between = known.filter((pl.col("value") > 0) & (pl.col("value") < 1))["raw"]
    if between.len():
        return True, f"fraction, proved by {column.shown(between)}"
    ones = known.filter(pl.col("value") == 1)["raw"]
    if ones.is_empty():
        return False, "percent, nothing but 0"
    raise SourceDataError(
        f"{column.grid.name}: {column.label}: {column.shown(ones)} may be 1 % or everything, and there is nothing but "
        "0 and 1: set 'progress_scale: percent' or 'progress_scale: fraction'"
    )


def read_durations(column: Column, rules: Rules, report: Report) -> Decided:
    """Read durations as working minutes, or effort as hours; a number without unit is days, or hours for effort.

    Raises:
        SourceDataError: the decimal mark is not settled.
    """
    effort = column.spec.form == Form.HOURS
    units = unit_minutes(rules)
    texts = column.distinct(rules)
    unit = pl.col("text").str.extract(r"\d\s*([\p{L}]+)\.?$", 1)
    words = texts.select(unit=unit)["unit"]
    minutes = pl.Series([None if word is None else units.get(fold(word), 0) for word in words], dtype=pl.Int64)
    plain = pl.coalesce(
        pl.when(minutes.is_not_null()).then(pl.col("text").str.extract(r"^(.*\d)\s*[\p{L}]+\.?$", 1)), "text"
    )
    numbers = read_numbers(column, texts.with_columns(text=plain), rules)
    usual = units.get(fold(column.unit)) or (60 if effort else rules.minutes_per_day)
    per_unit = pl.DataFrame({"raw": texts["raw"], "minutes": minutes})
    known = numbers.known.join(per_unit, on="raw", how="left").with_columns(pl.col("minutes").fill_null(usual))
    known = known.with_columns(
        value=pl.when(pl.col("minutes") > 0).then((pl.col("value") * pl.col("minutes")).cast(EXACT)),
        fault=pl.when((pl.col("minutes") == 0) & ~pl.col("null"))
        .then(pl.lit("not a duration: minutes, hours, days or weeks"))
        .otherwise(pl.col("fault").str.replace(f"^{NOT_A_NUMBER}.*", "not a duration")),
    )
    known = known.with_columns(value=(pl.col("value") / 60).cast(EXACT) if effort else pl.col("value").round(0))
    known = _fitted(known, DECIMAL if effort else COUNT)
    column.report_faults(known, report)
    said = "hours" if effort else f"a number is days of {rules.minutes_per_day} minutes"
    return Decided(column.spread(known, DECIMAL if effort else COUNT), f"{said}; {numbers.said}")


def unit_minutes(rules: Rules) -> dict[str, int]:
    """Return folded unit -> working minutes."""
    day = rules.minutes_per_day
    units = ((_DAY_UNITS, day), (_HOUR_UNITS, 60), (_WEEK_UNITS, 5 * day), (_MINUTE_UNITS, 1))
    return {fold(word): minutes for words, minutes in units for word in words.split(",")}
