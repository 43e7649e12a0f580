"""Whether the thresholds of a rule contradict each other: an amber never reached, a recovery that is none."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from pmo_watch.rules import Condition, Judged, Op, Quantity, Thresholds

UPWARD = frozenset({Op.OVER, Op.AT_LEAST})
DOWNWARD = frozenset({Op.UNDER, Op.AT_MOST})
STEP = Decimal(1)  # from the outermost limits, to look beyond them


@dataclass(frozen=True, slots=True)
class Conflict:
    """What is wrong, and which threshold to point at."""

    at: Literal["amber", "red", "recover"]
    text: str


def conflicts(judged: Judged) -> Iterator[Conflict]:
    """Yield the contradictions between thresholds on the measure itself.

    Only plain numbers in one unit are compared: what depends on a tolerance, a field or `when` may differ from row to
    row.
    """
    amber, red, recover = (_plain(part) for part in (judged.amber, judged.red, judged.recover))
    if amber and red:
        yield from _amber_and_red(amber, red)
    for level, bad in (("amber", amber), ("red", red)):
        if recover and bad and (value := _some(_limits(recover, bad), recover, bad)) is not None:
            text = f"{_shown(value, recover)} would be {level} (`{bad.text}`) and recovered (`{recover.text}`) at once"
            yield Conflict("recover", text)
            return


def _amber_and_red(amber: Condition, red: Condition) -> Iterator[Conflict]:
    points = _limits(amber, red)
    if not points:
        return
    if all(_holds(red, value) for value in points if _holds(amber, value)):
        text = f"amber is never reached: every value that is `{amber.text}` is also `{red.text}`, so red"
        yield Conflict("amber", text)
    elif (amber.op in UPWARD and red.op in DOWNWARD) or (amber.op in DOWNWARD and red.op in UPWARD):
        yield Conflict("red", f"amber (`{amber.text}`) and red (`{red.text}`) point in opposite directions")
    elif amber.op in UPWARD | DOWNWARD:
        odd = next((value for value in points if _holds(red, value) and not _holds(amber, value)), None)
        if odd is not None:
            text = f"{_shown(odd, red)} would be red (`{red.text}`) without being amber (`{amber.text}`)"
            yield Conflict("red", text)


def _plain(thresholds: Thresholds | None) -> Condition | None:
    """Return the one condition of the measure itself when it compares with plain numbers, else None."""
    if thresholds is None or len(thresholds.parts) != 1:
        return None
    part = thresholds.parts[0]
    compared = [value for value in part.condition.values if isinstance(value, Quantity)]
    if part.on or part.when or not compared or len(compared) != len(part.condition.values):
        return None
    return part.condition


def _limits(*conditions: Condition) -> list[Decimal]:
    """Return values between and beyond all limits: what holds for all of them holds for every number.

    Nothing for conditions in different units.
    """
    quantities = [value for one in conditions for value in one.values if isinstance(value, Quantity)]
    if len({quantity.unit for quantity in quantities}) > 1:
        return []
    ends = sorted({quantity.number for quantity in quantities})
    between = [(low + high) / 2 for low, high in pairwise(ends)]
    return sorted([ends[0] - STEP, *ends, *between, ends[-1] + STEP])


def _some(points: list[Decimal], first: Condition, second: Condition) -> Decimal | None:
    return next((value for value in points if _holds(first, value) and _holds(second, value)), None)


def _holds(condition: Condition, value: Decimal) -> bool:
    numbers = [one.number for one in condition.values if isinstance(one, Quantity)]
    low, high = numbers[0], numbers[-1]
    return {
        Op.OVER: value > low,
        Op.UNDER: value < low,
        Op.AT_LEAST: value >= low,
        Op.AT_MOST: value <= low,
        Op.BETWEEN: low <= value <= high,
        Op.NOT_BETWEEN: not low <= value <= high,
        Op.IS_NOT: value != low,
        Op.IS: value == low,
    }[condition.op]


def _shown(value: Decimal, condition: Condition) -> str:
    unit = next((one.unit for one in condition.values if isinstance(one, Quantity)), "")
    return f"{value:f} {unit}".strip()
