"""Who reads a digest while somebody is away: their deputy in their place, and they themselves once they are back."""

from collections.abc import Iterable, Mapping
from datetime import time
from zoneinfo import ZoneInfo

from pmo_watch.alerts import Alert
from pmo_watch.audiences import Recipient
from pmo_watch.desk import Desk
from pmo_watch.digests import Due
from pmo_watch.rules import Digest

FLAG, MISSED = "flag", "missed"  # mark `missed:digest:uid` -> the places that it is about, parted by blanks; "" is all

Marks = Mapping[tuple[str, str], str]


class Readers:
    """Knows who was away while digests left; `marks`: what the store keeps, `changed`: what it is to keep from now on.

    What somebody has missed is not kept: on their return the digest is made again, of what holds by then.
    """

    def __init__(self, desk: Desk, marks: Marks) -> None:
        self._desk = desk
        self._marks = marks
        self._away: set[str] = set()
        self.changed: dict[tuple[str, str], str | None] = {}

    def of(self, found: Due, recipients: Iterable[Recipient], alert: Alert | None = None) -> tuple[Recipient, ...]:
        """Return who reads of the alert, or of what is no alert, in a digest that these are to read."""
        read_by: dict[tuple[str, str], Recipient] = {}
        for recipient in recipients:
            reader = self._reader(recipient, alert)
            if reader is not None and (found.only is None or reader.id in found.only):
                known = read_by.setdefault(reader.key, reader)
                read_by[reader.key] = known if known.stands_in is None else reader
        return tuple(read_by.values())

    def reads(self, found: Due, recipient: Recipient) -> bool:
        """Say whether somebody who read of a beginning reads of its end in this digest, and not in one on return."""
        return self._reader(recipient, None) is recipient and (found.only is None or recipient.id in found.only)

    def _reader(self, recipient: Recipient, alert: Alert | None) -> Recipient | None:
        if self._desk.absent_until(recipient) is None:
            return recipient
        self._away.add(recipient.id)
        return self._desk.stand_in(recipient, alert)

    def left(self, digest: Digest, found: Due) -> None:
        """Note that a digest has left, and who was away."""
        for uid in self._away:
            key = FLAG, f"{MISSED}:{digest.name}:{uid}"
            places = self._marks.get(key, " ").split() if found.scopes is not None else []
            everything = found.scopes is None or self._marks.get(key) == ""
            self.changed[key] = "" if everything else " ".join(sorted({*places, *(found.scopes or ())}))
        self._away.clear()

    def back(self, digest: Digest, found: Due | None) -> dict[str, frozenset[str]]:
        """Return the persons who are back and have missed a digest, by the places that it is about.

        Nobody who reads it in `found`, which leaves now, about everything.
        """
        missed = self._missed(digest)
        returned = {uid: places for uid, places in missed.items() if self._is_back(uid, digest)}
        self.changed |= {(FLAG, f"{MISSED}:{digest.name}:{uid}"): None for uid in returned}
        if found is not None and found.scopes is None:
            return {}
        return {
            places: frozenset(uid for uid, one in returned.items() if one == places)
            for places in sorted(set(returned.values()))
        }

    def _missed(self, digest: Digest) -> dict[str, str]:
        prefix = f"{MISSED}:{digest.name}:"
        noted = {key: text for (kind, key), text in self._marks.items() if kind == FLAG and key.startswith(prefix)}
        return {key.removeprefix(prefix): text for key, text in sorted(noted.items())}

    def _is_back(self, uid: str, digest: Digest) -> bool:
        """Say whether it is a working day of the person and the digest's hour has come; of nobody known it is."""
        known = self._desk.audiences.person(uid)
        if known is None:
            return True
        local = self._desk.snapshot.now.astimezone(ZoneInfo(known.zone))
        hour, _, minute = digest.at.partition(":")
        return known.works(local.date()) and local.time() >= time(int(hour), int(minute))

    def forget(self, digests: Iterable[str]) -> None:
        """Forget what was missed of digests that are no more."""
        known = tuple(f"{MISSED}:{name}:" for name in digests)
        for kind, key in self._marks:
            if kind == FLAG and key.startswith(f"{MISSED}:") and not key.startswith(known):
                self.changed[kind, key] = None
