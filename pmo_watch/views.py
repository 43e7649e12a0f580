"""A message as the recipient reads it: title, sections, items, links, and what is expected, before any markup."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote, urlencode

from pmo_watch.alerts import CLOSING, Awaited, Item, Message
from pmo_watch.headlines import counts, how_many, subject, tally, title
from pmo_watch.plain import NAME, NOTE, link, plain
from pmo_watch.standing_views import chart_views, owed_tables, sentences, tables
from pmo_watch.telling import ItemView, MessageView, SectionView
from pmo_watch.wording import (
    LEVELS,
    Voice,
    data_basis,
    in_place_of,
    item_view,
    level_text,
    newly_red,
    role_name,
    worst,
)
from pmo_watch.words import MISSING

_LABELS = (
    *("since", "value", "alert", "project", "expected_action", "all_alerts", "link"),
    *("decision", "decision_awaited", "by_when"),
)
_MOST_MENTIONS = 5
_MOST_LINES, _MOST_TEXTS = 40, 10  # so that whatever else a message holds, it fits without its items
# Parts of a digest in the order they are read, and the reasons that lead there; anything else is still open.
_PARTS: Mapping[str, frozenset[str]] = {
    "section_new": frozenset({"opened"}),
    "section_worse": frozenset({"worsened", "escalated"}),
    "section_better": frozenset({"improved"}),
    "section_ended": frozenset(CLOSING),
    "section_open": frozenset(),
    "section_unknown": frozenset({"unknown"}),
    "section_silenced": frozenset({"silenced"}),
}


def message_view(message: Message, voice: Voice) -> MessageView:
    """Return the message in the recipient's words, whole: what does not fit is left out later."""
    sections = _parts(message, voice) if message.kind == "digest" else _projects(message, voice)
    items = [one for section in sections for one in section.items]
    level = worst([item.level for item in message.items])
    said = voice.words
    heading = title(message, voice)
    summary = _summary(message, sections, voice)
    symbol = _message_level(message, level, voice)
    return MessageView(
        id=message.id,
        kind=message.kind,
        language=said.language,
        level=level,
        level_text=symbol,
        subject=subject(message, voice),
        title=heading,
        summary=summary,
        speak=_spoken(symbol, summary if len(items) == 1 else f"{heading}. {summary}".rstrip(". ")),
        sections=sections,
        data_basis=data_basis(message, voice),
        why_me=_why_me(message, voice),
        more=said("more", n="{n}"),
        links=_links([one.code for one in sections], voice, message),
        mentions=_mentions(message),
        lines=_lines(message, voice),
        expected=_expected(items),
        labels={key: said.beginning(key) for key in _LABELS}
        | {"pair": said("label_value", label="{label}", value="{value}")}
        | {"foot": said("message_number", id=message.id)}
        | {"sent_by": said("sent_by", product="pmo-watch", organisation=voice.context.organisation.name)},
        decisions=tuple(_decision(one, voice) for one in message.decisions[:_MOST_LINES]),
        preheader=_preheader(symbol, items, summary),
        tables=tables(message, voice),
        charts=chart_views(message.standing, voice),
        owed=owed_tables(message, voice),
        recipient=message.recipient,
        recipient_name=plain(message.recipient_name, NAME),
        made_at=voice.context.now,
    )


def _message_level(message: Message, level: str, voice: Voice) -> str:
    """Return symbol and word for the whole message; nothing for one that is about no alert."""
    if not message.items:
        return ""
    texts = {level_text(item, voice) for item in message.items if item.level == level}
    # Several that ended in different ways have only that in common.
    return texts.pop() if len(texts) == 1 else "● " + voice.words.beginning("state_closed")


def _preheader(symbol: str, items: Sequence[ItemView], summary: str) -> str:
    """Return level and value: what a list of messages shows beside a subject that stays the same."""
    parts = [symbol, items[0].change, items[0].how_much] if len(items) == 1 else [symbol, summary]
    return " · ".join(part for part in parts if part)


def _spoken(symbol: str, text: str) -> str:
    level = symbol.lstrip("▲◆●○– ")
    return f"{level}. {text}" if level else text


def _projects(message: Message, voice: Voice) -> tuple[SectionView, ...]:
    """Return one section per project, worst first, its items worst and oldest first."""
    grouped: dict[tuple[str, str], list[Item]] = {}
    for item in sorted(message.items, key=_by_level):
        grouped.setdefault((item.project_code, item.project_name), []).append(item)
    return tuple(_project(items, voice, message) for items in grouped.values())


def _project(items: list[Item], voice: Voice, message: Message) -> SectionView:
    code, name = plain(items[0].project_code, NAME), plain(items[0].project_name, NAME)
    program = plain(items[0].program_name, NAME)
    heading = " · ".join(part for part in (code, name if name != code else "") if part)
    return SectionView(
        code=code,
        name=name,
        program=program if heading else "",
        items=tuple(item_view(item, voice) for item in items),
        heading=heading or program,
        links=_links([code], voice),
    )


def _by_level(item: Item) -> tuple[int, str, str, str]:
    began = item.alert.opened_at
    return LEVELS.index(item.level), item.project_code, began.isoformat() if began else "", item.alert.id


def _parts(message: Message, voice: Voice) -> tuple[SectionView, ...]:
    """Return the parts of a digest that hold anything, each with its number of alerts."""
    found: dict[str, list[Item]] = {key: [] for key in _PARTS}
    for item in message.items:
        found[_part(item)].append(item)
    found["section_open"].sort(key=_by_age)
    # A committee sees how many could not be assessed, and no list of them (spec measures 1.1).
    hidden = {"section_unknown"} if message.no_names else set()
    return tuple(
        SectionView(
            code="",
            name=voice.words.beginning(key),
            program="",
            items=() if key in hidden else tuple(item_view(item, voice) for item in _ordered(key, items)),
            heading=f"{voice.words.beginning(key)} ({len(items)})",
        )
        for key, items in found.items()
        if items
    )


def _part(item: Item) -> str:
    part = next((key for key, reasons in _PARTS.items() if item.reason in reasons), "section_open")
    return "section_unknown" if part == "section_open" and item.level == "grey" else part


def _ordered(key: str, items: list[Item]) -> list[Item]:
    return items if key == "section_open" else sorted(items, key=_by_level)


def _by_age(item: Item) -> tuple[str, str]:
    return item.alert.opened_at.isoformat() if item.alert.opened_at else "", item.alert.id


def _summary(message: Message, sections: tuple[SectionView, ...], voice: Voice) -> str:
    """Return one sentence: the only alert, or how many of which level."""
    if message.kind == "digest":
        return _digest_summary(message, voice)
    if not message.items:
        return ""
    if len(message.items) > 1:
        shown = tally(message.items, voice)
        number = how_many(message, voice)
        return shown if number == title(message, voice) else voice.words.pair(number, shown)
    (only,) = sections[0].items
    return ", ".join(
        part
        for part in (
            voice.words.pair(only.what, only.how_much) if only.how_much else only.what,
            only.change,
            only.since,
        )
        if part
    )


def _digest_summary(message: Message, voice: Voice) -> str:
    """Return the counts: those that the digest brings, else of its own items; grey ones as a sentence of their own."""
    counted = message.counts or Counter(item.level for item in message.items)
    shown = counts({level: counted.get(level, 0) for level in ("red", "amber")}, voice)
    grey = counted.get("not_assessed", 0)
    parts = [shown, voice.words.count("not_assessed_count", grey) if grey else ""]
    return ", ".join(part for part in parts if part)


def _decision(decision: Awaited, voice: Voice) -> tuple[str, str, str]:
    project = plain(decision.project_code or decision.project_name, NAME)
    day = voice.words.short_day(decision.needed_by) if decision.needed_by else MISSING
    return plain(decision.title or decision.id, NAME), project, day


def _lines(message: Message, voice: Voice) -> tuple[str, ...]:
    if message.kind == "test":
        return (
            voice.words("test_text", notifier=plain(message.notifier, NAME)),
            *(plain(one, NOTE) for one in message.lines),
        )
    standing = sentences(message, voice)
    if message.kind == "digest" and not (message.items or message.lines or message.owed or standing):
        return (voice.words("nothing_to_report"),)
    owners = _owners_of_actions(message, voice) if message.kind == "digest" and not message.no_names else ()
    return (*standing, *owners, *_first(message.lines, _MOST_LINES, voice))


def _owners_of_actions(message: Message, voice: Voice) -> tuple[str, ...]:
    """Return one line on how many actions of a digest are overdue by whom, most first; none for a single action."""
    late = [item for item in message.items if item.level in {"amber", "red"} and item.reason not in CLOSING]
    evidence = [item.finding.get("evidence") or {} for item in late if item.finding.get("measure") == "action.overdue"]
    counted = Counter(plain(str(one["owner"]), NAME) for one in evidence if one.get("owner"))
    if counted.total() < 2:
        return ()
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    shown = ", ".join(f"{name} {voice.words.number(number)}" for name, number in ordered)
    return (voice.words("overdue_by_owner", list=shown),)


def _first(lines: Sequence[str], most: int, voice: Voice) -> tuple[str, ...]:
    """Return the first lines, and how many more there are."""
    rest = len(lines) - most
    shown = tuple(plain(line, NOTE) for line in lines[:most])
    return (*shown, voice.words("more", n=voice.words.number(rest))) if rest > 0 else shown


def _expected(items: Iterable[ItemView]) -> tuple[tuple[str, str], ...]:
    """Return each text of what is expected once, with the rule that it belongs to."""
    texts = {item.advice: (item.rule, item.advice) for item in items if item.advice}
    return tuple(texts.values())[:_MOST_TEXTS]


def _why_me(message: Message, voice: Voice) -> str:
    """Return `why you receive this: ...`, in roles where the audience is one, and in whose place."""
    said = voice.words
    names = dict.fromkeys(item.why_me for item in message.items if item.why_me)
    roles = said.listed(role_name(name, voice) for name in names)
    reasons = [one for one in (roles, *(in_place_of(one, voice) for one in message.stands_in)) if one]
    if not reasons:
        return ""
    text = reasons[0]
    for last in reasons[1:]:
        text = said("semicolon", list=text, last=last)
    return said.pair(said.beginning("why_me"), text)


def _links(codes: Sequence[str], voice: Voice, message: Message | None = None) -> dict[str, str]:
    """Return what the reader can open, and for the whole message where to acknowledge it.

    Nothing without an address of our own.
    """
    context, said = voice.context, voice.words
    if not link(context.external_url):
        return {}
    one = codes[0] if len(codes) == 1 and codes[0] else ""
    query = "?" + urlencode({"project": one}) if one else ""
    found = {said.beginning("link"): f"{context.alerts_page}{query}"} if context.alerts_page else {}
    if message and message.items and (acknowledge := context.acknowledge(message)):
        found[said.beginning("acknowledge")] = acknowledge
    if context.grafana_url and one:
        found[said.beginning("dashboard")] = (
            f"{context.grafana_url.rstrip('/')}/d/pmo-project?var-project={quote(one, safe='')}"
        )
    return {label: address for label, address in found.items() if link(address)}


def _mentions(message: Message) -> tuple[tuple[str, str], ...]:
    """Return whom to call in a channel: only for what is newly red, and a name cannot end its own mark."""
    if not newly_red(message):
        return ()
    marks = {ord(sign): None for sign in "<>&"}
    named = ((plain(name, NAME).translate(marks).strip(), plain(account, NAME)) for name, account in message.mentions)
    return tuple((name, account) for name, account in named if name and account)[:_MOST_MENTIONS]
