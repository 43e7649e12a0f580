"""The answer to `why-not` in words: the person, what they were not told of and why, what they were, what is quiet."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from pmo_watch.audiences import PERSONAL
from pmo_watch.person_seen import RoleHeld
from pmo_watch.quiet import Nearest, RuleQuiet
from pmo_watch.row_search import PERSON
from pmo_watch.why import for_anybody
from pmo_watch.why_not import AlertForPerson, Because
from pmo_watch.why_not_asked import WhyNotAnswer
from pmo_watch.why_shown import Line, Part, figure, held_text, lines, message_text, when

MOST_TOLD = 30  # alerts of which somebody was told that a table shows; JSON has all


def parts(answer: WhyNotAnswer) -> Iterator[Part]:
    """Yield the parts of an answer."""
    person, zone = answer.person, ZoneInfo(answer.zone)
    called = f"{person.name} <{person.email}>" if person.email and person.email != person.name else person.name
    yield Part(f"{called} ({person.kind})", lines(_person(answer, zone)))
    missed = [one for one in answer.alerts if not one.told]
    told = [one for one in answer.alerts if one.told]
    yield Part(f"not told: {len(missed)}", _alerts(missed, zone), ALERT, "of nothing that concerns them")
    yield Part(f"told: {len(told)}", _alerts(told[:MOST_TOLD], zone), ALERT, "of nothing that is open")
    quiet = [_quiet(one) for one in answer.quiet]
    yield Part(
        "what rules that name them find in their projects",
        quiet,
        QUIET,
        "no rule that names them looks at rows of theirs",
    )
    rows = [line for one in answer.quiet for line in _rows(one)]
    if rows:
        yield Part("row by row", rows, ROWS)
    if answer.off:
        yield Part("switched off, or not to be read", [{"what": one} for one in answer.off], ("what",))


ALERT = ("project", "subject", "level", "rule", "since", "why")
QUIET = ("rule", "found", "nearest to a threshold", "not judged because")
ROWS = ("rule", "project", "subject", "state", "value", "why")


def _person(answer: WhyNotAnswer, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    person = answer.person
    yield "asked", f"as of {when(answer.at, zone)} ({answer.zone})"
    if person.problem:
        yield "note", f"cannot be told: {person.problem}"
    language = f", in {person.language}" if person.language else ", in the language of the project"
    yield "told over", f"{person.channel}{language}" if person.channel else ""
    yield "hours", f"{person.hours} {person.zone} on working days of calendar '{person.calendar}'"
    for first, last in person.away:
        yield "away", f"{first} to {last}"
    yield "deputy", ", ".join(person.deputies)
    for role in person.roles:
        yield "role", _role(role)
    if person.kind == PERSON and not person.roles:
        yield "role", "none, in no project, programme or portfolio, nor for the organisation"
    yield "audience", ", ".join(person.audiences) or "none: no audience of the rules is theirs"
    for message in answer.messages[:5]:
        yield "last messages", f"{when(message.created_at, zone)} {message_text(message, zone)}"


def _role(one: RoleHeld) -> str:
    span = f", since {one.since}" if one.since else ""
    span += f", until {one.until}" if one.until else ""
    return f"{one.role} of {one.where or 'the organisation'} ({one.named_by}){span}{'' if one.holds else ': not today'}"


def _alerts(found: Sequence[AlertForPerson], zone: ZoneInfo) -> list[Line]:
    return [
        {
            "project": one.alert.project_code,
            "subject": _subject(one),
            "level": "ended" if one.alert.closed_at else one.alert.level or "pending",
            "rule": one.rule.id,
            "since": when(one.alert.since or one.alert.began_at, zone),
            "why": "\n".join([*(because_text(each, zone) for each in one.because), *_held(one, zone)]),
        }
        for one in found
    ]


def _subject(one: AlertForPerson) -> str:
    alert = one.alert
    return "a single person" if alert.entity == PERSONAL else alert.subject_name or alert.subject_id or alert.subject


def because_text(one: Because, zone: ZoneInfo) -> str:
    """Return a reason: what, by whom, until when."""
    who = f", by {one.who}" if one.who else ""
    until = f", until {when(one.until, zone)}" if one.until else ""
    return f"{one.kind.replace('_', ' ')}{who}{until}: {one.text}"


def _held(one: AlertForPerson, zone: ZoneInfo) -> list[str]:
    said = {"pending", "silenced", "send_window", "deferred", "rejected", "expired", "dropped"}
    kinds = {each.kind for each in one.because}
    return [held_text(each, zone) for each in one.held if each.kind not in said and each.kind not in kinds]


def _quiet(one: RuleQuiet) -> Line:
    if one.failed:
        return {"rule": one.rule, "found": f"failed: {one.failed}"}
    counts = ", ".join(f"{number} {state}" for state, number in one.counts.items())
    return {
        "rule": one.rule if one.tells else f"{one.rule} (names none of their audiences)",
        "found": counts,
        "nearest to a threshold": _nearest(one.nearest) if one.nearest else "",
        "not judged because": ", ".join(f"{reason} ({number})" for reason, number in one.reasons.items()),
    }


def _nearest(one: Nearest) -> str:
    left = f", {figure(one.left, one.unit)} to go" if one.left is not None else ""
    where = f" of {one.project}" if one.project and one.project != one.subject else ""
    return f"{one.subject}{where}: {figure(one.value, one.unit)}, {one.threshold or 'no threshold'}{left}"


def _rows(one: RuleQuiet) -> Iterator[Line]:
    for row in one.rows:
        value = "" if row.value is None else figure(row.value, row.unit)
        yield {**asdict(row), "rule": one.rule, "value": value, "why": row.reason}


# --- for programs -------------------------------------------------------------------------------------------------


def document(answer: WhyNotAnswer) -> Mapping[str, Any]:
    """Return an answer as one JSON document."""
    return {
        "person": asdict(answer.person),
        "at": answer.at,
        "zone": answer.zone,
        "alerts": [
            {
                "alert": asdict(for_anybody(one.alert)),
                "rule": one.rule.id,
                "told": one.told,
                "because": [asdict(each) for each in one.because],
                "held_back": [asdict(each) for each in one.held],
                "messages": [asdict(each) for each in one.messages],
            }
            for one in answer.alerts
        ],
        "quiet": [asdict(one) for one in answer.quiet],
        "off": answer.off,
        "messages": [asdict(one) for one in answer.messages],
    }
