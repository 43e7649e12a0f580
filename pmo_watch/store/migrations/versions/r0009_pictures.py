"""The pictures of mails that wait."""

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0009"
down_revision = "0008"
PICTURE = "message:text* name:text* alt:text! png:bytes!"


def upgrade() -> None:
    """Create the table."""
    of_message = sa.ForeignKeyConstraint(["message"], ["outbox.id"], ondelete="CASCADE")
    op.create_table("outbox_picture", *columns(PICTURE), of_message)
