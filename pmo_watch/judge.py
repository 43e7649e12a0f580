"""A rule's thresholds against a measure's answers: the findings, row by row (spec measures 1.2, 1.6, 1.7).

Every row is given the number of its outcome, of which a rule has few; state, threshold and limit are then looked up
all at once.
"""

from dataclasses import dataclass, field

import polars as pl

from pmo_watch.bands import Band, Part
from pmo_watch.flow import FINDING_SCHEMA, FRAME_SCHEMA, MET_SCHEMA
from pmo_watch.measured import GREY, NA, TO_JUDGE
from pmo_watch.view import Table

STATES = ("green", "amber", "red", "grey", "na")
GREEN, AMBER, RED = 0, 1, 2
NO_TEXT = pl.lit(None, pl.String)
ENDED = ("done", "finished", "closed", "cancelled")  # reasons that say more than that a rule is not about a row


class Sheet:
    """A table and further columns of the same rows, of which expressions are computed together."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._added: dict[str, pl.Series] = {}

    def add(self, prefix: str, frame: pl.DataFrame) -> None:
        """Add columns under `<prefix>:<name>`; nothing is copied."""
        self._added |= {f"{prefix}:{one.name}": one for one in frame.iter_columns()}

    def select(self, wanted: dict[str, pl.Expr]) -> pl.DataFrame:
        """Return the expressions as columns, in the order of the table's rows."""
        names = {name for one in wanted.values() for name in one.meta.root_names()}
        self.table.require(names)
        rows = self.table.rows
        frame = rows.select(name for name in rows.columns if name in names or name == "uid")
        frame = frame.hstack([self._added[name].alias(name) for name in sorted(names) if name in self._added])
        return frame.select("uid", **wanted).drop("uid")


def gated(answers: pl.DataFrame, gate: pl.DataFrame | None) -> pl.DataFrame:
    """Take in why nobody asks about a row (`general`), and what a rule's `only_if` says of it.

    `answers`: as `Measured.frame`. `gate`: `out` (text: why the row is out of scope), `open` (text: why that cannot be
    said).
    """
    if gate is None and answers["general"].null_count() == answers.height:
        return answers.drop("general")
    if gate is None:
        gate = answers.select(NO_TEXT.alias("out"), NO_TEXT.alias("open"), "uid").drop("uid")
    settled = pl.coalesce("general", "out").is_not_null()
    is_open = ~settled & pl.col("open").is_not_null()
    ended = pl.col("out").is_not_null() & (pl.col("standing") == NA) & pl.col("reason").is_in(ENDED)
    standing = pl.when(settled).then(pl.lit(NA, pl.UInt8)).when(is_open).then(pl.lit(GREY, pl.UInt8))
    return (
        answers.hstack(gate)
        .with_columns(
            standing.otherwise("standing").alias("standing"),
            pl.coalesce("general", pl.when(ended).then("reason"), "out", "open", "reason").alias("reason"),
            pl.when(~is_open).then("value").alias("value"),
        )
        .drop("general", "out", "open")
    )


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The compiled thresholds of one measure in a rule; red is capped at amber where fewer rows were counted."""

    amber: Band
    red: Band
    recover: Band
    least_sample: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """Findings as `frame` and `met` (see `flow.Findings`), and the number of each row's state in `STATES`."""

    frame: pl.DataFrame
    codes: pl.Series
    met: pl.DataFrame


@dataclass(slots=True)
class _Outcomes:
    """What can come of a row: number -> state, threshold that is met."""

    states: list[int] = field(default_factory=list)
    parts: list[Part | None] = field(default_factory=list)

    def add(self, state: int, part: Part | None = None) -> pl.Expr:
        """Add an outcome and return its number."""
        self.states.append(state)
        self.parts.append(part)
        return pl.lit(len(self.states) - 1, pl.UInt8)


def judge(answers: pl.DataFrame, key: str, levels: Levels, sheet: Sheet) -> Judgement:
    """Compare every row that stands to be judged with the thresholds: red first, then amber, else green.

    `answers`: as `gated` gives them, in the order of the sheet, which holds them under `key`.
    """
    outcomes = _Outcomes()
    capped = _cap(answers, key, levels)
    wanted = {"outcome": _outcome(levels, key, capped, outcomes), **_asides(levels, capped)}
    wanted |= {
        f"limit {number}": part.limit
        for number, part in enumerate(outcomes.parts)
        if part is not None and isinstance(part.limit, pl.Expr)
    }
    found = sheet.select(wanted)
    codes = pl.Series(outcomes.states, dtype=pl.UInt8).gather(found["outcome"])
    states = pl.Series(STATES, dtype=FINDING_SCHEMA["state"]).gather(codes)
    frame = answers.hstack(found).with_columns(states.alias("state"))
    return Judgement(frame.select(**_columns(frame)), codes, _met(frame, outcomes))


def _cap(answers: pl.DataFrame, key: str, levels: Levels) -> pl.Expr | None:
    """Return where red is too much for so few rows; None where no row is that small."""
    few = (answers["sample"] < levels.least_sample).any()
    return pl.col(f"{key}:sample") < levels.least_sample if few else None


def _outcome(levels: Levels, key: str, capped: pl.Expr | None, outcomes: _Outcomes) -> pl.Expr:
    """Return the number of each row's outcome; what is decided without thresholds comes first."""
    standing = pl.col(f"{key}:standing")
    green, grey, na = (outcomes.add(state) for state in (GREEN, GREY, NA))
    breach = outcomes.add(RED if levels.red.parts or not levels.amber.parts else AMBER)
    settled = pl.when(standing == GREY).then(grey).when(standing == NA).then(na).otherwise(breach)
    reds = [(one.holds, outcomes.add(RED, one)) for one in levels.red.parts]
    ambers = [(one.holds, outcomes.add(AMBER, one)) for one in levels.amber.parts]
    steps = [(standing != TO_JUDGE, settled)]
    if capped is not None and levels.red.holds is not None:
        small = capped & levels.red.holds
        steps += [(small & holds, number) for holds, number in ambers]
        steps += [(small & one.holds, outcomes.add(AMBER, one)) for one in levels.red.parts]
    for band, numbered in ((levels.red, reds), (levels.amber, ambers)):
        steps += numbered
        if band.holds is not None and band.unknown is not None:
            steps.append((band.holds.is_null(), grey))
    outcome = green
    for condition, number in reversed(steps):
        outcome = pl.when(condition).then(number).otherwise(outcome)
    return outcome


def _asides(levels: Levels, capped: pl.Expr | None) -> dict[str, pl.Expr]:
    """Return what is said beside the outcome, as far as the thresholds give reason to."""
    bands = (levels.red, levels.amber)
    asides: dict[str, pl.Expr] = {}
    if reasons := [one.unknown for one in bands if one.unknown is not None]:
        asides["open"] = pl.coalesce(reasons)
    if levels.recover.holds is not None:
        asides["recover"] = levels.recover.holds.fill_null(value=False)
    if notes := [part.note for band in bands for part in band.parts if part.note is not None]:
        asides["of thresholds"] = pl.coalesce(notes)
    if capped is not None and levels.red.holds is not None:
        asides["capped"] = capped & levels.red.holds
    return asides


def _columns(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """Return the columns of a finding that every row has, in order."""
    green = pl.col("outcome") == 0
    columns = {name: pl.col(name) for name in FRAME_SCHEMA if name in frame.columns}
    columns["recovered"] = green & pl.col("recover") if "recover" in frame.columns else green
    columns["note"] = _note(frame.columns)
    if "open" in frame.columns and (frame["open"].is_not_null() & (frame["state"] == STATES[GREY])).any():
        opened = pl.when(pl.col("state") == STATES[GREY]).then("open")
        columns["reason"] = pl.coalesce("reason", opened)
        columns["value"] = pl.when(pl.col("state") != STATES[GREY]).then("value")
    return {name: columns[name] for name in FRAME_SCHEMA}


def _met(frame: pl.DataFrame, outcomes: _Outcomes) -> pl.DataFrame:
    """Return which condition a row met, for those that met one."""
    texts = [one.text if one else None for one in outcomes.parts]
    meets = [number for number, text in enumerate(texts) if text is not None]
    if not meets:
        return pl.DataFrame(schema=MET_SCHEMA)
    own = [name for name in frame.columns if name in {"uid", "outcome"} or name.startswith("limit ")]
    some = frame.select(own).filter(pl.col("outcome") >= meets[0])  # what is decided without thresholds comes before
    threshold = pl.lit(pl.Series(texts, dtype=MET_SCHEMA["threshold"])).gather(pl.col("outcome"))
    return some.select("uid", threshold=threshold, limit=_limit(outcomes))


def _limit(outcomes: _Outcomes) -> pl.Expr:
    limits = [part.limit if part is not None else None for part in outcomes.parts]
    fixed = pl.Series([one if isinstance(one, float) else None for one in limits], dtype=pl.Float64)
    chosen = pl.lit(fixed).gather(pl.col("outcome"))
    for number, one in enumerate(limits):
        if isinstance(one, pl.Expr):
            chosen = pl.when(pl.col("outcome") == number).then(f"limit {number}").otherwise(chosen)
    return chosen


def _note(columns: list[str]) -> pl.Expr:
    """Return what the result must say: of the measure, of few rows, of tolerances."""
    notes = [pl.col("note")]
    if "capped" in columns:
        counted = pl.format("small sample: {} of {}", _whole("numerator"), _whole("denominator"))
        notes.append(pl.when(pl.col("capped") & (pl.col("state") == STATES[AMBER])).then(counted))
    if "of thresholds" in columns:
        notes.append(pl.when(pl.col("state").is_in(STATES[:GREY])).then("of thresholds"))
    if len(notes) == 1:
        return notes[0]
    joined = pl.concat_str(notes, separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined)


def _whole(name: str) -> pl.Expr:
    """Return a count as text, without decimals where it has none."""
    number = pl.col(name)
    whole = number.cast(pl.Int64).cast(pl.String)
    return pl.when(number == number.floor()).then(whole).otherwise(number.round(2).cast(pl.String))


def worst(judgements: list[Judgement]) -> Judgement:
    """Return, row by row, the judgement that weighs most: red, amber, grey, green; na is left out."""
    first, *others = judgements
    frame, codes, met, recovered = first.frame, first.codes, first.met, _recovered(first)
    for other in others:
        graver = pl.lit(_weight(other.codes) > _weight(codes))
        chosen = [
            pl.when(graver).then(pl.lit(theirs)).otherwise(pl.lit(own)).alias(own.name)
            for own, theirs in zip(frame.iter_columns(), other.frame.iter_columns(), strict=True)
        ]
        is_overruled = pl.col("uid").is_in(frame["uid"].filter(_weight(other.codes) > _weight(codes)).implode())
        met = pl.concat([met.filter(~is_overruled), other.met.filter(is_overruled)])
        codes = pl.select(pl.when(graver).then(pl.lit(other.codes)).otherwise(pl.lit(codes))).to_series()
        frame = pl.select(chosen)
        recovered &= _recovered(other)
    return Judgement(frame.with_columns(((codes == GREEN) & recovered).alias("recovered")), codes, met)


def _weight(codes: pl.Series) -> pl.Series:
    return pl.Series([1, 3, 4, 2, 0], dtype=pl.UInt8).gather(codes)


def _recovered(one: Judgement) -> pl.Series:
    """Return where a measure does not stand against closing: it recovered, or nobody asks it."""
    return one.frame["recovered"] | (one.codes == NA)
