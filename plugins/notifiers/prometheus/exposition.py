"""Families of metrics as bytes: text 0.0.4 and OpenMetrics 1.0.0, written in columns (spec channels 4.1, 4.2)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

LONGEST_LABEL_BYTES, KEPT_BYTES = 128, 119  # spec channels 4.3


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric: `frame` has a text column for each label, `value` (float), and `@id` that tells equal labels apart.

    `kind` is gauge or info. `names_id`: the label that gets a suffix where two rows have the same labels. A null or
    empty label is left out, a null value is no series.
    """

    name: str
    kind: str
    text: str
    labels: tuple[str, ...]
    frame: pl.DataFrame
    names_id: str = ""
    unit: str = ""

    @property
    def series(self) -> int:
        """How many series it has."""
        return self.frame.height


def family_of(name: str, kind: str, text: str, labels: tuple[str, ...], frame: pl.DataFrame) -> Family:
    """Return a family of the rows that have a value, with what its name says about unit and identity."""
    unit = "seconds" if name.endswith("_seconds") else ""
    ids = [one for one in ("entity", "kpi", "milestone", "project") if one in labels]
    return Family(name, kind, text, labels, frame.drop_nulls("value"), ids[0] if ids else "", unit)


def written(family: Family) -> pl.Series:
    """Return the samples of the family as text, one line each, in a stable order."""
    frame = family.frame.filter(pl.col("value").is_finite())
    cut = [_cut(frame[label]).alias(label) for label in family.labels]
    frame = _told_apart(frame.with_columns(cut), family)
    pairs = [
        pl.when(pl.col(label).str.len_bytes() > 0).then(pl.format('{}="{}"', pl.lit(label), _escaped(label)))
        for label in family.labels
    ]
    inner = pl.concat_str(pairs, separator=",", ignore_nulls=True) if pairs else pl.lit("")
    braces = pl.concat_str(pl.lit("{"), inner, pl.lit("}")) if pairs else pl.lit("")
    line = pl.concat_str(pl.lit(family.name), braces, pl.lit(" "), _number(pl.col("value")))
    return frame.select(line.alias("line"))["line"].sort()


def _number(value: pl.Expr) -> pl.Expr:
    whole = (value == value.floor()) & (value.abs() < 1e15)
    return pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))


def _escaped(label: str) -> pl.Expr:
    text = pl.col(label).str.replace_all("\\", "\\\\", literal=True)
    return text.str.replace_all('"', '\\"', literal=True).str.replace_all("\n", "\\n", literal=True)


def _cut(texts: pl.Series) -> pl.Series:
    """Cut what is longer than a label may be, with the beginning of its hash so that it stays itself."""
    long = texts.filter(texts.str.len_bytes() > LONGEST_LABEL_BYTES).unique().to_list()
    if not long:
        return texts
    short = [_kept(text) + _suffix(text) for text in long]
    return texts.replace(long, short)


def _kept(text: str) -> str:
    return text.encode()[:KEPT_BYTES].decode(errors="ignore")


def _suffix(text: str) -> str:
    return "~" + hashlib.sha256(text.encode()).hexdigest()[:8]


def _told_apart(frame: pl.DataFrame, family: Family) -> pl.DataFrame:
    """Give each row but the first of those with the same labels the beginning of its uid's hash."""
    if not family.names_id or "@id" not in frame.columns:
        return frame
    frame = frame.sort("@id")
    twice = ~frame.select(pl.struct(family.labels).is_first_distinct()).to_series()
    if not twice.any():
        return frame
    uids = frame.filter(twice)["@id"].unique().to_list()
    suffix = pl.col("@id").replace_strict(uids, [_suffix(uid) for uid in uids], default="")
    named = pl.when(twice).then(pl.concat_str(family.names_id, suffix)).otherwise(pl.col(family.names_id))
    return frame.with_columns(named.alias(family.names_id))


def exposition(families: Sequence[Family], *, openmetrics: bool) -> bytes:
    """Return the families as bytes, without an end mark: the daemon's own part follows."""
    parts: list[str] = []
    for family in families:
        name, kind = family.name, family.kind
        if openmetrics and kind == "info":
            name = name.removesuffix("_info")
        elif kind == "info":
            kind = "gauge"
        parts.append(f"# HELP {name} {family.text}\n# TYPE {name} {kind}\n")
        if openmetrics and family.unit:
            parts.append(f"# UNIT {name} {family.unit}\n")
        lines = written(family)
        if len(lines):
            parts.append("\n".join(lines.to_list()) + "\n")
    return "".join(parts).encode()
