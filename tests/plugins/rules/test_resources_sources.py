"""Resources: one person in several sources is one, with the work of all of them."""

from datetime import date
from typing import Any

import pytest
from pmo_watch_plugins.rules import resources
from rows import NOW, known, records
from snapshots import catalogue, found

from pmo_watch.flow import Records, Snapshot
from pmo_watch.merge import Context, build_snapshot
from pmo_watch.workdays import Calendar

MEASURES = catalogue(*resources.pmo_watch_measures())
WEEK = {"start": date(2026, 11, 23), "finish": date(2026, 11, 27)}


def plan(code: str, person: dict[str, Any], hours: float) -> list[Records]:
    """Return a plan as a source reads it: a project, a person under the source's own key, and what she has to do."""
    return [
        records("project", {"key": code, "code": code}),
        records("person", {"key": f"{code}/p", **person}),
        records("task", {"key": f"{code}/1", "id": "1", "project": code}),
        records(
            "assignment",
            {"key": "a", "project": code, "task": f"{code}/1", "person": f"{code}/p", "remaining_work": hours, **WEEK},
        ),
    ]


def together(**sources: list[Records]) -> Snapshot:
    accepted = {name: known(name, *batches) for name, batches in sources.items()}
    rows, states = ({name: getattr(one, part) for name, one in accepted.items()} for part in ("rows", "state"))
    context = Context(NOW, NOW.date(), {"default": Calendar("default")}, order=list(sources))
    return build_snapshot(rows, states, context, {})


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"id": "557058", "email": "ANN@example.org", "name": "A. Peeters"}, id="by address"),
        pytest.param({"id": "Ann Peeters", "name": "Ann Peeters"}, id="by name"),
    ],
)
def test_work_in_several_systems_is_added_for_the_same_person(other: dict[str, Any]) -> None:
    ann = {"id": "ann", "email": "ann@example.org", "name": "Ann Peeters"}
    snapshot = together(plans=plan("ATL", ann, 30), tickets=plan("NOV", other, 14))

    (one,) = found(MEASURES, snapshot, {"measure": "person.weekly_load"})

    assert one.frame.select("uid", "value", "numerator").rows() == [("person:ann@example.org", 110, 44)]
    assert one.evidence(one.frame["uid"])["in_projects"].to_list() == ["ATL, NOV"]


def test_absences_and_calendars_of_another_source_hold_for_the_person() -> None:
    ann = {"id": "ann", "email": "ann@example.org", "name": "Ann Peeters"}
    away = records("absence", {"key": "1", "person": "ann@example.org", "from": WEEK["start"], "to": WEEK["start"]})
    people = records("person", {"key": "ann@example.org", "email": "ann@example.org", "max_units": 50})

    snapshot = together(plans=plan("ATL", ann, 20), sheet=[people, away])
    (one,) = found(MEASURES, snapshot, {"measure": "person.weekly_load"})

    assert one.frame.select("numerator", "denominator", "state").rows() == [(20, 16, "red")]


def test_roles_that_projects_name_are_filled_and_others_are_asked_for() -> None:
    project = records("project", {"key": "ATL", "code": "ATL", "state": "executing", "leader": "ann@example.org"})
    ann = records("person", {"key": "ann@example.org", "email": "ann@example.org"})
    role = records("role", {"key": "r", "scope": "ATL", "code": "project_owner"})

    (one,) = found(MEASURES, together(sheet=[project, ann, role]), {"measure": "role.vacant"})

    assert one.frame.select("state", "reason").sort("state").rows() == [
        *(("grey", "needs 1 samples, has 0"), ("na", "done"))
    ]
