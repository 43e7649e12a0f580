"""The views that dashboards read (spec channels 6.2): names and columns are an interface.

They are made again with every change of the tables, which could not be altered below a view. On PostgreSQL they stand
in a schema of their own, so that a role can be let in there and nowhere else; whoever was let in stays so. A changed
view needs a schema version of its own, or databases keep the former one.
"""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

SCHEMA = "pmo_watch"
LEVEL = "CASE {} WHEN 'green' THEN 0 WHEN 'amber' THEN 1 WHEN 'red' THEN 2 END"
# An alert on a single person, or on a role that one holds, says something of that person: nobody is named.
HIDDEN = "a.entity IN ('person', 'role')"
ALERTS = f"""
SELECT a.id AS id, a.rule AS rule, COALESCE(p.project, NULLIF(a.project_code, '')) AS project, p.name AS project_name,
  CASE WHEN {HIDDEN} THEN NULL ELSE COALESCE(NULLIF(a.subject_id, ''), a.subject) END AS entity,
  CASE WHEN {HIDDEN} THEN NULL ELSE NULLIF(a.subject_name, '') END AS entity_name,
  COALESCE(a.level, CASE WHEN a.seen = 'red' THEN 'red' ELSE 'amber' END) AS level,
  CASE WHEN a.closed_at IS NOT NULL THEN 'closed' WHEN a.level IS NULL THEN 'pending'
    WHEN s.alert IS NOT NULL THEN 'silenced' WHEN a.acknowledged_until IS NOT NULL THEN 'acknowledged'
    WHEN a.unknown_since IS NOT NULL THEN 'unknown' ELSE 'open' END AS state,
  [a.opened_at] AS opened_at, [a.closed_at] AS closed_at, NULLIF(a.close_reason, '') AS close_reason,
  [a.unknown_since] AS unknown_since, a.acknowledged_until AS acknowledged_until, a.value AS value,
  NULLIF(a.unit, '') AS unit
FROM alert a LEFT JOIN shown_project p ON p.uid = a.project LEFT JOIN shown_silenced s ON s.alert = a.id
"""  # noqa: S608  # our own words, as below
ANNOTATIONS = f"""
SELECT opened_at AS time, closed_at AS timeend,
  rule || COALESCE(': ' || entity, '') || COALESCE(' ' || entity_name, '') AS text,
  level || ',' || rule || COALESCE(',' || REPLACE(project, ',', ' '), '') AS tags, project, rule, level
FROM ({ALERTS}) AS told WHERE opened_at IS NOT NULL
"""  # noqa: S608


def _colours(table: str, basis: str) -> str:
    """Return when each colour began, and when one ended that none followed."""
    return f"""
SELECT [c.known_from] AS time, COALESCE(p.project, c.project) AS project, c.dimension AS dimension,
  '{basis}' AS basis, c.state AS rag, {LEVEL.format("c.state")} AS rag_level
FROM {table} c LEFT JOIN shown_project p ON p.uid = c.project
UNION ALL
SELECT [c.known_to], COALESCE(p.project, c.project), c.dimension, '{basis}', NULL, NULL
FROM {table} c LEFT JOIN shown_project p ON p.uid = c.project
WHERE c.known_to IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} n
  WHERE n.project = c.project AND n.dimension = c.dimension AND n.known_from = c.known_to)
"""  # noqa: S608


RAG_HISTORY = f"{_colours('colour', 'computed')} UNION ALL {_colours('shown_colour', 'declared')}"
MILESTONES = """
SELECT project, milestone, name, kind, baseline_finish, forecast_finish, done, slip_wd FROM shown_milestone
"""
KPI_HISTORY = """
SELECT [time] AS time, scope, kpi, value, unit, target FROM shown_observation
"""
MESSAGES = """
SELECT [COALESCE(settled_at, due)] AS time, notifier, state AS outcome, NULLIF(reason, '') AS reason, attempts,
  CASE WHEN state = 'accepted' THEN <settled_at - due> END AS delay_seconds
FROM outbox
"""
VIEWS: Mapping[str, str] = {
    "grafana_alert_annotations": ANNOTATIONS,
    "grafana_alerts": ALERTS,
    "grafana_rag_history": RAG_HISTORY,
    "grafana_milestones": MILESTONES,
    "grafana_kpi_history": KPI_HISTORY,
    "grafana_messages": MESSAGES,
}
Granted = Sequence[tuple[str, str]]  # view, role


def drop_views(connection: Connection) -> Granted:
    """Drop the views and return who may read which of them."""
    granted = _granted(connection)
    for name in VIEWS:
        connection.execute(text(f"DROP VIEW IF EXISTS {_placed(connection, name)}"))
    return granted


def create_views(connection: Connection, granted: Granted = ()) -> None:
    """Create the views, and let read them who could before."""
    if _is_postgres(connection):
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    for name, query in VIEWS.items():
        connection.execute(text(f"CREATE VIEW {_placed(connection, name)} AS {_spelt(connection, query)}"))
    quote = connection.dialect.identifier_preparer.quote_identifier
    for name, role in granted:
        to = "PUBLIC" if role == "PUBLIC" else quote(role)
        connection.execute(text(f"GRANT SELECT ON {_placed(connection, name)} TO {to}"))


def _granted(connection: Connection) -> Granted:
    if not _is_postgres(connection):
        return ()
    query = text(
        "SELECT table_name, grantee FROM information_schema.table_privileges WHERE table_schema = :schema "
        "AND privilege_type = 'SELECT' AND grantee <> current_user ORDER BY 1, 2"
    )
    found = connection.execute(query, {"schema": SCHEMA}).all()
    return [(name, role) for name, role in found if name in VIEWS]


def _is_postgres(connection: Connection) -> bool:
    return connection.dialect.name == "postgresql"


def _placed(connection: Connection, name: str) -> str:
    return f"{SCHEMA}.{name}" if _is_postgres(connection) else name


def _spelt(connection: Connection, query: str) -> str:
    """Return a query in the database's words: `[moment]` is an instant, `<one - other>` the seconds between two."""
    if _is_postgres(connection):
        moment = r"\1"
        seconds = r"CAST(ROUND(CAST(EXTRACT(EPOCH FROM \1 - \2) AS numeric), 3) AS double precision)"
    else:
        moment = r"REPLACE(\1, ' ', 'T') || 'Z'"
        seconds = r"ROUND((julianday(\1) - julianday(\2)) * 86400, 3)"
    return re.sub(r"<(\w+) - (\w+)>", seconds, re.sub(r"\[([^\]]+)\]", moment, query))
