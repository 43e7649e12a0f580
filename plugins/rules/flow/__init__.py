"""Flow: throughput, cycle times against a service level, work in progress, ageing items, waiting, arrivals."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .pace import ARRIVAL_RATIO, THROUGHPUT_CHANGE
from .progress import WIP_USED
from .statuses import FLOW_EFFICIENCY
from .times import AGE_RANK, WITHIN_SLE


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return FL-01 to FL-06 of the catalogue."""
    return [THROUGHPUT_CHANGE, WITHIN_SLE, WIP_USED, AGE_RANK, FLOW_EFFICIENCY, ARRIVAL_RATIO]
