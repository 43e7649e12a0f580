"""What Jira's words mean: statuses in three words, priorities in five steps, what was given up (spec model 3)."""

from collections.abc import Mapping, Sequence
from typing import Any

from .settings import Maps
from .values import folded

CATEGORIES = {"new": "todo", "indeterminate": "doing", "done": "done"}
PRIORITIES = {
    "highest": 5,
    "blocker": 5,
    "critical": 5,
    "high": 4,
    "major": 4,
    "medium": 3,
    "low": 2,
    "minor": 2,
    "lowest": 1,
    "trivial": 1,
}


class Vocabulary:
    """The words of one site. `categories`: status id -> todo, doing, done or None, of every status met so far."""

    def __init__(self, maps: Maps, categories: Mapping[str, str | None]) -> None:
        self.categories: dict[str, str | None] = dict(categories)
        self._statuses = {folded(word): meaning for word, meaning in maps.status.items()}
        self._priorities = PRIORITIES | {folded(word): int(step) for word, step in maps.priority.items()}
        self._cancelled = {folded(word) for word in maps.cancelled}
        self._cancelled |= {folded(word) for word, meaning in maps.resolution.items() if meaning == "cancelled"}
        self._cancelled -= {folded(word) for word, meaning in maps.resolution.items() if meaning == "done"}
        self._met: dict[str, str | None] = {}
        self._numbers: dict[str, list[str]] = {}

    def learn(self, statuses: Any) -> None:
        """Take in the list of all statuses; those it lacks are no longer there."""
        if isinstance(statuses, list):
            self.categories = {}
            for one in statuses:
                self.category(one)

    def category(self, status: Any) -> str | None:
        """Return what a status means, and remember it by its id."""
        if type(status) is not dict:
            return None
        number = status.get("id")
        if number in self._met:
            return self._met[number]
        group = status.get("statusCategory")
        said = CATEGORIES.get(str(group.get("key"))) if isinstance(group, dict) else None
        found = self._statuses.get(folded(str(status.get("name") or "")), said)
        if isinstance(number, str):
            self._met[number] = self.categories[number] = found
            self._numbers.setdefault(folded(str(status.get("name") or "")), []).append(number)
        return found

    def with_ids(self, statuses: Sequence[str]) -> list[str]:
        """Return the names of statuses and the ids of those that were met: changes of a status are told by id."""
        ids = (number for name in statuses for number in self._numbers.get(folded(name), ()))
        return [*statuses, *ids]

    def priority(self, name: str | None) -> int | None:
        """Return the step of a priority, 5 the highest; None for none and for an unknown word."""
        return None if name is None else self._priorities.get(folded(name))

    def is_cancelled(self, *names: str | None) -> bool:
        """Whether one of these statuses or resolutions means that it was given up."""
        return any(name is not None and folded(name) in self._cancelled for name in names)

    def cancelled(self, statuses: Sequence[str | None], resolutions: Sequence[str | None]) -> list[bool]:
        """Return for each issue whether it was given up."""
        known: dict[tuple[str | None, str | None], bool] = {}
        found = []
        for pair in zip(statuses, resolutions, strict=True):
            if pair not in known:
                known[pair] = self.is_cancelled(*pair)
            found.append(known[pair])
        return found
