"""What identifies the rows of a plan: chosen once per plan, and kept (spec model 1.2)."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

from pmo_watch.api import SourceDataError

from .outline import TOP, Outline
from .parse import Plan

CANDIDATES = {"auto": ("GUID", "UID"), "GUID": ("GUID", "UID"), "UID": ("UID",), "path": ("path",)}


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """The key of each row of the outline, and by what: `chosen`. `notes` is what a person should know of it.

    `twice`: places of rows whose key an earlier row has.
    """

    chosen: str
    keys: list[str]
    twice: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def normal_guid(text: str | None) -> str | None:
    """Return a GUID in lower case and without braces."""
    return text.strip("{} ").lower() or None if text else None


def identify(plan: Plan, outline: Outline, setting: str, remembered: str = "") -> Identity:
    """Give every row of the outline its key.

    The first candidate that is filled and unique on all rows is chosen; one chosen in an earlier reading stays.

    Raises:
        SourceDataError: no row has what the rows were known by.
    """
    if not outline.rows:
        return Identity("", [])
    candidates = CANDIDATES.get(setting, (setting, "GUID", "UID"))
    if remembered in candidates:
        values = _values(plan, outline, remembered)
        if not any(values):
            raise SourceDataError(
                f"its rows were known by {remembered}, which none of them has now: another program wrote the file. "
                f"Set 'key:' to go on under other keys, such as 'key: {candidates[-1]}'"
            )
        return _filled(plan, outline, remembered, values, candidates[0])
    for chosen in candidates:
        values = _values(plan, outline, chosen)
        if all(values) and len({*values}) == len(values):
            break
    return _filled(plan, outline, chosen, values, candidates[0])


def _values(plan: Plan, outline: Outline, name: str) -> list[str | None]:
    if name == "path":
        return [*paths(plan, outline)]
    if name == "GUID":
        guids = plan.tasks.texts["GUID"]
        return [normal_guid(guids[row]) for row in outline.rows]
    if name == "UID":
        uids = plan.tasks.texts["UID"]
        return [uids[row] for row in outline.rows]
    values = plan.attributes.get(plan.fields.number(name) or "", {})
    return [values.get(row) for row in outline.rows]


def paths(plan: Plan, outline: Outline) -> list[str]:
    """Return the names from the top down to each row, joined by `>`, and the number of its occurrence."""
    names = plan.tasks.texts["Name"]
    whole: list[str] = []
    seen: Counter[str] = Counter()
    keys = []
    for row, parent in zip(outline.rows, outline.parents, strict=True):
        path = (f"{whole[parent]}>" if parent != TOP else "") + (names[row] or "")
        whole.append(path)
        seen[path] += 1
        keys.append(f"{path}#{seen[path]}")
    return keys


def _filled(plan: Plan, outline: Outline, chosen: str, values: list[str | None], wished: str) -> Identity:
    missing = values.count(None)
    whole = cast(list[str], values)
    keys = [key or path for key, path in zip(values, paths(plan, outline), strict=True)] if missing else whole
    notes = []
    if chosen != wished and wished not in {"GUID", "UID"}:
        notes.append(f"{wished} is not filled and unique on all rows: {chosen} identifies them")
    if missing:
        notes.append(f"no {chosen} on {missing} rows: history by name")
    first: dict[str, int] = {}
    twice = frozenset(place for place, key in enumerate(keys) if first.setdefault(key, place) != place)
    return Identity(chosen, keys, twice, tuple(notes))
