"""Single cells: blanks, words that mean unknown, results of broken formulas (spec sources 5.2 and 5.3, model 1.3)."""

import polars as pl

# Written by web pages and byte order marks inside a text; they have no width, and no meaning here.
INVISIBLE = ("\u200b", "\u2060", "\ufeff")
DASHES = ("-", "–", "—")
NULL_WORDS = (
    *DASHES, "n/a", "na", "null", "n.v.t.", "n.v.t", "nvt", "s.o.", "à définir", "a définir", "te bepalen", "tbd", "?"
)  # fmt: skip
# English first; the French and Dutch forms are still to be confirmed (spec sources 6).
FORMULA_ERRORS = (
    "#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!",
    "#NOM?", "#VALEUR!", "#NOMBRE!", "#NUL!", "#NAAM?", "#WAARDE!", "#DEEL/0!", "#VERW!", "#GETAL!", "#LEEG!", "#N/B",
)  # fmt: skip
# A workbook knows what a cell is: its text carries that in front, between two characters of private use.
MARK, MARK_END = "\ue000", "\ue001"
_MARKED = f"^{MARK}([^{MARK_END}]*){MARK_END}"


def unmarked(text: pl.Expr) -> pl.Expr:
    """Return texts without what a workbook knows of them."""
    return text.str.replace(_MARKED, "")


def mark_of(text: pl.Expr) -> pl.Expr:
    """Return what a workbook knows of each cell; null for text."""
    return text.str.extract(_MARKED, 1)


def visible(text: str) -> str:
    """Return a text without characters that have no width."""
    for one in INVISIBLE:
        text = text.replace(one, "")
    return text


def stripped(column: str) -> pl.Expr:
    """Return the cells without blanks of any kind at their ends."""
    return pl.col(column).str.strip_chars()  # no-break and thin spaces too


def is_blank(column: str) -> pl.Expr:
    """Say of each cell whether nothing is in it."""
    return stripped(column).fill_null("") == ""


def is_null_word(text: pl.Expr, more: tuple[str, ...]) -> pl.Expr:
    """Say of each stripped text whether it means that nobody knows."""
    words = [*NULL_WORDS, *(one.strip().lower() for one in more)]
    return text.str.to_lowercase().is_in(words)


def is_formula_error(text: pl.Expr) -> pl.Expr:
    """Say of each stripped text whether a formula left an error, or a column was too narrow for a number."""
    return text.str.starts_with("#") & (
        text.str.to_uppercase().is_in(FORMULA_ERRORS) | (text.str.strip_chars("#") == "")
    )
