"""Families of metrics as bytes: text 0.0.4 and OpenMetrics 1.0.0, written in columns (spec channels 4.1, 4.2)."""

from collections.abc import Iterable
from functools import cached_property

import polars as pl

ESCAPED = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"))


class Family:
    """One metric. `frame` has a text column for each label, in order, and `value` last: a finite float.

    Every row is a series; no two have the same labels. A null or empty label is left out.
    """

    def __init__(self, name: str, text: str, frame: pl.DataFrame) -> None:
        self.name = name
        self._text = text
        self._frame = frame
        self.series = frame.height

    @cached_property
    def lines(self) -> bytes:
        """The samples, one line each, in a stable order; the same in both formats."""
        labels = self._frame.columns[:-1]
        pairs = [_pair(self._frame[label]) for label in labels]
        inside = pl.concat_str(pairs, separator=",", ignore_nulls=True)
        line = pl.concat_str(pl.lit(f"{self.name}{{"), inside, pl.lit("} "), _numbers(self._frame["value"]))
        text: str | None = self._frame.select(line.sort().str.join("\n")).item()
        return f"{text}\n".encode() if text else b""

    def head(self, *, openmetrics: bool) -> bytes:
        """Return the lines before the samples."""
        name, unit = self.name, ""
        kind = "info" if name.endswith("_info") else "gauge"
        if not openmetrics:
            kind = "gauge"
        elif kind == "info":
            name = name.removesuffix("_info")
        elif name.endswith("_seconds"):
            unit = f"# UNIT {name} seconds\n"
        return f"# HELP {name} {self._text}\n# TYPE {name} {kind}\n{unit}".encode()


def exposition(families: Iterable[Family], *, openmetrics: bool) -> bytes:
    """Return the families as bytes, without an end mark: the daemon's own part follows."""
    return b"".join(part for one in families for part in (one.head(openmetrics=openmetrics), one.lines))


def _pair(values: pl.Series) -> pl.Expr:
    label = pl.col(values.name)
    if values.str.contains_any([text for text, _ in ESCAPED]).any():
        for text, escaped in ESCAPED:
            label = label.str.replace_all(text, escaped, literal=True)
    pair = pl.concat_str(pl.lit(f'{values.name}="'), label, pl.lit('"'))
    return pl.when(pl.col(values.name) != "").then(pair)


def _numbers(values: pl.Series) -> pl.Series:
    """Write numbers as Python does: Polars writes 1e16 where others write 1e+16."""
    texts = values.cast(pl.String)
    odd = values.filter(texts.str.contains("e", literal=True)).unique()
    return texts.replace(odd.cast(pl.String).to_list(), [repr(one) for one in odd.to_list()]) if len(odd) else texts
