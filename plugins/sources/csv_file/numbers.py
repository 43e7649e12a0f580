"""Columns of numbers: the decimal mark is settled once, for the whole column (spec sources 5.3).

Shapes of a number, `_` standing for a blank or apostrophe between digits: the mark that groups comes in threes, the
mark of the decimals once. `1.234` alone says nothing, `12,50` says all.
"""

import re
from dataclasses import dataclass

import polars as pl
from pmo_watch_plugins.sources.csv_file.column import Column, Rules

from pmo_watch.api import SourceDataError

EXACT = pl.Decimal(38, 10)  # wide enough for what fits the model's types, before it is rounded to them
CODES = {"€": "EUR", "EURO": "EUR", "EUROS": "EUR", "£": "GBP", "¥": "JPY", "US$": "USD", "$US": "USD", "$": "USD"}
ISO_CODES = (
    "AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "INR", "ISK",
    "JPY", "KRW", "MAD", "MXN", "NOK", "NZD", "PLN", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TND", "TRY",
    "UAH", "USD", "XAF", "XOF", "ZAR",
)  # fmt: skip
MULTIPLIERS = {"k": 1_000, "m": 1_000_000, "mio": 1_000_000, "mln": 1_000_000}
_CURRENCY = r"(?i)(US\$|\$US|[€£¥$]|\beuros?\b|\b(?:" + "|".join(ISO_CODES) + r")\b)"
_HEADER_UNIT = re.compile(rf"(?i)\s*(k|m|mio|mln)?\.?\s*({_CURRENCY[5:-1]})?\s*")
_BETWEEN = r"[\s\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000'’]"

# What all cells must look like to be read without a closer look; a proof among the first of them comes on top.
_QUICK = {
    "": r"^-?[0-9]{1,12}$",
    "comma": r"^-?[0-9]{1,12}(?:,[0-9]{1,9})?$",
    "point": r"^-?[0-9]{1,12}(?:\.[0-9]{1,9})?$",
}
_SHAPES = (  # which decimal mark a shape proves; the first that fits
    (r"^\d+$|^\d{1,3}(?:_\d{3})+$", "none"),
    (r"^[1-9]\d{0,2}[.,]\d{3}$", "open"),
    (r"^\d{1,3}(?:\.\d{3})+,\d+$|^\d{1,3}(?:\.\d{3}){2,}$|^\d{1,3}(?:_\d{3})+,\d+$|^\d*,\d+$", "comma"),
    (r"^\d{1,3}(?:,\d{3})+\.\d+$|^\d{1,3}(?:,\d{3}){2,}$|^\d{1,3}(?:_\d{3})+\.\d+$|^\d*\.\d+$", "point"),
)
NOT_A_NUMBER = "not a number"


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """The distinct cells of a column with `value` (exact), `currency` and `percent`, and how the mark was settled."""

    known: pl.DataFrame
    said: str


def header_unit(unit: str) -> tuple[int, str | None]:
    """Return factor and currency of a unit in a header, such as `k€`; (1, None) of any other."""
    found = _HEADER_UNIT.fullmatch(unit)
    if found is None:
        return 1, None
    sign, letters = (found.group(2) or "").upper(), (found.group(1) or "").lower()
    if letters == "m" and not sign:  # metres or months
        return 1, None
    return MULTIPLIERS.get(letters, 1), CODES.get(sign, sign) or None


@dataclass(frozen=True, slots=True, eq=False)
class Plain:
    """The cells of a column that are plain numbers, read at the speed of columns.

    `values` has null elsewhere; `odd` are the positions of filled cells that need a closer look. `mark` is the decimal
    mark of the plain ones and `proof` a cell that shows it; both empty for whole numbers.
    """

    values: pl.Series
    odd: pl.Series
    mark: str
    proof: str

    @property
    def said(self) -> str:
        """Return how the mark was settled."""
        return f"decimal {self.mark}, proved by {self.proof}" if self.mark else "whole numbers"


def read_plainly(column: Column, dtype: pl.DataType) -> Plain | None:
    """Read the plain numbers of a column; None where each cell needs a closer look."""
    if column.grid.marked or column.words or header_unit(column.unit)[0] != 1:
        return None
    mark, found = _first_proof(column.raw.head(200).drop_nulls()) or ("", None)
    is_plain = column.raw.str.contains(_QUICK[mark])
    if not mark and not is_plain.all(ignore_nulls=True):
        mark, found = _first_proof(column.raw.drop_nulls()) or ("", None)
        is_plain = column.raw.str.contains(_QUICK[mark])
    written = column.raw.str.replace(",", ".", literal=True) if mark == "comma" else column.raw
    values = written.cast(dtype, strict=False)
    odd = (~is_plain | values.is_null()) & column.raw.is_not_null()
    if odd.any():
        values = pl.select(pl.when(~odd).then(values)).to_series()
    return Plain(values, odd.arg_true(), mark, "" if found is None else column.shown(found))


def _first_proof(cells: pl.Series) -> tuple[str, pl.Series] | None:
    """Return the decimal mark that the first telling cell proves, and the cell."""
    for mark, sign in (("comma", ","), ("point", r"\.")):
        found = cells.filter(cells.str.contains(rf"^-?\d+{sign}(?:\d{{1,2}}|\d{{4,9}})$"))
        if found.len():
            return mark, found.head(1)
    return None


def read_numbers(column: Column, texts: pl.DataFrame, rules: Rules, plain: Plain | None = None) -> Numbers:
    """Read the distinct cells of a column, `plain` being those that are read already.

    Raises:
        SourceDataError: two cells prove different decimal marks, or none proves any where it matters.
    """
    known = _dissected(texts, rules)
    mark, said = _settled(column, known, rules, plain)
    group, point = (".", ",") if mark == "comma" else (",", ".")
    digits = pl.col("body").str.replace_all(group, "", literal=True).str.replace_all("_", "", literal=True)
    unsigned = pl.when(typed()).then(digits.str.replace(point, ".", literal=True)).otherwise(pl.col("body"))
    factor = header_unit(column.unit)[0]
    sign = pl.when("negative").then(pl.lit("-")).otherwise(pl.lit(""))
    value = pl.format("{}{}", sign, unsigned).cast(EXACT, strict=False)
    fits = ~typed() | pl.col("proof").is_in(["none", "open", mark])
    known = known.with_columns(
        value=pl.when(fits & ~pl.col("null")).then((value * pl.col("factor").fill_null(factor)).cast(EXACT))
    )
    hint = "" if rules.multipliers else "; 'multipliers: true' reads k, M, Mio and mln"
    letters = pl.col("body").str.contains(r"(?i)\d\s*(?:k|m|mio|mln)\.?$")
    return Numbers(
        known.with_columns(
            fault=pl.when(pl.col("null") | pl.col("value").is_not_null())
            .then("fault")
            .when(pl.col("proof").is_in(["comma", "point"]))
            .then(pl.lit(f"not a number with a decimal {mark}, as the column has"))
            .when(letters)
            .then(pl.lit(NOT_A_NUMBER + hint))
            .otherwise(pl.lit(NOT_A_NUMBER))
        ),
        said,
    )


def typed() -> pl.Expr:
    """Say of each distinct cell whether somebody typed it: a workbook's own numbers have no mark to settle."""
    return ~(pl.col("native").is_in(["number", "percent"]) | pl.col("native").str.contains("^[A-Z]{3}$")).fill_null(
        value=False
    )


def _dissected(texts: pl.DataFrame, rules: Rules) -> pl.DataFrame:
    """Part each text into sign, currency, percent sign, multiplier and `body`, and say what its shape proves."""
    sign = pl.col("text").str.extract(_CURRENCY, 1).str.to_uppercase()
    code = pl.when(pl.col("native").str.contains("^[A-Z]{3}$")).then("native").otherwise(sign.replace(CODES))
    rest = pl.col("text").str.replace_all(_CURRENCY, "")
    parts = texts.with_columns(
        currency=code, percent=rest.str.contains("%", literal=True), body=rest.str.replace_all("%", "", literal=True)
    )
    parts = parts.with_columns(body=pl.col("body").str.strip_chars(), negative=pl.lit(value=False))
    for pattern in (r"^\((.+)\)$", r"^[-−]\s*(.+)$", r"^(.*\d)\s*[-−]$"):
        inner = pl.col("body").str.extract(pattern, 1)
        parts = parts.with_columns(
            body=pl.coalesce(inner, "body").str.strip_chars(), negative=pl.col("negative") | inner.is_not_null()
        )
    if rules.multipliers:
        letters = pl.col("body").str.extract(r"(?i)^.*\d\s*(k|mio|mln|m)\.?$", 1).str.to_lowercase()
        parts = parts.with_columns(
            factor=letters.replace_strict(MULTIPLIERS, default=None, return_dtype=pl.Int64),
            body=pl.coalesce(pl.col("body").str.extract(r"(?i)^(.*\d)\s*(?:k|mio|mln|m)\.?$", 1), "body"),
        )
    else:
        parts = parts.with_columns(factor=pl.lit(None, pl.Int64))
    body = pl.col("body").str.strip_prefix("+").str.replace_all(rf"(\d){_BETWEEN}(\d)", "${1}_${2}")
    parts = parts.with_columns(body=body)
    proof = pl.coalesce([pl.when(pl.col("body").str.contains(shape)).then(pl.lit(mark)) for shape, mark in _SHAPES])
    return parts.with_columns(proof=pl.when(typed() & ~pl.col("null")).then(proof))


def _settled(column: Column, known: pl.DataFrame, rules: Rules, plain: Plain | None) -> tuple[str, str]:
    """Return the decimal mark of the column and what settled it; empty when nothing hangs on it."""
    proofs = {mark: known.filter(pl.col("proof") == mark)["raw"] for mark in ("comma", "point")}
    shown = {mark: column.shown(found) for mark, found in proofs.items() if found.len()}
    if plain is not None and plain.mark:
        shown[plain.mark] = plain.proof
    if len(shown) > 1:
        if rules.own_decimal:
            return rules.own_decimal, f"decimal {rules.own_decimal}, as 'decimal:' says"
        raise SourceDataError(
            f"{column.grid.name}: {column.label}: {shown['comma']} has a decimal comma and {shown['point']} a decimal "
            "point: correct one of them, or set 'decimal: comma' or 'decimal: point' to reject the other"
        )
    for mark, proof in shown.items():
        return mark, f"decimal {mark}, proved by {proof}"
    undecided = known.filter(pl.col("proof") == "open")["raw"]
    if undecided.is_empty():
        return "", "whole numbers" if known.filter(typed()).height else "numbers of the workbook"
    if rules.decimal:
        return rules.decimal, f"decimal {rules.decimal}, as 'decimal:' says"
    raise SourceDataError(
        f"{column.grid.name}: {column.label}: {column.shown(undecided)} may be thousands or decimals, and no cell "
        "of the column settles it: set 'decimal: comma' or 'decimal: point'"
    )
