"""What is said about a reading besides its rows: values and records left out, what could not be asked, decisions."""

from dataclasses import dataclass, field

from pmo_watch.api import Rejected

LONGEST_VALUE = 200  # spec sources 1.1
MOST_ALIKE = 1_000  # faulty values of one field that are listed one by one


@dataclass(slots=True, eq=False)
class Report:
    """Collects it; what is said twice is said once."""

    rejected: list[Rejected] = field(default_factory=list)
    lost: int = 0
    _degraded: dict[str, None] = field(default_factory=dict)
    _decisions: dict[str, None] = field(default_factory=dict)
    _words: set[tuple[str, str]] = field(default_factory=set)
    _faults: dict[str, int] = field(default_factory=dict)

    @property
    def degraded(self) -> tuple[str, ...]:
        """What could not be asked for, or is not there."""
        return tuple(self._degraded)

    @property
    def decisions(self) -> tuple[str, ...]:
        """What was decided, and why."""
        return tuple(self._decisions)

    def degrade(self, text: str) -> None:
        """Note what could not be asked for."""
        self._degraded[text] = None

    def decide(self, text: str) -> None:
        """Note a decision."""
        self._decisions[text] = None

    def value(self, where: str, name: str, value: object, reason: str) -> None:
        """Note a value that is null because it could not be understood."""
        number = self._faults[name] = self._faults.get(name, 0) + 1
        if number <= MOST_ALIKE:
            self.rejected.append(Rejected(where, name, str(value)[:LONGEST_VALUE], reason))

    def word(self, where: str, name: str, word: str, reason: str) -> None:
        """Note a word that nobody knows, once."""
        if (name, word) not in self._words:
            self._words.add((name, word))
            self.value(where, name, word, reason)

    def record(self, where: str, name: str, value: object, reason: str) -> None:
        """Note a record that is left out."""
        self.lost += 1
        self.value(where, name, value, reason)
