"""The colour of programmes and portfolios, rolled up from their projects."""

from typing import Literal

import polars as pl

from pmo_watch.api import Measure, PluginSettings, Unit, View, worst_of

from .colours import Dimension, colours_of, steps

MOST_NAMED = 10  # projects of one colour that evidence names


class RollupParams(PluginSettings):
    """Whether the worst project decides or the share of red ones, how much a project weighs, and which colour."""

    how: Literal["worst", "weighted"] = "worst"
    weights: Literal["budget", "equal"] = "budget"
    dimension: Dimension = "overall"


def rollup(params: RollupParams, view: View) -> pl.DataFrame:
    """Return the colour rolled up from the projects that run, as steps; weighted it is the mean of their steps."""
    groups = _groups(params, view)
    rows = view.rows.select("uid").join(groups, on="uid", how="left", maintain_order="left")
    none = pl.when(pl.col("projects").is_null()).then(pl.lit("out of scope"))
    unasked = pl.when(pl.col("computed").is_null() & ~pl.col("silent")).then("why")
    return rows.select(
        "uid",
        not_applicable=pl.coalesce(none, unasked),
        declared_status="declared",
        computed_status="computed",
        red_projects="red",
        amber_projects="amber",
        grey_projects="grey",
        **(_weighted() if params.how == "weighted" else _worst()),
    )


def _worst() -> dict[str, pl.Expr]:
    return {
        "value": steps("computed"),
        "unknown": pl.col("uncoloured"),
        "program.red_share": pl.lit(None, pl.Float64),  # so that the colour decides
    }


def _weighted() -> dict[str, pl.Expr]:
    """Return the mean and the share of red ones; the mean says how many projects it leaves out, having no colour."""
    said = pl.format("{} of {} rows left out", pl.col("projects") - pl.col("coloured"), "projects")
    grey = pl.when(pl.col("coloured") == 0).then("uncoloured")
    return {
        "value": pl.col("mean"),
        "unknown": pl.coalesce("unweighed", grey),
        "program.red_share": pl.col("share"),
        "note": pl.when(pl.col("coloured") < pl.col("projects")).then(said),
    }


def _groups(params: RollupParams, view: View) -> pl.DataFrame:
    """Return what each programme or portfolio with a running project comes to."""
    projects = _running(params, view)
    colour, weight = pl.col("computed"), pl.col("weight")
    known = steps("computed").is_not_null()
    whole = weight.sum()
    return projects.group_by("uid").agg(
        pl.len().alias("projects"),
        known.sum().alias("coloured"),
        worst_of(colour).alias("computed"),
        worst_of(pl.col("declared")).alias("declared"),
        pl.col("why").drop_nulls().first().alias("why"),
        pl.col("silent").all().alias("silent"),
        _uncoloured(),
        _unweighed(params),
        pl.when(whole > 0).then(weight.filter(colour == "red").sum() * 100 / whole).alias("share"),
        _mean(known).alias("mean"),
        *[_named(one) for one in ("red", "amber", "grey")],
    )


def _running(params: RollupParams, view: View) -> pl.DataFrame:
    """Return the projects that are neither closed nor on hold, each with what it belongs to, colour and weight."""
    known = view.projects if view.projects is not None else view.rows
    running = known.filter(pl.col("@na").is_null() & ~pl.col("@held"))
    weight = pl.col("budget").cast(pl.Float64) if params.weights == "budget" else pl.lit(1.0)
    facts = running.select(
        "code",
        "@currency",
        project="uid",
        uid=pl.col(f"@{view.entity}"),
        declared="declared_rag" if params.dimension == "overall" else f"declared_rag_{params.dimension}",
        weight=weight,
    )
    colours = colours_of(view, params.dimension)
    return facts.drop_nulls("uid").join(colours, on="project", how="left").sort("uid", "code")


def _uncoloured() -> pl.Expr:
    """Return why the roll-up is grey: its reason, and on how many projects where others have a colour."""
    grey = (pl.col("computed") == "grey") | pl.col("silent")
    number, several = grey.sum(), pl.len() > 1
    counted = pl.format("missing project.computed_rag on {} of {} rows", number, pl.len())
    reason = pl.when(several).then(counted).otherwise(pl.col("why").drop_nulls().first())
    is_grey = steps("computed").is_null().all() | (worst_of(pl.col("computed")) == "grey")
    return pl.when(is_grey & (number > 0)).then(reason).alias("uncoloured")


def _unweighed(params: RollupParams) -> pl.Expr:
    """Return why projects cannot be weighed against each other."""
    if params.weights == "equal":
        return pl.lit(None, pl.String).alias("unweighed")
    without, currencies = pl.col("weight").null_count(), pl.col("@currency").unique().sort()
    missing = pl.format("missing project.budget on {} of {} rows", without, pl.len())
    mixed = pl.format("mixed currencies: {}", currencies.str.join(", "))
    return (
        pl.when(without > 0)
        .then(missing)
        .when(pl.col("@currency").n_unique() > 1)
        .then(mixed)
        .when(pl.col("weight").sum() == 0)
        .then(pl.lit("invalid project.budget: 0"))
        .alias("unweighed")
    )


def _mean(known: pl.Expr) -> pl.Expr:
    weight = pl.col("weight").filter(known)
    return (steps("computed").filter(known) * weight).sum() / pl.when(weight.sum() > 0).then(weight.sum())


def _named(colour: str) -> pl.Expr:
    """Return the codes of the projects of a colour, the first of them where there are many."""
    codes = pl.col("code").filter(pl.col("computed") == colour)
    more = pl.when(codes.len() > MOST_NAMED).then(pl.format(" + {}", codes.len() - MOST_NAMED)).otherwise(pl.lit(""))
    text = codes.head(MOST_NAMED).str.join(", ")
    return pl.when(codes.len() > 0).then(pl.concat_str(text, more)).alias(colour)


ROLLUP = Measure(
    "program.rollup",
    "program",
    Unit.STEPS,
    RollupParams,
    ("project.code",),
    rollup,
    text="Colour of a programme or portfolio, rolled up from its projects.",
    clock="today",
    # A mean of 1 is no colour: projects that are all amber make one, and so does a red one beside a green one.
    amber="is 1 when program.red_share missing; program.red_share over 10 %",
    red="is 2 when program.red_share missing; program.red_share over 25 %",
    companions={"program.red_share": Unit.PERCENT},
    after_others=True,
    also_for=("portfolio",),
)
