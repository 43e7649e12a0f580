"""Subjects and titles of messages, by the patterns of the glossary and of spec channels 2.4."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pmo_watch.alerts import CLOSING, Alert, Item, Message
from pmo_watch.audiences import PERSONAL
from pmo_watch.plain import NAME, TITLE, plain, shorten
from pmo_watch.rules import Rule
from pmo_watch.wording import LEVELS, RenderContext, Voice, how_much, rule_name, slips, what, worst
from pmo_watch.words import words

_SHORTEST_NAME = 12  # a subject's name is cut to this before the end of the line is


def subject(message: Message, voice: Voice) -> str:
    """Return the full subject: state word, project, rule with its subject, value; for a digest its date."""
    if message.kind == "test":
        return f"{voice.words('subject_test')} {title(message, voice)}"
    if message.kind != "alert" or not message.items:
        return shorten(_undated(message, voice), TITLE)
    return _fitting(message, voice, f"{_state_word(message, voice)} ", with_value=True)


def thread_subject(message: Message, voice: Voice) -> str:
    """Return the subject that all messages of a thread bear: without state word and value."""
    if message.thread_subject:
        return message.thread_subject
    if message.kind != "alert" or not message.items:
        return subject(message, voice)
    return _fitting(message, voice, "", with_value=False)


def title(message: Message, voice: Voice) -> str:
    """Return the heading: the rule of a message about one rule, else what it holds."""
    said = voice.words
    if message.kind == "test":
        return said("test_title")
    if message.kind == "digest":
        return f"{_digest_name(message, voice)}, {said.weekday(message.day or voice.today)}"
    if message.kind == "notice" or not message.items:
        return plain(message.title, TITLE)
    rules = {item.rule.id for item in message.items}
    return rule_name(message.items[0], voice) if len(rules) == 1 else how_many(message, voice)


def alert_line(rules: Mapping[str, Rule], alert: Alert, language: str) -> str:
    """Return an open alert in one line: the rule with its subject, and the value."""
    rule = rules.get(alert.rule)
    if rule is None:
        return alert.rule
    voice = Voice(words(language), UTC, RenderContext(alert.since or datetime.fromtimestamp(0, UTC)))
    figures = {"value": alert.value, "unit": alert.unit}
    names = (alert.subject_id, alert.subject_name, alert.project_code, "")
    item = Item(alert, rule, "open", alert.level or "amber", "", *names, finding=figures)
    shown, said = what(item, voice), how_much(item, voice)
    return voice.words.pair(shown, said) if said else shown


def tally(items: Iterable[Item], voice: Voice) -> str:
    """Return how many alerts have which level: 2 red, 4 amber."""
    return counts(Counter(item.level for item in items), voice)


def counts(counted: Mapping[str, int], voice: Voice) -> str:
    """Return numbers of alerts by level, worst first."""
    shown = (level for level in LEVELS if counted.get(level))
    return ", ".join(voice.words.count(f"{level}_count", counted[level]) for level in shown)


def _undated(message: Message, voice: Voice) -> str:
    if message.kind == "digest":
        return f"{_digest_name(message, voice)} {(message.day or voice.today).isoformat()}"
    return title(message, voice)


def _digest_name(message: Message, voice: Voice) -> str:
    key = f"digest_{message.digest}"
    return voice.words.beginning(key) if voice.words.has(key) else plain(message.digest, NAME)


def _state_word(message: Message, voice: Voice) -> str:
    said = voice.words
    if all(item.reason in CLOSING for item in message.items):
        recovered = all(item.reason == "recovered" for item in message.items)
        return said("subject_recovered" if recovered else "subject_closed")
    return said(f"subject_{worst([item.level for item in message.items])}")


def how_many(message: Message, voice: Voice) -> str:
    """Return how many alerts in how many projects."""
    said = voice.words
    alerts = said.count("alert_count", len(message.items))
    projects = len({item.project_code for item in message.items})
    if projects == 1:
        return alerts
    return said("alerts_in_projects", alerts=alerts, projects=said.count("project_count", projects))


def _fitting(message: Message, voice: Voice, state: str, *, with_value: bool) -> str:
    """Return a subject of at most 120 characters; the subject's name gives way first, then the end."""
    if len({item.project_code for item in message.items}) > 1:
        return shorten(state + how_many(message, voice), TITLE)
    first = min(message.items, key=lambda item: LEVELS.index(item.level))
    others = len(message.items) - 1
    code = plain(first.project_code or first.project_name, NAME)
    start = f"{state}{code} " if code else state
    end = f" (+{others})" if others else ""
    line = _line(first, voice, NAME, with_value=with_value)
    longest = TITLE - len(start) - len(end)
    if len(line) > longest:
        name = len(plain(first.subject_name or first.subject_id, NAME))
        line = _line(first, voice, max(_SHORTEST_NAME, name - (len(line) - longest)), with_value=with_value)
    return shorten(start, TITLE // 2) + shorten(line, longest) + end


def _line(item: Item, voice: Voice, longest: int, *, with_value: bool) -> str:
    said = voice.words
    value = item.finding.get("value")
    open_value = with_value and value is not None and item.reason not in CLOSING and item.level in {"amber", "red"}
    unit = str(item.finding.get("unit") or item.alert.unit)
    shown = said.quantity(float(value), unit) if open_value and value is not None else ""
    if slipping := slips(item, voice, longest):
        return (
            said("subject.milestone.slip", what=slipping, value=shown)
            if shown
            else said("thread.milestone.slip", what=slipping)
        )
    # Others than its reader see a subject: whoever looks at the outbox, or at a screen on which mail arrives.
    text = rule_name(item, voice) if item.alert.entity == PERSONAL else what(item, voice, longest)
    if shown:
        return said.pair(text, shown)
    return text if not with_value or value is not None else _with_reason(text, item, voice)


def _with_reason(text: str, item: Item, voice: Voice) -> str:
    reason = how_much(item, voice) if item.level == "red" else ""
    return voice.words.pair(text, reason) if reason else text
