"""Whose turn it is to ask a host: one budget of requests in flight per host, over all sources of the process."""

import threading
import weakref
from collections.abc import Callable


class Turns:
    """The requests in flight to one host; whoever has none free waits."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._taken = 0
        self._at_once = 1

    def widen(self, at_once: int) -> None:
        """Allow so many at once, where it was less."""
        with self._free:
            self._at_once = max(self._at_once, at_once)
            self._free.notify_all()

    def take(self, given_up: Callable[[], bool], seconds: float) -> bool:
        """Wait for a turn at most so long; False when it did not come or was given up."""
        with self._free:
            self._free.wait_for(lambda: self._taken < self._at_once or given_up(), timeout=max(seconds, 0))
            if given_up() or self._taken >= self._at_once:
                return False
            self._taken += 1
            return True

    def give_back(self) -> None:
        """End a turn."""
        with self._free:
            self._taken -= 1
            self._free.notify_all()

    def wake(self) -> None:
        """Let those who wait look again whether they have given up."""
        with self._free:
            self._free.notify_all()


_LOCK = threading.Lock()
_OF_HOSTS: weakref.WeakValueDictionary[str, Turns] = weakref.WeakValueDictionary()


def turns_of(host: str, at_once: int) -> Turns:
    """Return the turns of a host, the same for everybody who asks it at the same time."""
    with _LOCK:
        turns = _OF_HOSTS.setdefault(host, Turns())
    turns.widen(at_once)
    return turns
