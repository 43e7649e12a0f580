"""What a reading has to say besides rows: values and records left out, what could not be asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pmo_watch.api import Rejected

LONGEST_VALUE = 200  # spec sources 1.1
MOST_ALIKE = 100  # faulty values of one column that are listed one by one


@dataclass(slots=True)
class Report:
    """Collects it while a source is read; `lost` counts records left out as a whole."""

    rejected: list[Rejected] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    lost: int = 0
    words: set[tuple[str, str, str]] = field(default_factory=set)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def degrade(self, text: str) -> None:
        """Note once what could not be asked for."""
        if text not in self.degraded:
            self.degraded.append(text)

    def value(self, where: str, column: str, value: object, reason: str) -> None:
        """Note a value that is null because it could not be understood."""
        seen = self.counts[where, column] = self.counts.get((where, column), 0) + 1
        if seen <= MOST_ALIKE:
            self.rejected.append(Rejected(where, column, str(value)[:LONGEST_VALUE], reason))

    def word(self, where: str, column: str, value: object, reason: str) -> None:
        """Note a value that no map knows, once."""
        if (where, column, str(value)) not in self.words:
            self.words.add((where, column, str(value)))
            self.rejected.append(Rejected(where, column, str(value)[:LONGEST_VALUE], reason))

    def record(self, where: str, column: str, reason: str) -> None:
        """Note a record that is left out."""
        self.lost += 1
        self.value(where, column, "", reason)

    def faulty(self, where: str, column: str, raw: Sequence[object], made: pl.Series, reason: str) -> None:
        """Note every value that was there and came to nothing."""
        empty = made.null_count()
        if not empty or empty == sum(one is None for one in raw):
            return
        for at in made.is_null().arg_true():
            if (value := raw[at]) is not None and value != "":
                self.value(where, column, value, reason)
