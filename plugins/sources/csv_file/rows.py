"""Records as rows of the model's entities; one profile may give rows of several (spec sources 5.4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

import polars as pl
from pmo_watch_plugins.sources.csv_file.column import Rules
from pmo_watch_plugins.sources.csv_file.grid import ROW
from pmo_watch_plugins.sources.csv_file.header import Wanted
from pmo_watch_plugins.sources.csv_file.keys import KEY, SCOPE, Keyed, without_repeats
from pmo_watch_plugins.sources.csv_file.links import links_of
from pmo_watch_plugins.sources.csv_file.numbers import CODES
from pmo_watch_plugins.sources.csv_file.profiles import BOARDS, OF_BOARDS
from pmo_watch_plugins.sources.csv_file.raid import register_rows
from pmo_watch_plugins.sources.csv_file.report import Report
from pmo_watch_plugins.sources.csv_file.values import Values

from pmo_watch.api import DTYPES, ENTITIES, Kind

Rows = list[tuple[str, pl.DataFrame]]
LISTS = frozenset({"aliases", "channels", "project", "waiting"})  # of persons and boards: they are not compared


@dataclass(frozen=True, slots=True)
class Origin:
    """When the file was written, and that day; `status_date` where the settings take it from the file or say it."""

    written_at: datetime
    written_on: date
    status_date: date | None = None


def rows_of(keyed: Keyed, values: Values, wanted: Wanted, rules: Rules, origin: Origin, report: Report) -> Rows:
    """Return the rows of each entity that the file gives, with `key` and fields of the model's types."""
    profile = wanted.profile.name
    if profile == "raid":
        frame = keyed.frame.with_columns(**_money(keyed.frame, {}, values, wanted, report))
        made = register_rows(frame, values, rules, report)
    elif profile == "people":
        made = _people(keyed.frame, values, wanted, report)
    else:
        made = [(wanted.profile.entity, _plain(keyed.frame, values, wanted, origin, report))]
    if profile == "sprints":
        made += _boards(keyed.frame, values, report)
    if profile == "tasks":
        made = _tasks(made[0][1], keyed, values, rules, report)
    repeated = values.header(keyed.columns[0]) if len(keyed.columns) == 1 else ""
    done = []
    for entity, frame in made:
        if frame.height or entity == wanted.profile.entity:
            once = frame if keyed.unique else without_repeats(values, frame, repeated, report)
            done.append((entity, _finished(entity, once, values, origin, report)))
    return done


def _plain(frame: pl.DataFrame, values: Values, wanted: Wanted, origin: Origin, report: Report) -> pl.DataFrame:
    """Return the rows of a profile whose columns are an entity's fields."""
    profile = wanted.profile
    fields = {
        spec.field: pl.col(name) for name, spec in profile.columns.items() if spec.field and name in frame.columns
    }
    if profile.entity in {"observation", "role"} and SCOPE in frame.columns:
        fields["scope"] = pl.col(SCOPE)
    if profile.name == "milestones":
        fields["is_milestone"] = pl.lit(value=True)
    if profile.name == "kpi_observations":
        sent = pl.lit(origin.written_on, pl.Date)
        fields["submitted_on"] = pl.coalesce(fields["submitted_on"], sent) if "submitted_on" in fields else sent
    if profile.name == "projects":
        fields["code"] = pl.coalesce(*[fields[one] for one in ("code", "id") if one in fields])
        if origin.status_date and "status_date" not in fields:
            fields["status_date"] = pl.lit(origin.status_date, pl.Date)
    if profile.name == "costs":
        frame = _with_corrections(frame)
    if "currency" in fields:
        fields["currency"] = fields["currency"].str.to_uppercase().replace(CODES)
    fields |= _money(frame, fields, values, wanted, report)
    rows = frame.select(ROW, KEY, **fields)
    links = [one for one in ("task_id", "project_id", "predecessors") if one in frame.columns]
    return rows.hstack(frame.select(links)) if profile.name == "tasks" else rows


def _with_corrections(frame: pl.DataFrame) -> pl.DataFrame:
    """Give a negative amount of a key that is there already a key of its own: it corrects, and does not replace."""
    number = pl.int_range(pl.len()).over(KEY) + 1
    again = (pl.col("amount") < 0) & (number > 1)
    return frame.with_columns(pl.when(again).then(pl.format("{}/{}", KEY, number)).otherwise(KEY).alias(KEY))


def _money(
    frame: pl.DataFrame, fields: dict[str, pl.Expr], values: Values, wanted: Wanted, report: Report
) -> dict[str, pl.Expr]:
    """Return the currency of each row, where the entity has one; else amounts in a second currency are null."""
    signed = {name: one for name, one in values.currencies.items() if one.null_count() < one.len()}
    if not signed:
        return {}
    joined = pl.DataFrame({ROW: values.frame[ROW], **{f"@{name}": one for name, one in signed.items()}})
    if joined.height != frame.height:
        joined = joined.join(frame.select(ROW), on=ROW, how="semi", maintain_order="left")
    columns = [joined[f"@{name}"] for name in signed]
    own = "currency" in wanted.profile.columns
    if own:
        said = [frame.select(fields["currency"]).to_series()] if "currency" in fields else []
        firsts = joined.select(pl.coalesce([*said, *columns])).to_series()
    else:
        first = next((one for column in columns for one in column.drop_nulls().head(1)), None)
        firsts = pl.Series([first]).new_from_index(0, frame.height)
    made: dict[str, pl.Expr] = {}
    for name, column in zip(signed, columns, strict=True):
        other = (column != firsts).fill_null(value=False)
        for at in other.arg_true():
            reason = f"an amount in {column[at]} beside one in {firsts[at]}: they are never added up"
            report.cell(values.table.grid.place(frame[ROW][at]), values.header(name), str(frame[name][at]), reason)
        if other.any():
            made[wanted.profile.columns[name].field or name] = pl.when(~pl.lit(other)).then(name)
    return made | ({"currency": pl.lit(firsts)} if own else {})


def _people(frame: pl.DataFrame, values: Values, wanted: Wanted, report: Report) -> Rows:
    """Return a person per address, and a role per row that names one."""
    specs = wanted.profile.columns
    person = ENTITIES["person"]
    fields = {
        spec.field: pl.col(name)
        for name, spec in specs.items()
        if name in frame.columns and spec.field and person.field(spec.field) and name not in {"last_name", "first_name"}
    }
    names = [one for one in ("first_name", "last_name") if one in frame.columns]
    if names:
        whole = pl.concat_str(names, separator=" ", ignore_nulls=True)
        whole = pl.when(whole != "").then(whole)
        fields["name"] = pl.coalesce(fields["name"], whole) if "name" in fields else whole
    fields["id"] = pl.col("email")
    addressed = frame.filter(pl.col("email").is_not_null())
    persons = addressed.select(ROW, pl.col("email").alias(KEY), **fields)
    if "role" not in frame.columns:
        return [("person", persons)]
    # Beside a role, a deputy is the one of that role: two rows of a person may name two.
    persons = _once_each(persons.drop("deputy", strict=False), values, report)
    if "deputy" in fields:
        persons = persons.join(_sole_deputies(addressed), on=KEY, how="left", maintain_order="left")
    roles = frame.filter(pl.col("role").is_not_null())
    return [("person", persons), ("role", _roles(roles))]


def _sole_deputies(addressed: pl.DataFrame) -> pl.DataFrame:
    """Return the deputy of each person for whom all roles together name only one."""
    named = addressed.select(pl.col("email").alias(KEY), "deputy").drop_nulls().unique()
    return named.filter(~pl.col(KEY).is_duplicated())


def _boards(frame: pl.DataFrame, values: Values, report: Report) -> Rows:
    """Return the boards that a list of sprints describes; one that it only names comes from elsewhere."""
    columns = {BOARDS.columns[name].field: name for name in OF_BOARDS if name in frame.columns}
    if not columns:
        return []
    described = pl.col("board_id").is_not_null() & pl.any_horizontal(pl.col(*columns.values()).is_not_null())
    rows = frame.filter(described).select(
        ROW, pl.col("board_id").alias(KEY), **{field: pl.col(name) for field, name in columns.items()}
    )
    return [("board", _once_each(rows, values, report, columns))]


def _once_each(
    rows: pl.DataFrame, values: Values, report: Report, columns: Mapping[str, str] = MappingProxyType({})
) -> pl.DataFrame:
    """Keep the first of the rows of one person or board; another that says otherwise is reported.

    `columns`: the column of a field, where it has another name.
    """
    firsts = rows.unique(KEY, keep="first", maintain_order=True)
    pairs = rows.join(firsts, on=KEY, how="left", suffix="@first", maintain_order="left")
    grid = values.table.grid
    for field in (name for name in firsts.columns if name not in {ROW, KEY, *LISTS}):
        differs = pairs.filter(pl.col(field).ne_missing(pl.col(f"{field}@first")))
        for row, text, first in differs.select(ROW, pl.col(field).cast(pl.String), f"{ROW}@first").iter_rows():
            reason = f"{field} is otherwise in {grid.line_word} {grid.line(first)}: that counts"
            report.cell(grid.place(row), values.header(columns.get(field, field)), text or "", reason)
    return firsts


def _roles(frame: pl.DataFrame) -> pl.DataFrame:
    scope = pl.col(SCOPE) if SCOPE in frame.columns else pl.lit(None, pl.String)
    parts = [pl.col("email").fill_null(""), pl.col("role"), scope.fill_null("")]
    given = {name: pl.col(name) for name in ("deputy", "from", "until", "mandatory") if name in frame.columns}
    return frame.select(
        ROW, pl.concat_str(parts, separator="/").alias(KEY), code="role", person="email", scope=scope, **given
    )


def _tasks(tasks: pl.DataFrame, keyed: Keyed, values: Values, rules: Rules, report: Report) -> Rows:
    """Return the tasks with references as keys, and the links between them."""
    in_key = "project_id" in keyed.columns
    if in_key and "parent" in tasks.columns:
        whole = pl.format("{}/{}", "parent", "project_id")
        tasks = tasks.with_columns(pl.when(pl.col("parent").is_not_null()).then(whole).alias("parent"))
    made: Rows = [("task", tasks.drop("task_id", "project_id", "predecessors", strict=False))]
    if "predecessors" in tasks.columns:
        made.append(("dependency", links_of(tasks, values, rules, report, project_in_key=in_key)))
    return made


def _finished(entity: str, frame: pl.DataFrame, values: Values, origin: Origin, report: Report) -> pl.DataFrame:
    """Add id and time of writing, leave out rows without a required field, and keep only what the model knows."""
    model = ENTITIES[entity]
    written = pl.lit(origin.written_at, DTYPES[Kind.MOMENT])
    added = {"updated_at": pl.coalesce("updated_at", written) if "updated_at" in frame.columns else written}
    if model.field("id") is not None:
        added["id"] = pl.coalesce("id", KEY) if "id" in frame.columns else pl.col(KEY)
    frame = frame.with_columns(**added)
    for one in model.stored():
        if not one.required:
            continue
        lacking = frame.filter(pl.col(one.name).is_null()) if one.name in frame.columns else frame
        header = values.header(one.header)
        for row in lacking[ROW]:
            reason = f"nothing readable in '{header}', without which there is no {entity}"
            report.record(values.table.grid.place(row), header, "", reason)
        frame = frame.filter(pl.col(one.name).is_not_null()) if one.name in frame.columns else frame.clear()
    return frame.select(KEY, *[name for name in model.stored_schema() if name in frame.columns])
