"""Who knows of which alert: the book of what was told, as it changes while messages are made."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pmo_watch.alerts import Told
from pmo_watch.audiences import Recipient

Key = tuple[str, str, str]  # alert, recipient, notifier


class ToldBook:
    """What was told before, with what this cycle adds and strikes out."""

    def __init__(self, told: Iterable[Told]) -> None:
        self._before = {_key(one): one for one in told}
        self._now = dict(self._before)
        self._of_alert: dict[str, dict[Key, Told]] = {}
        for key, one in self._now.items():
            self._of_alert.setdefault(one.alert, {})[key] = one

    def find(self, alert: str, recipient: Recipient) -> Told | None:
        """Return what the recipient was told of the alert over that notifier."""
        return self._now.get((alert, *recipient.key))

    def about(self, alert: str) -> list[Told]:
        """Return everybody who was told of the alert."""
        return [one for _, one in sorted(self._of_alert.get(alert, {}).items())]

    def ended(self) -> Iterator[Told]:
        """Return who is owed an end that a digest was to tell."""
        return (self._now[key] for key in sorted(key for key, one in self._now.items() if one.ended))

    def write(self, told: Told) -> None:
        """Note that somebody was told, in place of what was noted before."""
        self._now[_key(told)] = told
        self._of_alert.setdefault(told.alert, {})[_key(told)] = told

    def tell(self, told: Told) -> None:
        """Note that somebody now knows of an alert at that level, beside what was noted before."""
        known = self._now.get(_key(told))
        if known is not None:
            # Once told at once, the end is told at once too; a thread is left only when everything in it is closed.
            digest = told.digest if known.digest else ""
            # Who stood in, and is told in their own right by now, goes on being told.
            in_place_of = told.in_place_of if known.in_place_of else ""
            thread = known.thread or told.thread
            told = replace(known, level=told.level, digest=digest, thread=thread, in_place_of=in_place_of)
        self.write(told)

    def strike(self, told: Told) -> None:
        """Note that somebody is owed nothing any more."""
        self._now.pop(_key(told), None)
        self._of_alert.get(told.alert, {}).pop(_key(told), None)

    def threads(self) -> frozenset[str]:
        """Return the threads in which something that was told is not closed, or is being closed now."""
        return frozenset(one.thread for book in (self._before, self._now) for one in book.values() if one.thread)

    def added(self) -> tuple[Told, ...]:
        """Return what is new or other than before."""
        return tuple(one for key, one in sorted(self._now.items()) if self._before.get(key) != one)

    def removed(self) -> tuple[Told, ...]:
        """Return what was struck out."""
        return tuple(one for key, one in sorted(self._before.items()) if key not in self._now)


def _key(told: Told) -> Key:
    return told.alert, told.recipient, told.notifier
