"""Messages that are told at once: one per recipient, channel and cycle, merged with what still waits for its hours."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pmo_watch.alerts import CLOSING, Alert, Message, Reason, Silence, Thread, Told, Transition, WaitingMessage
from pmo_watch.audiences import Recipient
from pmo_watch.desk import AT_ONCE, Desk, message_id, said_of
from pmo_watch.escalations import audiences_of, newly_told
from pmo_watch.finding_rows import FindingRows
from pmo_watch.news import OPEN, News, fold, news_of, read, written
from pmo_watch.pace import Pace, is_newly_red, joined
from pmo_watch.silences import is_silenced
from pmo_watch.successors import holds_no_more, successors

SPOKEN = frozenset(
    {
        *(Reason.OPENED, Reason.WORSENED, Reason.ESCALATED, Reason.REMINDED),
        *(Reason.ACKNOWLEDGEMENT_ENDED, Reason.PROMISE_MISSED),
    }
)
# A message that leaves sooner than this may be under way when the cycle is written: it is left alone.
MARGIN = timedelta(minutes=10)

ThreadKey = tuple[str, str, str]  # notifier, recipient, project


@dataclass(slots=True, eq=False)
class Parcel:
    """What one recipient is to hear in this cycle, by alert; `replaces`: waiting messages that it takes in."""

    recipient: Recipient
    news: dict[str, News] = field(default_factory=dict)
    replaces: list[str] = field(default_factory=list)

    def put(self, news: News) -> None:
        """Take news in; what it undoes goes."""
        earlier = self.news.pop(news.alert.id, None)
        taken = fold(earlier, news) if earlier else news
        if taken is not None:
            self.news[news.alert.id] = taken


class AtOnce:
    """Gathers what is told at once and makes messages of it."""

    def __init__(self, desk: Desk, pace: Pace) -> None:
        self._desk = desk
        self._pace = pace
        self._parcels: dict[tuple[str, str], Parcel] = {}
        self._kept_back: dict[tuple[str, str], Parcel] = {}

    def gather(self, transitions: Iterable[Transition]) -> None:
        """Take in the transitions of the cycle, and ends that a digest owes which is no more."""
        for one in transitions:
            if one.reason in CLOSING:
                self._end(one)
            elif one.reason in SPOKEN:
                self._tell(one)
        for told in list(self._desk.book.ended()):
            if told.digest not in self._desk.rules.digests:
                for news in read(told.ended):
                    self._close(told, news)

    def speak_again(self, over: Sequence[Silence], alerts: Iterable[Alert], found: FindingRows) -> None:
        """Take in what is open at the end of these silences, as it was found now."""
        desk = self._desk
        hidden = [one for one in alerts if one.level and is_silenced(one, desk.rules.rules.get(one.rule), over)]
        found.fetch(hidden)
        for alert in hidden:
            rule = desk.rules.rules.get(alert.rule)
            if rule is None or desk.silenced(alert):
                continue
            if alert.acknowledged_until is not None:
                desk.held["acknowledged"] += 1
                continue
            escalated = [name for name in audiences_of(alert) if name in desk.rules.audiences]
            for audience in dict.fromkeys((*rule.tell.get(alert.level or "", ()), *escalated)):
                if desk.how(audience, alert.level or "") == AT_ONCE:
                    self._to(audience, self._still_open(alert, audience, found))

    def speak_to_successors(self, alerts: Iterable[Alert], found: FindingRows) -> None:
        """Take in what is open, for whoever has taken over a role since its holder was told."""
        taken_over = list(successors(self._desk, alerts))
        found.fetch(alert for alert, _, _ in taken_over)
        for alert, audience, recipient in taken_over:
            self._reach(recipient, self._still_open(alert, audience, found))

    def _still_open(self, alert: Alert, audience: str, found: FindingRows) -> News:
        return News(alert, OPEN, alert.level or "", self._desk.snapshot.now, audience, finding=found.of(alert))

    def _end(self, transition: Transition) -> None:
        desk = self._desk
        for told in desk.book.about(transition.alert.id):
            news = news_of(transition, told.audience)
            if told.digest and told.digest in desk.rules.digests:
                desk.book.write(replace(told, ended=written([news])))
            else:
                self._close(told, news)

    def _close(self, told: Told, news: News) -> None:
        if not (told.digest and self._desk.counted(told.audience, news.alert)):  # a digest gave them only a number
            audiences = self._desk.audiences
            self._put(audiences.told(told), replace(news, stands_in=audiences.stood_in(told)))
        self._desk.book.strike(told)

    def _tell(self, transition: Transition) -> None:
        desk, alert = self._desk, transition.alert
        rule = desk.rule(alert.rule)
        remind = rule.remind.to if rule.remind else ()
        if transition.reason == Reason.REMINDED and not remind:
            self._remind(transition)
            return
        audiences: Sequence[str] = rule.tell.get(alert.level or "", ())
        if transition.reason == Reason.ESCALATED:
            audiences = newly_told(transition)
        elif transition.reason == Reason.REMINDED:
            audiences = remind
        for audience in audiences:
            if desk.how(audience, alert.level or "") != AT_ONCE:
                continue
            if desk.silenced(alert):
                desk.held["silenced"] += 1
                continue
            self._to(audience, news_of(transition, audience))

    def _remind(self, transition: Transition) -> None:
        """Remind whoever was told at once in their own right, and while they are absent who stands in.

        Whoever was told as the holder of a role that others hold by now is not reminded.
        """
        desk, alert = self._desk, transition.alert
        if desk.silenced(alert):
            desk.held["silenced"] += 1
            return
        for told in desk.book.about(alert.id):
            if not (told.digest or told.in_place_of or holds_no_more(desk, told, alert)):
                self._reach(desk.audiences.told(told), news_of(transition, told.audience))

    def _to(self, audience: str, news: News) -> None:
        if self._desk.counted(audience, news.alert):
            return  # a digest says how many there are
        told = self._desk.whom(audience, news.alert)
        heard = [self._reach(recipient, news) for recipient in told]
        if told and not any(heard):
            self._alarm(told[0], news)

    def _reach(self, recipient: Recipient, news: News) -> bool:
        """Tell somebody, and at once who stands in for them while they are absent; False: nobody hears before that."""
        self._put(recipient, self._for(recipient, news))
        if self._desk.absent_until(recipient) is None:
            return True
        stand_in = self._desk.stand_in(recipient, news.alert)
        if stand_in is not None:
            self._put(stand_in, self._for(stand_in, news))
        return stand_in is not None

    def _alarm(self, absent: Recipient, news: News) -> None:
        """Tell the PMO of what is newly red and would wait until somebody is back."""
        for recipient in self._desk.for_nobody(absent, news.alert) if is_newly_red([self._for(absent, news)]) else ():
            self._reach(recipient, news)

    def _for(self, recipient: Recipient, news: News) -> News:
        """Return news as it is for somebody: what was known to be amber, and is red at a silence's end, got worse."""
        told = self._desk.book.find(news.alert.id, recipient)
        if told is not None and news.reason == OPEN and (told.level, news.alert.level) == ("amber", "red"):
            news = replace(news, reason=Reason.WORSENED.value, before=told.level)
        return replace(news, first=told is None, stands_in=recipient.stands_in)

    def _put(self, recipient: Recipient, news: News) -> None:
        self._parcels.setdefault(recipient.key, Parcel(recipient)).put(news)

    def merge(self, waiting: Sequence[WaitingMessage], transitions: Iterable[Transition]) -> None:
        """Take in messages that still wait for their recipients' hours, when there is news for the same ones."""
        improved = {one.alert.id: one for one in transitions if one.reason == Reason.IMPROVED}
        after = self._desk.snapshot.now + MARGIN
        told = {one.id: read(one.facts) for one in waiting}
        moved = {one.id for one in waiting if one.not_before > after and self._is_moved(one, told[one.id], improved)}
        for message in waiting:
            earlier = told[message.id]
            hushed = {one.alert.id for one in earlier if not one.closes and self._desk.silenced(one.alert)}
            better = [improved[one.alert.id] for one in earlier if one.alert.id in improved]
            known = self._parcels.get((message.recipient, message.notifier))
            reads_now = (message.recipient, message.notifier) in self._pace.reading_now
            if message.not_before <= after or not (known or better or reads_now or message.id in moved or hushed):
                self._unsent(message.recipient, message.notifier, earlier)
                continue
            parcel = known or self._parcel(message, earlier)
            if parcel is not None:
                later = [*parcel.news.values(), *(news_of(one, "") for one in better)]
                parcel.news = {one.alert.id: one for one in earlier}
                parcel.replaces.append(message.id)
                for one in later:
                    parcel.put(one)
                self._hold_back(parcel, hushed)
                self._unsay(parcel.recipient, earlier, parcel.news)

    def _hold_back(self, parcel: Parcel, hushed: Iterable[str]) -> None:
        """Take out what a silence that began while the message waited holds back; at its end it is said again."""
        for alert in hushed:
            if alert in parcel.news and not parcel.news[alert].closes:
                del parcel.news[alert]
                self._desk.held["silenced"] += 1

    def _is_moved(self, message: WaitingMessage, earlier: Sequence[News], improved: Mapping[str, Transition]) -> bool:
        """Say whether an absence was entered, moved or struck since the message began to wait; deputies hear of it."""
        desk, now = self._desk, self._desk.snapshot.now
        recipient = self._recipient(message, earlier)
        if recipient is None or (self._pace.leaves(recipient, earlier) or now).date() == message.not_before.date():
            return False
        if desk.absent_until(recipient) is not None:
            for news in earlier:
                better = improved.get(news.alert.id)
                still = fold(news, news_of(better, "")) if better else news
                # What ended in this cycle is told to nobody new.
                if still and not still.closes and desk.book.find(news.alert.id, recipient):
                    self._pass_on(recipient, still)
        return True

    def _pass_on(self, absent: Recipient, news: News) -> None:
        """Tell whoever stands in for somebody of what was to wait for them only until the morning."""
        desk = self._desk
        audience = desk.audiences.resolve(news.audience, desk.subjects.of(news.alert)).recipients
        absent = next((one for one in audience if one.key == absent.key), absent)
        stand_in = desk.stand_in(absent, news.alert)
        others = (one for one in audience if one.key != absent.key)
        if stand_in is not None:
            self._unless_known(stand_in, news)
        elif not any(desk.absent_until(one) is None or desk.stand_in(one, news.alert) for one in others):
            for pmo in desk.for_nobody(absent, news.alert) if is_newly_red([news]) else ():
                self._unless_known(pmo, news)

    def _unless_known(self, recipient: Recipient, news: News) -> None:
        """Tell somebody what they were not told at this level, and are not about to be told something newer of."""
        told, parcel = self._desk.book.find(news.alert.id, recipient), self._parcels.get(recipient.key)
        is_newer = parcel is not None and news.alert.id in parcel.news
        if not is_newer and (told is None or told.level != news.alert.level):
            self._put(recipient, self._for(recipient, news))

    def _unsent(self, recipient: str, notifier: str, news: Iterable[News]) -> None:
        self._desk.unsent.update((one.alert.id, recipient, notifier) for one in news if one.first)

    def _parcel(self, message: WaitingMessage, news: Sequence[News]) -> Parcel | None:
        """Return a new parcel for the recipient of a waiting message."""
        recipient = self._recipient(message, news)
        if recipient is None:
            return None
        parcel = Parcel(recipient)
        self._parcels[recipient.key] = parcel
        return parcel

    def _recipient(self, message: WaitingMessage, news: Sequence[News]) -> Recipient | None:
        """Return the recipient of a waiting message as known now; None when nobody is owed anything."""
        told = [
            one
            for each in news
            for one in self._desk.book.about(each.alert.id)
            if (one.recipient, one.notifier) == (message.recipient, message.notifier)
        ]
        reader = self._pace.reading_now.get((message.recipient, message.notifier))
        return self._desk.audiences.told(told[0]) if told else reader

    def _unsay(self, recipient: Recipient, earlier: Iterable[News], kept: Mapping[str, News]) -> None:
        """Strike out what nobody will hear any more; who hears of no worsening knows the alert as it was before."""
        book = self._desk.book
        for one in earlier:
            told = book.find(one.alert.id, recipient)
            if told is None or one.alert.id in kept:
                continue
            if one.first:
                book.strike(told)
            elif one.reason == Reason.WORSENED:
                book.write(replace(told, level=one.before))

    def messages(self, threads: Mapping[ThreadKey, Thread]) -> tuple[list[Message], list[Thread], list[str]]:
        """Return the messages, the threads that they start, and waiting messages that go without a successor.

        What a digest of this cycle may say as well is kept back: it is taken with `taken`, or made by a second call.
        """
        made: list[Message] = []
        started: list[Thread] = []
        empty: list[str] = []
        alive = self._desk.book.threads()
        for key in sorted(self._parcels):
            parcel = self._parcels[key]
            if not parcel.news:
                empty += parcel.replaces
            elif (
                key in self._pace.reading_now and key not in self._kept_back and not is_newly_red(parcel.news.values())
            ):
                self._kept_back[key] = parcel
            else:
                thread, is_new = self._thread(parcel, threads, alive)
                made.append(self._message(parcel, thread))
                started += [thread] if thread and is_new else []
        self._parcels = {key: one for key, one in self._kept_back.items() if key in self._parcels}
        return made, started, empty

    def taken(self, digest: Message) -> Message:
        """Return a digest that says, besides, what was kept back for its reader; that of a committee says no more."""
        parcel = self._parcels.get((digest.recipient, digest.notifier))
        if parcel is None or digest.no_names:
            return digest
        del self._parcels[parcel.recipient.key]
        news = list(parcel.news.values())
        for one in news:
            if not one.closes:
                self._desk.book.tell(self._desk.told(parcel.recipient, one))
        return replace(joined(self._desk, digest, news), replaces=tuple(parcel.replaces))

    def _message(self, parcel: Parcel, thread: Thread | None) -> Message:
        desk, recipient, news = self._desk, parcel.recipient, list(parcel.news.values())
        not_before = self._pace.leaves(recipient, news)
        if not_before is not None:
            desk.held[self._pace.why(recipient)] += 1
            self._unsent(*recipient.key, news)
        for one in news:
            if not one.closes:
                desk.book.tell(desk.told(recipient, one, thread=thread.id if thread else ""))
        message = desk.message(recipient, "alert", message_id(recipient, *said_of(news)), news)
        return replace(
            message,
            not_before=not_before,
            thread=thread.id if thread else "",
            thread_subject=thread.subject if thread else "",
            mentions=desk.mentions(recipient, news),
            facts=written(news),
            replaces=tuple(parcel.replaces),
        )

    def _thread(
        self, parcel: Parcel, threads: Mapping[ThreadKey, Thread], alive: frozenset[str]
    ) -> tuple[Thread | None, bool]:
        """Return the thread of a message about one project, and whether it starts now (spec channels 2.4)."""
        recipient = parcel.recipient
        projects = {one.alert.project for one in parcel.news.values()}
        if len(projects) != 1 or "" in projects or recipient.notifier not in self._desk.channels.addressed:
            return None, False
        (project,) = projects
        last = threads.get((recipient.notifier, recipient.id, project))
        if last is not None and last.id in alive:
            return last, False
        if all(one.closes for one in parcel.news.values()):
            return None, False
        number = last.number + 1 if last else 1
        name = "\0".join([recipient.notifier, recipient.id, project, str(number)])
        key = (recipient.notifier, recipient.id, project)
        return Thread(*key, number, hashlib.sha256(name.encode()).hexdigest()[:16]), True
