"""Work of an assignment over time, where the plan has it and somebody asks for it (`TimephasedData`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from .elements import texts_of
from .tables import Fault, Scales, Table
from .values import moment

REMAINING_WORK, ACTUAL_WORK = "1", "2"  # types of TimephasedData


@dataclass(frozen=True, slots=True)
class Phase:
    """Work of an assignment in a stretch of time, millionths of an hour."""

    start: datetime
    finish: datetime
    work: int


def phases_of(assignment: etree._Element, scales: Scales, assignments: Table) -> Iterator[Phase]:
    """Yield the work of an assignment that is still to be added to its table; a fault is noted there."""
    for one in assignment.iterchildren("{*}TimephasedData"):
        texts = texts_of(one)
        if texts.get("Type") not in {REMAINING_WORK, ACTUAL_WORK} or "Value" not in texts:
            continue
        try:
            work = scales.hours(texts["Value"])
            yield Phase(moment(texts.get("Start", "")), moment(texts.get("Finish", "")), work)
        except ValueError as fault:
            assignments.faults.append(Fault("Assignment", len(assignments), "TimephasedData", str(fault)))
