"""Step 2, second half: rows of all sources become one snapshot; which source wins a field group (model 1.9)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from pmo_watch import contradictions
from pmo_watch.contradictions import ConflictOver, Yardstick
from pmo_watch.derive import derive, required_roles
from pmo_watch.entities import ENTITIES, MATCHED_ON
from pmo_watch.figures import expected_figures
from pmo_watch.flow import Organisation, Outcome, Rejected, Samples, Snapshot, SourceState, Vanished, Wish
from pmo_watch.model import Kind, lean
from pmo_watch.references import Directory, identify, with_addresses, with_references
from pmo_watch.reports import expected_reports
from pmo_watch.workdays import Calendar

SourceRows = Mapping[str, Mapping[str, pl.DataFrame]]  # source -> entity -> its own rows
ANCHORS = {
    "register": "name",
    "schedule": "forecast_finish",
    "baseline": "baseline_finish",
    "cost": "actual_cost",
    "effort": "effort_actual",
    "status": "declared_rag",
}
# What a register says of a project is a set of facts, not a plan: one source's gap may be filled by another's word.
FILLED = frozenset({"register"})
# One source's rows per project, never a mixture: the finish of one plan never meets the start of another.
ONE_SOURCE = {
    "task": "schedule",
    "dependency": "schedule",
    "assignment": "schedule",
    "risk": "raid",
    "issue": "raid",
    "decision": "raid",
    "change": "raid",
    "action": "raid",
    "document": "documents",
    "cost_entry": "cost",
}


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """What the snapshot needs besides rows: the moment, calendars, and how sources are put together.

    `order`: sources as in the settings. `policy`: field group -> sources, first choice first; without an entry the
    settings' order holds. `aliases`: what sources write -> e-mail address or project code. `match_on`: matched entity
    -> the field by which it is recognised in several sources. `conflict_over`: by how much two
    sources must differ. `switched_on`: the sources that are read; None is all of them.
    """

    now: datetime
    today: date
    calendars: Mapping[str, Calendar]
    organisation: Organisation = field(default_factory=Organisation)
    order: Sequence[str] = ()
    policy: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    match_on: Mapping[str, str] = field(default_factory=lambda: MATCHED_ON)
    conflict_over: ConflictOver = field(default_factory=ConflictOver)
    switched_on: Collection[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """The rows of all sources as one, before history is added. `stacked`: every source's own rows, under one uid."""

    stacked: Mapping[str, pl.DataFrame]
    frames: Mapping[str, pl.DataFrame]
    directory: Directory
    states: Mapping[str, SourceState]
    context: Context
    rejected: Sequence[Rejected]
    contradictions: pl.DataFrame


def build_snapshot(
    rows: SourceRows, states: Mapping[str, SourceState], context: Context, past: Mapping[Wish, pl.DataFrame]
) -> Snapshot:
    """Merge the rows of all sources, resolve references, and add what follows from rows, history and the day."""
    return with_history(merge_rows(rows, states, context), past)


def merge_rows(rows: SourceRows, states: Mapping[str, SourceState], context: Context) -> Merged:
    """Merge the rows of all sources and resolve references."""
    stacked = {name: _stack(name, rows, states, context) for name in ENTITIES if name != "source"}
    stacked["indicator"] = _with_undefined(stacked["indicator"], stacked["observation"], "indicator", "indicator")
    stacked["program"] = _with_undefined(stacked["program"], stacked["project"], "program", "program")
    for naming in ("sprint", "task"):
        stacked["board"] = _with_undefined(stacked["board"], stacked[naming], "board", "board")
    if not context.policy.get("people"):  # otherwise who is not on that list may have left
        stacked["person"] = with_addresses(stacked)
    stacked = {name: identify(name, frame, context.aliases, context.match_on) for name, frame in stacked.items()}
    directory = Directory(stacked, context.aliases)
    rejected: list[Rejected] = []
    resolved: dict[str, pl.DataFrame] = {}
    lost: dict[str, pl.DataFrame] = {}
    for name, frame in stacked.items():
        resolved[name], left_out, lost[name] = with_references(name, frame, directory)
        rejected += left_out
    frames = {name: _merged(name, one, context) if name in MATCHED_ON else one for name, one in resolved.items()}
    frames = {name: _one_source(name, frame, context) for name, frame in frames.items()}
    against = _contradictions(resolved, frames, lost, context)
    against.append(contradictions.left_out(states.values(), rows, directory))
    on = context.switched_on
    frames["source"] = _source_rows([one for name, one in states.items() if on is None or name in on])
    return Merged(stacked, frames, directory, states, context, tuple(rejected), pl.concat(against))


def with_history(rows: Merged, past: Mapping[Wish, pl.DataFrame]) -> Snapshot:
    """Return the snapshot: the merged rows with what follows from them, from history and from the day."""
    context = rows.context
    past = {wish: _past_merged(wish, found, rows.stacked, rows.frames, rows.directory) for wish, found in past.items()}
    frames = derive(rows.frames, context.today, context.calendars, context.organisation, past)
    frames["role"] = required_roles(frames["role"], frames["project"])
    frames |= expected_figures(frames, context.now, context.today, context.calendars, context.organisation)
    frames["status_report"] = expected_reports(
        frames["status_report"], frames["project"], context.today, context.calendars, context.organisation
    )
    return Snapshot(
        context.now,
        context.today,
        {name: _shape(name, frame) for name, frame in frames.items()},
        context.calendars,
        context.organisation,
        rows.states,
        past,
        rows.rejected,
        rows.contradictions,
    )


def _contradictions(
    resolved: Mapping[str, pl.DataFrame],
    frames: Mapping[str, pl.DataFrame],
    lost: Mapping[str, pl.DataFrame],
    context: Context,
) -> list[pl.DataFrame]:
    """Return what sources say otherwise than the rows that count, and references of those that lead nowhere."""
    by = Yardstick(context.conflict_over, context.calendars, context.organisation.calendar)
    found = [
        contradictions.disagreements(resolved["project"], frames["project"], by),
        contradictions.twins(resolved["task"], frames["task"], frames["project"], by),
    ]
    return found + [contradictions.dangling(name, frames[name], one) for name, one in lost.items()]


def _stack(entity: str, rows: SourceRows, states: Mapping[str, SourceState], context: Context) -> pl.DataFrame:
    parts = []
    for rank, source in enumerate(context.order or sorted(rows)):
        frame = rows.get(source, {}).get(entity)
        if frame is None or frame.is_empty():
            continue
        state = states.get(source, SourceState(source, ""))
        alive = state.outcome in {Outcome.COMPLETE, Outcome.PARTIAL}
        unseen = pl.col("@unseen").fill_null(value=False) if "@unseen" in frame.columns else pl.lit(value=False)
        parts.append(
            frame.with_columns(
                pl.lit(source).alias("source"),
                pl.lit(None, pl.Date).alias("vanished_on"),
                (pl.lit(alive) & pl.col("@missing").is_null() & ~unseen).alias("@usable"),
                pl.lit(state.reading, pl.Int64).alias("@reading"),
                pl.col("uid").str.strip_prefix(f"{source}:{entity}:").alias("@native"),
                pl.lit(rank).alias("@rank"),
            ).drop("@part", "@missing", "@unseen", "@left_out", strict=False)
        )
    return pl.concat(parts) if parts else _empty(entity)


def _empty(entity: str) -> pl.DataFrame:
    engine = {"@usable": pl.Boolean(), "@reading": pl.Int64(), "@native": pl.String(), "@rank": pl.Int32()}
    origin = {"uid": pl.String(), "source": pl.String(), "vanished_on": pl.Date()}
    return pl.DataFrame(schema={**origin, **ENTITIES[entity].stored_schema(), **engine})


def _with_undefined(known: pl.DataFrame, naming: pl.DataFrame, field: str, entity: str) -> pl.DataFrame:
    """Add a row for what is only named: an indicator nobody described, a programme or board that no list is of."""
    engine = ("source", "@usable", "@reading", "@rank")
    named = naming.select(*engine, id=pl.col(field)).unique(["id"], keep="first", maintain_order=True)
    folded = [one for name in ("id", "name", "@native") if name in known.columns for one in known[name].drop_nulls()]
    seen = {one.strip().lower() for one in folded}
    new = named.filter(pl.col("id").is_not_null() & ~pl.col("id").str.strip_chars().str.to_lowercase().is_in(seen))
    rows = new.with_columns(uid=pl.format("{}:{}:{}", "source", pl.lit(entity), "id"), **{"@native": pl.col("id")})
    return pl.concat([known, rows], how="diagonal_relaxed").select(known.columns)


def _by_choice(frame: pl.DataFrame, group: str, context: Context) -> pl.DataFrame:
    """Sort rows so that the source preferred for the group comes first."""
    preferred = list(context.policy.get(group, ()))
    rank = pl.col("source").replace_strict(preferred, range(len(preferred)), default=None, return_dtype=pl.Int32)
    return frame.sort(pl.coalesce(rank, pl.col("@rank").cast(pl.Int32) + len(preferred)), maintain_order=True)


def _merged(entity: str, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Make one row of all that sources say of the same thing, field group by field group."""
    if frame.is_empty():
        return frame
    model = ENTITIES[entity]
    groups = sorted({one.group or model.group for one in model.stored()} - {""})
    first = (
        frame.sort("@rank", maintain_order=True)
        .group_by("uid", maintain_order=True)
        .agg(
            pl.col("id").drop_nulls().first(),
            pl.col("source").first(),
            pl.col("updated_at").max(),
            pl.col("vanished_on").first(),
            pl.col("@usable").all(),
            pl.col("@reading").sum(),
            pl.col("@native").first(),
            pl.col("@rank").first(),
        )
    )
    for group in groups:
        names = [one.name for one in model.stored() if (one.group or model.group) == group]
        names = [name for name in names if name not in {"id", "updated_at"}]
        chosen = _group_winner(_by_choice(frame, group, context), names, group, _currency_of(entity, group))
        names_of = {"@winner": f"@source:{group}", "@alive": f"@usable:{group}", "@number": f"@reading:{group}"}
        first = first.join(chosen.rename(names_of), on="uid", how="left")
    # A ledger that names no currency writes in that of the project, which another source may have named.
    named = [name for name in first.columns if name.startswith("@currency:")]
    return (
        first.with_columns(pl.coalesce("currency", *sorted(named, key=lambda one: one != "@currency:register")))
        if named
        else first
    )


def _currency_of(entity: str, group: str) -> list[pl.Expr]:
    """Return the currency in which the group's amounts were written: two sources may each have one of their own."""
    if entity != "project":
        return []
    amounts = [one.name for one in ENTITIES[entity].stored() if one.group == group and one.kind == Kind.MONEY]
    says_amount = pl.any_horizontal([pl.col(name).is_not_null() for name in amounts]) if amounts else pl.lit(value=True)
    first = pl.col("currency").filter(says_amount) if group in FILLED else pl.when(says_amount).then("currency")
    return [first.first().alias(f"@currency:{group}")]


def _group_winner(frame: pl.DataFrame, names: Sequence[str], group: str, more: Sequence[pl.Expr]) -> pl.DataFrame:
    anchor = ANCHORS.get(group, "")
    says_it = pl.col(anchor).is_not_null() if anchor in names else pl.lit(value=False)
    says_any = pl.any_horizontal([pl.col(name).is_not_null() for name in names]) if names else pl.lit(value=False)
    ranked = frame.with_columns(pl.when(says_it).then(0).when(says_any).then(1).otherwise(2).alias("@says")).sort(
        "@says", maintain_order=True
    )
    pick = [
        pl.col(name).drop_nulls().first() if group in FILLED or not anchor else pl.col(name).first() for name in names
    ]
    return ranked.group_by("uid", maintain_order=True).agg(
        *pick,
        *more,
        pl.col("source").first().alias("@winner"),
        pl.col("@usable").first().alias("@alive"),
        pl.col("@reading").first().alias("@number"),
    )


def _one_source(entity: str, frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    """Keep, for each project, the rows of the source that wins the group."""
    group = ONE_SOURCE.get(entity)
    if group is None or frame["source"].n_unique() < 2:
        return frame
    counted = frame
    if entity == "task":
        dated = frame.filter(pl.col("forecast_finish").is_not_null())
        counted = dated if dated.height else frame
    winners = _by_choice(counted.select("project", "source", "@rank").unique(maintain_order=True), group, context)
    winners = winners.unique("project", keep="first", maintain_order=True).select(
        "project", pl.col("source").alias("@winner")
    )
    joined = frame.join(winners, on="project", how="left", nulls_equal=True)
    return joined.filter(pl.col("@winner").is_null() | (pl.col("@winner") == pl.col("source"))).drop("@winner")


def _past_merged(
    wish: Wish,
    found: pl.DataFrame,
    stacked: Mapping[str, pl.DataFrame],
    merged: Mapping[str, pl.DataFrame],
    directory: Directory,
) -> pl.DataFrame:
    """Give history the uids of the merged rows, one source's word for each: that of the source preferred here."""
    if isinstance(wish, Vanished):
        return _vanished_merged(wish, found, merged[wish.entity], directory)
    if wish.entity not in MATCHED_ON:
        return found
    own = pl.format("{}:{}:{}", "source", pl.lit(wish.entity), "@native")
    known = stacked[wish.entity].select(own.alias("@own"), merged=pl.col("uid"), rank=pl.col("@rank"))
    told = found.join(known, left_on="uid", right_on="@own").drop("uid").rename({"merged": "uid"})
    if isinstance(wish, Samples):
        return _samples_merged(wish, told, merged[wish.entity])
    best = told.filter(pl.col("rank") == pl.col("rank").min().over("uid")).drop("rank")
    return best.select("uid", pl.exclude("uid"))


def _vanished_merged(wish: Vanished, found: pl.DataFrame, rows: pl.DataFrame, directory: Directory) -> pl.DataFrame:
    """Resolve the references of rows that are gone, and leave out those of a plan that another source's replaced."""
    for name in wish.fields:
        field = ENTITIES[wish.entity].field(name)
        if field is not None and field.kind == Kind.REF:
            found = found.with_columns(directory.resolve(found, name, field.refers).alias(name))
    if wish.entity not in ONE_SOURCE or "project" not in wish.fields or found.is_empty():
        return found
    here = rows.select("project", "source").unique()
    other = ~pl.col("project").is_in(here["project"].implode())
    own = found.join(here, on=["project", "source"], how="semi")
    return pl.concat([own, found.filter(other)]).sort("uid")


def _samples_merged(wish: Samples, told: pl.DataFrame, merged: pl.DataFrame) -> pl.DataFrame:
    """Take the samples of each field from the source whose field group counts now; gaps as in the row itself."""
    model, keys = ENTITIES[wish.entity], ("uid", "period", "ends")
    rows = told.select(*keys, "source").unique(keys, keep="first", maintain_order=True)
    by_group: dict[str, list[str]] = {}
    for name in wish.fields:
        field = model.field(name)
        by_group.setdefault((field.group if field else "") or model.group, []).append(name)
    for group, names in by_group.items():
        winner = f"@source:{group}" if f"@source:{group}" in merged.columns else "source"
        chosen = told.join(merged.select("uid", winner=pl.col(winner)), on="uid")
        chosen = chosen.sort(pl.col("source") != pl.col("winner"), "rank", maintain_order=True)
        if group not in FILLED:
            chosen = chosen.filter(pl.col("source") == pl.col("winner"))
        values = chosen.group_by(keys).agg(pl.col(name).drop_nulls().first() for name in names)
        rows = rows.join(values, on=keys, how="left")
    return rows.select("uid", "source", "period", "ends", *wish.fields).sort("uid", "ends")


def _source_rows(states: Iterable[SourceState]) -> pl.DataFrame:
    rows = [
        {
            "uid": f"source:{state.name}",
            "source": state.name,
            "id": state.name,
            "name": state.name,
            "kind": state.kind,
            "last_good_read": state.last_good,
            "last_error": state.error or None,
            "failing_since": state.failing_since,
            "rows": state.rows,
            "@usable": True,
            # An unchanged file is no new reading of its rows, yet it shows that the source was read again.
            "@reading": int(state.last_good.timestamp()) if state.last_good else 0,
        }
        for state in states
    ]
    schema = {**ENTITIES["source"].schema(), "@usable": pl.Boolean(), "@reading": pl.Int64()}
    return pl.DataFrame(rows, schema=schema)


def _shape(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Give the frame exactly its entity's columns and the engine's, sorted by uid."""
    schema = ENTITIES[entity].schema()
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
    engine = [name for name in frame.columns if name.startswith("@") and name not in {"@native", "@rank"}]
    if frame.is_empty():  # most entities, where few lists are kept
        return pl.DataFrame(schema={**schema, **{name: frame.schema[name] for name in engine}})
    shaped = lean(frame.with_columns(absent).select(*schema, *engine))
    return shaped if shaped["uid"].is_sorted() else shaped.sort("uid")  # sorting copies every column
