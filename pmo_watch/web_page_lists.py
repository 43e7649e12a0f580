"""The pages beside alerts: silences, sources, rules, the outbox, and how the daemon itself is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from urllib.parse import quote, urlencode

from pmo_watch.alerts import Silence
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.operations import LONGEST_SILENCE, open_alerts
from pmo_watch.plain import NAME, NOTE, plain
from pmo_watch.silence_preview import Preview
from pmo_watch.silences import going_on, hidden
from pmo_watch.store import OutboxEntry, OutboxQuery, OutboxState
from pmo_watch.web_answers import BadRequest
from pmo_watch.web_reader import Behind, Reader, to_alerts
from pmo_watch.web_view import Act, Cell, Facts, Field, Form, Links, Page, Part, Table, Text
from pmo_watch.words import MISSING, Words, pick

PARTS = ("rule", "project", "entity", "tag")
PER_PAGE, MOST_SHOWN = 50, 50
SENT_AGAIN = frozenset({OutboxState.DEFERRED, OutboxState.REJECTED, OutboxState.EXPIRED, OutboxState.DROPPED})


# --- silences -----------------------------------------------------------------------------------------------------


def silences(behind: Behind, reader: Reader, seen: Preview | None = None) -> Page:
    """Return the silences that go on with what they hide, and a form; `seen`: what one would hide that nobody set."""
    said = reader.words
    current = going_on(behind.store.silences(), behind.now())
    report = behind.report()
    alerts = report.alerts if report else open_alerts(behind.store) if current else ()
    rows = [
        [
            Cell(", ".join(_matched(one, said)), link=_to_hidden(one)),
            Cell(said.number(hidden(one, alerts, behind.in_use.rules.rules))),
            Cell(behind.moment(one.until, said)),
            Cell(plain(one.who, NAME), notes=(plain(one.why, NOTE),)),
        ]
        for one in current
    ]
    head = tuple(said(f"page.{one}") for one in ("silence_what", "hides", "until", "by"))
    ends = [reader.act(f"/silences/{quote(one.id, safe='')}/end", said("page.end"), one.why[:60]) for one in current]
    parts: list[Part] = [_seen(behind, seen, said)] if seen else []
    table = Table(said("page.silences"), head, rows, said("page.no_silences"), ends if reader.may_act else ())
    return Page("silences", said("page.silences"), [*parts, table, *_hush(behind, reader)], reader.said)


def _matched(one: Silence, said: Words) -> Iterator[str]:
    if one.name:
        yield plain(one.name, NAME)
    yield from (
        said.pair(_part(name, said), plain(str(getattr(one, name)), NAME)) for name in PARTS if getattr(one, name)
    )


def _part(name: str, said: Words) -> str:
    return said(name) if name in {"rule", "project"} else said(f"page.{name}")


def _to_hidden(one: Silence) -> str:
    return to_alerts(rule=one.rule, project=one.project) if one.rule or one.project else ""


def _hush(behind: Behind, reader: Reader) -> list[Form]:
    if not reader.may_act:
        return []
    said, typed = reader.words, reader.typed
    today = behind.now().astimezone(behind.zone).date()
    rules = [("", said("page.any")), *((one, one) for one in sorted(behind.in_use.rules.rules))]
    fields = (
        Field("rule", said.beginning("rule"), "select", typed.get("rule", ""), rules),
        *(Field(one, _part(one, said).capitalize(), "text", typed.get(one, "")) for one in PARTS[1:]),
        Field("until", said("page.until"), "date", typed.get("until", ""), least=today.isoformat(),
              most=(today + LONGEST_SILENCE).isoformat(), required=True),
        Field("reason", said("page.reason"), "textarea", typed.get("reason", ""), most="500", required=True),
    )  # fmt: skip
    buttons = [("preview", said("page.preview")), ("set", said.beginning("silence"))]
    return [Form(said("page.new_silence"), "/silences", fields, buttons, reader.token("/silences"))]


def _seen(behind: Behind, seen: Preview, said: Words) -> Part:
    untold = [f"{plain(one.name, NAME)} ({said.number(one.alerts)})" for one in seen.untold[:MOST_SHOWN]]
    note = (said.pair(said("page.untold"), ", ".join(untold)),) if untold else ()
    alerts = [behind.headline(one, said) for one in seen.alerts[:MOST_SHOWN]]
    rest = len(seen.alerts) - len(alerts)
    more = (said("more", n=said.number(rest)),) if rest > 0 else ()
    return Text(said("page.would_hide", n=said.number(len(seen.alerts))), (*alerts, *more, *note))


# --- sources ------------------------------------------------------------------------------------------------------


def sources(behind: Behind, reader: Reader) -> Page:
    """Return what is known of each source."""
    said = reader.words
    rows = [
        [
            Cell(plain(name, NAME), notes=(one.kind,)),
            _fares(one, said),
            Cell(behind.moment(one.last_good, said)),
            Cell(said.short_day(one.as_of) if one.as_of else MISSING),
            Cell(said.number(one.rows), notes=_rejected(one, said)),
        ]
        for name, one in sorted(behind.store.sources().items())
    ]
    known = (said.beginning("source"), said("page.state"), said.beginning("last_read"))
    head = (*known, said("page.as_of"), said("page.rows"))
    return Page("sources", said("page.sources"), [Table(said("page.sources"), head, rows, said("page.no_sources"))])


def trouble_of(one: SourceState, said: Words) -> str:
    """Say what is wrong with a source; nothing where all is well."""
    if one.held:
        return said.pair(said("page.held"), plain(one.held, NOTE))
    if one.outcome == Outcome.FAILED:
        return said.pair(said("page.failing"), plain(one.error, NOTE) or MISSING)
    return said("page.never_read") if one.outcome is None else ", ".join(_rejected(one, said))


def _fares(one: SourceState, said: Words) -> Cell:
    trouble = trouble_of(one, said)
    if not trouble:
        return Cell(said("page.well"), "green")
    level = "red" if one.outcome == Outcome.FAILED else "amber"
    return Cell(said("page.look"), level, notes=(trouble,))


def _rejected(one: SourceState, said: Words) -> tuple[str, ...]:
    return (said("page.rejected", n=said.number(one.rejected)),) if one.rejected else ()


# --- rules --------------------------------------------------------------------------------------------------------


def rules(behind: Behind, reader: Reader) -> Page:
    """Return the rules in force, and the files that keep an older version with what is wrong with the present one."""
    said, known = reader.words, behind.in_use.rules
    opened = behind.store.open_by_rule()
    parts: list[Part] = [
        Text(f"{said(f'page.{kind}_file')}: {plain(name, NAME)}", text.splitlines(), verbatim=True)
        for kind, files in (("stale", known.stale_files), ("unused", known.unused_files))
        for name, text in sorted(files.items())
    ]
    rows = [
        [
            Cell(one.id, link=to_alerts(rule=one.id), notes=(plain(pick(one.name, said.language), NAME),)),
            Cell(said.number(opened.get(one.id, 0))),
            Cell(said("page.on" if one.enabled else "page.off")),
            Cell(", ".join(plain(tag, NAME) for tag in one.tags) or MISSING),
            Cell(f"{plain(one.file, NAME)}:{one.line}" if one.file else MISSING),
        ]
        for one in sorted(known.rules.values(), key=lambda one: one.id)
    ]
    head = (said.beginning("rule"), said("page.alerts"), said("page.state"), said("page.tags"), said("page.file"))
    return Page("rules", said("page.rules"), [*parts, Table(said("page.rules"), head, rows, said("page.no_rules"))])


# --- the outbox ---------------------------------------------------------------------------------------------------


def outbox(behind: Behind, reader: Reader) -> Page:
    """Return messages without what they say, newest first; those that did not leave can be sent again.

    Raises:
        BadRequest: a state that there is not, or a message to go on from that is gone.
    """
    said, state, after = reader.words, reader.given.get("state", ""), reader.given.get("after", "")
    if state not in {"", *OutboxState}:
        raise BadRequest(f"state: one of {', '.join(OutboxState)}")
    if after and behind.store.message(after) is None:
        raise BadRequest("after: that message is gone: begin again without it")
    query = OutboxQuery([OutboxState(state)] if state else (), limit=PER_PAGE + 1, after=after)
    found = behind.store.outbox(query)
    shown = found[:PER_PAGE]
    head = (said("page.recipient"), said("page.message"), said("page.when"), said("page.state"))
    acts = [_again(one, reader) for one in shown] if reader.may_act else ()
    table = Table(
        said("page.outbox"), head, [_message(behind, one, said) for one in shown], said("page.no_messages"), acts
    )
    states = [("", said("page.any")), *((one.value, said(f"page.outbox.{one}")) for one in OutboxState)]
    chosen = Form(
        "", "/outbox", [Field("state", said("page.state"), "select", state, states)], [("", said("page.show"))]
    )
    parts: list[Part] = [chosen, table]
    if len(found) > PER_PAGE:
        link = "/outbox?" + urlencode({"state": state, "after": shown[-1].id})
        parts.append(Links(said("page.further"), [(said("page.next"), link)]))
    return Page("outbox", said("page.outbox"), parts, reader.said)


def _message(behind: Behind, one: OutboxEntry, said: Words) -> Sequence[Cell]:
    tried = (said("page.attempts", n=said.number(one.attempts)),) if one.attempts > 1 else ()
    answer = (plain(one.answer, NOTE),) if one.answer and one.state != OutboxState.ACCEPTED else ()
    return (
        Cell(plain(one.recipient_name or one.address or one.recipient, NAME), notes=(plain(one.notifier, NAME),)),
        Cell(plain(one.subject, NAME), notes=(one.id[:12],)),
        Cell(behind.moment(one.settled_at or one.due, said)),
        Cell(said(f"page.outbox.{one.state}"), notes=(*tried, *answer)),
    )


def _again(one: OutboxEntry, reader: Reader) -> Act | None:
    path = f"/outbox/{quote(one.id, safe='')}/retry"
    button = reader.words("page.retry")
    return reader.act(path, button, plain(one.recipient_name or one.address, NAME)) if one.state in SENT_AGAIN else None


# --- the daemon ---------------------------------------------------------------------------------------------------


def status(behind: Behind, reader: Reader) -> Page:
    """Return whether the daemon is ready, what runs in which version, and the settings without their secrets."""
    said, report = reader.words, behind.report()
    waiting = behind.waiting_for()
    ready = said.pair(said("page.waits_for"), ", ".join(waiting)) if waiting else said("page.is_ready")
    finished = behind.moment(report.ended, said) if report else said("page.follows")
    pairs = [
        (said("page.state"), Cell(ready, "amber" if waiting else "green")),
        (said("page.last_cycle"), Cell(finished)),
        *((name, Cell(version)) for name, version in behind.in_use.versions.items()),
    ]
    settings: list[Part] = [
        Facts(
            f"{said('page.settings')}: {name}",
            [(key, Cell(text)) for key, text in _flat(value, "" if isinstance(value, Mapping) else name)]
            or [(name, Cell(MISSING))],
        )
        for name, value in behind.in_use.settings.items()
    ]
    return Page("status", said("page.status"), [Facts("", pairs), *settings])


def _flat(value: object, name: str = "") -> list[tuple[str, str]]:
    """Return a value of the settings as names and texts; what is empty is left out."""
    if isinstance(value, Mapping):
        return [pair for key, one in value.items() for pair in _flat(one, f"{name}.{key}" if name else str(key))]
    if value in (None, "", [], ()):
        return []
    if isinstance(value, str):
        return [(name, plain(value, NOTE))]
    return [(name, plain(json.dumps(value, default=str, ensure_ascii=False), NOTE))]


def day_of(text: str) -> date:
    """Read the day of a form.

    Raises:
        ValueError
    """
    return date.fromisoformat(text.strip())
