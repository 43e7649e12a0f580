"""Thresholds that indicators bring themselves."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from made_measures import measure
from snapshots import catalogue, found, snapshot, states

from pmo_watch.contracts import Measure
from pmo_watch.rules import Unit


def indicator_values(*indicators: Mapping[str, Any]) -> Any:
    rows = [{"uid": f"indicator:{n}", "id": f"kpi-{n}", **one} for n, one in enumerate(indicators)]
    series = [{"indicator": f"indicator:{n}", "scope": "project:p1"} for n in range(len(rows))]
    return snapshot(indicator=rows, kpi=series)


def kpi(value: float = 85, **more: Any) -> Measure[Any]:
    return measure("kpi.figure", pl.lit(value), Unit.INDICATOR, clock="today", row_thresholds="indicator", **more)


def test_an_indicator_brings_its_own_thresholds_before_the_rules() -> None:
    known = indicator_values(
        {"unit": "%", "amber": "under 90", "red": "under 80", "recover": "over 95"},
        {"unit": "%", "amber": "under 50 %"},
        {"unit": "%"},
        {"unit": "%", "amber": "below the usual"},
    )
    rule = {"measure": "kpi.figure", "amber": "under 87 %", "red": "under 86 %"}

    (one,) = found(catalogue(kpi()), known, rule)

    assert states(one) == ["amber", "red", "red", "red"]
    assert one.rows()["threshold"].to_list() == ["under 90", "under 86 %", "under 86 %", "under 86 %"]
    assert set(one.frame["unit"]) == {"%"}


def test_an_indicator_whose_threshold_cannot_be_read_is_open() -> None:
    known = indicator_values({"amber": "below the usual"}, {"unit": "pp", "red": "under 90 %"}, {})

    (one,) = found(catalogue(kpi()), known, {"measure": "kpi.figure"})

    assert one.frame["state"].to_list() == ["grey", "grey", "na"]
    assert one.frame["reason"].to_list() == [
        "invalid indicator.amber: below the usual",
        "invalid indicator.unit: pp",
        "not configured",
    ]


def test_recovery_of_an_indicator_is_its_own() -> None:
    known = indicator_values({"red": "under 80", "recover": "over 90"}, {"red": "under 80"})

    (one,) = found(catalogue(kpi()), known, {"measure": "kpi.figure"})

    assert one.frame["recovered"].to_list() == [False, True]


def test_measure_may_show_another_unit_than_the_indicators() -> None:
    change = kpi(parts={"unit": pl.when(pl.col("indicator.unit") == "%").then(pl.lit("pp"))})

    (one,) = found(
        catalogue(change), indicator_values({"unit": "%"}, {"unit": "h"}), {"measure": "kpi.figure", "red": "over 1"}
    )

    assert one.frame["unit"].to_list() == ["pp", "h"]
