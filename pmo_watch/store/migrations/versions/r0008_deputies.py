"""Who stands in for a person or the holder of a role, and who was told in the place of somebody absent."""

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; until now everybody was told in their own place."""
    for name in ("person_version", "role_version"):
        with op.batch_alter_table(name) as table:
            for column in columns("deputy:text"):
                table.add_column(column)
    with op.batch_alter_table("told") as table:
        for column in columns("in_place_of:text"):
            table.add_column(column)
    op.execute(sa.text("UPDATE told SET in_place_of = ''"))
    with op.batch_alter_table("told") as table:
        table.alter_column("in_place_of", existing_type=sa.Text(), nullable=False)
