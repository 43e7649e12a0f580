"""Boards, sprints, releases, changes of tickets, timesheets; and the fields of a ticket that lead to them."""

from alembic import op

from pmo_watch.store.migrations.notation import columns, create_versions

revision = "0002"
down_revision = "0001"

VERSIONS = {
    "status_change_version": "updated_at:moment task:text at:moment field:text from_value:text to_value:text",
    "board_version": (
        "updated_at:moment id:text name:text type:text project:list wip_limit:int team_size:int sle_days:int "
        "waiting:list"
    ),
    "sprint_version": (
        "updated_at:moment id:text name:text board:text state:text goal:text start_on:date end_on:date "
        "completed_on:date"
    ),
    "sprint_item_version": (
        "updated_at:moment sprint:text task:text committed:flag points_at_start:number points_at_close:number "
        "added_on:date removed_on:date done_on:date"
    ),
    "release_version": (
        "updated_at:moment id:text name:text project:text release_date:date released:flag scope_baseline:number "
        "scope_baseline_on:date"
    ),
    "timesheet_version": "updated_at:moment person:text week:text project:text hours:number status:text",
}


def upgrade() -> None:
    """Create the tables, and add the columns."""
    for name, words in VERSIONS.items():
        create_versions(name, words)
    with op.batch_alter_table("task_version") as table:
        for column in columns("board:text sprint:list release:list"):
            table.add_column(column)
