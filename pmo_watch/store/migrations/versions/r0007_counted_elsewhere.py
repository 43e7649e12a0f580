"""What lists say of sprints, releases, blocked tickets and documents that otherwise follows from other rows."""

from alembic import op

from pmo_watch.store.migrations.notation import columns

revision = "0007"
down_revision = "0006"
ADDED = {
    "sprint_version": "committed_items:int committed_points:number done_points:number",
    "release_version": "remaining_items:int",
    "task_version": "flagged_since:date",
    "document_version": "status_since:date",
}


def upgrade() -> None:
    """Add the columns."""
    for name, words in ADDED.items():
        with op.batch_alter_table(name) as table:
            for column in columns(words):
                table.add_column(column)
