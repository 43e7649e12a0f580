"""The evidence of a finding in words: figures with their labels, notes, and why something cannot be assessed."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from pmo_watch.plain import NOTE, plain
from pmo_watch.words import Words

MOST_FACTS = 8  # a message says what matters; the rest is in the application

_SAID = {  # reasons that are one word of the closed list of spec measures 1.10 -> the glossary's key
    "not in window": "not_in_window",
    "nothing due yet": "nothing_due",
}
_NOTES = {
    "derived from eac": "derived_from_eac",
    "baseline = first snapshot": "baseline_first_version",
    "baseline = first version seen": "baseline_first_version",
    "status date assumed": "status_date_assumed",
    "status date in the future": "note_future_status_date",
    "no project tolerance": "org_tolerance_used",
    "slack computed over the network": "note_network_slack",
    "remaining duration": "note_remaining_duration",
    "value of an earlier period": "note_earlier_period",
    "against the baseline": "note_against_baseline",
    "items counted": "note_items_counted",
    "service level from own cycle times": "note_own_service_level",
    "counted from the day it was first seen": "note_first_seen",
    "last change taken for the review": "note_review_from_change",
    "contingency used unknown": "note_contingency_unknown",
    "needed when the successor starts": "note_needed_at_start",
    "limit from the size of the team": "note_limit_of_team",
    "limit from those who had work in the last four weeks": "note_limit_of_persons",
}
_OLD_IN = {"wd": "working_day", "d": "calendar_day", "h": "hour"}


def reason_text(reason: str, said: Words, zone: tzinfo) -> str:
    """Return a reason of the closed list in the language; a text that is not on it as it is."""
    for pattern, speak in _PATTERNS:
        if found := re.fullmatch(pattern, reason):
            return speak(found.groups(), said, zone)
    key = _SAID.get(reason, reason.replace(" ", "_"))
    return said(key) if said.has(key) else plain(reason, NOTE)


def note_text(note: str, said: Words) -> str:
    """Return a note of a finding in the language; a text that is not known as it is."""
    # First: `derived from EAC` looks like a field and its source.
    if key := _NOTES.get(note.lower().partition(":")[0]):
        return said(key)
    for pattern, speak in _NOTE_PATTERNS:
        if found := re.fullmatch(pattern, note):
            return speak(found.groups(), said)
    return plain(note, NOTE)


def facts(finding: Mapping[str, Any], entity: str, said: Words) -> tuple[tuple[str, str], ...]:
    """Return label and value of what the finding rests on, in the order of its evidence, notes last."""
    shown = [
        (said.label(str(name), entity), plain(said.figure(str(value)), NOTE))
        for name, value in (finding.get("evidence") or {}).items()
        if value not in {None, ""}
    ]
    # What is assumed of the date stands in the data basis already.
    of_date = [one for one in str(finding.get("as_of_note") or "").split("; ") if one != "status date assumed"]
    told = [*str(finding.get("note") or "").split("; "), *of_date]
    notes = [note_text(note, said) for note in told if note]
    if notes:
        shown = [*shown[: MOST_FACTS - 1], (said("evidence"), "; ".join(notes))]
    return tuple(shown[:MOST_FACTS])


def missing_figure(finding: Mapping[str, Any], indicator: str, said: Words) -> str:
    """Return the sentence on a figure that was due and is not there; nothing for any other finding."""
    if finding.get("measure") != "submission.days_late":
        return ""
    known = finding.get("evidence") or {}
    period, due = _period(str(known.get("period") or ""), said), as_day(known.get("due_on"))
    if not period or due is None or known.get("received_on"):
        return ""
    return said("missing_figure", name=said.quoted(indicator), period=period, date=said.day(due))


def _period(period: str, said: Words) -> str:
    """Return a period (2026-W30, 2026-05, 2026-Q2) as it stands after the name of an indicator."""
    if found := re.fullmatch(r"(\d{4})-W(\d{2})", period):
        return said("period_week", n=int(found[2]))
    if found := re.fullmatch(r"(\d{4})-Q(\d)", period):
        return said("period_quarter", n=found[2], year=found[1])
    first = as_day(f"{period}-01")
    return said("period_month", period=said.month(first)) if first else ""


def as_day(value: object) -> date | None:
    """Return a date that may be given as text; None for anything else."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


_Speak = Callable[[tuple[str, ...], Words, tzinfo], str]


def _field(name: str, said: Words) -> str:
    """Return the words for a field: a figure of that name beside a finding may be labelled otherwise."""
    return said(name) if said.has(name) else said.label(name)


def _missing_rows(parts: tuple[str, ...], said: Words, _: tzinfo) -> str:
    return said("missing_rows", field=_field(parts[0], said), n=parts[1], m=parts[2])


def _missing_of(parts: tuple[str, ...], said: Words, _: tzinfo) -> str:
    return said("missing", field=f"{_field(parts[0], said)}, {said.figure(parts[1])}")


def _invalid(parts: tuple[str, ...], said: Words, _: tzinfo) -> str:
    return said("invalid", field=_field(parts[0], said), value=plain(parts[1], NOTE))


def _too_old(parts: tuple[str, ...], said: Words, _: tzinfo) -> str:
    field, age, unit, limit = parts
    key = _OLD_IN.get(unit)
    try:
        ages = [Decimal(age), Decimal(limit)]
    except InvalidOperation:
        return said("too_old", field=_field(field, said), n=f"{age} {unit}", m=limit)
    shown = [said.count(key, one) if key else f"{said.number(one)} {unit}" for one in ages]
    return said("too_old", field=_field(field, said), n=shown[0], m=shown[1])


def _not_read(parts: tuple[str, ...], said: Words, zone: tzinfo) -> str:
    try:
        moment = datetime.fromisoformat(parts[1])
    except ValueError:
        return said("source_not_read", source=parts[0], when=parts[1])
    when = said.moment(moment, zone) if moment.tzinfo else said.day(moment.date())
    return said("source_not_read", source=parts[0], when=when)


def _old_date(parts: tuple[str, ...], said: Words) -> str:
    return said("note_old_status_date", days=said.count("working_day", int(parts[0])))


def _assumed_need(parts: tuple[str, ...], said: Words) -> str:
    return said("note_assumed_need", days=said.count("working_day", int(parts[0])))


def _sources(parts: tuple[str, ...], said: Words) -> str:
    names = re.findall(r"\S+ from ([^\s,]+)", parts[0])
    return said("note_two_sources", list=said.listed(dict.fromkeys(names)))


def _cost_day(parts: tuple[str, ...], said: Words) -> str:
    return said("note_actual_cost_day", date=said.day(date.fromisoformat(parts[0])))


_NOTE_PATTERNS: tuple[tuple[str, Callable[[tuple[str, ...], Words], str]], ...] = (
    (r"small sample: (\S+) of (\S+)", lambda parts, said: said("small_sample", a=parts[0], b=parts[1])),
    (r"actual cost of (\d{4}-\d\d-\d\d)", _cost_day),
    (r"estimate at completion: (.+)", lambda parts, said: said("note_eac", by=said.figure(parts[0]))),
    (r"(\d+) of (\d+) rows left out.*", lambda parts, said: said("note_left_out", n=parts[0], m=parts[1])),
    (r"(\d+) of (\d+) applicable checks passed", lambda parts, said: said("note_checks", n=parts[0], m=parts[1])),
    (r"missing periods: (.+)", lambda parts, said: said("note_missing_periods", list=plain(parts[0], NOTE))),
    (r"status date (\d+) wd old", _old_date),
    (r"assumed (\d+) wd after it was asked for", _assumed_need),
    (
        r"(\d+) of (\d+) probabilities from the likelihood",
        lambda parts, said: said("note_probabilities", n=parts[0], m=parts[1]),
    ),
    (r"(\S+ from \S+(?:, \S+ from \S+)*)", _sources),
)
_PATTERNS: tuple[tuple[str, _Speak], ...] = (
    (r"missing (\S+) on (\S+) of (\S+) rows", _missing_rows),
    (r"missing (\S+) (\d{4}-\S+)", _missing_of),
    (r"missing (\S+)", lambda parts, said, _: said("missing", field=_field(parts[0], said))),
    (r"invalid project\.effort_planned: recalculated by the source", lambda _, said, __: said("effort_recalculated")),
    (r"invalid milestone\.total_slack: manual row", lambda _, said, __: said("slack_of_manual_row")),
    (r"invalid project\.baseline_finish: .* baseline_start", lambda _, said, __: said("baseline_without_length")),
    (r"invalid dependency\.predecessor: circle of links", lambda _, said, __: said("circle_of_links")),
    (r"invalid (\S+): (.+)", _invalid),
    (r"needs (\S+) samples, has (\S+)", lambda parts, said, _: said("needs_samples", n=parts[0], k=parts[1])),
    (r"only (\S+) items, needs (\S+)", lambda parts, said, _: said("only_items", n=parts[0], m=parts[1])),
    (r"(\S+) is (\S+) (\S+) old, limit (\S+)", _too_old),
    (r"source (\S+) not read since (.+)", _not_read),
    (r"mixed currencies: (.+)", lambda parts, said, _: said("mixed_currencies", list=plain(parts[0], NOTE))),
)
