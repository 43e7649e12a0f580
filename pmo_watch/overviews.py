"""Digests as messages: what is new, worse, better, ended, still open, unknown and silenced, for each recipient."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import cached_property
from zoneinfo import ZoneInfo

import polars as pl

from pmo_watch.alerts import Alert, Awaited, Message, Reason
from pmo_watch.audiences import COMMITTEES, OWNERS, PMO, Recipient, first_working, send_at
from pmo_watch.desk import Desk, message_id
from pmo_watch.digests import DAILY, DIGEST, SILENCED, Due, due, last_left, section, stands
from pmo_watch.finding_rows import FindingRows, rows_of
from pmo_watch.flow import Findings
from pmo_watch.news import News, read
from pmo_watch.overview import MOVEMENTS, Overview, counts_of, movement, together
from pmo_watch.owing import Missing, missing
from pmo_watch.readers import Readers
from pmo_watch.rules import Audience, Digest, Rule
from pmo_watch.standing import Owed, Standing
from pmo_watch.standings import Standings, running_projects
from pmo_watch.subjects import Place, Subject

MOST_GREY = 50  # rows of a rule that cannot be assessed and have no alert: a digest shows no more than 100 in all


class Overviews:
    """Makes the digests that are due."""

    def __init__(self, desk: Desk, alerts: Sequence[Alert], findings: Sequence[Findings], standings: Standings) -> None:
        self._desk = desk
        self._standings = standings
        self._alerts = [one for one in alerts if one.level is not None]
        self._findings = findings
        self._rows = FindingRows(findings)
        self._readers: Readers | None = None
        self.messages: list[Message] = []
        self.marks: dict[tuple[str, str], str | None] = {}

    @cached_property
    def _running(self) -> Sequence[str]:
        return running_projects(self._desk.snapshot)

    @cached_property
    def _lacking(self) -> Sequence[Missing]:
        return missing(self._desk.snapshot)

    def make(self, marks: Mapping[tuple[str, str], str]) -> None:
        """Make every digest that is due since it last left, and those that somebody missed who is back."""
        readers = Readers(self._desk, marks)
        for name, digest in sorted(self._desk.rules.digests.items()):
            left = last_left(name, marks)
            found = due(digest, left, self._desk.snapshot)
            if found is not None:
                self.messages += self._digest(digest, found, readers)
                self.marks[DIGEST, name] = self._desk.snapshot.now.isoformat()
                readers.left(digest, found)
            for places, persons in readers.back(digest, found).items():
                again = Due(self._desk.snapshot.now, frozenset(places.split()) or None, left, persons)
                self.messages += self._digest(digest, again, readers)
        readers.forget(self._desk.rules.digests)
        self.marks |= readers.changed

    def now(
        self, audience: Audience, digest: Digest, since: datetime | None, reader: Recipient | None = None
    ) -> list[Message]:
        """Return what the audience would read if the digest left now, one message for each who reads it.

        `reader`: reads what all of them read, in one message.
        """
        found = Due(self._desk.snapshot.now, since=since)
        made = self._overviews(digest, found, [replace(audience, empty=True)], None)
        read = [one for _, one in sorted(made.items()) if audience.name in one.audiences]
        if reader is not None:
            read = [together(reader, read, committee=_is_committee(audience))]
        return [self._message(digest, found, one) for one in read]

    def _digest(self, digest: Digest, found: Due, readers: Readers) -> list[Message]:
        audiences = [one for _, one in sorted(self._desk.rules.audiences.items()) if _reads(one, digest)]
        made = self._overviews(digest, found, audiences, readers)
        return [self._message(digest, found, one) for _, one in sorted(made.items())]

    def _overviews(
        self, digest: Digest, found: Due, audiences: Sequence[Audience], readers: Readers | None
    ) -> dict[tuple[str, str], Overview]:
        """Return what each recipient reads. `readers`: None where absence does not count, as in a report."""
        self._readers = readers
        self._desk.subjects.fetch((one.entity, one.subject) for one in self._alerts)
        self._rows.fetch(self._alerts)
        overviews: dict[tuple[str, str], Overview] = {}
        for audience in audiences:
            self._open(digest, audience, found, overviews)
            self._not_assessed(digest, audience, found, overviews)
            if audience.role in COMMITTEES:
                self._decisions(audience, found, overviews)
            if audience.empty:
                for recipient in self._reading(found, self._desk.audiences.everyone(audience)):
                    _overview(overviews, recipient, audience)
            if audience.role not in OWNERS:  # who answers for a row looks after no project
                self._projects_of(audience, found, overviews)
                self._owed(audience, found, overviews)
        self._ended(digest, found, overviews)
        return overviews

    def _reading(
        self, found: Due, recipients: tuple[Recipient, ...], alert: Alert | None = None
    ) -> tuple[Recipient, ...]:
        return self._readers.of(found, recipients, alert) if self._readers else recipients

    def _open(self, digest: Digest, audience: Audience, found: Due, overviews: dict[tuple[str, str], Overview]) -> None:
        desk = self._desk
        for alert in self._alerts:
            rule = desk.rules.rules.get(alert.rule)
            if rule is None or not _within(found, desk.subjects.of(alert)):
                continue
            heard_of = desk.book.about(alert.id)
            if not heard_of and not stands(audience, digest.name, rule, alert, None):
                continue
            private = None if desk.counted(audience.name, alert) else alert  # a number of alerts is no secret
            for recipient in self._reading(found, desk.whom(audience.name, alert), private):
                told = desk.book.find(alert.id, recipient)
                unsent = (alert.id, *recipient.key) in desk.unsent
                if not unsent and stands(audience, digest.name, rule, alert, told):
                    reason = section(alert, told, silenced=desk.silenced(alert))
                    before = told.level if told else ""
                    news = News(alert, reason, before, desk.snapshot.now, audience.name, finding=self._rows.of(alert))
                    news = replace(news, stands_in=recipient.stands_in)
                    known = _overview(overviews, recipient, audience).news
                    if alert.id not in known or self._counted(known[alert.id]):
                        known[alert.id] = news

    def _counted(self, news: News) -> bool:
        return self._desk.counted(news.audience, news.alert)

    def _ended(self, digest: Digest, found: Due, overviews: dict[tuple[str, str], Overview]) -> None:
        """Add what ended to the digest in which its beginning was told, whoever holds which role by now."""
        desk = self._desk
        for told in list(desk.book.ended()):
            recipient = desk.audiences.told(told)
            if told.digest == digest.name and (self._readers is None or self._readers.reads(found, recipient)):
                is_committee = _is_committee(desk.rules.audiences.get(told.audience))
                overview = overviews.setdefault(
                    (told.recipient, told.notifier), Overview(recipient, committee=is_committee)
                )
                for news in read(told.ended):
                    overview.news[news.alert.id] = replace(news, stands_in=desk.audiences.stood_in(told))
                desk.book.strike(told)

    def _not_assessed(
        self, digest: Digest, audience: Audience, found: Due, overviews: dict[tuple[str, str], Overview]
    ) -> None:
        """Add what cannot be assessed, for those who look after data; committees see a count of projects."""
        desk = self._desk
        is_committee = audience.role in COMMITTEES
        if not is_committee and audience.deliver.get("grey") != digest.name:
            return
        rules = [one for one in desk.rules.rules.values() if is_committee or _cares(audience, one)]
        for uid in self._projects({one.id: one for one in rules}):
            subject = desk.subjects.find("project", uid)
            if subject is not None and _within(found, subject):
                for recipient in self._reading(found, desk.audiences.resolve(audience.name, subject).recipients):
                    _overview(overviews, recipient, audience).grey.add(uid)
        for alert, row in () if is_committee else self._grey({one.id: one for one in rules}):
            subject = desk.subjects.of(alert)
            if not _within(found, subject) or desk.silenced(alert):
                continue
            news = News(alert, Reason.UNKNOWN.value, alert.level or "", desk.snapshot.now, audience.name, finding=row)
            for recipient in self._reading(found, desk.audiences.resolve(audience.name, subject).recipients, alert):
                stated = replace(news, stands_in=recipient.stands_in)
                _overview(overviews, recipient, audience).unassessed[alert.id] = stated

    def _projects(self, rules: Mapping[str, Rule]) -> Iterable[str]:
        """Return the projects of which one of the rules could not assess something."""
        found = {one.project for one in self._alerts if one.unknown_since and one.project and one.rule in rules}
        for rule, one in self._asking(rules):
            grey = one.frame.filter(pl.col("state") == "grey").select("uid")
            found |= set(self._desk.subjects.projects_of(rule.for_each, grey))
        self._desk.subjects.fetch(("project", uid) for uid in found)
        return sorted(found)

    def _asking(self, rules: Mapping[str, Rule]) -> Iterable[tuple[Rule, Findings]]:
        """Return what was found by those of the rules for which missing data are worth a word."""
        for one in self._findings:
            rule = rules.get(one.rule)
            if rule is not None and rule.no_data.state != "ignore":
                yield rule, one

    def _grey(self, rules: Mapping[str, Rule]) -> Iterable[tuple[Alert, Mapping[str, object]]]:
        """Return what these rules cannot assess: unknown alerts, and grey findings without an alert."""
        desk = self._desk
        alerts = {(one.rule, one.subject) for one in self._alerts}
        for alert in self._alerts:
            if alert.unknown_since is not None and alert.rule in rules:
                yield alert, self._rows.of(alert)
        for rule, one in self._asking(rules):
            uids = one.frame.filter(pl.col("state") == "grey")["uid"].head(MOST_GREY).to_list()
            desk.subjects.fetch((rule.for_each, uid) for uid in uids)
            for uid, row in rows_of(one, uids).items():
                if (rule.id, uid) not in alerts:
                    yield _not_alerting(rule, desk.subjects.of(Alert("", rule.id, uid, rule.for_each))), row

    def _decisions(self, audience: Audience, found: Due, overviews: dict[tuple[str, str], Overview]) -> None:
        """Add the open decisions that this committee takes."""
        desk = self._desk
        body = COMMITTEES[audience.role]
        waiting = desk.snapshot.frame("decision").filter(pl.col("open").fill_null(value=True))
        desk.subjects.fetch(("decision", uid) for uid in waiting["uid"])
        for uid in waiting["uid"]:
            subject = desk.subjects.find("decision", uid)
            taken_by = (subject.text("body") or "steering_committee").casefold().replace(" ", "_") if subject else ""
            if subject is None or taken_by != body or not _within(found, subject):
                continue
            project = subject.project or Place("", "", "", "", {})
            awaited = Awaited(subject.id, subject.name, project.code, project.name, subject.due, subject.text("url"))
            for recipient in self._reading(found, desk.audiences.resolve(audience.name, subject).recipients):
                _overview(overviews, recipient, audience).decisions[uid] = awaited

    def _projects_of(self, audience: Audience, found: Due, overviews: dict[tuple[str, str], Overview]) -> None:
        """Note which projects each recipient looks after; a committee reads of those that have a colour anyway."""
        desk = self._desk
        desk.subjects.fetch(("project", uid) for uid in self._running)
        for uid in self._running:
            subject = desk.subjects.find("project", uid)
            resolved = desk.audiences.resolve(audience.name, subject)
            if subject is None or resolved.vacant or not _within(found, subject):
                continue
            for recipient in self._reading(found, resolved.recipients):
                if _is_committee(audience) and uid in self._standings.coloured:
                    _overview(overviews, recipient, audience)
                if (overview := overviews.get(recipient.key)) is not None:
                    overview.projects.add(uid)

    def _owed(self, audience: Audience, found: Due, overviews: dict[tuple[str, str], Overview]) -> None:
        """Add what was not delivered; that alone is something to say to those who look after projects."""
        desk = self._desk
        desk.subjects.fetch((one.kind, one.uid) for one in self._lacking)
        desk.subjects.fetch(("person", one.provider) for one in self._lacking if one.provider)
        for one in self._lacking:
            subject = desk.subjects.find(one.kind, one.uid)
            if subject is None or not _within(found, subject):
                continue
            for recipient in self._reading(found, desk.audiences.resolve(audience.name, subject).recipients):
                if not _is_committee(audience) or recipient.key in overviews:
                    _overview(overviews, recipient, audience).owed[one.uid] = self._owed_by(one, subject)

    def _owed_by(self, one: Missing, subject: Subject) -> Owed:
        place = subject.project or subject.program or Place("", "", "", "", {})
        provider = self._desk.subjects.find("person", one.provider) if one.provider else None
        names = {"en": subject.name, **subject.names} if one.kind == "submission" else {}
        delivers = provider.name if provider else ""
        return Owed(one.kind, names, place.code, place.name, one.period, one.due_on, one.periods, delivers)

    def _message(self, digest: Digest, found: Due, overview: Overview) -> Message:
        desk, recipient, every = self._desk, overview.recipient, list(overview.news.values())
        said = [one for one in every if not overview.committee or one.reason in MOVEMENTS]
        for one in said:
            if not one.closes and one.reason != SILENCED:
                desk.book.tell(desk.told(recipient, one, digest=digest.name))
        shown = [one for one in said if not self._counted(one)]
        shown += [one for alert, one in overview.unassessed.items() if alert not in overview.news]
        identity = message_id(recipient, DIGEST, digest.name, found.at.isoformat())
        decisions = sorted(overview.decisions.values(), key=lambda one: (str(one.needed_by or "9"), one.id))
        return replace(
            desk.message(recipient, "digest", identity, shown),
            digest=digest.name,
            day=desk.snapshot.today,
            no_names=overview.committee,
            counts=counts_of(every, overview),
            decisions=tuple(decisions),
            owed=tuple(overview.owed.values()),
            standing=self._standing(digest, found, overview),
            not_before=self._not_before(recipient, digest),
        )

    def _standing(self, digest: Digest, found: Due, overview: Overview) -> Standing | None:
        """Return how the recipient's projects stand; None in what comes every day, where nothing would have moved."""
        if not overview.projects or (digest.on == DAILY and not overview.committee):
            return None
        moved: dict[str, Counter[str]] = {}
        for one in overview.news.values():
            if one.reason in MOVEMENTS and one.alert.project:
                moved.setdefault(one.alert.project, Counter())[movement(one)] += 1
        return self._standings.of(overview.projects, digest.name, found.since, moved)

    def _not_before(self, recipient: Recipient, digest: Digest) -> datetime | None:
        """Return when the digest may leave: from its own hour on, never on a day off and never in the night."""
        desk = self._desk
        local = desk.snapshot.now.astimezone(ZoneInfo(recipient.zone))
        hour, _, minute = digest.at.partition(":")
        at = time(int(hour), int(minute))
        late = at < desk.channels.send_until <= local.time()
        if recipient.calendar.works(local.date()) and local.time() >= at:
            return send_at(recipient, desk.snapshot.now, desk.channels) if late else None
        return first_working(recipient, datetime.combine(local.date(), at, local.tzinfo))


def _overview(overviews: dict[tuple[str, str], Overview], recipient: Recipient, audience: Audience) -> Overview:
    """Return what the recipient reads, also as one of this audience."""
    found = overviews.setdefault(recipient.key, Overview(recipient))
    found.recipient = found.recipient if found.recipient.stands_in is None else recipient
    found.committee = found.committee and _is_committee(audience)
    found.audiences.add(audience.name)
    return found


def _reads(audience: Audience, digest: Digest) -> bool:
    return digest.name in audience.deliver.values()


def _is_committee(audience: Audience | None) -> bool:
    return audience is not None and audience.role in COMMITTEES


def _within(found: Due, subject: Subject) -> bool:
    return found.scopes is None or any(place.uid in found.scopes for place in subject.places)


def _cares(audience: Audience, rule: Rule) -> bool:
    """Say whether the audience looks after the data of a rule: the one that it names for grey, else the PMO."""
    return audience.name in (rule.tell.get("grey") or (PMO,))


def _not_alerting(rule: Rule, subject: Subject) -> Alert:
    """Return what stands for a finding that cannot be assessed and has no alert; it is kept nowhere."""
    project = subject.project
    return Alert(
        id=f"{rule.id} {subject.uid}",
        rule=rule.id,
        subject=subject.uid,
        entity=subject.entity,
        subject_id=subject.id,
        subject_name=subject.name,
        project=project.uid if project else "",
        project_code=project.code if project else "",
        source=subject.text("source"),
    )
