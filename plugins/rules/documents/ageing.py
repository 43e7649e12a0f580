"""Documents that are not brought up to date, or wait for approval."""

import polars as pl

from pmo_watch.api import Columns, Measure, NoParams, Unit, View

OUT = pl.when(pl.col("tailored_out").is_not_null()).then(pl.lit("out of scope"))


def age(_: NoParams, view: View) -> Columns:
    """Count the working days since a living document was last brought up to date."""
    status = pl.col("status")
    return Columns(
        view.working_days(pl.col("updated_on"), pl.col("@today")),
        not_applicable=pl.coalesce(
            OUT,
            pl.when(status == "missing").then(pl.lit("not started")),
            pl.when(status == "obsolete").then(pl.lit("closed")),
            pl.when(pl.col("living") == "none").then(pl.lit("out of scope")),
        ),
        evidence={
            "updated_on": pl.col("updated_on"),
            "review_due": pl.col("review_due"),
            "living": pl.col("living"),
            "owner": pl.col("owner"),
        },
        # A document that nobody wants reviewed has none, and a missing companion meets no threshold.
        companions={"document.review_late": (pl.col("@today") - pl.col("review_due")).dt.total_days()},
    )


def approval_pending(_: NoParams, view: View) -> Columns:
    """Count the working days that a document has been in review."""
    status = pl.col("status")
    over = pl.when(status == "approved").then(pl.lit("done")).when(status == "obsolete").then(pl.lit("closed"))
    return Columns(
        view.working_days(pl.col("status_since"), pl.col("@today")),
        not_applicable=pl.coalesce(OUT, pl.when(status != "in_review").then(over.otherwise(pl.lit("not started")))),
        evidence={"status_since": pl.col("status_since"), "owner": pl.col("owner")},
    )


AGE = Measure(
    "document.age",
    "document",
    Unit.WORKING_DAYS,
    NoParams,
    ("updated_on",),
    age,
    text="Working days since a log or a plan was last brought up to date.",
    clock="today",
    dimension="quality",
    amber="over 10 wd when document.living is log; over 60 wd when document.living is plan; "
    "document.review_late over 0 d",
    red="over 20 wd when document.living is log; over 120 wd when document.living is plan",
    companions={"document.review_late": Unit.DAYS},
)
APPROVAL_PENDING = Measure(
    "document.approval_pending",
    "document",
    Unit.WORKING_DAYS,
    NoParams,
    ("status_since",),
    approval_pending,
    text="Working days that a document has waited for its approval.",
    clock="today",
    dimension="quality",
    amber="over 5 wd",
    red="over 10 wd",
)
