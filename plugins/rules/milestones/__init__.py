"""Milestones: late, slipping, ever moving; links that do not fit, plans that fall behind."""

from collections.abc import Iterable
from typing import Any

from pmo_watch_plugins.rules.milestones.dates import FORECAST_IN_PAST, OVERDUE, SLIP
from pmo_watch_plugins.rules.milestones.links import CONFLICT
from pmo_watch_plugins.rules.milestones.progress import BEHIND_PLAN, FINISH_VARIANCE
from pmo_watch_plugins.rules.milestones.readiness import READINESS
from pmo_watch_plugins.rules.milestones.slack import FLOAT
from pmo_watch_plugins.rules.milestones.trend import SLIP_STREAK

from pmo_watch.api import Measure, hookimpl


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return MS-01 to MS-04, MS-06, MS-08, MS-10, SCH-01 and SCH-05 of the catalogue."""
    return [
        OVERDUE,
        SLIP,
        READINESS,
        SLIP_STREAK,
        FORECAST_IN_PAST,
        FLOAT,
        CONFLICT,
        FINISH_VARIANCE,
        BEHIND_PLAN,
    ]
