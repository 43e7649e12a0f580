"""How often a document must be brought up to date, where its row says so."""

from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    with op.batch_alter_table("document_version") as table:
        for column in columns("living:text"):
            table.add_column(column)
