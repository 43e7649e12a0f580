"""What is said about a file besides its rows: cells and records left out, columns not read, decisions and proofs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pmo_watch.api import Rejected

LONGEST_VALUE = 200  # spec sources 1.1
MOST_ALIKE = 1000  # faulty cells of one column that are listed one by one


@dataclass(slots=True)
class Report:
    """Collects it while a file is read.

    `lost` counts records left out as a whole, `first_lost` says the first of them; `records` are those that there were.
    """

    rejected: list[Rejected] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    lost: int = 0
    first_lost: str = ""
    records: int = 0

    def add(self, other: "Report") -> None:
        """Take over what another report holds."""
        self.rejected += other.rejected
        self.degraded += other.degraded
        self.decisions += other.decisions
        self.lost += other.lost
        self.first_lost = self.first_lost or other.first_lost

    def cell(self, where: str, header: str, value: str, reason: str) -> None:
        """Note a cell that is null because it could not be read, or a line that is no record."""
        self.rejected.append(Rejected(where, header, value[:LONGEST_VALUE], reason))

    def record(self, where: str, header: str, value: str, reason: str) -> None:
        """Note a record that is left out."""
        self.lost += 1
        self.first_lost = self.first_lost or f"{where}: {reason}"
        self.cell(where, header, value, reason)

    def cells(self, found: Sequence[tuple[str, str, str]], header: str, total: int) -> None:
        """Note faulty cells of one column: where, value and reason of each; `total` may be more than are listed."""
        for where, value, reason in found:
            self.cell(where, header, value, reason)
        if total > len(found):
            self.cell(
                found[-1][0], header, "", f"{total - len(found)} more cells of this column, further down, likewise"
            )
