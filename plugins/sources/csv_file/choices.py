"""Columns of words: closed lists, yes and no, colours, lists of words (spec sources 5.3)."""

import re

import polars as pl
from pmo_watch_plugins.sources.csv_file import meanings
from pmo_watch_plugins.sources.csv_file.amounts import Decided
from pmo_watch_plugins.sources.csv_file.column import Column, Rules, listed
from pmo_watch_plugins.sources.csv_file.report import MOST_ALIKE, Report
from pmo_watch_plugins.sources.csv_file.vocabulary import fold

FLAG = pl.Boolean()
TEXT = pl.String()


def read_words(column: Column, entity: str, rules: Rules, report: Report) -> Decided:
    """Read one of a closed list; a word that is not known is null and reported once."""
    field = column.spec.field or column.spec.name
    words = meanings.words_for(entity, field, column.spec.one_of)
    silent = meanings.folded(meanings.SILENT.get(f"{entity}.{field}", ""))
    known = _looked_up(column, rules, words, silent)
    report_unknown(column, known, column.spec.one_of, report)
    return Decided(column.spread(known, TEXT), "")


def _looked_up(column: Column, rules: Rules, words: dict[str, str], silent: frozenset[str]) -> pl.DataFrame:
    texts = column.distinct(rules)
    values = [words.get(fold(text)) for text in texts["text"]]
    quiet = [fold(text) in silent for text in texts["text"]]
    silent_too = pl.col("null") | pl.Series(quiet, dtype=FLAG)
    known: pl.DataFrame = texts.with_columns(value=pl.Series(values, dtype=TEXT), null=silent_too)
    return known.with_columns(value=pl.when(~pl.col("null")).then("value"))


def report_unknown(column: Column, known: pl.DataFrame, one_of: tuple[str, ...], report: Report) -> None:
    """Report every word without a value once, where it stands first, and every cell that a formula spoiled."""
    column.report_faults(known, report)
    unknown = known.filter(pl.col("value").is_null() & ~pl.col("null"))["raw"]
    found = sorted(column.earliest(pl.Series([raw])) for raw in unknown.head(MOST_ALIKE))
    name = column.spec.name
    for row, text in found:
        report.cell(
            column.grid.place(row),
            column.header,
            text,
            f"not one of {listed(one_of)}; 'maps: {{{name}: {{{text}: ...}}}}' says what it means",
        )


def read_flags(column: Column, rules: Rules, report: Report) -> Decided:
    """Read yes and no; where anything is ticked, an empty cell is no."""
    texts = column.distinct(rules)
    yes, no = meanings.folded(meanings.TRUE_WORDS), meanings.folded(meanings.FALSE_WORDS)
    values: list[bool | None] = []
    for text in texts["text"]:
        sign = {*text} & (meanings.TICKS | meanings.CROSSES) if len(text) <= 2 else set()
        word = fold(text)
        values.append(bool(sign & meanings.TICKS) if sign else True if word in yes else False if word in no else None)
    known = texts.with_columns(value=pl.Series(values, dtype=FLAG))
    known = known.with_columns(
        value=pl.when(~pl.col("null")).then("value"),
        fault=pl.when(pl.col("value").is_null() & ~pl.col("null"))
        .then(pl.lit("neither yes nor no"))
        .otherwise("fault"),
    )
    column.report_faults(known, report)
    flags = column.spread(known, FLAG)
    ticked = known.filter(pl.col("text").str.to_lowercase().is_in(["x", *meanings.TICKS]))["raw"]
    if ticked.is_empty():
        return Decided(flags, "yes or no")
    blank = column.raw.is_null() | (column.raw.str.strip_chars() == "")
    return Decided(flags.set(blank, value=False), f"ticked or empty, proved by {column.shown(ticked)}")


def read_colours(column: Column, rules: Rules, report: Report) -> Decided:
    """Read a traffic light: words, round signs, and single letters where the column has nothing else."""
    texts = column.distinct(rules)
    words = meanings.by_word(meanings.COLOUR_WORDS)
    plain = [fold(text) for text in texts.filter(~pl.col("null"))["text"]]
    letters = bool(plain) and all(len(word) == 1 for word in plain)
    if letters:
        words |= meanings.COLOUR_LETTERS | ({"v": "green"} if rules.language == "fr" else {})
    signs = [
        next((colour for sign, colour in meanings.COLOUR_SIGNS.items() if sign in text), None) for text in texts["text"]
    ]
    values = [sign or words.get(fold(text)) for sign, text in zip(signs, texts["text"], strict=True)]
    quiet = meanings.folded(meanings.NO_COLOUR)
    known = texts.with_columns(
        value=pl.Series(values, dtype=TEXT),
        null=pl.col("null") | pl.Series([fold(text) in quiet for text in texts["text"]], dtype=FLAG),
    )
    known = known.with_columns(value=pl.when(~pl.col("null")).then("value"))
    report_unknown(column, known, column.spec.one_of, report)
    return Decided(column.spread(known, TEXT), "one letter each" if letters else "")


def read_lists(column: Column, rules: Rules, report: Report) -> Decided:
    """Read texts parted by commas or semicolons."""
    texts = column.distinct(rules)
    parts = [[part.strip() for part in re.split("[,;]", text) if part.strip()] for text in texts["text"]]
    known = texts.with_columns(value=pl.Series(parts, dtype=pl.List(pl.String())))
    column.report_faults(known, report)
    return Decided(column.spread(known.filter(~pl.col("null")), pl.List(pl.String())), "parted by commas")
