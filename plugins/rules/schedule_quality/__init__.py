"""Quality of plans: the checks of the DCMA 14-point assessment."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .checks import FAILED_CHECKS
from .critical import CRITICAL_PATH_TEST
from .dates import EXECUTION_INDEX, INVALID_DATES, MISSED_TASKS, PATH_LENGTH_INDEX
from .logic import FS_LINKS, LAGS, LEADS, MISSING_LOGIC
from .slack import HARD_CONSTRAINTS, HIGH_FLOAT, NEGATIVE_FLOAT
from .tasks import LONG_TASKS, UNRESOURCED


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return DC-01 to DC-14 of the catalogue, and how many of them a plan passes."""
    return [
        MISSING_LOGIC,
        LEADS,
        LAGS,
        FS_LINKS,
        HARD_CONSTRAINTS,
        HIGH_FLOAT,
        NEGATIVE_FLOAT,
        LONG_TASKS,
        INVALID_DATES,
        UNRESOURCED,
        MISSED_TASKS,
        CRITICAL_PATH_TEST,
        PATH_LENGTH_INDEX,
        EXECUTION_INDEX,
        FAILED_CHECKS,
    ]
