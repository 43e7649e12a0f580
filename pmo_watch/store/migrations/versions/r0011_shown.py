"""What dashboards read: labels of projects, declared colours, milestones, indicators, silenced alerts."""

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns, partial_index

revision = "0011"
down_revision = "0010"
TABLES = {
    "shown_colour": "number:key* project:text! dimension:text! state:text! known_from:moment! known_to:moment",
    "shown_project": "uid:text* project:text! name:text",
    "shown_milestone": (
        "uid:text* project:text! milestone:text! name:text kind:text baseline_finish:date forecast_finish:date "
        "done:flag! slip_wd:float"
    ),
    "shown_observation": ("uid:text* time:moment! scope:text! kpi:text! value:float! unit:text target:float"),
    "shown_silenced": "alert:text*",
}


def upgrade() -> None:
    """Create the tables; projects keep the codes by which their past is told, also those that are gone."""
    for name, words in TABLES.items():
        op.create_table(name, *columns(words))
    partial_index("ix_shown_colour_current", "shown_colour", ["project", "dimension"], "known_to IS NULL", unique=True)
    op.execute(
        sa.text(
            "INSERT INTO shown_project (uid, project, name) SELECT uid, COALESCE(code, id, uid), name "
            "FROM project_version WHERE version_id IN (SELECT MAX(version_id) FROM project_version GROUP BY uid)"
        )
    )
