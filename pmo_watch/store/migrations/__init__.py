"""One module per schema version, never changed once released: r<number>_<what>.py.

A new field of the model is a column of its entity's table:

    with op.batch_alter_table("task_version") as table:
        table.add_column(sa.Column("colour", sa.Text()))
"""

from pkgutil import iter_modules

from pmo_watch.store.migrations import versions

KNOWN = tuple(sorted(one.name[1:].partition("_")[0] for one in iter_modules(versions.__path__)))
NEWEST = KNOWN[-1]
