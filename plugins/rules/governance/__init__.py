"""Governance: colours declared and computed, projects and alerts that nobody moves, reports, benefits, confidence."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .benefits import BENEFIT_REALISED
from .colours import AMBER_STREAK, RAG_GAP
from .projects import CONFIDENCE, ON_HOLD_FOR
from .reactions import MEETINGS_WITHOUT_DECISION, RED_WITHOUT_PLAN, UNACKNOWLEDGED
from .reports import DAYS_LATE
from .rolled import ROLLUP


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return GO-01 to GO-10 of the catalogue."""
    return [
        RAG_GAP,
        DAYS_LATE,
        RED_WITHOUT_PLAN,
        AMBER_STREAK,
        ROLLUP,
        ON_HOLD_FOR,
        UNACKNOWLEDGED,
        MEETINGS_WITHOUT_DECISION,
        BENEFIT_REALISED,
        CONFIDENCE,
    ]
