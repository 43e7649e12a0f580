"""Computed fields of the snapshot: pure functions of current rows, history, the day and the calendars (spec model)."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from pmo_watch import derive_delivery, derive_registers, workdays
from pmo_watch.flow import First, Organisation, Since, Wish
from pmo_watch.workdays import Calendar

Frames = Mapping[str, pl.DataFrame]
Past = Mapping[Wish, pl.DataFrame]

# What null is taken as, where the model says so; everywhere else null stays null.
TAKEN_AS: dict[str, dict[str, str | bool | int]] = {
    "program": {"state": "executing"},
    "project": {"strategic": False, "minutes_per_day": 480},
    "task": {"is_milestone": False, "active": True, "manual": False, "external": False, "level": "project"},
    "dependency": {"type": "fs", "lag": 0, "external": False, "lag_elapsed": False},
    "assignment": {"units": 100},
    "person": {"active": True, "max_units": 100},
    "timesheet": {"status": "approved"},
    "release": {"released": False},
    "risk": {"opportunity": False, "action_done": False, "escalated": False},
    "issue": {"escalated": False},
    "decision": {"escalated": False},
    "change": {"escalated": False},
    "action": {"status": "open", "escalated": False},
    "indicator": {"constant": False, "benefit": False},
    "cost_entry": {"type": "actual"},
    "document": {"status": "missing"},
    "status_report": {"kind": "project"},
    "gate": {"tailored_out": False},
    "meeting": {"cancelled": False},
}
PHASE_OF_STATE = {
    "proposed": "initiating",
    "initiating": "initiating",
    "planning": "planning",
    "executing": "executing",
    "closing": "closing",
    "closed": "closing",
}
MANDATORY = {"project_leader": "leader", "project_owner": "owner"}  # roles of every project -> who holds them
FIRST_BASELINE = First("task", "baseline_finish")
FORECAST_SINCE = Since("task", "forecast_finish")
FLAGGED_SINCE = Since("task", "flagged")
STATE_SINCE = Since("project", "state")
STATUS_SINCE = Since("document", "status")
# The computed fields that need history, so that it is fetched only for rules that name them.
HISTORY_OF: dict[str, Wish] = {
    "first_baseline_finish": FIRST_BASELINE,
    "confirmed": FORECAST_SINCE,
    "flagged_since": FLAGGED_SINCE,
    "on_hold_since": STATE_SINCE,
    "status_since": STATUS_SINCE,
}


def derive(
    frames: Frames, today: date, calendars: Mapping[str, Calendar], organisation: Organisation, past: Past
) -> dict[str, pl.DataFrame]:
    """Return the frames with nulls taken as the model says and every computed field filled."""
    filled = {name: _taken(name, frame) for name, frame in frames.items()}
    filled["project"] = _projects(filled["project"], filled["program"], organisation, past)
    named = [filled[name]["calendar"] for name in ("project", "person")]
    calendars = workdays.in_use(calendars, organisation.calendar, *named)
    zones = filled["project"].select(
        project="uid", **{"@calendar": "calendar", "@as_of": as_of(today, calendars, organisation)}
    )
    filled["task"] = _tasks(filled["task"], filled["dependency"], zones, calendars, organisation, past)
    filled["task"] = _flagged(filled["task"], filled["status_change"], organisation, past)
    filled["board"] = derive_delivery.boards(filled)
    filled["sprint"] = derive_delivery.sprints(filled, zones, today, calendars, organisation)
    filled["release"] = derive_delivery.releases(filled, zones, today, calendars, organisation)
    filled |= {name: derive_registers.log(name, filled[name]) for name in derive_registers.LOGS}
    filled["document"] = derive_registers.documents(_dated(filled["document"], past))
    filled["gate"] = derive_registers.gates(filled["gate"], filled["task"], zones, today, calendars, organisation)
    must = pl.coalesce("mandatory", pl.col("code").is_in(list(MANDATORY)))
    filled["role"] = filled["role"].with_columns(must.alias("mandatory"))
    filled["observation"] = _observations(filled["observation"], filled["indicator"])
    return filled


def required_roles(roles: pl.DataFrame, projects: pl.DataFrame) -> pl.DataFrame:
    """Add to the roles that sources list those that every project must fill, held by whom the project itself names.

    A role that a source lists for the project stays as it is listed.
    """
    own = ("source", "vanished_on", "updated_at", *(name for name in ("@usable", "@reading") if name in roles.columns))
    made = [
        projects.select(
            *own,
            uid=pl.format("role|{}|{}", "uid", pl.lit(code)),
            scope="uid",
            code=pl.lit(code),
            person=field,
            mandatory=pl.lit(value=True),
        ).join(roles.select("scope", "code"), on=["scope", "code"], how="anti", maintain_order="left")
        for code, field in MANDATORY.items()
    ]
    return pl.concat([roles, *made], how="diagonal_relaxed").select(roles.columns)


def _taken(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    values = TAKEN_AS.get(entity, {})
    return frame.with_columns(
        [pl.col(name).fill_null(pl.lit(value, frame.schema[name])) for name, value in values.items()]
    )


def as_of(today: date, calendars: Mapping[str, Calendar], organisation: Organisation) -> pl.Expr:
    """Return the date that a project's data describe: its status date, or today where that is missing or no use."""
    day, now = pl.col("status_date"), pl.lit(today)
    choose = workdays.each_in_its_own(calendars, organisation.calendar, "calendar")
    age = choose(lambda calendar: workdays.count(day, now, calendar))
    useful = day.is_not_null() & (day <= now) & (age <= organisation.status_date_max_age)
    return pl.when(useful).then(day).otherwise(now)


def _beside(frame: pl.DataFrame, found: pl.DataFrame, on: str) -> pl.DataFrame:
    """Add the other columns of `found`, whose `on` is unique, to the rows they belong to.

    Only the key goes through the join: a hundred thousand rows keep the columns they have instead of copying them.
    """
    return frame.hstack(frame.select(on).join(found, on=on, how="left", maintain_order="left").drop(on))


def _with_past(frame: pl.DataFrame, found: pl.DataFrame | None, column: str, name: str) -> pl.DataFrame:
    """Add what history knows of each row as a new column; null where history was not asked or knows nothing."""
    if found is None:
        return frame.with_columns(pl.lit(None, pl.Date).alias(name))
    return _beside(frame, found.select("uid", pl.col(column).cast(pl.Date).alias(name)), "uid")


def _projects(projects: pl.DataFrame, programs: pl.DataFrame, organisation: Organisation, past: Past) -> pl.DataFrame:
    parents = programs.select(program="uid", program_currency="currency", program_portfolio="portfolio")
    phase = pl.col("state").replace_strict(PHASE_OF_STATE, default=None, return_dtype=pl.String)
    held = pl.when(pl.col("state") == "on_hold").then("@state_since")
    return (
        _with_past(projects.join(parents, on="program", how="left"), past.get(STATE_SINCE), "since", "@state_since")
        .with_columns(
            pl.coalesce("code", "id").alias("code"),
            pl.coalesce("phase", phase).alias("phase"),
            pl.coalesce("portfolio", "program_portfolio").alias("portfolio"),
            pl.coalesce("currency", "program_currency", pl.lit(organisation.currency)).alias("currency"),
            pl.coalesce("on_hold_since", held).alias("on_hold_since"),
        )
        .drop("program_currency", "program_portfolio", "@state_since")
    )


def _tasks(
    tasks: pl.DataFrame,
    links: pl.DataFrame,
    zones: pl.DataFrame,
    calendars: Mapping[str, Calendar],
    organisation: Organisation,
    past: Past,
) -> pl.DataFrame:
    begun = pl.col("actual_start").is_not_null() | (pl.col("progress") > 0).fill_null(value=False)
    kind = pl.when("is_milestone").then(
        pl.coalesce(
            "kind", pl.when(pl.col("gate_code").is_not_null()).then(pl.lit("gate")).otherwise(pl.lit("internal"))
        )
    )
    tasks = _with_past(tasks, past.get(FIRST_BASELINE), "baseline_finish", "first_baseline_finish")
    tasks = _with_past(tasks, past.get(FORECAST_SINCE), "since", "@forecast_since")
    tasks = _beside(_with_links(tasks, links), zones, "project")
    tasks = tasks.with_columns(
        pl.col("uid").is_in(tasks["parent"].drop_nulls().unique().implode()).alias("is_summary"),
        is_done().alias("done"),
        pl.coalesce("kind", kind).alias("kind"),
        pl.coalesce("first_baseline_finish", "baseline_finish").alias("first_baseline_finish"),
        pl.coalesce(*organisation.commit_order).alias("committed_finish"),
        (pl.col("confirmed_on") >= pl.coalesce("@forecast_since", "confirmed_on"))
        .fill_null(value=False)
        .alias("confirmed"),
    )
    category = pl.when("done").then(pl.lit("done")).when(begun).then(pl.lit("doing")).otherwise(pl.lit("todo"))
    choose = workdays.each_in_its_own(calendars, organisation.calendar)
    left = choose(lambda calendar: workdays.count(pl.col("@as_of"), pl.col("committed_finish"), calendar))
    return tasks.with_columns(
        pl.coalesce("status_category", category).alias("status_category"),
        (~pl.col("is_summary") & pl.col("active") & ~pl.col("external") & pl.col("vanished_on").is_null()).alias(
            "countable"
        ),
        left.alias("days_left"),
    ).drop("@forecast_since", "@calendar", "@as_of")


def _dated(documents: pl.DataFrame, past: Past) -> pl.DataFrame:
    """Add since when a document has its status: as its row says, else since readings show it."""
    seen = _with_past(documents, past.get(STATUS_SINCE), "since", "@seen")
    return seen.with_columns(pl.coalesce("status_since", "@seen").alias("status_since")).drop("@seen")


def _flagged(tasks: pl.DataFrame, changes: pl.DataFrame, organisation: Organisation, past: Past) -> pl.DataFrame:
    """Add since when a ticket is blocked: as its row or its system's record says, else since readings show it."""
    told = derive_delivery.flagged_since(changes, organisation)
    tasks = _with_past(tasks, past.get(FLAGGED_SINCE), "since", "@seen").join(told, on="uid", how="left")
    since = pl.when("flagged").then(pl.coalesce("flagged_since", "@flagged", "@seen"))
    return tasks.with_columns(since.alias("flagged_since")).drop("@flagged", "@seen")


def is_done(suffix: str = "") -> pl.Expr:
    """Return whether a row of a plan is done: as its source says, else by its actual finish and progress.

    `suffix`: of the columns that hold these stored fields.
    """
    done, finish, progress = (pl.col(f"{name}{suffix}") for name in ("done", "actual_finish", "progress"))
    return pl.coalesce(done, finish.is_not_null() | (progress == 100).fill_null(value=False))


def _with_links(tasks: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """Count direct predecessors; null in a project of which no link is known at all."""
    counted = links.group_by(uid="successor").agg(pl.len().cast(pl.Int64).alias("predecessor_count"))
    linked = tasks.filter(pl.col("uid").is_in(links["successor"].drop_nulls().implode()))["project"].unique()
    known = pl.when(pl.col("project").is_in(linked.implode())).then(pl.col("predecessor_count").fill_null(0))
    return _beside(tasks, counted, "uid").with_columns(known.alias("predecessor_count"))


def _observations(observations: pl.DataFrame, indicators: pl.DataFrame) -> pl.DataFrame:
    """Mark values outside the plausible range of their indicator as not accepted: they are shown and not used."""
    ranges = indicators.select(indicator="uid", least="min", most="max")
    outside = (pl.col("value") < pl.col("least")).fill_null(value=False) | (pl.col("value") > pl.col("most")).fill_null(
        value=False
    )
    return (
        observations.join(ranges, on="indicator", how="left")
        .with_columns((~outside).alias("accepted"))
        .drop("least", "most")
    )
