"""A scenario as the text of its file: a row to a line, a day to a few."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from pmo_watch.scenario import ExpectedMessage, Hushed, Moment, Named, Scenario
from pmo_watch.yaml_nodes import scalar

PLAIN = re.compile(r"[^\W\d_]([\w./@ -]*[\w.])?")  # what needs no quotes, inside of brackets too
WIDTH = 110


def scenario_text(scenario: Scenario, head: str = "") -> str:
    """Return the file that says this; `head`: a comment in front."""
    lines = [f"# {one}" for one in head.splitlines()]
    lines += [f"test: {value(scenario.name)}", f"rules: {value(list(scenario.rules))}"]
    if scenario.calendar:
        lines.append(f"calendar: {value(scenario.calendar)}")
    lines += ["given:", *_rows(scenario.given, "  "), "days:"]
    for moment in scenario.moments:
        lines += _day(moment)
    return "\n".join(lines) + "\n"


def value(written: object) -> str:
    """Return a value in YAML, on one line."""
    if isinstance(written, Mapping):
        return "{" + ", ".join(f"{value(name)}: {value(one)}" for name, one in written.items()) + "}"
    if isinstance(written, (list, tuple)):
        return "[" + ", ".join(map(value, written)) + "]"
    if written is None:
        return "null"
    if isinstance(written, bool):
        return "true" if written else "false"
    if isinstance(written, datetime):
        return written.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").replace(".000000Z", "Z")
    if isinstance(written, Decimal):
        text = format(written, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(written, (int, float, date)):
        return str(written)
    text = str(written)
    is_plain = PLAIN.fullmatch(text) and isinstance(scalar(text), str)
    return text if is_plain else json.dumps(text, ensure_ascii=False)


def _rows(rows: Iterable[Named], indent: str) -> Iterator[str]:
    """Yield rows below their entities."""
    by: dict[str, list[Named]] = {}
    for one in rows:
        by.setdefault(one.called, []).append(one)
    for called, some in by.items():
        yield f"{indent}{called}:"
        yield from (f"{indent}  - {value(_written(one))}" for one in some)


def _written(one: Named) -> dict[str, object]:
    left_out = {"key", "is_milestone"} if one.called != one.entity else {"key"}
    usual = {name for name in ("id", "code") if one.row.get(name) == one.uid}
    fields = {name: each for name, each in one.row.items() if name not in left_out | usual and each is not None}
    return {"uid": one.uid, **fields}


def _day(moment: Moment) -> list[str]:
    when = f"{moment.day} {moment.at:%H:%M}" if isinstance(moment.at, time) else str(moment.day)
    parts = [f"{name}: {value(said)}" for name, said in _happens(moment)]
    added = list(_rows(moment.added, "        "))
    short = f"  - {when}: {{{', '.join(parts)}}}"
    if len(short) <= WIDTH and not added:
        return [short]
    lines = [f"  - {when}:"]
    if added:
        lines += ["      add:", *added]
    for name, said in _happens(moment):
        one = f"      {name}: {value(said)}"
        lines += [one] if len(one) <= WIDTH or not isinstance(said, (dict, list)) else _long(name, said)
    return lines


def _long(name: str, said: Mapping[str, object] | Sequence[object]) -> list[str]:
    if isinstance(said, Mapping):
        return [f"      {name}:", *(f"        {value(one)}: {value(each)}" for one, each in said.items())]
    return [f"      {name}:", *(f"        - {value(each)}" for each in said)]


def _happens(moment: Moment) -> Iterator[tuple[str, object]]:
    """Yield what is said of a day, and no key of which there is nothing to say."""
    said: dict[str, object] = {
        "source": "" if moment.source == "back" else moment.source,
        "ack": {
            one.uid: _given(until=one.until, by=one.by, why=one.why, rule=one.rule, new_date=one.new_date)
            for one in moment.acknowledged
        },
        "silence": list(map(_hushed, moment.hushed)),
        "change": _changed(moment),
        "remove": list(moment.removed),
        "expect": _expected(moment),
    }
    yield from ((name, one) for name, one in said.items() if one)
    if moment.messages is not None:
        yield "messages", [_message(one) for one in moment.messages]


def _hushed(one: Hushed) -> dict[str, object]:
    parts = {name: getattr(one, name) for name in ("rule", "project", "entity", "tag")}
    return _given(until=one.until, by=one.by, why=one.why, **parts)


def _changed(moment: Moment) -> dict[str, object]:
    found: dict[str, dict[str, object]] = {}
    for one in moment.changes:
        found.setdefault(one.uid, {}).update(one.values)
    return dict(found)


def _expected(moment: Moment) -> dict[str, object]:
    found: dict[str, dict[str, str] | str] = {}
    for one in moment.states:
        by_rule = found.setdefault(one.uid, {})
        if one.rule and isinstance(by_rule, dict):
            by_rule[one.rule] = one.state
        else:
            found[one.uid] = one.state
    return dict(found)


def _message(one: ExpectedMessage) -> dict[str, object]:
    return _given(to=one.to, language=one.language, reason=one.reason, level=one.level, channel=one.channel,
                  digest=one.digest, contains=list(one.contains))  # fmt: skip


def _given(**parts: object) -> dict[str, object]:
    return {name: one for name, one in parts.items() if one not in ("", None, [])}
