"""Which stored rows are gone, and which are still there though nobody read them again."""

from collections.abc import Mapping

import polars as pl

from .found import Found
from .memory import ISSUES, Recalled
from .projects import VERSION
from .settings import REGISTERS

Frames = Mapping[str, pl.DataFrame]
Keys = dict[str, list[str]]
OF_TASKS = ("status_change", "sprint_item", "assignment")  # rows with the issue in `task`


def gone_keys(frames: Frames, found: Found, recalled: Recalled, items: set[str]) -> Keys:
    """Return the keys of stored rows that are known to be gone; `items`: of sprint items."""
    read = found.gathered.ids
    gone: dict[str, set[str]] = {"sprint_item": set(items)}
    for name in ISSUES:  # an issue whose type changed is an entry of another register now
        gone[name] = (recalled.issues()[name] & read) - _keys(frames.get(name))
    no_task = gone["task"]
    changes = recalled.frame("status_change")
    of_read = changes.filter(pl.col("task").is_in(list(found.gathered.traced | no_task)))
    gone["status_change"] = _keys(of_read) - _keys(frames.get("status_change"))
    gone["sprint_item"] |= _keys(recalled.frame("sprint_item").filter(pl.col("task").is_in(list(no_task))))
    assigned = recalled.frame("assignment").filter(pl.col("task").is_in(list(read)))
    gone["assignment"] = _keys(assigned) - _keys(frames.get("assignment"))
    links = recalled.frame("dependency").filter(pl.col("predecessor").is_in(list(read)))
    gone["dependency"] = _keys(links) - _keys(frames.get("dependency"))
    if found.worklogs is not None:
        gone["timesheet"] = set(found.worklogs.deleted) & _keys(recalled.frame("timesheet"))
    return {name: sorted(keys) for name, keys in gone.items() if keys}


def listed_keys(frames: Frames, found: Found, recalled: Recalled, gone: Mapping[str, list[str]]) -> Keys:
    """Return the keys of the rows that exist now, of the entities of which all are known.

    Nothing without a census, and nothing in a first reading: it names all rows itself.
    """
    if found.census is None or recalled.is_empty:
        return {}
    listed = _of_issues(frames, found, recalled)
    delivery = found.delivery
    for name, is_whole in (
        ("release", found.versions is not None and found.versions_whole),
        ("board", delivery is not None and not delivery.lost),
        ("sprint", delivery is not None and not delivery.lost),
        ("project", found.projects is not None),
        ("program", found.projects is not None),
        ("timesheet", False),
    ):
        stored = set() if is_whole else _keys(recalled.frame(name))  # what could not be read again is not gone
        listed[name] = _keys(frames.get(name)) | stored
    return {name: sorted(keys - set(gone.get(name, ()))) for name, keys in listed.items()}


def _of_issues(frames: Frames, found: Found, recalled: Recalled) -> dict[str, set[str]]:
    there = found.gathered.ids | set(found.census or ())
    stored = recalled.frame("task")["key"]
    versions = set(stored.filter(stored.str.starts_with(VERSION)))
    if found.versions is not None and found.versions_whole:
        versions = {key for key in _keys(frames.get("task")) if key.startswith(VERSION)}
    listed = {name: set(there) for name in REGISTERS} | {"task": there | versions}
    for name in OF_TASKS:
        kept = recalled.frame(name).filter(pl.col("task").is_in(list(there)))
        listed[name] = _keys(kept) | _keys(frames.get(name))
    lost = [key for key in stored if key not in there and not key.startswith(VERSION)]
    ends = (pl.col("predecessor"), pl.col("successor"))
    is_lost, is_there = (pl.any_horizontal(one.is_in(keys) for one in ends) for keys in (lost, list(there)))
    links = recalled.frame("dependency").filter(is_there & ~is_lost)
    return {**listed, "dependency": _keys(links) | _keys(frames.get("dependency"))}


def _keys(frame: pl.DataFrame | None) -> set[str]:
    return set() if frame is None else set(frame["key"])
