"""What Alembic runs for each upgrade: on the connection and in the transaction that `upgrade.py` gives it."""

from alembic import context

from pmo_watch.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=connection.dialect.name == "sqlite")
with context.begin_transaction():
    context.run_migrations()
