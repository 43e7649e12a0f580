"""Promised dates, the days an alert was paused, whom escalation steps told, and silences that come back."""

import json

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0010"
down_revision = "0009"
OPTIONAL = "new_date:date missed_date:date paused_on:date"
TEXTS = "new_date_by"
LISTS = ("pauses", "steps")


def upgrade() -> None:
    """Add the columns; a step that was taken is known by its number until the next cycle names whom it told."""
    with op.batch_alter_table("alert") as table:
        for column in columns(f"{OPTIONAL} new_date_by:text pauses:list steps:list"):
            table.add_column(column)
    _number_steps()
    with op.batch_alter_table("alert") as table:
        for name in (TEXTS, *LISTS):
            table.alter_column(name, existing_type=sa.Text(), nullable=False)
        table.drop_column("escalated")
    with op.batch_alter_table("silence") as table:
        for column in columns("name:text"):
            table.add_column(column)
    op.execute(sa.text("UPDATE silence SET name = ''"))
    with op.batch_alter_table("silence") as table:
        table.alter_column("name", existing_type=sa.Text(), nullable=False)


def _number_steps() -> None:
    connection = op.get_bind()
    connection.execute(sa.text("UPDATE alert SET new_date_by = '', pauses = '[]', steps = '[]'"))
    taken = connection.execute(sa.text("SELECT id, escalated FROM alert WHERE escalated <> '[]'")).all()
    for alert, numbers in taken:
        steps = json.dumps([f"#{number}" for number in json.loads(numbers)])
        connection.execute(sa.text("UPDATE alert SET steps = :steps WHERE id = :id"), {"steps": steps, "id": alert})
