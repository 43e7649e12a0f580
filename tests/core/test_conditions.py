"""Conditions on fields of every kind: true, false, and open where the field is missing."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from snapshots import snapshot

from pmo_watch import rules
from pmo_watch.bands import said, written
from pmo_watch.conditions import Scope
from pmo_watch.errors import RuleError
from pmo_watch.rule_grammar import Subject, read_condition, read_list
from pmo_watch.rules import Condition, Op, Quantity, Threshold, Today, Tolerance, Value
from pmo_watch.view import Tables

TASK: dict[str, Any] = {
    "name": "Go-live (pilot)",
    "kind": "key",
    "labels": ["APP-1", "web"],
    "manual": True,
    "priority": 4,
    "progress": Decimal("45.5"),
    "work": Decimal(10),
    "cost": Decimal(100),
    "total_slack": 960,
    "forecast_finish": date(2026, 5, 18),
    "created_at": datetime(2026, 5, 12, 22, 30, tzinfo=UTC),
}


def decide(name: str, condition: Condition, row: dict[str, Any] | None = None) -> tuple[bool | None, str | None]:
    """Return whether the condition holds for a task, and why that is open."""
    table = Tables(snapshot(project=[{"minutes_per_day": 480}], task=[TASK if row is None else row])).table("task")
    scope = Scope(table, lambda _: None)
    verdict = scope.test(rules.Test(f"task.{name}", condition))
    unknown = pl.lit(None, pl.String) if verdict.unknown is None else verdict.unknown
    table.require(("project.minutes_per_day",))
    ((holds, why),) = table.rows.select(holds=verdict.holds, why=unknown).rows()
    return holds, why


def read(name: str, text: str) -> Condition:
    field = Tables(snapshot()).table("task").column(name)
    assert field is not None
    return read_condition(text, Subject.field(f"task.{name}", field.field))


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("priority", "over 3", True),
        ("priority", "over 4", False),
        ("priority", "at least 4", True),
        ("priority", "under 4", False),
        ("priority", "at most 4", True),
        ("priority", "between 4 and 5", True),
        ("priority", "not between 4 and 5", False),
        ("priority", "not between 1 and 3", True),
        ("priority", "4", True),
        ("priority", "is not 4", False),
        ("priority", "present", True),
        ("priority", "missing", False),
        ("progress", "under 50 %", True),
        ("work", "at least 10 h", True),
        ("cost", "over 99.99", True),
        ("total_slack", "at most 2 wd", True),
        ("total_slack", "under 2 wd", False),
        ("total_slack", "over 15 h", True),
        ("manual", "true", True),
        ("manual", "is not true", False),
        ("kind", "key", True),
        ("kind", "is not key", False),
        ("name", "Go-live (pilot)", True),
        ("name", "like go-LIVE*", True),
        ("name", "like *(pilo?)", True),
        ("name", "like Go", False),
        ("labels", "web", True),
        ("labels", "is not web", False),
        ("labels", "like APP-*", True),
        ("labels", "mobile", False),
        ("forecast_finish", "2026-05-18", True),
        ("forecast_finish", "over 2026-05-18", False),
        ("forecast_finish", "at most today + 2 wd", True),
        ("forecast_finish", "over today + 4 d", True),
        ("forecast_finish", "under today", False),
        ("forecast_finish", "between today and today + 10 d", True),
        ("created_at", "2026-05-13", True),
        ("created_at", "over today", False),
    ],
)
def test_condition_on_a_field_that_is_there(name: str, text: str, holds: bool) -> None:
    assert decide(name, read(name, text)) == (holds, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("priority", "over 3"),
        ("priority", "is not 3"),
        ("total_slack", "over 1 wd"),
        ("kind", "is not key"),
        ("name", "like Go*"),
        ("labels", "is not web"),
        ("forecast_finish", "over today"),
        ("created_at", "over today"),
    ],
)
def test_condition_on_a_field_that_is_missing_is_open(name: str, text: str) -> None:
    assert decide(name, read(name, text), {}) == (None, f"missing task.{name}")


def test_condition_on_a_missing_flag_is_open() -> None:
    assert decide("flagged", read("flagged", "true")) == (None, "missing task.flagged")


@pytest.mark.parametrize("name", ["priority", "name", "labels", "forecast_finish", "owner"])
def test_missing_and_present_are_never_open(name: str) -> None:
    assert decide(name, read(name, "missing"), {})[0] is True
    assert decide(name, read(name, "present"), {})[0] is False


def test_an_empty_list_is_missing() -> None:
    assert decide("labels", read("labels", "missing"), {"labels": []})[0] is True


@pytest.mark.parametrize(("values", "holds"), [(["gate", "key"], True), (["gate"], False)])
def test_a_list_means_one_of(values: list[str], holds: bool) -> None:
    column = Tables(snapshot()).table("task").column("kind")
    assert column is not None

    assert decide("kind", read_list(values, Subject.field("task.kind", column.field)))[0] is holds


@pytest.mark.parametrize(
    ("name", "op", "value", "fault"),
    [
        ("priority", Op.LIKE, Quantity(Decimal(1)), "task.priority cannot be compared with 'like'"),
        ("priority", Op.IS, "high", "task.priority is a number and cannot be compared with 'high'"),
        ("total_slack", Op.OVER, Quantity(Decimal(1), "pp"), "task.total_slack is a duration: give wd or h, not 'pp'"),
        (
            "forecast_finish",
            Op.OVER,
            Quantity(Decimal(5)),
            "task.forecast_finish is a date and cannot be compared with ",
        ),
        ("forecast_finish", Op.IS, "soon", "task.forecast_finish is a date and cannot be compared with 'soon'"),
        ("manual", Op.IS, "maybe", "task.manual is true or false, not 'maybe'"),
        ("manual", Op.OVER, True, "task.manual is true or false and cannot be compared with 'over'"),
        ("name", Op.OVER, "a", "task.name is a text and cannot be compared with 'over'"),
        ("labels", Op.OVER, "a", "task.labels is a list of texts and cannot be compared with 'over'"),
        ("no_such", Op.IS, "a", "there is no field or measure 'task.no_such' for task"),
    ],
)
def test_what_cannot_be_compared_is_said(name: str, op: Op, value: Value, fault: str) -> None:
    with pytest.raises(RuleError) as refused:
        decide(name, Condition(op, (value,)))

    assert str(refused.value).startswith(fault)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition(Op.OVER, (Quantity(Decimal(5), "wd"),), "over  5 wd"), "over  5 wd"),
        (Condition(Op.OVER, (Quantity(Decimal("1E+1"), "wd"),)), "over 10 wd"),
        (Condition(Op.BETWEEN, (Quantity(Decimal(1)), Quantity(Decimal(2)))), "between 1 and 2"),
        (Condition(Op.ONE_OF, ("key", "gate")), "one of key, gate"),
        (Condition(Op.MISSING), "missing"),
        (Condition(Op.OVER, (Tolerance("cost", "red", Quantity(Decimal(5), "%")),)), "over tolerance.cost.red or 5 %"),
        (
            Condition(Op.AT_MOST, (Tolerance("cost", "amber", Quantity(Decimal(4), "%"), Quantity(Decimal(1), "pp")),)),
            "at most tolerance.cost.amber - 1 pp or 4 %",
        ),
    ],
)
def test_a_condition_in_words(condition: Condition, text: str) -> None:
    assert written(condition) == text


def test_a_threshold_in_words_names_what_it_is_about() -> None:
    condition = Condition(Op.UNDER, (Quantity(Decimal(5), "wd"),))
    when = rules.Test("task.kind", Condition(Op.IS, ("key",)))

    assert said(Threshold(condition, "task.days_left", when)) == "task.days_left under 5 wd when task.kind is key"


def test_days_from_today_are_counted_in_the_rows_calendar() -> None:
    ascension = Condition(Op.IS, (Today(1, "wd"),))

    assert decide("forecast_finish", ascension, {"forecast_finish": date(2026, 5, 15)})[0] is True
