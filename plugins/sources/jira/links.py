"""Links between issues: what blocks what (spec model 2.6)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from .columns import frame_of
from .values import folded

BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Link:
    """One issue blocks another; both show it. Projects are the first part of the issues' keys."""

    id: str
    predecessor: str
    successor: str
    project: str
    other_project: str


def links_of(issue: Mapping[str, Any]) -> Iterator[Link]:
    """Yield what an issue blocks and what blocks it; other kinds of links say nothing about order."""
    found = issue["fields"].get("issuelinks")
    for one in found if type(found) is list else ():
        if type(one) is dict and _blocks(one.get("type")):
            link = _link(issue, one)
            if link is not None:
                yield link


def _blocks(kind: Any) -> bool:
    return isinstance(kind, dict) and BLOCKS in {folded(str(kind.get("name"))), folded(str(kind.get("outward")))}


def _link(issue: Mapping[str, Any], one: Mapping[str, Any]) -> Link | None:
    for name, is_first in (("outwardIssue", True), ("inwardIssue", False)):
        other = one.get(name)
        if isinstance(other, dict) and other.get("id") and one.get("id"):
            first, second = (issue, other) if is_first else (other, issue)
            return Link(str(one["id"]), str(first["id"]), str(second["id"]), _project(second), _project(first))
    return None


def _project(issue: Mapping[str, Any]) -> str:
    return str(issue.get("key") or "").rpartition("-")[0]


def link_frame(links: Iterable[Link], owners: pl.DataFrame) -> pl.DataFrame:
    """Return dependencies; `owners` has `key` and `owner` of the issues that are known."""
    rows = sorted({one.id: one for one in links}.values(), key=lambda one: one.id)
    frame = frame_of(
        "dependency",
        {
            "key": [one.id for one in rows],
            "id": [one.id for one in rows],
            "project": [one.project or None for one in rows],
            "predecessor": [one.predecessor for one in rows],
            "successor": [one.successor for one in rows],
            "type": [BLOCKS] * len(rows),
            "external": [one.project != one.other_project for one in rows],
        },
    )
    asked = owners.select(pl.col("key").alias("predecessor"), pl.col("owner").alias("provider")).unique("predecessor")
    return frame.join(asked, on="predecessor", how="left", maintain_order="left")
