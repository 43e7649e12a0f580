"""Collection: figures that are late, frozen or implausible; data that grow old, are missing or contradict others."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .ages import DATA_AGE, SYNC_AGE
from .contradictions import CONTRADICTIONS
from .deliveries import CONTRACTOR_DAYS_LATE, DAYS_LATE, SUBMISSION_RATE
from .gaps import EMPTY_FIELDS
from .series import IMPLAUSIBLE, UNCHANGED


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return DQ-01 to DQ-09 of the catalogue."""
    return [
        DAYS_LATE,
        SUBMISSION_RATE,
        DATA_AGE,
        UNCHANGED,
        IMPLAUSIBLE,
        SYNC_AGE,
        EMPTY_FIELDS,
        CONTRACTOR_DAYS_LATE,
        CONTRADICTIONS,
    ]
