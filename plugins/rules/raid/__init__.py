"""RAID: risks too high or let lie, issues too old, actions and decisions awaited, changes, unconfirmed dependencies."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .changes import CHANGE_AGE, CHANGE_VOLUME
from .decisions import ACTION_OVERDUE, DECISION
from .exposure import RISK_EXPOSURE
from .issues import ISSUE_AGE, ISSUE_OVERDUE, NOT_ESCALATED
from .links import UNCONFIRMED
from .risks import LEVEL, RESPONSE_LATE, REVIEW_LATE
from .trend import RISK_TREND
from .unmanaged import UNMANAGED


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return RK-01 to RK-06, IS-01 to IS-03, AC-01, DE-01, CH-01, CH-02 and DP-01 of the catalogue."""
    return [
        LEVEL,
        UNMANAGED,
        REVIEW_LATE,
        RESPONSE_LATE,
        RISK_EXPOSURE,
        RISK_TREND,
        ISSUE_AGE,
        NOT_ESCALATED,
        ISSUE_OVERDUE,
        ACTION_OVERDUE,
        DECISION,
        CHANGE_AGE,
        CHANGE_VOLUME,
        UNCONFIRMED,
    ]
