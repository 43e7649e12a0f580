"""What a measure said week after week, and what thresholds would have made of it. Pure.

Everything is counted on the ends of weeks: what begins and ends within one is not seen here; `backtest` sees it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from pmo_watch.rules import Judged, Op, Quantity, Thresholds

UPWARD = {Op.OVER: True, Op.AT_LEAST: True, Op.UNDER: False, Op.AT_MOST: False}
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
TRIED = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)  # of the values; of a measure that is bad when low, from below
BARS, WIDTH = 12, 40
UNWRITTEN = ("count", "ratio")  # units that a rule does not write
DAYS_IN_MONTH = 365.25 / 12
SEEN = {
    "uid": pl.String(),
    "week": pl.Int64(),
    "day": pl.Date(),
    "value": pl.Float64(),
    "state": pl.String(),
    "due": pl.Date(),
    "unit": pl.String(),
}


@dataclass(frozen=True, slots=True)
class Meant:
    """What a threshold would have meant.

    `rows`: different rows that met it. `share`: of what was assessed at the ends of weeks. `a_month`: alerts that would
    have begun. `lead`: median of the days, Monday to Friday, from the beginning to the day that the row was due on, of
    those that met it still when that day had passed; None: none did, or the rows have no such day.
    """

    threshold: str
    rows: int
    share: float
    a_month: float
    lead: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """Values from one on and below the next (the last bar holds its end as well)."""

    begins: float
    ends: float
    count: int


@dataclass(frozen=True, slots=True)
class Suggested:
    """One measure of a rule. `quantiles`: share of the values -> value that so many do not exceed."""

    measure: str
    unit: str
    weeks: int
    values: int
    rows: int
    quantiles: Mapping[float, float]
    bars: tuple[Bar, ...]
    present: tuple[Meant, ...]
    candidates: tuple[Meant, ...]


def why_not(judged: Judged) -> str:
    """Say why no threshold of a measure can be tried; empty where it can."""
    if _upward(judged) is None:
        return f"{judged.measure} is not compared with 'over', 'at least', 'under' or 'at most' a number"
    return ""


def suggested(seen: pl.DataFrame, judged: Judged) -> Suggested:
    """Return the distribution and what thresholds would have meant; `seen`: as SEEN, one line a row and week."""
    assessed = seen.filter(pl.col("value").is_not_null() & pl.col("state").is_in(["green", "amber", "red"]))
    values = assessed["value"]
    upward = _upward(judged) is not False
    quantiles = {share: float(values.quantile(share, "nearest") or 0.0) for share in QUANTILES} if len(values) else {}
    levels = {"amber": ["amber", "red"], "red": ["red"]}
    present = [
        _meant(f"{level}: {_written(part)}", assessed, pl.col("state").is_in(states))
        for level, states in levels.items()
        if (part := getattr(judged, level)) is not None
    ]
    return Suggested(
        judged.measure,
        next(iter(assessed["unit"].drop_nulls()), ""),
        assessed["week"].n_unique(),
        len(values),
        assessed["uid"].n_unique(),
        quantiles,
        tuple(_bars(values)),
        tuple(present),
        tuple(_tried(assessed, judged, upward=upward)),
    )


def _upward(judged: Judged) -> bool | None:
    """Say whether a high value is bad; None where the thresholds do not say."""
    parts = [part for one in (judged.amber, judged.red) if one for part in one.parts if not part.on]
    return next((UPWARD[part.condition.op] for part in parts if part.condition.op in UPWARD), None)


def _written(thresholds: Thresholds) -> str:
    return f" {'and' if thresholds.how == 'all' else 'or'} ".join(one.condition.text for one in thresholds.parts)


def _tried(assessed: pl.DataFrame, judged: Judged, *, upward: bool) -> list[Meant]:
    word, unit = ("over", "under")[not upward], next(iter(assessed["unit"].drop_nulls()), "")
    unit = "" if unit in UNWRITTEN else unit
    found = []
    for limit in _limits(assessed["value"], judged, upward=upward):
        beyond = pl.col("value") > limit if upward else pl.col("value") < limit
        found.append(_meant(f"{word} {limit:g} {unit}".strip(), assessed, beyond))
    return found


def _limits(values: pl.Series, judged: Judged, *, upward: bool) -> list[float]:
    """Return the numbers that are tried: of the present thresholds, and so that ever fewer values are beyond."""
    if values.is_empty():
        return []
    parts = [part for one in (judged.amber, judged.red) if one for part in one.parts if not part.on]
    numbers = [value.number for part in parts for value in part.condition.values if isinstance(value, Quantity)]
    shares = TRIED if upward else [1 - one for one in TRIED]
    tried = [_rounded(float(values.quantile(share, "nearest") or 0.0), values) for share in shares]
    return sorted({*map(float, numbers), *tried}, reverse=not upward)


def _rounded(value: float, values: pl.Series) -> float:
    """Return a number that a person would write: whole where all values are, else of two digits."""
    if _are_whole(values):
        return float(round(value))
    return float(Decimal(f"{value:.2g}"))


def _meant(threshold: str, assessed: pl.DataFrame, beyond: pl.Expr) -> Meant:
    ordered = assessed.sort("uid", "week").with_columns(met=beyond.fill_null(value=False))
    same = (pl.col("uid") == pl.col("uid").shift(1)).fill_null(value=False)
    began = pl.col("met") & ~(same & pl.col("met").shift(1).fill_null(value=False))
    courses = (
        ordered.with_columns(course=began.cum_sum())
        .filter("met")
        .group_by("course")
        .agg(pl.col("uid", "day", "week", "due").first(), last=pl.col("day").max())
    )
    first = assessed["week"].min()
    new = courses.filter(pl.col("week") != first)
    missed = new.filter(pl.col("due") < pl.col("last"))
    leads = missed.select(pl.business_day_count("day", "due"))["day"]
    lead = leads.median()
    share = float(ordered["met"].mean() or 0.0) if ordered.height else 0.0  # type: ignore[arg-type]
    rows = courses["uid"].n_unique()
    return Meant(threshold, rows, share, new.height / _months(assessed), float(lead) if lead is not None else None)  # type: ignore[arg-type]


def _months(assessed: pl.DataFrame) -> float:
    first, last = assessed["day"].min(), assessed["day"].max()
    days = (last - first).days if isinstance(first, date) and isinstance(last, date) else 0
    return max(days, 7) / DAYS_IN_MONTH


def _bars(values: pl.Series) -> list[Bar]:
    """Return how many values lie where; the few that are farthest out share the bar at their end."""
    if values.is_empty():
        return []
    low, high = (float(values.quantile(share, "nearest") or 0.0) for share in (0.01, 0.99))
    if low == high:
        return [Bar(low, high, len(values))]
    few = _are_whole(values) and high - low < BARS  # then each has a bar of its own
    number, step = (int(high - low) + 1, 1.0) if few else (BARS, (high - low) / BARS)
    place = ((values - low) / step).floor().clip(0, number - 1).cast(pl.Int64)
    counted = dict(place.value_counts().iter_rows())
    return [Bar(low + step * one, low + step * (one + 1), counted.get(one, 0)) for one in range(number)]


def _are_whole(values: pl.Series) -> bool:
    return bool((values == values.round()).all())


def histogram(bars: Sequence[Bar]) -> list[str]:
    """Return the bars as lines of text."""
    most = max((one.count for one in bars), default=0)
    lines = []
    for one in bars:
        stars = "#" * (max(round(WIDTH * one.count / most), 1) if one.count else 0)
        lines.append(f"{one.begins:>10.4g} to {one.ends:<10.4g} {one.count:>8} {stars}".rstrip())
    return lines
