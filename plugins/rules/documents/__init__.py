"""Documents: which a project or a gate lacks, which are out of date or wait for approval, and minutes not published."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .ageing import AGE, APPROVAL_PENDING
from .complete import COMPLETE, FOUNDING_MISSING
from .gates import GATE_DOCUMENTS
from .meetings import MINUTES_PENDING


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return DO-01 to DO-06 of the catalogue."""
    return [COMPLETE, GATE_DOCUMENTS, AGE, APPROVAL_PENDING, MINUTES_PENDING, FOUNDING_MISSING]
