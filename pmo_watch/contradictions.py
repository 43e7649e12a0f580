"""Where sources contradict each other, and what of theirs could not be taken in: counted, never a silent winner.

Whose word counts is decided in `merge.py` (spec model 1.9); here is what the others say otherwise. Nothing is computed
where nobody says anything twice.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from polars import selectors as cs

from pmo_watch import workdays
from pmo_watch.entities import ENTITIES
from pmo_watch.flow import CONTRADICTION_SCHEMA, Outcome, Reading, SourceState
from pmo_watch.model import Kind
from pmo_watch.references import Directory, one_project
from pmo_watch.workdays import Calendar

Frames = Mapping[str, pl.DataFrame]
SourceRows = Mapping[str, Frames]
AMOUNTS = frozenset({Kind.NUMBER, Kind.MONEY, Kind.HOURS})
# Of which day a source's word is: each says its own, and that is no contradiction.
OF_THE_WORD = frozenset({"status_date", "actual_cost_as_of", "baseline_set_on", "declared_on", "critical_path_test_on"})
MOST_LEFT_OUT = 500  # places that are remembered of a source: a measure counts them, nobody reads them all
WRITTEN_IN = "@currency:"  # with a field group behind it: the currency of the source whose word counts
CALLED = ("name", "title", "id")  # what people call a row, first choice first


@dataclass(frozen=True, slots=True)
class ConflictOver:
    """By how much two sources must differ: working days between dates, share (0 to 1) between numbers.

    Percentages differ by points: 5 and 9 % are four points apart, though the one is almost twice the other.
    """

    days: int = 5
    share: float = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """What differences are measured with."""

    over: ConflictOver
    calendars: Mapping[str, Calendar]
    calendar: str  # where a project names none that is known


def nothing() -> pl.DataFrame:
    """Return no contradiction."""
    return pl.DataFrame(schema=CONTRADICTION_SCHEMA)


# --- two sources say otherwise ------------------------------------------------------------------------------------


def disagreements(rows: pl.DataFrame, merged: pl.DataFrame, by: Yardstick) -> pl.DataFrame:
    """Return what sources say of a project otherwise than the source whose word counts.

    `rows`: all that sources say, several of one uid, preferred source first. `merged`: one row of each.
    """
    told = rows.filter(pl.col("uid").is_duplicated())
    if told.is_empty():
        return nothing()
    fields = _compared("project")
    name = pl.coalesce("code", "id").alias("name")
    held = merged.select("uid", "calendar", name, cs.starts_with(WRITTEN_IN), *_renamed(fields))
    pairs = told.select("uid", "source", "currency", *fields).join(held, on="uid").with_columns(project=pl.col("uid"))
    return _differing("project", pairs, by)


def twins(tasks: pl.DataFrame, kept: pl.DataFrame, projects: pl.DataFrame, by: Yardstick) -> pl.DataFrame:
    """Return what a row of another plan says of the same milestone otherwise than the row that counts.

    `tasks`: the rows of all sources, of which `kept` count. A pair of which both count, or neither, is left alone.
    """
    named = tasks.filter(pl.col("same_as").is_not_null()).select(uid="uid", other="same_as")
    if named.is_empty():
        return nothing()
    both = pl.concat([named, named.select(uid="other", other="uid")]).unique()
    counting = pl.col("uid").is_in(kept["uid"].implode()) & ~pl.col("other").is_in(kept["uid"].implode())
    fields = _compared("task")
    held = tasks.select(
        "uid", "project", pl.coalesce("name", "id").alias("name"), pl.col("source").alias("counts"), *_renamed(fields)
    )
    said = tasks.select("source", *fields, other="uid")
    pairs = both.filter(counting).join(held, on="uid").join(said, on="other")
    calendars = projects.select("calendar", project="uid")
    return _differing("task", pairs.join(calendars, on="project", how="left"), by)


def _compared(entity: str) -> list[str]:
    """Return the fields of which two sources can say otherwise: days, shares and amounts."""
    kinds = {Kind.DATE, Kind.PERCENT, *AMOUNTS}
    return [one.name for one in ENTITIES[entity].stored() if one.kind in kinds and one.name not in OF_THE_WORD]


def _renamed(fields: Sequence[str]) -> list[pl.Expr]:
    return [pl.col(name).alias(f"{name}@held") for name in fields]


def _differing(entity: str, pairs: pl.DataFrame, by: Yardstick) -> pl.DataFrame:
    """Return the pairs of values that lie too far apart: `<field>` is what is said, `<field>@held` what counts."""
    fields = _compared(entity)
    marks = pairs.rename({"calendar": "@calendar"}).select(_apart(entity, name, by).alias(name) for name in fields)
    found = [name for name in fields if marks[name].any()]
    return pl.concat([nothing(), *(_told(pairs, name, pairs.filter(marks[name])) for name in found)])


def _apart(entity: str, name: str, by: Yardstick) -> pl.Expr:
    field = ENTITIES[entity].field(name)
    said, held = pl.col(name), pl.col(f"{name}@held")
    if field is not None and field.kind == Kind.DATE:
        choose = workdays.each_in_its_own(by.calendars, by.calendar)
        return choose(lambda calendar: workdays.count(held, said, calendar)).abs() > by.over.days
    distance = (said.cast(pl.Float64) - held.cast(pl.Float64)).abs()
    if field is not None and field.kind == Kind.PERCENT:
        return distance > by.over.share * 100
    apart = distance > by.over.share * held.cast(pl.Float64).abs()
    if entity == "project" and field is not None and field.kind == Kind.MONEY:
        written = pl.col(f"{WRITTEN_IN}{field.group or ENTITIES[entity].group}")
        # Amounts in two currencies say nothing of each other.
        return apart & (pl.col("currency") == written).fill_null(value=True)
    return apart


def _told(pairs: pl.DataFrame, name: str, apart: pl.DataFrame) -> pl.DataFrame:
    """Return what one field's contradictions come to, with both values and whose they are."""
    held = f"{name}@held"
    if "counts" not in apart.columns:
        first = pairs.filter(pl.col(name) == pl.col(held)).unique("uid", keep="first", maintain_order=True)
        apart = apart.join(first.select("uid", counts="source"), on="uid", how="left")
    return apart.select(
        "project",
        "name",
        row="uid",
        kind=pl.lit("disagreement"),
        field=pl.lit(name),
        said=pl.format("{} ({}), {} ({})", _shown(apart, held), "counts", _shown(apart, name), "source"),
    ).select(list(CONTRADICTION_SCHEMA))


def _shown(frame: pl.DataFrame, name: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    return text if frame.schema[name] == pl.Date() else text.str.strip_chars_end("0").str.strip_chars_end(".")


# --- what could not be taken in -----------------------------------------------------------------------------------


def remembered(state: SourceState, reading: Reading, strange: Container[str]) -> tuple[tuple[str, str], ...]:
    """Return what is missing among the rows that hold now, by place and project.

    It is what the reading left out, and what earlier ones did of rows that stay as they were.
    """
    said = [(one.where, one.project) for one in reading.summary.rejected if _part_of(one.where) not in strange]
    stays = _staying(state, reading, strange) if state.left_out else []
    return tuple(dict.fromkeys([*said, *stays]))[:MOST_LEFT_OUT]


def _staying(state: SourceState, reading: Reading, strange: Container[str]) -> list[tuple[str, str]]:
    """Return what was left out before, of parts that were not read anew and rows that were not sent again."""
    known = [(str(where), str(project)) for where, project in state.left_out]
    summary = reading.summary
    read = {part for frame in reading.frames.values() for part in frame["@part"].unique()}
    whole = reading.outcome == Outcome.COMPLETE
    sent = _sent(reading, [where.partition(" ")[2] for where, _ in known]) if not summary.listed else []
    found = []
    for number, (where, project) in enumerate(known):
        part = _part_of(where)
        unread = part in summary.unchanged or part in strange or (not whole and part not in read)
        if unread or (sent and not sent[number]):
            found.append((where, project))
    return found


def _part_of(where: str) -> str:
    """Return the file or page of a place, as in `risks.csv:line 14`."""
    return where.partition(":")[0]


def _sent(reading: Reading, words: Sequence[str]) -> list[bool]:
    """Say which of these ids and keys are of rows that the reading holds."""
    keys = [frame["uid"].str.replace(r"^[^:]*:[^:]*:", "") for frame in reading.frames.values()]
    ids = [frame["id"] for frame in reading.frames.values() if "id" in frame.columns]
    every = pl.concat([one.rename("word") for one in (*keys, *ids)]) if keys else pl.Series("word", [], pl.String)
    return pl.Series("word", words, pl.String).is_in(every.implode()).to_list()


def dangling(entity: str, rows: pl.DataFrame, lost: pl.DataFrame) -> pl.DataFrame:
    """Return references of rows that lead nowhere. `lost`: `uid` and `field` of each."""
    if lost.is_empty():
        return nothing()
    called = [name for name in CALLED if name in rows.columns]
    about = rows.select("uid", _project_of(entity, rows).alias("project"), pl.coalesce(called or "uid").alias("name"))
    said = {"kind": pl.lit("leads_nowhere"), "said": pl.lit(None, pl.String)}
    found = lost.join(about, on="uid").filter(pl.col("project").is_not_null()).with_columns(**said)
    return found.rename({"uid": "row"}).select(list(CONTRADICTION_SCHEMA))


def _project_of(entity: str, rows: pl.DataFrame) -> pl.Expr:
    if entity == "project":
        return pl.col("uid")
    if "project" in rows.columns:
        return one_project(rows.schema)
    scope = pl.col("scope") if "scope" in rows.columns else pl.lit(None, pl.String)
    return pl.when(scope.str.starts_with("project:")).then(scope)


def left_out(states: Iterable[SourceState], rows: SourceRows, directory: Directory) -> pl.DataFrame:
    """Return the records and values that readings left out, of those whose project is known.

    It is what the record says; else the only project of its file; else that of the row it names, or what it names.
    """
    given = [(one.name, where, project) for one in states if one.name in rows for where, project in one.left_out]
    if not given:
        return nothing()
    said = pl.DataFrame(given, schema={"source": pl.String(), "where": pl.String(), "says": pl.String()}, orient="row")
    named = said.with_columns(
        pl.col("says").replace("", None),
        part=pl.col("where").str.splitn(":", 2).struct.field("field_0"),
        # In a file a place is a line; of a live system it names the row, as in `issue APP-17`.
        word=pl.when(~pl.col("where").str.contains(":", literal=True)).then(
            pl.col("where").str.splitn(" ", 2).struct.field("field_1")
        ),
    )
    told = _with_hints(named, rows)
    ways = [directory.resolve(told, name, ("project",)) for name in ("says", "of_part", "of_row", "word")]
    found = told.with_columns(pl.select(pl.coalesce(ways)).to_series().alias("project"))
    return found.filter(pl.col("project").is_not_null()).select(
        "project",
        row=pl.format("{}|{}", "source", "where"),
        name="where",
        kind=pl.lit("rejected"),
        field=pl.lit(None, pl.String),
        said=pl.lit(None, pl.String),
    )


def _with_hints(named: pl.DataFrame, rows: SourceRows) -> pl.DataFrame:
    """Add the project that is the only one of the part, and that of the row which the place names."""
    pieces = []
    for (source,), said in named.partition_by("source", as_dict=True, maintain_order=True).items():
        own = rows[str(source)]
        told = said.join(_parts(own), on="part", how="left", maintain_order="left")
        pieces.append(told.join(_rows(own, said["word"]), on="word", how="left", maintain_order="left"))
    return pl.concat(pieces)


def _parts(own: Frames) -> pl.DataFrame:
    """Return `part` and `of_part`, its project as the source writes it, where the part has but one."""
    pieces = [pl.DataFrame(schema={"part": pl.String(), "of_part": pl.String()})]
    for name, frame in own.items():
        if "project" in frame.columns and frame.schema["project"] == pl.String():
            pieces.append(frame.select(part="@part", of_part="project").unique())
        elif name == "project":
            key = pl.col("uid").str.replace(r"^[^:]*:project:", "")
            pieces.append(frame.select(pl.col("@part").alias("part"), key.alias("of_part")))
    every = pl.concat(pieces).drop_nulls().unique()
    return every.filter(pl.len().over("part") == 1)


def _rows(own: Frames, words: pl.Series) -> pl.DataFrame:
    """Return `word` and `of_row`, the project of the row that people call by that word, where there is but one."""
    pieces = [pl.DataFrame(schema={"word": pl.String(), "of_row": pl.String()})]
    for frame in own.values():
        if "id" in frame.columns and frame.schema.get("project") == pl.String():
            wanted = frame.filter(pl.col("id").is_in(words.drop_nulls().unique().implode()))
            pieces.append(wanted.select(word="id", of_row="project").drop_nulls())
    every = pl.concat(pieces).unique()
    return every.filter(pl.len().over("word") == 1)
