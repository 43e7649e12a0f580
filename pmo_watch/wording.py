"""One alert of a message in words: what, since when, how much, against which threshold, and on which evidence."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pmo_watch.alerts import CLOSING, Item, Message, StandIn
from pmo_watch.evidence import as_day, facts, missing_figure, reason_text
from pmo_watch.flow import Organisation
from pmo_watch.plain import NAME, NOTE, link, plain
from pmo_watch.telling import ItemView
from pmo_watch.template_pages import Overrides
from pmo_watch.templates import fill
from pmo_watch.words import MISSING, Words, pick, words
from pmo_watch.workdays import Calendar

LEVELS = ("red", "amber", "grey", "green")  # worst first
ANSWER_WITHIN = 3  # working days: what the sentence that asks for cause, action, owner and date gives

_CLOSED = {
    "entity_done": "closed_done",
    "entity_cancelled": "closed_out_of_scope",
    "out_of_scope": "closed_out_of_scope",
    "entity_gone": "closed_gone",
    "rule_removed": "closed_rule_removed",
}
# What a rule's name may begin with; the subject's name then follows it.
_THINGS = (
    *("key_milestone", "milestone", "deliverable", "phase_gate", "dependency", "task", "project", "program"),
    *("portfolio", "risk", "issue", "decision", "change_request", "action", "sprint", "release", "document"),
    *("board", "indicator", "submission", "meeting"),
)


@dataclass(frozen=True, slots=True, eq=False)
class RenderContext:
    """What holds for every message of a cycle: the moment, the organisation, and where links lead.

    `calendar`: the organisation's, for days until an answer and days that an alert was open. `source_kinds`: the
    `type:` of each source. `external_url`: our own address; without it there are no links at all. `alerts_page`: the
    page that lists alerts, below it; empty where none is served. `acknowledge`: returns the address at which the
    recipient acknowledges, or nothing. `overrides`: the organisation's own templates.
    """

    now: datetime
    organisation: Organisation = field(default_factory=Organisation)
    calendar: Calendar = field(default_factory=lambda: Calendar("default"))
    source_kinds: Mapping[str, str] = field(default_factory=dict)
    external_url: str = ""
    alerts_page: str = ""
    grafana_url: str = ""
    acknowledge: Callable[[Message], str] = lambda _: ""
    overrides: Overrides = field(default_factory=Overrides)


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """How one recipient is spoken to: language, zone, and what the message holds back."""

    words: Words
    zone: tzinfo
    context: RenderContext
    no_names: bool = False

    @classmethod
    def to(cls, message: Message, context: RenderContext) -> "Voice":
        """Return the voice for the recipient of a message."""
        language = message.language or context.organisation.language
        return cls(words(language), _zone(message.zone or context.organisation.timezone), context, message.no_names)

    def own(self, texts: Mapping[str, str]) -> str:
        """Return what a person wrote, in the recipient's language or else the organisation's."""
        return pick(texts, self.words.language, self.context.organisation.language)

    def date_of(self, moment: datetime) -> date:
        """Return the recipient's civil date at that moment."""
        return moment.astimezone(self.zone).date()

    @property
    def today(self) -> date:
        """The recipient's civil date now."""
        return self.date_of(self.context.now)


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):  # a person's zone comes from a source
        return UTC


def worst(levels: list[str]) -> str:
    """Return the worst of these levels; green when there is none."""
    return next((level for level in LEVELS if level in levels), "green")


def newly_red(message: Message) -> bool:
    """Say whether a message sent at once tells of something that has just become red."""
    reasons = {"opened", "worsened"}
    return message.kind == "alert" and any(item.level == "red" and item.reason in reasons for item in message.items)


def level_text(item: Item, voice: Voice) -> str:
    """Return symbol and word of the level; an end without evidence of green says how it ended."""
    if item.reason in _CLOSED:
        return "● " + voice.words.beginning(_CLOSED[item.reason])
    return voice.words(item.level)


def rule_name(item: Item, voice: Voice) -> str:
    """Return the name of the rule."""
    return plain(voice.own(item.rule.name) or item.rule.id, NAME)


def what(item: Item, voice: Voice, longest: int = NAME) -> str:
    """Return the rule's name with its subject, whose name is cut to `longest` characters."""
    name, subject = rule_name(item, voice), subject_name(item, voice, longest)
    if not subject:
        return name
    thing = _thing(name, voice.words)
    rest = name[len(thing) :]
    return f"{name[: len(thing)]} {voice.words.quoted(subject)}{rest}" if thing else _after(name, subject, voice)


def slips(item: Item, voice: Voice, longest: int = NAME) -> str:
    """Return kind and name of a milestone whose slip a rule measures, for the glossary's pattern; else nothing."""
    name, subject = rule_name(item, voice), subject_name(item, voice, longest)
    thing = _thing(name, voice.words)
    milestones = {voice.words("key_milestone"), voice.words("milestone")}
    is_slip = item.finding.get("measure") == "milestone.slip" and (item.finding.get("value") or 0) > 0
    return f"{thing} {voice.words.quoted(subject)}" if is_slip and subject and thing.lower() in milestones else ""


def _thing(name: str, said: Words) -> str:
    """Return the thing that a rule's name begins with, as it is written there."""
    for key in _THINGS:
        if re.match(re.escape(said(key)) + r"(?=\W)", name, re.IGNORECASE):
            return name[: len(said(key))]
    return ""


def _after(name: str, subject: str, voice: Voice) -> str:
    return f"{name} {voice.words.quoted(subject)}"


def subject_name(item: Item, voice: Voice, longest: int = NAME) -> str:
    """Return what people call the subject; nothing for a project, whose code stands before, and a name held back."""
    about_a_person = item.alert.entity in {"person", "role", "absence", "assignment"}
    if item.alert.entity == "project" or (voice.no_names and about_a_person):
        return ""
    return plain(item.subject_name or item.subject_id, longest)


def item_view(item: Item, voice: Voice) -> ItemView:
    """Return one alert in the recipient's words."""
    said = how_much(item, voice)
    change, since = _change(item, voice), _since(item, voice)
    began = item.alert.since or item.alert.opened_at or item.alert.began_at
    names = _names(item, voice, said)
    hold_back = voice.no_names
    return ItemView(
        level=item.level,
        level_text=level_text(item, voice),
        what=what(item, voice),
        subject=subject_name(item, voice),
        when=voice.words.short_day(voice.date_of(began)) if began else MISSING,
        how_much=said,
        change=change,
        since=since,
        facts=() if hold_back or item.reason in CLOSING else _facts(item, voice),
        why=fill(plain(voice.own(item.rule.message), NOTE), names) or _sentence(item, voice),
        advice="" if hold_back or item.reason in CLOSING else _advice(item, voice, names),
        url="" if hold_back else link(item.url),
        rule=rule_name(item, voice),
        project=plain(item.project_code or item.project_name, NAME),
        alert=item.alert.id,
        rule_id=item.rule.id,
        reason=str(item.reason),
        subject_id=plain(item.subject_id, NAME) if subject_name(item, voice) else "",
        since_at=began,
    )


def in_place_of(stands_in: StandIn, voice: Voice) -> str:
    """Return in whose place somebody is told."""
    said, name = voice.words, plain(stands_in.name, NAME)
    if stands_in.role:
        return said("in_place_of_nobody", role=role_name(stands_in.role, voice))
    if stands_in.until is None:
        return said("in_place_of", name=name)
    return said("in_place_of_absent", name=name, date=said.day(stands_in.until))


def role_name(name: str, voice: Voice) -> str:
    """Return a role or audience in words, its name where languages have none for it."""
    return voice.words(name) if voice.words.has(name) else plain(name.replace("_", " "), NAME)


def _facts(item: Item, voice: Voice) -> tuple[tuple[str, str], ...]:
    """Return what an alert rests on, first of all why it is told to somebody else than usual."""
    found = facts(item.finding, item.alert.entity, voice.words)
    if item.stands_in is None:
        return found
    return ((voice.words.beginning("why_me"), in_place_of(item.stands_in, voice)), *found)


def how_much(item: Item, voice: Voice) -> str:
    """Return the value against its threshold, why there is none, or nothing."""
    said, finding = voice.words, item.finding
    if item.level == "grey" or finding.get("state") == "grey":
        return not_assessable(item, voice)
    value, limit, unit = finding.get("value"), finding.get("limit"), str(finding.get("unit") or item.alert.unit)
    if item.reason in CLOSING and (value is None or item.reason != "recovered"):
        return ""  # what was measured last does not say why it ended
    if value is None:
        return reason_text(str(finding.get("reason") or ""), said, voice.zone)
    shown = said.quantity(float(value), unit, None if limit is None else float(limit))
    if limit is None or item.level not in {"amber", "red"}:
        return shown
    return said("against_threshold", value=shown, threshold=said.quantity(float(limit), unit))


def not_assessable(item: Item, voice: Voice) -> str:
    """Return why the rule cannot say anything about the subject."""
    said = voice.words
    reason = str(item.finding.get("reason") or item.alert.unknown_reason)
    missing = re.fullmatch(r"missing (\S+)", reason)
    of = f"of.{item.alert.entity}"
    if missing and said.has(of):
        last = missing[1].rpartition(".")[2]
        keys = (f"the.{missing[1]}", f"the.{item.alert.entity}.{last}", f"the.milestone.{last}", f"the.project.{last}")
        key = next((key for key in keys if said.has(key)), "")
        name = said.quoted(subject_name(item, voice) or plain(item.project_name or item.project_code, NAME))
        if key:
            return said("grey_missing", field=said(key), entity=said(of), name=name)
    return said("grey_because", reason=reason_text(reason, said, voice.zone)) if reason else said("grey").lstrip("○ ")


def _since(item: Item, voice: Voice) -> str:
    said, alert = voice.words, item.alert
    if item.level == "grey" and alert.unknown_since:
        return f"{said('unknown_since')} {said.day(voice.date_of(alert.unknown_since))}"
    if item.level not in {"amber", "red", "grey"}:
        return ""
    since = alert.grey_since if item.level == "grey" else alert.since or alert.opened_at
    return said("level_since", level=said(f"level_{item.level}"), date=said.day(voice.date_of(since))) if since else ""


def _change(item: Item, voice: Voice) -> str:
    """Return what has changed, in words, and the date that somebody promised; nothing for what is new or still open."""
    return ", ".join(text for text in (_moved(item, voice), _promise(item, voice)) if text)


def _promise(item: Item, voice: Voice) -> str:
    """Return the new date that was promised, or that it was not met; a date names nobody."""
    alert = item.alert
    if item.reason in CLOSING or not (alert.new_date or alert.missed_date):
        return ""
    if alert.new_date:
        return voice.words("new_date_promised", date=voice.words.day(alert.new_date))
    return voice.words("promise_missed", date=voice.words.day(alert.missed_date)) if alert.missed_date else ""


def _moved(item: Item, voice: Voice) -> str:
    """Return how it moved; nothing for one that is new or still open, or whose level says its end."""
    said, alert = voice.words, item.alert
    if item.reason == "recovered":
        return _recovered(item, voice)
    if item.reason in {"worsened", "improved"} and item.before in LEVELS and item.before != item.level:
        return said("from_to", before=said(f"from_{item.before}"), after=said(f"to_{item.level}"))
    if item.reason == "unknown" and alert.unknown_since:
        return f"{said('unknown_since')} {said.day(voice.date_of(alert.unknown_since))}"
    if alert.acknowledged_until and not voice.no_names:
        by = f"{said('acknowledged_by')} {plain(alert.acknowledged_by, NAME)}"
        return said("until", text=by, date=said.day(alert.acknowledged_until))
    keys = {"reminded": "reminder", "escalated": "escalation"}
    key = keys.get(item.reason, item.reason)
    return said(key) if key in {"reminder", "escalation", "known_again", "acknowledgement_ended"} else ""


def _recovered(item: Item, voice: Voice) -> str:
    said, opened = voice.words, item.alert.opened_at
    if opened is None:
        return said("recovered")
    closed = item.alert.closed_at or voice.context.now
    days = voice.context.calendar.count(voice.date_of(opened), voice.date_of(closed))
    return said("recovered") if days is None else said("recovered_after", days=said.count("working_day", days))


def _sentence(item: Item, voice: Voice) -> str:
    """Return the glossary's sentence on a figure that was not delivered; nothing for any other alert."""
    if item.level not in {"amber", "red"}:
        return ""
    return missing_figure(item.finding, plain(item.subject_name or item.subject_id, NAME), voice.words)


def _names(item: Item, voice: Voice, said: str) -> dict[str, str]:
    """Return the closed set of names that a person's text may use."""
    unit = str(item.finding.get("unit") or item.alert.unit)
    figures = {name: item.finding.get(name) for name in ("value", "limit")}
    value, limit = (MISSING if one is None else voice.words.quantity(float(one), unit) for one in figures.values())
    return {
        "subject": plain(item.subject_name or item.subject_id, NAME) if not voice.no_names else "",
        "project": plain(item.project_name, NAME),
        "code": plain(item.project_code, NAME),
        "rule": rule_name(item, voice),
        "level": voice.words(f"level_{item.level}"),
        "value": value,
        "threshold": limit,
        "how_much": said,
        "since": _since(item, voice),
    }


def _advice(item: Item, voice: Voice, names: Mapping[str, str]) -> str:
    """Return what the rule's author advises, or ask for cause, action, owner and date of what is newly red."""
    written = voice.own(item.rule.advice)
    if written:
        return fill(plain(written, NOTE), names)
    if item.level != "red" or item.reason not in {"opened", "worsened", "escalated"}:
        return ""
    day = voice.context.calendar.add(voice.today, ANSWER_WITHIN)
    return voice.words("ask", date=voice.words.day(day)) if day else ""


def data_basis(message: Message, voice: Voice) -> str:
    """Return the sentence that names the data and their date; of the findings where the message names none."""
    known = list(message.data_basis) or sorted({one for item in message.items if (one := _basis_of(item.finding))})
    if not known:
        return ""
    said, kinds = voice.words, voice.context.source_kinds
    sources = dict.fromkeys(source for source, _, _ in known)
    used = [kinds.get(source, "") for source in sources]
    dated = [
        said("data_of", source=_source(source, kinds.get(source, ""), used, said), date=_days(known, source, said))
        + (f", {said('status_date_assumed')}" if any(one == source and assumed for one, _, assumed in known) else "")
        for source in sources
    ]
    text = dated[0]
    for last in dated[1:]:
        text = said("semicolon", list=text, last=last)
    return said("data_basis", list=text)


def _days(known: list[tuple[str, date, bool]], source: str, said: Words) -> str:
    """Return the days of a source's data: one, or the oldest and the newest of several plans."""
    days = sorted({day for one, day, _ in known if one == source})
    return said.listed(said.day(day) for day in dict.fromkeys((days[0], days[-1])))


def _basis_of(finding: Mapping[str, Any]) -> tuple[str, date, bool] | None:
    day = as_day(finding.get("as_of"))
    assumed = "assumed" in str(finding.get("as_of_note") or "")
    return (str(finding.get("source") or ""), day, assumed) if day else None


def _source(source: str, kind: str, used: list[str], said: Words) -> str:
    """Return a source as the data basis names it; with its own name where two of a kind are meant."""
    key = f"source.{kind}"
    if not kind or not said.has(key):
        return said("source.other", name=plain(source, NAME))
    return said(key) if used.count(kind) == 1 else f"{said(key)} {said.quoted(plain(source, NAME))}"
