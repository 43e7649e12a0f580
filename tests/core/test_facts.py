"""The evidence of findings, as text."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
from made_measures import BANDS, MAY_13, measure, points
from snapshots import catalogue, found, snapshot

from pmo_watch.rules import Unit


def test_evidence_is_text_and_only_of_rows_that_are_told() -> None:
    shown = {
        "day": pl.col("forecast_finish"),
        "share": pl.col("progress"),
        "flag": pl.col("manual"),
        "labels": pl.col("labels"),
        "seen": pl.col("created_at"),
    }
    told = measure(
        parts={"evidence": shown, "companions": {"task.slope": pl.lit(0.5)}}, companions={"task.slope": Unit.RATIO}
    )
    rule = {**BANDS, "show": ["task.owner", "task.parent", "project.code", "wbs"]}
    row = {
        "name": "Build",
        "forecast_finish": MAY_13,
        "progress": Decimal("12.50"),
        "labels": ["a", "b"],
        "created_at": datetime(2026, 5, 13, 22, 30, tzinfo=UTC),
        "owner": "person:ann",
        "wbs": "1.2",
    }
    known = snapshot(
        person=[{"uid": "person:ann", "name": "Ann", "email": "ann@example.org"}],
        task=[{**row, "story_points": Decimal(21)}, {**row, "story_points": Decimal(1)}],
    )

    (one,) = found(catalogue(told), known, rule)

    assert one.evidence(["plans:task:1"]).to_dicts() == [
        {
            "uid": "plans:task:1",
            "day": "2026-05-13",
            "share": "12.5",
            "flag": "false",
            "labels": "a, b",
            "seen": "2026-05-14 00:30",
            "task.slope": "0.5",
            "task.owner": "Ann",
            "task.parent": None,
            "project.code": "P1",
            "task.wbs": "1.2",
        }
    ]


def test_what_a_measure_shows_is_named_too() -> None:
    told = measure(parts={"evidence": {"owner": pl.col("owner"), "parent": pl.lit("Phase 1: design")}})
    known = snapshot(
        person=[{"uid": "person:ann", "email": "ann@example.org"}],
        task=[{"story_points": Decimal(21), "owner": one} for one in ("person:ann", "person:gone", None)],
    )

    (one,) = found(catalogue(told), known, BANDS)

    shown = one.evidence(one.frame["uid"])
    assert shown["owner"].to_list() == ["ann@example.org", None, None]
    assert shown["parent"].to_list() == ["Phase 1: design"] * 3


def test_evidence_is_of_the_rows_asked_about_in_the_order_of_the_findings() -> None:
    told = measure(parts={"evidence": {"points": pl.col("story_points")}})

    (one,) = found(catalogue(told), points(21, 1, None, 11), BANDS)

    assert one.evidence({"plans:task:4", "plans:task:2", "plans:task:3", "plans:task:9"}).rows() == [
        ("plans:task:2", "1"),
        ("plans:task:3", None),
        ("plans:task:4", "11"),
    ]
