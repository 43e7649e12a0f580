"""When old history is pruned: after the first cycle, then once a day."""

import asyncio
from datetime import datetime, timedelta, tzinfo

import structlog

from pmo_watch.errors import StoreError
from pmo_watch.store import Store

LOG = structlog.get_logger("pmo_watch.daemon")
EVERY, AGAIN = timedelta(days=1), timedelta(hours=1)


class Pruning:
    """Prunes what is older than it is to be kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due: datetime | None = None  # None: after the first cycle

    async def after_cycle(self, now: datetime, kept: timedelta, zone: tzinfo) -> None:
        """Prune if it is time; what the store refuses is tried again in an hour."""
        if self._due is not None and now < self._due:
            return
        try:
            await asyncio.to_thread(self._store.retention, now - kept, zone)
            self._due = now + EVERY
        except StoreError as fault:
            LOG.warning("old history not pruned, tried again in an hour", error=str(fault))
            self._due = now + AGAIN
