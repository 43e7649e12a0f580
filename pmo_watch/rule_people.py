"""Whom a rule tells and when: audiences, digests, and what `defaults:` may say for all rules of a file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date

from pydantic import TypeAdapter

from pmo_watch.entities import ENTITIES
from pmo_watch.entities.shared import ROLES
from pmo_watch.faults import did_you_mean, or_known, quoted
from pmo_watch.rule_page import Keys, Page, Reference
from pmo_watch.rule_shape import AudienceShape, Common, DigestShape, NoDataShape, RemindShape
from pmo_watch.rule_values import Misread, Part, read_span
from pmo_watch.rules import Audience, Digest, Escalation, NoData, Reminder, Span

AUDIENCE: TypeAdapter[AudienceShape] = TypeAdapter(AudienceShape)
DIGEST: TypeAdapter[DigestShape] = TypeAdapter(DigestShape)

DERIVED_ROLES = (  # spec model 3.6: of the row that the alert is about
    *("risk_owner", "issue_owner", "decision_owner", "action_owner", "document_owner", "milestone_owner", "assignee"),
)
AT_ONCE, NEVER = "at once", "never"
DELIVERY_LEVELS = ("amber", "red", "grey")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = ("every working day", *WEEKDAYS, "first working day of month")
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
BEFORE = re.compile(r"(\d{1,3})\s*wd\s+before\s+(\S+)$")
EVERY = re.compile(r"every\s+(?=\d)")


def _words_of(entity: str, name: str) -> tuple[str, ...]:
    found = ENTITIES[entity].field(name)
    return found.one_of if found else ()


BODIES = (*_words_of("meeting", "kind"), *_words_of("gate", "code"))


@dataclass(frozen=True, slots=True)
class Shared:
    """What a rule says of itself or takes from the file's defaults; None: it says nothing."""

    confirm_after: Span | None = None
    no_data: NoData | None = None
    tell: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    escalate: tuple[Escalation, ...] | None = None
    remind: Reminder | None = None
    tags: tuple[str, ...] | None = None
    enabled: bool | None = None
    review_by: date | None = None

    def over(self, defaults: "Shared") -> "Shared":
        """Return what a rule says, and where it says nothing the defaults; `tell` level by level."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        merged = {name: getattr(defaults, name) if value is None else value for name, value in said.items()}
        merged["tell"] = tuple({**dict(defaults.tell or ()), **dict(self.tell or ())}.items())
        return Shared(**merged)


def shared(page: Page, keys: Keys, shape: Common) -> Shared:
    """Return what the keys that `defaults:` may hold say, at the place they stand."""
    return Shared(
        confirm_after=page.read((*keys, "confirm_after"), _confirm) if shape.confirm_after is not None else None,
        no_data=_no_data(page, (*keys, "no_data"), shape.no_data),
        tell=_tell(page, (*keys, "tell"), shape),
        escalate=_escalate(page, (*keys, "escalate"), shape),
        remind=_remind(page, (*keys, "remind"), shape.remind),
        tags=None if shape.tags is None else tuple(dict.fromkeys(tag for tag in shape.tags if tag is not None)),
        enabled=shape.enabled,
        review_by=shape.review_by,
    )


def _confirm(text: str) -> Span:
    return read_span(text, "evaluations", "wd", "h", "d")


def _wait(text: str) -> Span:
    return read_span(text, "wd", "h", "d")


def _no_data(page: Page, keys: Keys, shape: str | NoDataShape | None) -> NoData | None:
    if shape is None:
        return None
    if not isinstance(shape, NoDataShape):
        return NoData(shape)  # type: ignore[arg-type]  # the shape has checked the word
    after = page.read((*keys, "after"), _wait) if shape.after is not None else None
    return NoData(shape.state, after, shape.because or "")


def _tell(page: Page, keys: Keys, shape: Common) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    if shape.tell is None:
        return None
    given = ((level, getattr(shape.tell, level)) for level in DELIVERY_LEVELS)
    return tuple((level, _names(page, (*keys, level), names)) for level, names in given if names is not None)


def _names(page: Page, keys: Keys, names: str | Sequence[str | None]) -> tuple[str, ...]:
    """Return names of audiences, and note them to be looked up once all files are read."""
    if isinstance(names, str):
        page.references.append(Reference("audience", names, page.place(keys)))
        return (names,)
    for number, name in enumerate(names):
        if name is not None:
            page.references.append(Reference("audience", name, page.place((*keys, number))))
    return tuple(dict.fromkeys(name for name in names if name is not None))


def _escalate(page: Page, keys: Keys, shape: Common) -> tuple[Escalation, ...] | None:
    if shape.escalate is None:
        return None
    steps: list[Escalation] = []
    for number, step in enumerate(shape.escalate):
        if step is None:
            continue
        to = _names(page, (*keys, number, "to"), step.to)
        after = page.read((*keys, number, "after"), lambda text: read_span(text, "wd"))
        if after is not None:
            steps.append(Escalation(after, step.while_, to))
    return tuple(steps)


def _remind(page: Page, keys: Keys, shape: str | RemindShape | None) -> Reminder | None:
    if shape is None:
        return None
    if isinstance(shape, str):
        every = page.read(keys, _every)
        return Reminder(every) if every else None
    return Reminder(
        every=page.read((*keys, "every"), _days) if shape.every is not None else None,
        before=page.read((*keys, "before"), _days) if shape.before is not None else None,
        to=_names(page, (*keys, "to"), shape.to) if shape.to is not None else (),
    )


def _days(text: str) -> Span:
    return read_span(text, "wd", "d")


def _every(text: str) -> Span:
    part = Part.of(text)
    found = EVERY.match(part.text)
    if found is None:
        raise part.wrong(f"{quoted(part.text)} is not a reminder; write it as in `every 5 wd`, or {{before: 1 wd}}")
    try:
        return _days(part.text[found.end() :])
    except Misread as error:
        raise part.wrong(error.text, found.end() + error.offset) from None


def audience(page: Page, name: str) -> Audience | None:
    """Return an audience of the file; None with faults when it cannot be made out."""
    keys = ("audiences", name)
    shape = page.shaped(keys, AUDIENCE)
    if shape is None:
        return None
    given = [kind for kind in ("role", "email", "notifier") if kind in page.data(keys)]
    if len(given) != 1:
        has = "none of them" if not given else " and ".join(given)
        page.wrong_key(keys, f"an audience is a role, an email or a notifier; {quoted(name)} has {has}")
    if shape.role is not None and shape.role not in (*ROLES, *DERIVED_ROLES):
        near = did_you_mean(shape.role, (*ROLES, *DERIVED_ROLES)) or f"; roles: {', '.join(ROLES)}"
        page.wrong((*keys, "role"), f"there is no role {quoted(shape.role)}{near}")
    if shape.notifier is not None and shape.notifier not in page.catalogue.notifiers:
        near = or_known(shape.notifier, sorted(page.catalogue.notifiers))
        page.wrong((*keys, "notifier"), f"the settings have no notifier {quoted(shape.notifier)}{near}")
    deliver = {level: _delivery(page, (*keys, level), getattr(shape, level)) for level in DELIVERY_LEVELS}
    return Audience(
        name,
        shape.role or "",
        shape.email or "",
        shape.notifier or "",
        {level: how for level, how in deliver.items() if how},
        shape.empty == "send",
        shape.language or "",
    )


def _delivery(page: Page, keys: Keys, how: str | None) -> str:
    if how is None:
        return ""
    written = " ".join(how.split()).lower()
    if written in {AT_ONCE, NEVER}:
        return written
    page.references.append(Reference("digest", how, page.place(keys)))
    return how


def digest(page: Page, name: str) -> Digest | None:
    """Return a digest of the file; None with faults when it cannot be made out."""
    keys = ("digests", name)
    shape = page.shaped(keys, DIGEST)
    if " ".join(name.split()).lower() in {AT_ONCE, NEVER}:
        page.wrong_key(keys, f"{quoted(name)} has a meaning of its own; give the digest another name")
    if shape is None:
        return None
    usual = Digest(name)
    at = page.read((*keys, "at"), _time) if shape.at is not None else usual.at
    on = page.read((*keys, "on"), _on) if shape.on is not None else usual.on
    return Digest(name, at, on) if at and on else None


def _time(text: str) -> str:
    if not TIME.fullmatch(text.strip()):
        raise Misread(f'{quoted(text)} is not a time of day; write it as in "08:30"')
    return text.strip()


def _on(text: str) -> str:
    """Return the day a digest leaves on, in its one spelling."""
    part = Part.of(text)
    written = " ".join(part.text.lower().split())
    if written in DAYS:
        return written
    found = BEFORE.match(part.text)
    if found is None:
        near = did_you_mean(written, DAYS) or f"; write {', '.join(DAYS)} or `5 wd before steering_committee`"
        raise part.wrong(f"{quoted(part.text)} is not a day that a digest can leave on{near}")
    if found[2] not in BODIES:
        raise part.wrong(f"there is no gate or meeting {quoted(found[2])}{or_known(found[2], BODIES)}", found.start(2))
    return f"{found[1]} wd before {found[2]}"
