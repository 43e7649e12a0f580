"""One module per schema version, never changed once released: r<number>_<what>.py."""

from pkgutil import iter_modules

from pmo_watch.store.migrations import versions

KNOWN = tuple(sorted(one.name[1:].partition("_")[0] for one in iter_modules(versions.__path__)))
NEWEST = KNOWN[-1]
