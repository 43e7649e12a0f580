"""What a daemon remembers of its store, and who is told of it: observers only while this daemon leads."""

import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime

from pmo_watch.cycle import Engine, Stopped
from pmo_watch.errors import StoreError
from pmo_watch.in_force import InForce
from pmo_watch.memory import Known
from pmo_watch.store import Store
from pmo_watch.telling import Defect, Observer

NOBODY: Mapping[str, Observer] = {}


class Remembering:
    """The engine, made anew where another daemon has written meanwhile. For one thread at a time."""

    def __init__(
        self,
        store: Store,
        in_force: InForce,
        observers: Mapping[str, Observer],
        now: Callable[[], datetime],
        defect: Defect,
        ahead: Known | None,
    ) -> None:
        self._store = store
        self._observers = observers
        self._now = now
        self._defect = defect
        self._followed = -1  # revision of the alerts that were shown last
        self._stopped = False
        self.leads = True
        self.engine = Engine(store, in_force, observers, defect, ahead)

    def renew(self) -> None:
        """Remember what the store holds, and show it where it is something else, or where this daemon leads.

        Raises:
            StoreError
        """
        known, revision = Known.stored(self._store, self.engine.known), self._store.revision()
        if known is not self.engine.known:
            self.engine = Engine(self._store, self.engine.in_force, self._told(), self._defect, known)
        elif self.engine.observers is not self._told():
            self.engine.swap(self.engine.in_force, self._told())
        elif not self.leads and revision == self._followed:
            return
        self.show()
        self._followed = revision
        if self._stopped:
            self.engine.stop()

    def show(self) -> None:
        """Show what is known already, so that nothing vanishes over a start or a reload."""
        with contextlib.suppress(StoreError, Stopped):  # the next cycle says so
            self.engine.show_stored(self._now())

    def swap(self, in_force: InForce, observers: Mapping[str, Observer]) -> None:
        """Take up other settings or observers between two cycles."""
        self._observers = observers
        self.engine.swap(in_force, self._told())

    def stop(self) -> None:
        """Give up what is being read, and begin nothing more."""
        self._stopped = True
        self.engine.stop()

    def _told(self) -> Mapping[str, Observer]:
        return self._observers if self.leads else NOBODY
