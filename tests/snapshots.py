"""A snapshot from a few fields per row, with everything that follows from them computed as step 2 does."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from pmo_watch.contracts import Measure
from pmo_watch.derive import derive
from pmo_watch.entities import ENTITIES
from pmo_watch.evaluate import Evaluated, evaluate
from pmo_watch.flow import Findings, Organisation, Snapshot, SourceState, Wish
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue
from pmo_watch.rules import RuleSet
from pmo_watch.workdays import Calendar

TODAY = date(2026, 5, 13)
# Public holidays of Belgium that fall on weekdays (spec measures 4.1).
HOLIDAYS = ("01-01", "04-06", "05-01", "05-14", "05-25", "07-21", "11-11", "12-25")
BE = Calendar("be", closed=frozenset(date.fromisoformat(f"2026-{day}") for day in HOLIDAYS))
ENGINE = {"@usable": pl.Boolean(), "@reading": pl.Int64()}
Row = Mapping[str, Any]


def snapshot(
    today: date = TODAY,
    *,
    past: Mapping[Wish, pl.DataFrame] | None = None,
    organisation: Organisation | None = None,
    calendars: Sequence[Calendar] = (BE,),
    sources: Mapping[str, SourceState] | None = None,
    **rows: Sequence[Row],
) -> Snapshot:
    """Return what is known on that day, at noon in UTC.

    `rows`: by entity, `milestone` among them. A row needs no `uid` (`plans:task:1` is the first task's) and no
    `project` (there is one, `project:p1`). What is given stays as given; other computed fields are derived.
    """
    common = organisation or Organisation(calendar=calendars[0].id)
    given = _by_entity(rows)
    known = {one.id: one for one in calendars}
    frames = {name: _frame(name, given.get(name, [])) for name in ENTITIES}
    derived = derive({name: _stored(name, one) for name, one in frames.items()}, today, known, common, past or {})
    final = {name: _as_given(frames[name], derived.get(name, frames[name])) for name in frames}
    now = datetime.combine(today, time(12), UTC)
    return Snapshot(now, today, final, known, common, sources or {}, past or {})


def _by_entity(rows: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, Any]]]:
    given: dict[str, list[dict[str, Any]]] = {"project": [{"code": "P1"}]}
    for name, some in rows.items():
        entity = "task" if name == "milestone" else name
        fixed = {"is_milestone": name == "milestone"} if entity == "task" else {}
        first = given.get(entity, []) if name not in ENTITIES or name == "task" else []
        given[entity] = [*first, *({**fixed, **row} for row in some)]
    for name, some in given.items():
        for number, row in enumerate(some, 1):
            row.setdefault("uid", _uid(name, number))
            if "project" in ENTITIES[name].schema() and name not in {"kpi", "submission"}:
                row.setdefault("project", ["project:p1"] if name == "board" else "project:p1")
    return given


def _uid(entity: str, number: int) -> str:
    return f"project:p{number}" if entity == "project" else f"plans:{entity}:{number}"


def _frame(entity: str, rows: Sequence[Row]) -> pl.DataFrame:
    usual = {"source": "plans", "@usable": True, "@reading": 1}
    kinds = {"@source": pl.String(), "@usable": pl.Boolean(), "@currency": pl.String()}
    more = {name: kinds[name.partition(":")[0]] for row in rows for name in row if ":" in name}
    schema = {**ENTITIES[entity].schema(), **ENGINE, **more}
    return pl.DataFrame([{**usual, **row} for row in rows], schema=schema, orient="row").sort("uid")


def _stored(entity: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame as step 2 has it before it computes fields."""
    return frame.drop(one.name for one in ENTITIES[entity].fields if one.computed)


def _as_given(given: pl.DataFrame, derived: pl.DataFrame) -> pl.DataFrame:
    """Return the derived frame with the fields that a test gave; rows that only follow from others are among them."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in given.schema.items() if name not in derived.columns]
    made = derived.with_columns(absent).sort("uid").select(given.columns)
    own = made.select("uid").join(given, on="uid", how="left", maintain_order="left")
    return pl.DataFrame(
        [
            pl.select(pl.when(said.is_not_null()).then(said).otherwise(found)).to_series().alias(said.name)
            for said, found in zip(own.iter_columns(), made.iter_columns(), strict=True)
        ]
    )


# --- rules --------------------------------------------------------------------------------------------------------


def catalogue(*measures: Measure[Any]) -> dict[str, Measure[Any]]:
    """Return measures by name."""
    return {one.name: one for one in measures}


def rules(measures: Mapping[str, Measure[Any]], *some: Row) -> RuleSet:
    """Return rules read as from a file; each needs only `measure` and its thresholds."""
    usual = [{"id": f"rule-{number}", "name": "A rule", **one} for number, one in enumerate(some, 1)]
    text = json.dumps({"version": 1, "rules": usual})
    loaded = rules_from_texts(Path("rules.d"), Readable({"rules.yaml": text}), Catalogue(measures))
    assert not loaded.faults, "\n".join(map(str, loaded.faults))
    return loaded.rules


def found(measures: Mapping[str, Measure[Any]], known: Snapshot, *some: Row) -> list[Findings]:
    """Return what these rules find."""
    return list(evaluated(measures, known, *some).findings)


def evaluated(
    measures: Mapping[str, Measure[Any]], known: Snapshot, *some: Row, extra: Sequence[str] = ()
) -> Evaluated:
    """Return the whole evaluation of these rules."""
    return evaluate(rules(measures, *some), known, measures, extra)


def finding(measures: Mapping[str, Measure[Any]], known: Snapshot, rule: Row) -> dict[str, Any]:
    """Return the only finding of a rule, with its evidence under `evidence`."""
    (one,) = found(measures, known, rule)
    assert not one.failed, one.failed
    (row,) = one.rows().to_dicts()
    return {**row, "evidence": evidence(one).get(row["uid"], {})}


def evidence(one: Findings) -> dict[str, Row]:
    """Return what findings rest on that somebody may be told of, by uid."""
    told = one.frame.filter(pl.col("state").is_in(["amber", "red", "grey"]))["uid"]
    return {row.pop("uid"): row for row in one.evidence(told).to_dicts()}


def states(one: Findings) -> list[str]:
    """Return the states of a rule's findings, in the order of uids."""
    assert not one.failed, one.failed
    return one.frame["state"].to_list()
