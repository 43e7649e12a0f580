"""Which sprint figures a reading must make, from what was read and from what is stored (spec sources 2.8)."""

from collections.abc import Iterator, Mapping
from datetime import tzinfo

import polars as pl

from .changes import SPRINT
from .found import Found
from .issues import Site
from .memory import Recalled
from .sprints import Span, sprint_items

SEEN = ("key", "state", "start_on", "completed_on")  # when one of them changed, so did what was in the sprint


class SprintRows:
    """The items of sprints. `gone`: keys of stored items that are none any more.

    Of a sprint that began before changes are stored nothing is said: nobody knows who was in it then.
    """

    def __init__(self, found: Found, recalled: Recalled, site: Site) -> None:
        self._found, self._recalled, self._site = found, recalled, site
        self._spans = {name: one for name, one in found.spans.items() if one.begin >= found.horizon * 1_000}
        self.gone: set[str] = set()

    def frame(self, tasks: pl.DataFrame, changes: pl.DataFrame, sprints: pl.DataFrame, zone: tzinfo) -> pl.DataFrame:
        """Return the items of the issues that were read, and of all issues in sprints that changed.

        `tasks` and `changes` are those that were read, `sprints` the rows of the sprints.
        """
        changed = {} if self._found.full else self._changed(sprints)
        stored = self._of_stored(tasks, changed, zone)
        items = pl.concat([self._items(tasks, changes, self._spans, zone), *stored])
        judged = pl.col("sprint").is_in(list(changed))
        judged |= pl.col("sprint").is_in(list(self._spans)) & pl.col("task").is_in(tasks["key"].implode())
        before = self._recalled.frame("sprint_item").filter(judged)
        self.gone = set(before.join(items, on="key", how="anti")["key"])
        return items

    def _items(
        self, tasks: pl.DataFrame, changes: pl.DataFrame, spans: Mapping[str, Span], zone: tzinfo
    ) -> pl.DataFrame:
        categories = self._site.vocabulary.categories
        return sprint_items(tasks, changes, spans.values(), categories, self._site.report, zone)

    def _changed(self, sprints: pl.DataFrame) -> dict[str, Span]:
        """Return the sprints that began, ended or moved since the reading before."""
        if self._found.owed:
            return self._spans
        now, before = sprints.select(SEEN), self._recalled.frame("sprint").select(SEEN)
        same = set(now.join(before, on=SEEN, how="semi", nulls_equal=True)["key"])
        begins = self._found.begins
        return {
            name: one
            for name, one in self._spans.items()
            if name not in same or begins.get(name, one.begin // 1_000) != one.begin // 1_000
        }

    def _of_stored(self, read: pl.DataFrame, changed: Mapping[str, Span], zone: tzinfo) -> Iterator[pl.DataFrame]:
        """Yield the items of stored issues in sprints that changed, where there are such sprints."""
        if not changed:
            return
        names = list(changed)
        keys = read["key"].implode()
        changes = self._recalled.frame("status_change").filter(~pl.col("task").is_in(keys))
        moved = changes.filter((pl.col("field") == SPRINT) & (_names("from_value", names) | _names("to_value", names)))
        tasks = self._recalled.frame("task").filter(
            ~pl.col("key").is_in(keys)
            & (
                pl.col("sprint").list.eval(pl.element().is_in(names)).list.any()
                | pl.col("key").is_in(moved["task"].implode())
            )
        )
        yield self._items(tasks, changes, changed, zone)


def _names(column: str, names: list[str]) -> pl.Expr:
    found = pl.col(column).str.split(", ").list.eval(pl.element().is_in(names)).list.any()
    return found.fill_null(value=False)
