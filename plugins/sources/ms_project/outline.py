"""Which rows count, and which is above which: there is no parent element, only levels (spec sources 4.3, 4.4)."""

from dataclasses import dataclass, field

from .parse import Plan

TOP = -1


@dataclass(slots=True, eq=False)
class Outline:
    """The rows of a plan that are tasks, in file order.

    `rows`: their numbers in the file. `parents`: the place in `rows` of the row above, TOP for none. `depths`: 1 is the
    top. `own`: the number of the project's own row. `jump`: the first row whose level leaves one out.
    """

    rows: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    own: int | None = None
    jump: int | None = None

    def leaves(self) -> list[bool]:
        """Say for each row whether nothing is below it."""
        above = set(self.parents)
        return [place not in above for place in range(len(self.rows))]


def outline_of(plan: Plan) -> Outline:
    """Find the tasks of a plan and what is above them; blank rows and the project's own row are no tasks."""
    levels = _levels(plan)
    found = Outline()
    for row in range(len(plan.tasks)):
        if _is_blank(plan, row):
            continue
        if found.own is None and plan.tasks.texts["UID"][row] == "0" and not levels[row]:
            found.own = row
        else:
            found.rows.append(row)
    _attach(found, levels)
    return found


def _levels(plan: Plan) -> list[int | None]:
    """Return the level of each row; where it is not written the outline number says it."""
    numbers = plan.tasks.texts["OutlineNumber"]
    written = plan.tasks.numbers["OutlineLevel"]
    return [
        level if level is not None or number is None else number.count(".") + (number != "0")
        for level, number in zip(written, numbers, strict=True)
    ]


def _is_blank(plan: Plan, row: int) -> bool:
    tasks = plan.tasks
    if tasks.flags["IsNull"][row]:
        return True
    if tasks.texts["Name"][row] is not None:
        return False
    scheduled = (tasks.moments["Start"][row], tasks.moments["Finish"][row], tasks.numbers["Duration"][row])
    return tasks.texts["UID"][row] is None or all(one is None for one in scheduled)


def _attach(found: Outline, levels: list[int | None]) -> None:
    wanted = [1 if (level := levels[row]) is None else level for row in found.rows]
    before = (0 if 0 in wanted else 1) - 1  # some writers begin at 0
    above: list[int] = []
    for place, level in enumerate(wanted):
        while above and wanted[above[-1]] >= level:
            above.pop()
        found.parents.append(above[-1] if above else TOP)
        found.depths.append(len(above) + 1)
        if level > before + 1 and found.jump is None:
            found.jump = found.rows[place]
        above.append(place)
        before = level


def places_of(plan: Plan, outline: Outline) -> dict[str, int]:
    """Return the place in the outline of each UID; of rows with one UID the first."""
    uids = plan.tasks.texts["UID"]
    places: dict[str, int] = {}
    for place, row in enumerate(outline.rows):
        if (uid := uids[row]) is not None:
            places.setdefault(uid, place)
    return places
