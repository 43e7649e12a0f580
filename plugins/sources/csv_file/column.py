"""One column on its way from text to values: its distinct cells, where they stand, and what is faulty in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, tzinfo

import polars as pl
from pmo_watch_plugins.sources.csv_file.cells import is_formula_error, is_null_word, mark_of, unmarked
from pmo_watch_plugins.sources.csv_file.grid import Grid
from pmo_watch_plugins.sources.csv_file.profile import Spec
from pmo_watch_plugins.sources.csv_file.report import MOST_ALIKE, Report
from pmo_watch_plugins.sources.csv_file.vocabulary import fold

FIRST_ROWS = 1000  # where a proof is looked for before the whole column is searched


@dataclass(frozen=True, slots=True)
class Rules:
    """What settles a column that does not prove itself; `own_` are the source's settings, the others fall back."""

    decimal: str = ""
    own_decimal: str = ""
    dates: str = ""
    own_dates: str = ""
    scale: str = ""
    currency: str = ""
    language: str = ""
    multipliers: bool = False
    null_words: tuple[str, ...] = ()
    placeholders: tuple[date, ...] = ()
    maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    today: date = date(1970, 1, 1)
    zone: tzinfo = UTC
    minutes_per_day: int = 480  # the model's default; a list knows no calendar


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The cells of one column: `raw` as written, `rows` their numbers in the file, `words` what the settings map."""

    spec: Spec
    header: str
    label: str
    unit: str
    raw: pl.Series
    rows: pl.Series
    grid: Grid
    words: Mapping[str, str] = field(default_factory=dict)

    def distinct(self, rules: Rules) -> pl.DataFrame:
        """Return the distinct filled cells.

        `raw`; `text`: trimmed and mapped; `native`: what a workbook knows of it; `null`: whether it means unknown;
        `fault`: why it could not be read.
        """
        texts = self.raw.drop_nulls().unique().to_frame("raw")
        texts = texts.with_columns(text=pl.col("raw").str.strip_chars(), native=pl.lit(None, pl.String))
        if self.grid.marked:
            texts = texts.with_columns(text=unmarked(pl.col("text")), native=mark_of(pl.col("text")))
        texts = texts.filter(pl.col("text") != "")
        if self.words:
            mapped = [self.words.get(fold(text), text) for text in texts["text"]]
            texts = texts.with_columns(text=pl.Series(mapped, dtype=pl.String))
        broken = is_formula_error(pl.col("text"))
        return texts.with_columns(
            null=is_null_word(pl.col("text"), rules.null_words) | broken,
            fault=pl.when(broken).then(pl.lit("the result of a formula that failed")),
        )

    def bare(self, at: int) -> str:
        """Return a cell as messages show it."""
        return str(pl.select(unmarked(pl.lit(self.raw[at]))).item()).strip()

    def earliest(self, raws: pl.Series) -> tuple[int, str]:
        """Return row and text of the first cell that is one of these."""
        first = self.raw.head(FIRST_ROWS).is_in(raws.implode())
        hits = first if first.any() else self.raw.is_in(raws.implode())
        at = int(hits.fill_null(value=False).arg_max() or 0)
        return int(self.rows[at]), self.bare(at)

    def shown(self, raws: pl.Series) -> str:
        """Return the first cell that is one of these as messages show a proof: text and line."""
        row, text = self.earliest(raws)
        return f"'{text}' ({self.grid.line_word} {self.grid.line(row)})"

    def spread(self, known: pl.DataFrame, dtype: pl.DataType) -> pl.Series:
        """Return the values of all rows; `known` has `raw` and `value`."""
        codes = self.raw.cast(pl.Enum(known["raw"]), strict=False).to_physical()  # far faster than looking texts up
        return known["value"].cast(dtype).gather(codes).alias(self.spec.name)

    def report_faults(self, known: pl.DataFrame, report: Report) -> None:
        """Report every cell whose text has a `fault`."""
        faulty = known.filter(pl.col("fault").is_not_null())
        if faulty.is_empty():
            return
        hits = self.raw.is_in(faulty["raw"].implode()).fill_null(value=False).arg_true()
        cells = pl.DataFrame({"row": self.rows.gather(hits), "raw": self.raw.gather(hits)}).head(MOST_ALIKE)
        told = cells.join(faulty.select("raw", "fault"), on="raw", how="left", maintain_order="left")
        told = told.select("row", unmarked(pl.col("raw")).str.strip_chars(), "fault")
        found = [(self.grid.place(row), text, reason) for row, text, reason in told.iter_rows()]
        report.cells(found, self.header, hits.len())

    def part(self, positions: pl.Series) -> "Column":
        """Return the column with the cells at these positions only."""
        return replace(self, raw=self.raw.gather(positions), rows=self.rows.gather(positions))


def listed(words: Sequence[str], last: str = "or") -> str:
    """Return words as a sentence lists them."""
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
