"""Which daemon has leased a message, so that it can take its own up again at once when it was killed."""

from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("outbox") as table:
        for column in columns("leased_by:text"):
            table.add_column(column)
