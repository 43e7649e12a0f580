"""Agile: commitments of sprints, what is carried over, velocity, releases and their chance, blocked work, defects."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .carried import UNFINISHED_SPRINTS
from .chance import CHANCE_ON_TIME
from .commitment import PREDICTABILITY, SCOPE_CHANGE, SPILLOVER, UNESTIMATED
from .defects import DEFECT_INFLOW
from .flagged import BLOCKED
from .running import BURNDOWN_GAP, TRANSITION_LATE
from .scope import OPEN_BLOCKERS, SCOPE_GROWTH
from .velocity import VELOCITY_DEVIATION


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return AG-01 to AG-13 of the catalogue."""
    return [
        VELOCITY_DEVIATION,
        PREDICTABILITY,
        SPILLOVER,
        SCOPE_CHANGE,
        UNFINISHED_SPRINTS,
        BURNDOWN_GAP,
        UNESTIMATED,
        TRANSITION_LATE,
        SCOPE_GROWTH,
        CHANCE_ON_TIME,
        BLOCKED,
        OPEN_BLOCKERS,
        DEFECT_INFLOW,
    ]
