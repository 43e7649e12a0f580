"""Whose turn it is to ask a host: one budget of requests in flight per host, over all sources of the process."""

import threading
from collections.abc import Callable


class Turns:
    """The requests in flight to one host: as many as the most generous of those who ask it allows."""

    def __init__(self) -> None:
        self.free = threading.Condition()
        self.members: list[int] = []
        self._taken = 0

    def take(self, given_up: Callable[[], bool], seconds: float) -> bool:
        """Wait for a turn at most so long; False when it did not come or was given up."""
        with self.free:
            self.free.wait_for(lambda: self._has_room() or given_up(), timeout=max(seconds, 0))
            if given_up() or not self._has_room():
                return False
            self._taken += 1
            return True

    def _has_room(self) -> bool:
        return self._taken < max(self.members, default=1)

    def give_back(self) -> None:
        """End a turn."""
        with self.free:
            self._taken -= 1
            self.free.notify_all()


_LOCK = threading.Lock()
_OF_HOSTS: dict[str, Turns] = {}


def join(host: str, at_once: int) -> Turns:
    """Ask a host from now on, so many requests at once if nobody else asks it; to be ended with `leave`."""
    with _LOCK:
        turns = _OF_HOSTS.setdefault(host, Turns())
        with turns.free:
            turns.members.append(at_once)
            turns.free.notify_all()
        return turns


def leave(host: str, turns: Turns, at_once: int) -> None:
    """Ask a host no more; whoever waits for a turn looks again whether it is given up."""
    with _LOCK, turns.free:
        turns.members.remove(at_once)
        if not turns.members and _OF_HOSTS.get(host) is turns:
            del _OF_HOSTS[host]
        turns.free.notify_all()
