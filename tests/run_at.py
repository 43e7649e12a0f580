"""`pmo-watch run` by another clock: python tests/run_at.py SECONDS ARGUMENTS; its time is so many seconds from now.

Everything else is the command as it is: the same process, settings, store, servers and signals.
"""

import sys
from datetime import UTC, datetime, timedelta

from pmo_watch import cli, daemon
from pmo_watch.clock import Clock

SHIFT = timedelta(seconds=float(sys.argv.pop(1)))


class ShiftedClock(Clock):
    """Goes on like the wall clock, at another time."""

    def now(self) -> datetime:
        """Return the shifted moment."""
        return datetime.now(UTC) + SHIFT


vars(daemon)["Clock"] = ShiftedClock  # the daemon makes its own
cli.main()
