"""A backtest as rows of tables, and as a document."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from pmo_watch.backtest import Backtest, Differing, Load, Reader, RuleFigures, Span
from pmo_watch.backtest_asked import NOT_STORED
from pmo_watch.replay import Lived
from pmo_watch.suggest import Meant, Suggested

RULES = ("rule", "amber", "red", "worsened", "closed", "still_open", "lead_wd", "missed", "false_starts")
READERS = ("reader", "messages", "a_week", "most", "fullest_week")
MEANT = ("threshold", "alerts_a_month", "share", "rows", "lead_days")
PRESENT = ("present", *MEANT[1:])
DIFFERENCES = ("rule", "subject", "project", "here", "other", "days")
Row = Mapping[str, Any]


def rule_rows(made: Backtest) -> list[Row]:
    """Return one row for each rule."""
    return [_rule(one) for one in made.rules]


def _rule(one: RuleFigures) -> Row:
    closed = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in one.closed.items())
    return {
        "rule": one.rule,
        "amber": one.amber,
        "red": one.red,
        "worsened": one.worsened,
        "closed": closed,
        "still_open": one.still_open,
        "lead_wd": one.lead,
        "missed": len(one.leads),
        "false_starts": one.false_starts,
    }


def reader_rows(load: Load) -> list[Row]:
    """Return one row for each reader, the one with the fullest week first."""
    return [_reader(one) for one in load.readers]


def _reader(one: Reader) -> Row:
    return {
        "reader": one.name,
        "messages": one.messages,
        "a_week": round(one.mean, 2),
        "most": one.most,
        "fullest_week": one.fullest,
    }


def load_line(load: Load) -> str:
    """Say how many messages a person gets in a week."""
    return (
        f"messages to a person in a week: {load.mean:.2f} on average, {load.often} at the 95th percentile, "
        f"{load.most} at most ({len(load.readers)} readers, {load.weeks} weeks)"
    )


def compared_rows(here: Backtest, other: Backtest) -> list[Row]:
    """Return for each rule of either set the alerts of both, side by side."""
    mine, theirs = ({one.rule: one for one in made.rules} for made in (here, other))
    return [_compared(name, mine.get(name), theirs.get(name)) for name in dict.fromkeys([*mine, *theirs])]


COMPARED = ("rule", "amber", "amber_other", "red", "red_other", "lead_wd", "lead_wd_other", "false_starts",
            "false_starts_other")  # fmt: skip


def _compared(name: str, here: RuleFigures | None, other: RuleFigures | None) -> Row:
    row: dict[str, Any] = {"rule": name}
    for ending, one in (("", here), ("_other", other)):
        shown = _rule(one) if one else {}
        row |= {f"{key}{ending}": shown.get(key) for key in ("amber", "red", "lead_wd", "false_starts")}
    return row


def difference_rows(found: Sequence[Differing], span: Span) -> list[Row]:
    """Return one row for each alert that the two sets do not open alike; days on which they open it."""
    return [{**asdict(one), "here": _day(one.here, span), "other": _day(one.other, span)} for one in found]


def _day(moment: datetime | None, span: Span) -> date | None:
    return span.day(moment) if moment else None


def document(
    made: Backtest, lived: Lived, span: Span, other: Backtest | None, differing: Sequence[Differing]
) -> Mapping[str, Any]:
    """Return everything as one document."""
    found = {
        "since": span.since,
        "until": span.until,
        "replayed_from": lived.began,
        "cycles": lived.moments,
        "not_stored": list(NOT_STORED),
        "acknowledgements_without_alert": lived.unheeded,
        **_figures(made),
    }
    if other is not None:
        found["against"] = {**_figures(other), "differences": difference_rows(differing, span)}
    return found


def _figures(made: Backtest) -> dict[str, Any]:
    load = {"mean": round(made.load.mean, 4), "p95": made.load.often, "max": made.load.most, "weeks": made.load.weeks}
    return {
        "rules": [{**_rule(one), "closed": dict(one.closed), "leads": list(one.leads)} for one in made.rules],
        "messages_per_person_and_week": {**load, "readers": reader_rows(made.load)},
        "alerts": [
            {
                "rule": one.alert.rule,
                "subject": one.alert.subject,
                "id": one.alert.subject_id,
                "project": one.alert.project_code,
                "level": one.level,
                "peak": one.peak,
                "opened": one.opened,
                "due": one.due,
                "closed": one.closed,
                "reason": one.reason or None,
            }
            for one in made.courses
        ],
    }


# --- thresholds ---------------------------------------------------------------------------------------------------


def meant_row(one: Meant) -> Row:
    """Return what a threshold would have meant as a row."""
    return {
        "threshold": one.threshold,
        "alerts_a_month": round(one.a_month, 2),
        "share": f"{one.share:.1%}",
        "rows": one.rows,
        "lead_days": one.lead,
    }


def document_of_suggested(one: Suggested) -> Mapping[str, Any]:
    """Return one measure's answer as a document; shares from 0 to 1."""
    found = asdict(one)
    return {**found, "quantiles": {f"{share:g}": value for share, value in one.quantiles.items()}}
