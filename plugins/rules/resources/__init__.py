"""Resources: overload, work that nobody has, timesheets that are missing, roles that nobody holds, key persons."""

from collections.abc import Iterable
from typing import Any

from pmo_watch.api import Measure, hookimpl

from .key_person import KEY_PERSON_SHARE
from .overload import OVERLOAD_WEEKS, WEEKLY_LOAD
from .timesheets import TIMESHEETS_MISSING
from .unassigned import UNASSIGNED_SOON
from .vacancy import VACANT


@hookimpl
def pmo_watch_measures() -> Iterable[Measure[Any]]:
    """Return RS-01 to RS-06 of the catalogue."""
    return [WEEKLY_LOAD, OVERLOAD_WEEKS, UNASSIGNED_SOON, TIMESHEETS_MISSING, VACANT, KEY_PERSON_SHARE]
