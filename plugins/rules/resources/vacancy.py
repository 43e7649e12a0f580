"""Roles that must be filled and that nobody holds."""

from typing import Literal

import polars as pl

from pmo_watch.api import ROLE_FIELDS, Measure, PluginSettings, Since, Unit, View, Wish

STATE_SINCE = Since("project", "state")
State = Literal["initiating", "planning", "executing", "closing"]
WHICH = ["place", "code"]


class VacancyParams(PluginSettings):
    """In which states of a project its roles must be filled."""

    states: tuple[State, ...] = ("planning", "executing", "closing")


def vacant(params: VacancyParams, view: View) -> pl.DataFrame:
    """Return for how many working days nobody has held a role that must be filled."""
    roles = _roles(view)
    own = roles.drop("held_until", "needed_from", "holds")
    rows = own.join(_standing(roles, view), on=WHICH, how="left", maintain_order="left")
    rows = rows.join(_states_since(view), on="@project", how="left", maintain_order="left")
    state = pl.coalesce("project.state", "program.state")
    since = pl.coalesce("last_held", "needed_from", pl.when(pl.col("project.state").is_not_null()).then("state_since"))
    untold = ~pl.col("listed") & ~pl.col("known")
    found = rows.with_columns(since=since).with_columns(days=view.working_days(pl.col("since"), pl.col("@today")))
    return found.select(
        "uid",
        value="days",
        not_applicable=pl.when(~pl.col("must"))
        .then(pl.lit("not configured"))
        .when("filled")
        .then(pl.lit("done"))
        .when((pl.col("uid") != pl.col("speaks")) | ~state.is_in(params.states).fill_null(value=True))
        .then(pl.lit("out of scope")),
        unknown=pl.coalesce(
            pl.when(untold).then(pl.lit("missing role.person")),
            pl.when(pl.col("since").is_null()).then(_why_no_day()),
        ),
        vacant_since="since",
        last_held="last_held",
    )


def _why_no_day() -> pl.Expr:
    """Return why it is not known since when a role is vacant."""
    return (
        pl.when(~pl.col("of_project"))
        .then(pl.lit("missing role.until"))
        .when(pl.col("project.state").is_null())
        .then(pl.lit("missing project.state"))
        .otherwise(pl.lit("needs 1 samples, has 0"))
    )


def _roles(view: View) -> pl.DataFrame:
    """Return the roles in view with who holds them today: `holds`, a flag; `held_until`, of those who held them.

    `of_project`: whether it is a role in a project. `needed_from`: a day that a row without a person says.
    """
    fields = ("uid", "source", "code", "person", "from", "until", "mandatory", "project.state", "program.state")
    gone = view.snapshot.frame("person").filter(~pl.col("active"))["uid"]
    projects = view.snapshot.frame("project")["uid"]
    rows = view.rows.select(*fields, "@project", "@today", "@calendar", place=pl.col("scope").fill_null(""))
    somebody = pl.col("person").is_not_null() & ~pl.col("person").is_in(gone.implode()).fill_null(value=False)
    begun = (pl.col("from") <= pl.col("@today")).fill_null(value=True)
    over = (pl.col("until") < pl.col("@today")).fill_null(value=False)
    return rows.with_columns(
        of_project=pl.col("place").is_in(projects.implode()),
        holds=somebody & begun & ~over,
        held_until=pl.when(pl.col("person").is_not_null() & over).then("until"),
        needed_from=pl.when(pl.col("person").is_null() & begun).then("from"),
    )


def _standing(roles: pl.DataFrame, view: View) -> pl.DataFrame:
    """Return of each role of a place whether it must be filled and is, and which of its rows speaks for it.

    `listed`: whether some source lists roles. `known`: whether anybody is known to hold such a role anywhere.
    """
    named = _named(view)
    order = ["filled_row", "until", "uid"]
    ranked = roles.with_columns(filled_row=pl.col("person").is_not_null()).sort(order, descending=[False, True, False])
    found = ranked.group_by(WHICH, maintain_order=True).agg(
        must=pl.col("mandatory").fill_null(value=False).any(),
        holds=pl.col("holds").any(),
        last_held=pl.col("held_until").max(),
        needed_from=pl.col("needed_from").min(),
        speaks=pl.col("uid").first(),
    )
    holders = pl.concat([named.select("code"), roles.drop_nulls("person").select("code")])["code"].unique()
    # A row that was read bears the name of its source; the others are what projects say of themselves.
    listed = roles.filter(pl.col("uid").str.starts_with(pl.col("source") + ":")).height > 0
    return (
        found.join(named.with_columns(named=pl.lit(value=True)), on=WHICH, how="left", maintain_order="left")
        .with_columns(
            filled=pl.col("holds") | pl.col("named").fill_null(value=False),
            known=pl.col("code").is_in(holders.implode()),
            listed=pl.lit(listed),
        )
        .drop("holds", "named")
    )


def _named(view: View) -> pl.DataFrame:
    """Return the roles that projects, programmes and portfolios name themselves: `place` and `code`."""
    gone = view.snapshot.frame("person").filter(~pl.col("active"))["uid"]
    found = [
        view.snapshot.frame(entity)
        .filter(pl.col(field).is_not_null() & ~pl.col(field).is_in(gone.implode()))
        .select(place="uid", code=pl.lit(code))
        for entity, code, field in ROLE_FIELDS
    ]
    return pl.concat(found).unique()


def _states_since(view: View) -> pl.DataFrame:
    """Return since when projects have been in their state; without rows where history was not asked."""
    known = view.snapshot.past.get(STATE_SINCE)
    if known is None:
        return pl.DataFrame(schema={"@project": pl.String(), "state_since": pl.Date()})
    return known.select(pl.col("uid").alias("@project"), state_since=pl.col("since").cast(pl.Date))


def past(_: VacancyParams) -> tuple[Wish, ...]:
    """Return the wish for the day on which projects came into their state."""
    return (STATE_SINCE,)


VACANT = Measure(
    "role.vacant",
    "role",
    Unit.WORKING_DAYS,
    VacancyParams,
    ("role.person",),
    vacant,
    text="Working days for which nobody has held a role that must be filled.",
    clock="today",
    dimension="resources",
    past=past,
    amber="at least 0 wd",
    red="over 10 wd",
)
