"""The findings of some subjects as plain mappings: the row, and its evidence under `evidence`."""

from collections.abc import Collection
from typing import Any

import polars as pl

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
