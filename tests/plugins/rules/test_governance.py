"""Reported better than computed: the vectors G-01 and G-02 of spec measures 4.9, and the roll-up G-03."""

from typing import Any

import polars as pl
import pytest
from pmo_watch_plugins.rules import governance, raid
from snapshots import catalogue, found, snapshot

from pmo_watch.flow import FINDING_SCHEMA, Findings
from pmo_watch.rollup import computed_colours

MEASURES = catalogue(*governance.pmo_watch_measures(), *raid.pmo_watch_measures())
RISK = {"id": "risk", "measure": "risk.level"}
IMPACT = {"green": 1, "amber": 2, "red": 5}


def gap(declared: str | None, computed: str) -> dict[str, Any]:
    """Return the gap of a project with one risk that makes it that colour."""
    known = snapshot(
        project=[{"code": "P1", "declared_rag": declared}],
        risk=[{"status": "approved", "likelihood": 5 if computed == "red" else 2, "impact": IMPACT[computed]}],
    )
    findings = found(MEASURES, known, {"id": "gap", "measure": "project.rag_gap"}, RISK)
    return next(one for one in findings if one.rule == "gap").frame.row(0, named=True)


@pytest.mark.parametrize(
    ("declared", "computed", "value", "state"),
    [("green", "red", 2, "red"), ("amber", "red", 1, "amber"), ("red", "amber", -1, "green")],
    ids=["G-01 two", "G-01 one", "G-01 better"],
)
def test_gap(declared: str, computed: str, value: int, state: str) -> None:
    answer = gap(declared, computed)

    assert (answer["value"], answer["state"]) == (value, state)


def test_nothing_declared_is_grey_g02() -> None:
    answer = gap(None, "red")

    assert (answer["state"], answer["reason"]) == ("grey", "missing project.declared_rag")


@pytest.mark.parametrize(
    ("states", "colour"),
    [
        (("green", "amber", "grey"), "amber"),
        (("green", "grey"), "grey"),
        (("green", "na"), "green"),
        (("na", "na"), None),
        (("red", "grey"), "red"),
    ],
    ids=["amber", "grey", "green", "na", "red"],
)
def test_roll_up_g03(states: tuple[str, ...], colour: str | None) -> None:
    known = snapshot(risk=[{"uid": f"r{number}"} for number in range(len(states))])
    frame = pl.DataFrame(
        [{"uid": f"r{number}", "state": state} for number, state in enumerate(states)], schema=FINDING_SCHEMA
    )

    colours = computed_colours([Findings("risk", frame, pl.DataFrame())], {"risk": "risk"}, known)

    overall = colours.filter(pl.col("dimension") == "overall")["state"].to_list()
    assert overall == ([] if colour is None else [colour])


def test_data_are_shown_beside_the_colour_and_not_in_it() -> None:
    known = snapshot(risk=[{"uid": "r0"}])
    frame = pl.DataFrame([{"uid": "r0", "state": "red"}], schema=FINDING_SCHEMA)

    colours = computed_colours([Findings("late", frame, pl.DataFrame())], {"late": "data"}, known)

    assert colours["dimension"].to_list() == ["data"]
