"""Lists of what was read of tasks become columns of the model (spec model 2.4)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from pmo_watch.api import ENTITIES, Kind

from .columns import BETWEEN, Columns, frame_of
from .settings import Milestones
from .values import folded, value_of

if TYPE_CHECKING:
    from .issues import Site

POINTS = "@points:"  # columns of the candidates, until it is known which one counts
Raw = list[Any]
READ = {
    **{name: (name, "text") for name in ("id", "project", "parent", "issue_type", "owner", "status")},
    "name": ("summary", "text"),
    "created_at": ("created", "instant"),
    "updated_at": ("updated", "instant"),
    "resolved_at": ("resolutiondate", "instant"),
    "forecast_finish": ("duedate", "day"),
    **{name: (name, "list") for name in ("labels", "release", "sprint")},
}
HOURS = {"timeoriginalestimate": "work", "timespent": "actual_work", "timeestimate": "remaining_work"}


def task_frame(raw: Mapping[str, Raw], site: "Site") -> pl.DataFrame:
    """Return tasks, with the columns of `POINTS`."""
    columns = Columns(raw["id"], "issue ", site.report, site.zone)
    made = [pl.Series("key", raw["key"], pl.String)]
    made += columns.many(raw, {field: one for field, one in READ.items() if one[0] in raw}).get_columns()
    made += [columns.hours(name, raw[name]).alias(field) for name, field in HOURS.items()]
    made += _standing(raw, columns, site)
    made += _milestone(raw, site.settings.milestones)
    found = {one.name: one for one in made} | {one.name: one for one in _custom(raw, columns, site)}
    points = [columns.numbers(one, raw[one]).alias(f"{POINTS}{one}") for one in site.fields.points]
    return _with_following(pl.DataFrame([*found.values(), *points]), f"{site.settings.url}/browse/")


def _with_following(frame: pl.DataFrame, url: str) -> pl.DataFrame:
    """Add what follows from other columns: done, progress, share of the work, address."""
    schema = ENTITIES["task"].stored_schema()
    group = pl.col("status_category")
    progress = pl.when(group == "done").then(100).when(group == "todo").then(0)
    spent, left = (pl.col(one).cast(pl.Float64) for one in ("actual_work", "remaining_work"))
    whole = pl.coalesce(spent + left, pl.col("work").cast(pl.Float64))
    share = pl.when(whole > 0).then((spent / whole * 100).clip(upper_bound=100)).round(6)
    derived = {
        "done": group == "done",
        "progress": progress.cast(schema["progress"]),
        "work_progress": share.cast(schema["work_progress"]),
        "url": pl.lit(url) + pl.col("id"),
    }
    return frame.with_columns(one.alias(name) for name, one in derived.items() if name not in frame.columns)


def _standing(raw: Mapping[str, Raw], columns: Columns, site: "Site") -> list[pl.Series]:
    """Return what the status means, the priority's step, and whether the issue still counts."""
    vocabulary = site.vocabulary
    cancelled = vocabulary.cancelled(raw["status"], raw["resolution"])
    steps = {name: vocabulary.priority(name) for name in set(raw["priority"])}
    if None in [step for name, step in steps.items() if name is not None]:
        _say_unknown(raw["priority"], steps, columns, site)
    subtask = [one if type(one) is bool else None for one in raw["is_subtask"]]
    return [
        pl.Series("status_category", raw["status_category"], pl.String),
        pl.Series("is_subtask", subtask, pl.Boolean),
        pl.Series("priority", [steps[name] for name in raw["priority"]], pl.Int64),
        pl.Series("active", [not one for one in cancelled], pl.Boolean),
    ]


def _say_unknown(names: Raw, steps: Mapping[Any, int | None], columns: Columns, site: "Site") -> None:
    for row, name in enumerate(names):
        if name is not None and steps[name] is None:
            reason = "not known: 'maps: {priority: {...: 3}}' says what it means"
            site.report.word(columns.where(row), "priority", str(name), reason)


def _milestone(raw: Mapping[str, Raw], chosen: Milestones) -> list[pl.Series]:
    types, marks = {folded(one) for one in chosen.issue_types}, frozenset(chosen.labels)
    fitting = {name for name in set(raw["issue_type"]) if type(name) is str and folded(name) in types}
    labels = [() if one is None else one.split(BETWEEN) for one in raw["labels"]]
    rows = zip(raw["issue_type"], labels, strict=True)
    found = [name in fitting or not marks.isdisjoint(own) for name, own in rows]
    made = [pl.Series("is_milestone", found, pl.Boolean)]
    for name, meanings in (("kind", chosen.kinds), ("gate_code", chosen.gates), ("level", chosen.levels)):
        if meanings:
            said = [next((meanings[one] for one in own if one in meanings), None) for own in labels]
            told = [one if flag else None for one, flag in zip(said, found, strict=True)]
            made.append(pl.Series(name, told, pl.String))
    return made


# --- fields of the site's own -------------------------------------------------------------------------------------


def _custom(raw: Mapping[str, Raw], columns: Columns, site: "Site") -> list[pl.Series]:
    """Return what the settings, or the meaning of a custom field, fill."""
    own = {name: number for name, number in site.fields.mapped.items() if not name.startswith("project.")}
    return [_mapped(name, number, raw[number], columns, site) for name, number in own.items()]


def _mapped(name: str, number: str, values: Raw, columns: Columns, site: "Site") -> pl.Series:
    field = ENTITIES["task"].field(name)
    assert field is not None, name
    words = site.settings.maps.fields.get(name, {})
    if values.count(None) == len(values):
        return pl.Series(name, [False if field.kind == Kind.FLAG else None] * len(values), field.dtype)
    if field.kind == Kind.DATE and not words:
        return columns.days(number, values).alias(name)
    if field.kind == Kind.FLAG and not words:  # a box that is not ticked is no answer
        values = [False if one is None or one == [] else one for one in values]
    if field.kind == Kind.REF:
        for one in values:
            site.people.key(one)
    found = columns.each(number, values, lambda value: value_of(field.kind, value, words, site.zone))
    return frame_of("task", {name: found}).to_series()
