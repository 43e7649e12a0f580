"""What was left out of a source's rows, by place and project, so that it is known after a restart too."""

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column, with nothing in it."""
    with op.batch_alter_table("source_state") as table:
        for column in columns("left_out:list"):
            table.add_column(column)
    op.execute(sa.text("UPDATE source_state SET left_out = '[]'"))
    with op.batch_alter_table("source_state") as table:
        table.alter_column("left_out", existing_type=sa.Text(), nullable=False)
