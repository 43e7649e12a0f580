"""The computed colours of projects as they were, and the day of an alert's last escalation."""

from alembic import op

from pmo_watch.store.migrations.notation import columns, partial_index

revision = "0005"
down_revision = "0004"
COLOUR = "number:key* project:text! dimension:text! state:text! known_from:moment! known_to:moment"


def upgrade() -> None:
    """Create the table, and add the column."""
    op.create_table("colour", *columns(COLOUR))
    partial_index("ix_colour_current", "colour", ["project", "dimension"], "known_to IS NULL", unique=True)
    with op.batch_alter_table("alert") as table:
        for column in columns("escalated_on:date"):
            table.add_column(column)
