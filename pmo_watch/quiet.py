"""Why there is nothing to tell: what rules find on rows of some projects, counted, and the row that comes nearest."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from pmo_watch.flow import Findings, Snapshot
from pmo_watch.rollup import project_of
from pmo_watch.rules import Op, Rule
from pmo_watch.scrutiny import Examined, ThresholdSeen
from pmo_watch.subjects import Subjects

MOST_ROWS = 50  # of one rule that are named one by one
RISING = frozenset({Op.OVER, Op.AT_LEAST})
FALLING = frozenset({Op.UNDER, Op.AT_MOST})


@dataclass(frozen=True, slots=True)
class Nearest:
    """The green row whose value comes nearest to a threshold. `left`: how far it is from it, in the unit."""

    subject: str
    project: str
    value: float
    unit: str
    threshold: str
    limit: float | None
    left: float | None


@dataclass(frozen=True, slots=True)
class RowFound:
    """A row as a rule finds it; `reason` says why it is grey or na."""

    subject: str
    project: str
    state: str
    value: float | None
    unit: str
    reason: str


@dataclass(frozen=True, slots=True)
class RuleQuiet:
    """What one rule finds on the rows: how many are in which state, and why those are that it does not judge.

    `tells`: whether it names the person at all. `reasons`: of grey and na rows, with how many. `rows`: the rows one by
    one, where one rule is asked about. `failed`: why the rule says nothing at all.
    """

    rule: str
    tells: bool
    counts: Mapping[str, int]
    reasons: Mapping[str, int]
    nearest: Nearest | None = None
    rows: tuple[RowFound, ...] = ()
    failed: str = ""


class Quiet:
    """Looks at what rules find in some projects."""

    def __init__(self, snapshot: Snapshot, projects: Collection[str] | None) -> None:
        self._snapshot = snapshot
        self._codes = dict(snapshot.frame("project").select("uid", pl.coalesce("code", "id", "uid")).iter_rows())
        places = project_of(snapshot)
        inside = places if projects is None else places.filter(pl.col("project").is_in(list(projects)))
        self._project = dict(inside.iter_rows())
        self._inside = inside.select("uid").unique()
        self._subjects = Subjects(snapshot, ())

    def nearest(self, rule: Rule, found: Findings) -> list[str]:
        """Return the uid of the green row that comes nearest to the rule's first threshold; none where none is one."""
        side = _side(rule)
        green = self._rows(found).filter((pl.col("state") == "green") & pl.col("value").is_not_null())
        if side == 0 or green.is_empty():
            return []
        return green.sort("value", "uid", descending=[side > 0, False])["uid"].head(1).to_list()

    def _rows(self, found: Findings) -> pl.DataFrame:
        return found.frame.join(self._inside, on="uid", how="semi")

    def of(self, rule: Rule, examined: Examined, *, tells: bool, one_by_one: bool) -> RuleQuiet | None:
        """Return what a rule finds in the projects; None where it looks at no row of theirs."""
        found = examined.findings.get(rule.id)
        if found is None or found.failed:
            return RuleQuiet(rule.id, tells, {}, {}, failed=found.failed) if found else None
        rows = self._rows(found)
        if rows.is_empty():
            return None
        self._subjects.fetch((rule.for_each, uid) for uid in rows["uid"].head(MOST_ROWS))
        counts = Counter(rows["state"].cast(pl.String).to_list())
        silent = rows.filter(pl.col("state").is_in(["grey", "na"]))["reason"].drop_nulls()
        near = self.nearest(rule, found)
        return RuleQuiet(
            rule.id,
            tells,
            dict(sorted(counts.items())),
            dict(Counter(silent.to_list()).most_common()),
            self._nearest(rule, near[0], examined) if near else None,
            tuple(self._one_by_one(rule, rows)) if one_by_one else (),
        )

    def _nearest(self, rule: Rule, uid: str, examined: Examined) -> Nearest | None:
        row = examined.rows.get(rule.id, {}).get(uid)
        measure = next((one for one in row.measures if one.value is not None), None) if row else None
        if measure is None or measure.value is None:
            return None
        thresholds = [one for one in measure.thresholds if one.level in {"amber", "red"}]
        first = _closest(measure.value, thresholds)
        left = None if first is None or first.limit is None else abs(first.limit - measure.value)
        self._subjects.fetch([(rule.for_each, uid)])
        text, limit = (f"{first.level} {first.condition}", first.limit) if first else ("", None)
        return Nearest(*self._named(rule, uid), measure.value, measure.unit, text, limit, left)

    def _named(self, rule: Rule, uid: str) -> tuple[str, str]:
        subject = self._subjects.find(rule.for_each, uid)
        return subject.name if subject else uid, self._codes.get(self._project.get(uid, ""), "")

    def _one_by_one(self, rule: Rule, rows: pl.DataFrame) -> Iterator[RowFound]:
        columns = ("uid", "state", "value", "unit", "reason")
        for uid, state, value, unit, reason in rows.head(MOST_ROWS).select(columns).iter_rows():
            yield RowFound(*self._named(rule, uid), state, value, unit or "", reason or "")


def _side(rule: Rule) -> int:
    """Return whether a rule's first threshold on its own measure is for high values (1) or low ones (-1); else 0."""
    for judged in rule.measures:
        for level in (judged.amber, judged.red):
            for part in level.parts if level else ():
                if not part.on and part.condition.op in RISING | FALLING:
                    return 1 if part.condition.op in RISING else -1
    return 0


def _closest(value: float, thresholds: Iterable[ThresholdSeen]) -> ThresholdSeen | None:
    known = [one for one in thresholds if one.limit is not None]
    return min(known, key=lambda one: abs((one.limit or 0.0) - value), default=None)
