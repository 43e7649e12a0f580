"""What every message of a cycle is made with: who is told, what an alert is called, how a message is put together."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from pmo_watch.alerts import Alert, Item, Message, Reason, Silence, StandIn, Told
from pmo_watch.audiences import PERSONAL, PMO, Audiences, Channels, Recipient, absent_until, reads_of_persons
from pmo_watch.flow import Snapshot
from pmo_watch.news import News
from pmo_watch.own_rules import ICT
from pmo_watch.rules import Rule, RuleSet
from pmo_watch.silences import is_silenced
from pmo_watch.subjects import Subjects
from pmo_watch.told import ToldBook

AT_ONCE, NEVER = "at once", "never"
WORST_FIRST = ("red", "amber", "grey", "green")
MOST_MENTIONS = 5  # spec channels 3.3


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """The rules, the snapshot, the book of what was told; `held` and `unresolved` count while messages are made.

    `former`: the rules in force before, which name a rule that is gone and its owner. `unsent`: alert, recipient and
    notifier of beginnings that wait for their hour, and are taken back if the alert ends before.
    """

    rules: RuleSet
    former: RuleSet
    snapshot: Snapshot
    channels: Channels
    subjects: Subjects
    audiences: Audiences
    silences: Sequence[Silence]
    book: ToldBook
    held: Counter[str] = field(default_factory=Counter)
    unresolved: Counter[str] = field(default_factory=Counter)
    unsent: set[tuple[str, str, str]] = field(default_factory=set)

    def rule(self, rule_id: str) -> Rule:
        """Return the rule, as it was when it is gone, by its id alone when nobody knows it any more."""
        known = self.rules.rules.get(rule_id) or self.former.rules.get(rule_id)
        return known or Rule(rule_id, {self.snapshot.organisation.language: rule_id}, "", ())

    def how(self, audience: str, level: str) -> str:
        """Return how an audience is told of a level: at once, a digest's name, never."""
        known = self.rules.audiences.get(audience)
        if known is None:
            return AT_ONCE  # the PMO and the ICT unit are told even where no rule file says how
        usual = AT_ONCE if level == "grey" or audience == ICT else NEVER
        return known.deliver.get(level, usual)

    def _role(self, audience: str) -> str:
        """Return the role behind an audience, which readers know and languages have a word for, else its name."""
        known = self.rules.audiences.get(audience)
        return known.role if known and known.role else audience

    def whom(self, audience: str, alert: Alert) -> tuple[Recipient, ...]:
        """Return who stands behind the audience for this alert; whoever answers for the rule where that is nobody."""
        found = self.audiences.resolve(audience, self.subjects.of(alert))
        if found.vacant:
            self.unresolved[audience] += 1
        if alert.entity == PERSONAL:
            return found.recipients
        return found.recipients or self.audiences.owner(self.rule(alert.rule).owner)

    def absent_until(self, recipient: Recipient) -> date | None:
        """Return the last day of the absence that keeps the recipient from reading what is sent now; None: there."""
        return absent_until(recipient, self.snapshot.now, self.channels)

    def stand_in(self, absent: Recipient, alert: Alert | None = None) -> Recipient | None:
        """Return who is told of the alert in the place of somebody absent; None: nobody can, or nobody is absent."""
        if not absent.away:
            return None
        found = self.audiences.stand_in(absent, self.snapshot.now)
        if found and alert and not self.audiences.may_read(found, self.subjects.of(alert)):
            return None
        return found

    def for_nobody(self, absent: Recipient, alert: Alert) -> tuple[Recipient, ...]:
        """Return the PMO as told in the place of somebody absent who has no deputy; nobody for what few may read."""
        if alert.entity == PERSONAL:
            return ()
        stands_in = StandIn(absent.id, absent.name, self.absent_until(absent))
        found = self.audiences.resolve(PMO, self.subjects.of(alert)).recipients
        return tuple(replace(one, stands_in=stands_in) for one in found if one.key != absent.key)

    def counted(self, audience: str, alert: Alert) -> bool:
        """Say whether an audience may know that there is such an alert, and not whom it is about."""
        known = self.rules.audiences.get(audience)
        return alert.entity == PERSONAL and reads_of_persons(known) != "names"

    def silenced(self, alert: Alert) -> bool:
        """Say whether messages about the alert are held back now."""
        return is_silenced(alert, self.rules.rules.get(alert.rule), self.silences)

    def language(self, recipient: Recipient, alerts: Iterable[Alert]) -> str:
        """Return the recipient's language, else the one that all projects have, else the organisation's."""
        spoken = {self.subjects.of(alert).language for alert in alerts}
        return recipient.language or (spoken.pop() if len(spoken) == 1 else self.snapshot.organisation.language)

    def items(self, news: Iterable[News], language: str) -> tuple[Item, ...]:
        """Return what a message says of each alert: project by project, worst first."""
        return _in_order([self._item(one, language) for one in news])

    def with_items(self, message: Message, items: Iterable[Item]) -> Message:
        """Return a message that says these items instead of its own."""
        said = _in_order(list(items))
        standing_in = dict.fromkeys([*message.stands_in, *(one.stands_in for one in said if one.stands_in)])
        return replace(message, items=said, data_basis=self._data_basis(said), stands_in=tuple(standing_in))

    def _item(self, news: News, language: str) -> Item:
        alert, subject = news.alert, self.subjects.of(news.alert)
        level = "grey" if news.reason == Reason.UNKNOWN or alert.level is None else alert.level
        project, program = subject.project, subject.program
        return Item(
            alert=alert,
            rule=self.rule(alert.rule),
            reason=news.reason,
            level="green" if news.closes else level,
            before=news.before,
            subject_id=subject.id,
            subject_name=subject.names.get(language, subject.name),
            project_code=project.code if project else alert.project_code,
            project_name=project.name if project else alert.project_code,
            program_name=program.name if program else "",
            url=subject.text("url"),
            finding=news.finding,
            why_me=self._role(PMO if news.stands_in and news.stands_in.role else news.audience),
            stands_in=news.stands_in,
        )

    def elsewhere(self, recipient: Recipient, broken: Collection[str]) -> Recipient | None:
        """Return the recipient over a channel that works; the first one that posts where no other has an address."""
        if recipient.notifier not in broken:
            return recipient
        addressed = (one for one in self.channels.addressed if one not in broken and recipient.address)
        if other := next(addressed, ""):
            return replace(recipient, notifier=other)
        posted = next((one for one in self.channels.posted if one not in broken), "")
        said = self.channels.languages.get(posted, recipient.language)
        return (
            replace(recipient, id=posted, name=posted, notifier=posted, address="", language=said) if posted else None
        )

    def message(
        self, recipient: Recipient, kind: Literal["alert", "digest", "notice"], identity: str, news: Sequence[News]
    ) -> Message:
        """Return a message that says this news, and nothing else yet."""
        language = self.language(recipient, [one.alert for one in news])
        items = self.items(news, language)
        stands_in = [item.stands_in for item in items] or [recipient.stands_in]
        return Message(
            id=identity,
            kind=kind,
            recipient=recipient.id,
            recipient_name=recipient.name,
            notifier=recipient.notifier,
            address=recipient.address,
            language=language,
            zone=recipient.zone,
            items=items,
            fallback=self._fallback(recipient, items),
            data_basis=self._data_basis(items),
            stands_in=tuple(dict.fromkeys(one for one in stands_in if one is not None)),
        )

    def _fallback(self, recipient: Recipient, items: Iterable[Item]) -> str:
        """Return the channel that takes over; none that others read where the message says something of one person."""
        personal = any(one.alert.entity == PERSONAL for one in items)
        return "" if personal and recipient.fallback in self.channels.posted else recipient.fallback

    def _data_basis(self, items: Iterable[Item]) -> tuple[tuple[str, date, bool], ...]:
        found: dict[tuple[str, date], bool] = {}
        for item in items:
            source = str(item.finding.get("source") or item.alert.source)
            day = item.finding.get("as_of")
            # What was kept as text while the message waited is a text now.
            day = date.fromisoformat(day) if isinstance(day, str) else day or self._as_of(source)
            if source and isinstance(day, date):
                assumed = "assumed" in str(item.finding.get("as_of_note") or "")
                found[source, day] = found.get((source, day), False) or assumed
        return tuple((source, day, assumed) for (source, day), assumed in sorted(found.items()))

    def _as_of(self, source: str) -> date | None:
        state = self.snapshot.sources.get(source)
        return state.as_of if state else None

    def told(self, recipient: Recipient, news: News, digest: str = "", thread: str = "") -> Told:
        """Return what is noted of a recipient who hears this news."""
        alert = news.alert
        language = self.language(recipient, [alert])
        return Told(
            alert.id,
            recipient.id,
            recipient.notifier,
            recipient.address,
            news.audience,
            language,
            self.snapshot.now,
            alert.level or "",
            digest,
            thread,
            in_place_of=news.stands_in.person if news.stands_in else "",
        )

    def mentions(self, recipient: Recipient, news: Iterable[News]) -> tuple[tuple[str, str], ...]:
        """Return whom to call in a channel: the leaders of projects with something newly red."""
        if recipient.notifier not in self.channels.posted:
            return ()
        newly_red = {Reason.OPENED.value, Reason.WORSENED.value}
        red = [one.alert for one in news if one.reason in newly_red and one.alert.level == "red"]
        called = [leader for alert in red for leader in self.audiences.leaders(self.subjects.of(alert))]
        return tuple(dict.fromkeys(called))[:MOST_MENTIONS]


def message_id(recipient: Recipient, *parts: str) -> str:
    """Return a stable id: the same recipient, channel and transitions give the same one."""
    return hashlib.sha256("\0".join([*recipient.key, *parts]).encode()).hexdigest()[:32]


def said_of(news: Iterable[News]) -> list[str]:
    """Return what identifies the transitions that news reports."""
    return sorted(f"{one.alert.id} {one.reason} {one.at.isoformat()}" for one in news)


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    """Return the items project by project, worst first."""
    worst: dict[str, int] = {}
    for item in items:
        rank = WORST_FIRST.index(item.level)
        worst[item.project_code] = min(rank, worst.get(item.project_code, rank))
    return tuple(
        sorted(
            items,
            key=lambda item: (
                worst[item.project_code],
                item.project_code,
                WORST_FIRST.index(item.level),
                item.subject_name,
                item.alert.id,
            ),
        )
    )
