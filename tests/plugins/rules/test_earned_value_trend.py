"""How an index moves: computed again of plans and projects as they were (spec measures 4.3, E-10)."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules.earned_value.trend import INDEX_TREND, TrendParams
from snapshots import snapshot
from valued_plans import day, of, plan, task

from pmo_watch.entities import ENTITIES
from pmo_watch.flow import Samples, Snapshot, Wish

TODAY = day("06-30")
MONTHS = {"2026-03": day("03-31"), "2026-04": day("04-30"), "2026-05": day("05-31"), "2026-06": TODAY}
ROW = task("01-05", "12-31", 100, 50, source="plans")


def sample(wish: Wish, period: str, uid: str, **fields: Any) -> dict[str, Any]:
    assert isinstance(wish, Samples)
    known = {name: fields.get(name) for name in wish.fields}
    return {"uid": uid, "source": "plans", "period": period, "ends": MONTHS[period], **known}


def history(wish: Wish, rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Return samples with the types that the store gives them."""
    assert isinstance(wish, Samples)
    stored = ENTITIES[wish.entity].schema()
    origin = {"uid": pl.String, "source": pl.String, "period": pl.String, "ends": pl.Date}
    return pl.DataFrame(rows, schema={**origin, **{name: stored[name] for name in wish.fields}}, orient="row")


def known(
    now: tuple[int, int],
    *before: tuple[str, int, int | None],
    params: TrendParams | None = None,
    tasks: Sequence[dict[str, Any]] = (),
    then: dict[str, Any] | None = None,
    cost_entry: Sequence[dict[str, Any]] = (),
) -> Snapshot:
    """Return one row of value 100, its progress and cost now, and those of the ends of earlier months.

    `tasks`: further samples of rows. `then`: what the project said besides at the end of each month.
    """
    of_tasks, of_projects = INDEX_TREND.past(params or TrendParams())
    was = {name: value for name, value in ROW.items() if name != "progress"}
    rows = [
        sample(of_tasks, period, "plans:task:1", project="P1", **{**was, "progress": Decimal(progress)})
        for period, progress, _ in before
    ]
    said = [
        sample(of_projects, period, "project:p1",
               **{"actual_start": day("01-05"), "actual_cost": cost if cost is None else Decimal(cost), **(then or {})})
        for period, _, cost in before
    ]  # fmt: skip
    return snapshot(
        TODAY,
        project=[{"code": "P1", "status_date": TODAY, "actual_start": day("01-05"), "actual_cost": Decimal(now[1])}],
        task=[{**ROW, "progress": Decimal(now[0])}],
        cost_entry=cost_entry,
        past={of_tasks: history(of_tasks, [*rows, *tasks]), of_projects: history(of_projects, said)},
    )


BEFORE = (("2026-03", 23, 25), ("2026-04", 30, 33), ("2026-05", 36, 41))


def test_index_fell_over_three_months_e10() -> None:
    found = of("project.index_trend", known((43, 50), *BEFORE))

    assert (found["value"], found["state"]) == (pytest.approx(-0.06), "red")
    assert (found["evidence"]["index_now"], found["evidence"]["index_before"]) == ("0.86", "0.92")


def test_index_that_holds_is_green() -> None:
    found = of("project.index_trend", known((46, 50), *BEFORE))

    assert (found["value"], found["state"]) == (0, "green")


def test_too_few_samples_are_grey() -> None:
    found = of("project.index_trend", known((43, 50), *BEFORE[1:]))

    assert (found["state"], found["reason"]) == ("grey", "needs 4 samples, has 3")


def test_a_month_in_which_the_index_was_not_assessable_is_no_sample() -> None:
    early = known((43, 50), ("2026-03", 10, 11), *BEFORE[1:])
    unknown = known((43, 50), ("2026-03", 23, None), *BEFORE[1:])

    assert of("project.index_trend", early)["reason"] == "needs 4 samples, has 3"
    assert of("project.index_trend", unknown)["reason"] == "needs 4 samples, has 3"


def test_a_gap_where_the_comparison_lies_is_named() -> None:
    params = {"over": "3 periods", "at_least": "3 samples"}
    asked = TrendParams.model_validate(params)

    found = of("project.index_trend", known((43, 50), *BEFORE[1:], params=asked), **params)

    assert (found["state"], found["reason"]) == ("grey", "missing project.cpi 2026-03")


def test_an_index_that_is_not_assessable_now_has_no_trend() -> None:
    early = of("project.index_trend", known((10, 12), *BEFORE))
    free = of("project.index_trend", known((43, 0), *BEFORE))

    assert (early["state"], early["reason"]) == ("na", "too early")
    assert (free["state"], free["reason"]) == ("grey", "invalid project.actual_cost: 0")


def test_without_any_history_the_samples_are_counted() -> None:
    alone = snapshot(
        TODAY,
        project=[{"code": "P1", "status_date": TODAY, "actual_start": day("01-05"), "actual_cost": Decimal(50)}],
        task=[{**ROW, "progress": Decimal(43)}],
    )

    assert of("project.index_trend", alone)["reason"] == "needs 4 samples, has 1"


def test_the_time_index_is_computed_of_the_day_the_plan_described_then() -> None:
    params = {"index": "spi_t", "period": "month", "at_least": "2 samples"}
    asked = TrendParams.model_validate(params)
    then = {"baseline_start": day("01-05"), "baseline_finish": day("12-31")}

    told = known((40, 50), *BEFORE, params=asked, then={**then, "status_date": day("03-27")})
    found = of("project.index_trend", told, **params)
    at_that_time = plan([{**ROW, "progress": Decimal(23)}], "03-27", 25, ("01-05", "12-31"))

    assert found["evidence"]["index_before"] == f"{of('project.spi_t', at_that_time, period='month')['value']:.4f}"
    assert (found["state"], found["note"]) == ("red", "")


def test_a_status_date_that_was_too_old_then_gives_no_sample() -> None:
    old = known((43, 50), *BEFORE, then={"status_date": day("02-02")})

    assert of("project.index_trend", old)["reason"] == "needs 4 samples, has 1"


def test_a_row_that_has_vanished_since_counts_where_it_was() -> None:
    (of_tasks, _) = INDEX_TREND.past(TrendParams())
    gone = sample(of_tasks, "2026-03", "plans:task:9", project="P1", **{**ROW, "progress": Decimal(0)})

    found = of("project.index_trend", known((43, 50), *BEFORE, tasks=[gone]))

    # 23 of 200 is earned then: too early to be a sample.
    assert found["reason"] == "needs 4 samples, has 3"


def test_a_summary_row_of_then_does_not_count() -> None:
    (of_tasks, _) = INDEX_TREND.past(TrendParams())
    above = sample(of_tasks, "2026-03", "plans:task:9", project="P1", **{**ROW, "progress": Decimal(0)})
    below = sample(of_tasks, "2026-03", "plans:task:8", project="P1", parent="9", **{**ROW, "baseline_cost": None})

    found = of("project.index_trend", known((43, 50), *BEFORE, tasks=[above, below]), value="cost")

    assert found["value"] == pytest.approx(-0.06)


def test_booked_costs_are_cut_at_each_month() -> None:
    books = [(date(2026, 3, 20), 25), (date(2026, 6, 20), 25)]
    entries = [{"booked_on": on, "amount": Decimal(amount)} for on, amount in books]
    told = known((43, 50), *[(period, progress, None) for period, progress, _ in BEFORE], cost_entry=entries)

    found = of("project.index_trend", told)

    assert found["evidence"]["earlier_values"] == "0.92, 1.2, 1.44"
