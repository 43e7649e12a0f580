"""What pages list: alerts by urgency, projects with their colour; filtered, counted and cut in the database."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from pmo_watch.alerts import Alert
from pmo_watch.store.changes import AlertList, ProjectListed
from pmo_watch.store.rows import made_of
from pmo_watch.store.tables import ALERT, COLOUR, SHOWN_PROJECT, SHOWN_SILENCED

OVERALL = "overall"
_SILENCED = ALERT.c.id.in_(select(SHOWN_SILENCED.c.alert))
_OPEN = and_(ALERT.c.closed_at.is_(None), ALERT.c.opened_at.is_not(None))
_STATES: Mapping[str, ColumnElement[bool]] = {
    "open": _OPEN,
    "acknowledged": and_(_OPEN, ALERT.c.acknowledged_until.is_not(None)),
    "unknown": and_(_OPEN, ALERT.c.unknown_since.is_not(None)),
    "silenced": and_(_OPEN, _SILENCED),
    "pending": and_(ALERT.c.closed_at.is_(None), ALERT.c.opened_at.is_(None)),
    "closed": ALERT.c.closed_at.is_not(None),
}
STATES = tuple(_STATES)


def list_alerts(connection: Connection, query: AlertList) -> list[Alert]:
    """Return alerts: red ones first, then those that have stood longest; closed ones newest first."""
    level = case((ALERT.c.level == "red", 0), else_=1)
    by_age = (ALERT.c.closed_at.desc(),) if query.state == "closed" else (level, ALERT.c.since)
    wanted = select(ALERT).where(*_conditions(query)).order_by(*by_age, ALERT.c.id)
    found = connection.execute(wanted.limit(query.limit).offset(query.skip))
    return [Alert(**made_of(row, Alert)) for row in found]


def count_alerts(connection: Connection, query: AlertList) -> int:
    """Count them, on whatever page."""
    found: int = connection.execute(select(func.count()).select_from(ALERT).where(*_conditions(query))).scalar_one()
    return found


def _conditions(query: AlertList) -> list[ColumnElement[bool]]:
    given = {"level": query.level, "rule": query.rule, "project_code": query.project}
    return [_STATES[query.state], *(ALERT.c[name] == value for name, value in given.items() if value)]


def silenced_among(connection: Connection, alerts: Sequence[str]) -> set[str]:
    """Return those of these alerts (ids) whose messages a silence held back in the last cycle."""
    wanted = select(SHOWN_SILENCED.c.alert).where(SHOWN_SILENCED.c.alert.in_(alerts))
    return {*connection.execute(wanted).scalars()}


def open_by_rule(connection: Connection) -> dict[str, int]:
    """Count open alerts by rule; a rule without any is left out."""
    counted = select(ALERT.c.rule, func.count().label("number")).where(_OPEN).group_by(ALERT.c.rule)
    return {row.rule: row.number for row in connection.execute(counted)}


def list_projects(connection: Connection, limit: int) -> list[ProjectListed]:
    """Return projects that have a computed colour: the worst first, then those with most red alerts."""
    known = (COLOUR.c.dimension == OVERALL, COLOUR.c.known_to.is_(None))
    numbers = _open_by_project().subquery()
    reds, ambers = (func.coalesce(numbers.c[name], 0) for name in ("red", "amber"))
    place = case({"red": 0, "amber": 1, "grey": 2, "green": 3}, value=COLOUR.c.state, else_=4)
    wanted = (
        select(COLOUR.c.project, COLOUR.c.state, SHOWN_PROJECT.c.name, reds.label("red"), ambers.label("amber"))
        .add_columns(numbers.c.code, SHOWN_PROJECT.c.project.label("label"))
        .outerjoin(SHOWN_PROJECT, SHOWN_PROJECT.c.uid == COLOUR.c.project)
        .outerjoin(numbers, numbers.c.project == COLOUR.c.project)
        .where(*known)
        .order_by(place, reds.desc(), ambers.desc(), SHOWN_PROJECT.c.project, COLOUR.c.project)
        .limit(limit)
    )
    found = connection.execute(wanted)
    return [
        ProjectListed(uid, label or uid, name or "", state, code or "", red, amber)
        for uid, state, name, red, amber, code, label in found
    ]


def count_colours(connection: Connection) -> dict[str, int]:
    """Count projects by their computed colour."""
    wanted = select(COLOUR.c.state, func.count().label("number"))
    wanted = wanted.where(COLOUR.c.dimension == OVERALL, COLOUR.c.known_to.is_(None)).group_by(COLOUR.c.state)
    return {row.state: row.number for row in connection.execute(wanted)}


def _open_by_project() -> Select[Any]:
    each = {name: func.sum(case((ALERT.c.level == name, 1), else_=0)).label(name) for name in ("red", "amber")}
    columns = (ALERT.c.project, func.max(ALERT.c.project_code).label("code"), *each.values())
    return select(*columns).where(_OPEN).group_by(ALERT.c.project)
