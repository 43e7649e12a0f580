"""The answer to `why` in words: headings, and below each of them what is what."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pmo_watch.counted_days import Counted, shown
from pmo_watch.hold_backs import HeldBack
from pmo_watch.routings import ESCALATE, TELL, Reader, Routing
from pmo_watch.scrutiny import ConditionSeen, ThresholdSeen
from pmo_watch.store import OutboxEntry
from pmo_watch.why import MeasureShown, RuleOnRow, Why

Line = Mapping[str, str]
HOLDS = {True: "holds", False: "does not hold", None: "cannot be said"}
MOST_STEPS = 20  # transitions that a table shows; JSON has all


@dataclass(frozen=True, slots=True)
class Part:
    """A heading and the lines below it, in these columns; `empty`: what is said where there are none."""

    heading: str
    lines: Sequence[Line]
    columns: tuple[str, ...] = ("what", "is")
    empty: str = ""


def parts(answer: Why) -> Iterator[Part]:
    """Yield the parts of an answer: the row, then every rule about it."""
    zone = ZoneInfo(answer.zone)
    subject = answer.subject
    project = (
        f" of {subject.project.code} {subject.project.name}" if subject.project and subject.entity != "project" else ""
    )
    called = subject.name if subject.name == subject.id or not subject.id else f"{subject.id} {subject.name}"
    yield Part(f"{called} ({subject.entity}{project})", lines(_about(answer, zone)))
    for one in answer.rules:
        yield Part(_heading(one, zone), lines(_rule(one, zone)))


def lines(pairs: Iterable[tuple[str, str]]) -> list[Line]:
    """Return lines; those that say nothing are left out, a name that comes again is written once."""
    found: dict[str, list[str]] = {}
    for what, text in pairs:
        if text:
            found.setdefault(what, []).append(text)
    return [{"what": what, "is": "\n".join(texts)} for what, texts in found.items()]


def when(value: date | datetime | None, zone: ZoneInfo) -> str:
    """Return a day, or a moment in the reader's zone; a dash where there is none."""
    if isinstance(value, datetime):
        return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    return str(value) if value else "–"


def _about(answer: Why, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield "asked", f"as of {when(answer.at, zone)} ({answer.zone})"
    yield "uid", "" if answer.personal else answer.subject.uid
    for one in answer.sources:
        read = f"read {when(one.read_at, zone)}, last complete {when(one.last_good, zone)}"
        as_of = f", data of {one.as_of}" if one.as_of else ""
        yield "source", f"{one.source}: {one.outcome or 'never read'}, {read}{as_of}"
        if one.held:
            yield "source", f"{one.source} is held back: {one.held}"
        if one.failing_since:
            yield "source", f"{one.source} fails since {when(one.failing_since, zone)}: {one.error}"
        if not one.usable:
            yield "source", "nothing is concluded from it now: alerts stay as they are"
    for note in answer.notes:
        yield "note", note
    if answer.personal:
        yield (
            "note",
            "on a single person: its leaders and line managers read what is found, nobody else, nor is it shown here",
        )


# --- one rule -----------------------------------------------------------------------------------------------------


def _heading(one: RuleOnRow, zone: ZoneInfo) -> str:
    alert, state = one.alert, str(one.finding.get("state") or "")
    if alert is None or alert.closed_at is not None:
        return f"{one.rule.id}: {state or ('switched off' if not one.rule.enabled else 'not looked at')}, no alert"
    if alert.level is None:
        return f"{one.rule.id}: {alert.seen or state or 'grey'} seen, pending, alert {alert.id}"
    unknown = ", unknown" if alert.unknown_since else ""
    return f"{one.rule.id}: {alert.level}{unknown} since {when(alert.since, zone)}, alert {alert.id}"


def _rule(one: RuleOnRow, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield "rule", f"{one.rule.name.get('en') or next(iter(one.rule.name.values()))}"
    if one.rule.file:
        yield "rule", f"{one.rule.file}:{one.rule.line}, version {one.rule.version[:12]}"
    yield "finding", _finding(one)
    for condition in one.row.only_if if one.row else ():
        yield "only if", _condition(condition)
    for measure in one.measures:
        yield from _measure(measure, one.finding.get("evidence") or {})
    yield "confirmed", _confirmed(one, zone)
    yield from _alert(one, zone)
    yield from _telling(one, zone)


def _telling(one: RuleOnRow, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    yield from (("held back", held_text(held, zone)) for held in one.held_back)
    yield from (("tells", _routing(routing, zone)) for routing in one.routings)
    yield from (("message", message_text(message, zone)) for message in one.messages)
    for told in one.told:
        digest = f" in the digest '{told.digest}'" if told.digest else ""
        level = told.level or "it"
        yield "told", f"{told.address or told.recipient} as {told.audience} of {level}{digest}: will hear of the end"
    for comes in one.ahead:
        to = f" to {', '.join(comes.to)}" if comes.to else ""
        yield "next", f"{comes.on}: {comes.reason}{to}"


def _finding(one: RuleOnRow) -> str:
    finding = one.finding
    if not finding:
        return ""
    value = f", {figure(finding.get('value'), finding.get('unit'))}" if finding.get("value") is not None else ""
    met = f", {finding['threshold']}" if finding.get("threshold") else ""
    why = f" ({finding['reason']})" if finding.get("reason") else ""
    notes = "; ".join(str(finding[name]) for name in ("note", "as_of_note") if finding.get(name))
    as_of = f", as of {finding['as_of']}" if finding.get("as_of") else ""
    return f"{finding.get('state')}{value}{met}{why}{as_of}{f'; {notes}' if notes else ''}"


def figure(value: object, unit: object) -> str:
    """Return a number with its unit."""
    text = (
        f"{value:g}"
        if isinstance(value, float) and abs(value) < 1e6
        else f"{value:f}"
        if isinstance(value, float)
        else str(value)
    )
    shown_unit = "" if unit in {None, "", "count", "ratio"} else f" {unit}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text and 'e' not in text else text}{shown_unit}"


def _condition(one: ConditionSeen) -> str:
    why = f" ({one.unknown})" if one.unknown else ""
    value = "nothing" if one.value is None else as_text(one.value)
    return f"{one.subject}: {one.condition}: {HOLDS[one.holds]}{why}, it is {value}"


def as_text(value: object) -> str:
    """Return a value of a row in words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    text = str(value)
    return text.rstrip("0").rstrip(".") if type(value).__name__ == "Decimal" and "." in text else text


def _measure(one: MeasureShown, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what a measure answers. `texts`: its evidence in words, with names in place of uids, where there is any."""
    seen = one.seen
    value = figure(seen.value, seen.unit) if seen.value is not None else "no value"
    why = seen.general or seen.reason
    ratio = f", {figure(seen.numerator, '')} of {figure(seen.denominator, '')}" if seen.denominator is not None else ""
    given = "; ".join(f"{name} {as_text(each)}" for name, each in seen.params.items() if each is not None)
    yield "measure", f"{seen.measure}{f' ({given})' if given else ''}: {value}{ratio}{f' ({why})' if why else ''}"
    for name, each in seen.evidence.items():
        yield "evidence", f"{name}: {'missing' if each is None else texts.get(name) or as_text(each)}"
    if one.days is not None:
        yield "days", days_text(one.days)
    for threshold in seen.thresholds:
        yield "threshold", _threshold(threshold)


def days_text(days: Counted) -> str:
    """Return which days were counted, and which were left out."""
    out = shown(days.left_out)
    brought = ", ".join(f"{one.day} {one.why}" for one in days.brought_in)
    span = f"{days.counts_from} {days.start} to {days.counts_to} {days.end}"
    text = f"{span}: {days.number} wd in calendar '{days.calendar}'"
    if days.counted and len(days.counted) <= 10:
        text += f", which are {', '.join(map(str, days.counted))}"
    return f"{text}{f'; left out: {out}' if out else ''}{f'; counted: {brought}' if brought else ''}"


def _threshold(one: ThresholdSeen) -> str:
    limit = f", limit {figure(one.limit, '')}" if one.limit is not None and one.tolerance_of else ""
    whose = {"rule": "the rule's own number", "": ""}.get(one.tolerance_of, f"tolerance of the {one.tolerance_of}")
    why = f" ({one.unknown})" if one.unknown else ""
    parts_ = "".join(f"; {each.condition}: {HOLDS[each.holds]}" for each in one.of)
    return f"{one.level}: {one.condition}: {HOLDS[one.holds]}{why}{limit}{f', {whose}' if whose else ''}{parts_}"


def _confirmed(one: RuleOnRow, zone: ZoneInfo) -> str:
    span = one.rule.confirm_after
    if one.waits is None:
        return "" if span.number == 1 else f"a level counts after {span.number} {span.unit}; nothing waits for that now"
    counted = (
        f"{one.waits.seen} of {one.waits.wanted}" if one.waits.on is None else f"{one.waits.wanted}, on {one.waits.on}"
    )
    return f"{one.waits.level} seen since {when(one.waits.since, zone)}: {counted}"


def _alert(one: RuleOnRow, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    alert = one.alert
    if alert is None:
        return
    if alert.closed_at is not None:
        yield "last alert", f"{alert.id} closed {when(alert.closed_at, zone)}: {alert.close_reason}"
    if alert.new_date is not None:
        yield "promised", f"{alert.new_date} by {alert.new_date_by}"
    if alert.missed_date is not None:
        yield "promised", f"{alert.missed_date} by {alert.new_date_by} was not met"
    if len(one.transitions) > MOST_STEPS:
        yield "history", f"({len(one.transitions) - MOST_STEPS} older ones; --format json has all)"
    for each in one.transitions[-MOST_STEPS:]:
        level = (
            f" {each.level_before or 'none'} -> {each.level}" if each.level != each.level_before else f" {each.level}"
        )
        value = f", {figure(each.value, each.unit)}" if each.value is not None else ""
        reading = f", reading {each.reading}" if each.reading else ""
        version = f", rule {each.rule_version[:12]}" if each.rule_version else ""
        said = f": {each.finding['because']}" if each.finding.get("because") else ""
        yield "history", f"{when(each.at, zone)} {each.reason}{level}{value}{reading}{version}, by {each.who}{said}"
    if one.earlier:
        yield "earlier", ", ".join(one.earlier)


def held_text(one: HeldBack, zone: ZoneInfo) -> str:
    """Return what holds back: kind, what, author, since and until when, and why."""
    since = f" since {when(one.since, zone)}" if one.since else ""
    until = f" until {when(one.until, zone)}" if one.until else ""
    return f"{one.kind.replace('_', ' ')} ({one.what}){since}{until}, by {one.who}: {one.why}"


def _routing(one: Routing, zone: ZoneInfo) -> str:
    what = {
        TELL: one.level,
        ESCALATE: f"step {one.step} after {one.after} at {one.level}{', taken' if one.taken else ''}",
    }
    how = one.how if one.leaves_on is None else f"digest '{one.how}', next {when(one.leaves_on, zone)}"
    role = f" (role {one.role}{', held by nobody' if one.vacant else ''})" if one.role else ""
    readers = "; ".join(_reader(each) for each in one.readers) or "nobody"
    counted = ", number only" if one.counted else ""
    return f"{what.get(one.by, 'reminder')}: {one.audience}{role}, {how}{counted}: {readers}"


def _reader(one: Reader) -> str:
    address = f" <{one.address}>" if one.address and one.address != one.name else ""
    where = f" at {one.held_at}" if one.held_at else ""
    begin = (
        f", hours begin {when(one.hours_begin, ZoneInfo(one.zone))} {one.zone}" if one.hours_begin else ", within hours"
    )
    away = f", away until {one.away_until}" if one.away_until else ""
    place = f", in place of {one.in_place_of}" if one.in_place_of else ""
    return f"{one.name}{address}{where} over {one.channel} in {one.language}{begin}{away}{place}"


def message_text(one: OutboxEntry, zone: ZoneInfo) -> str:
    """Return where a message stands, with the last answer."""
    tries = f", {one.attempts} tried" if one.attempts else ""
    due = f", due {when(one.due, zone)}" if one.settled_at is None else f" {when(one.settled_at, zone)}"
    answer = f": {one.answer}" if one.answer else ""
    who = f" by {one.who}" if one.who else ""
    to = f"{one.address or one.notifier} over {one.notifier}"
    return f"{one.id[:12]} {one.kind} to {to}: {one.state.value}{who}{due}{tries}{answer}"


# --- for programs -------------------------------------------------------------------------------------------------


def document(answer: Why) -> Mapping[str, Any]:
    """Return an answer as one JSON document."""
    subject = answer.subject
    return {
        "subject": {
            "entity": subject.entity,
            "uid": "" if answer.personal else subject.uid,
            "id": subject.id,
            "name": subject.name,
            "calendar": subject.calendar.id,
            **{one.entity: {"uid": one.uid, "code": one.code, "name": one.name} for one in subject.places},
        },
        "at": answer.at,
        "zone": answer.zone,
        "sources": [asdict(one) for one in answer.sources],
        "notes": answer.notes,
        "rules": [_rule_document(one) for one in answer.rules],
    }


def _rule_document(one: RuleOnRow) -> Mapping[str, Any]:
    rule = one.rule
    return {
        "rule": rule.id,
        "name": dict(rule.name),
        "file": rule.file,
        "line": rule.line,
        "version": rule.version,
        "enabled": rule.enabled,
        "finding": dict(one.finding) or None,
        "only_if": [asdict(each) for each in one.row.only_if] if one.row else [],
        "measures": [{**asdict(each.seen), "days": asdict(each.days) if each.days else None} for each in one.measures],
        "alert": asdict(one.alert) if one.alert else None,
        "earlier": one.earlier,
        "waits": asdict(one.waits) if one.waits else None,
        "transitions": [asdict(each) for each in one.transitions],
        "held_back": [asdict(each) for each in one.held_back],
        "tells": [asdict(each) for each in one.routings],
        "told": [asdict(each) for each in one.told],
        "messages": [asdict(each) for each in one.messages],
        "next": [asdict(each) for each in one.ahead],
    }
