"""What one reading got to know, before it becomes rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .boards import Delivery
from .gathering import Gathering
from .sprints import Span
from .worklogs import WorkLogs


@dataclass(slots=True, eq=False)
class Found:
    """What was asked; None is not asked, or not answered.

    `full`: everything was read, not only what changed. `refreshed`: projects and boards were looked for anew.
    `points`: project -> the field its boards estimate with. `begins`: active sprint -> when it began, as the reading
    before knew it. `owed`: sprint figures of all issues are to be made.
    """

    gathered: Gathering
    full: bool
    refreshed: bool
    points: Mapping[str, str]
    begins: Mapping[str, int]
    owed: bool
    horizon: int
    projects: list[dict[str, Any]] | None = None
    versions: list[dict[str, Any]] | None = None
    versions_whole: bool = True
    delivery: Delivery | None = None
    spans: Mapping[str, Span] = field(default_factory=dict)
    milestones: set[str] | None = None
    census: list[str] | None = None
    worklogs: WorkLogs | None = None
