"""The findings of some subjects as plain mappings: the row, and its evidence under `evidence`."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl

from pmo_watch.alerts import Alert
from pmo_watch.flow import Findings


def rows_of(findings: Findings, uids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return what a rule found for these subjects, by uid, without nulls."""
    wanted = pl.col("uid").is_in(list(uids))
    rows = {row["uid"]: _filled(row) for row in findings.rows(wanted).iter_rows(named=True)}
    for row in findings.evidence(rows).iter_rows(named=True):
        uid = row.pop("uid")
        if shown := _filled(row):
            rows[uid]["evidence"] = shown
    return rows


def _filled(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


class FindingRows:
    """What a cycle found of the subjects of alerts; they are looked up rule by rule."""

    def __init__(self, findings: Iterable[Findings]) -> None:
        self._findings = {one.rule: one for one in findings}
        self._rows: dict[tuple[str, str], Mapping[str, Any]] = {}

    def fetch(self, alerts: Iterable[Alert]) -> None:
        """Look up what was found of these alerts."""
        wanted: dict[str, list[str]] = {}
        for one in alerts:
            if one.rule in self._findings and (one.rule, one.subject) not in self._rows:
                wanted.setdefault(one.rule, []).append(one.subject)
        for rule, uids in wanted.items():
            found = rows_of(self._findings[rule], uids)
            self._rows |= {(rule, uid): found.get(uid, {}) for uid in uids}

    def of(self, alert: Alert) -> Mapping[str, Any]:
        """Return what was found of an alert that was fetched; nothing where its rule found nothing."""
        return self._rows.get((alert.rule, alert.subject), {})
