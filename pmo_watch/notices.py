"""Notices: one message on what concerns a source, a rule or a file as a whole, in the reader's words."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pmo_watch.alerts import Alert, Message, Reason, Transition
from pmo_watch.audiences import PERSONAL, PMO, Recipient, send_at
from pmo_watch.desk import AT_ONCE, Desk, message_id
from pmo_watch.flow import Outcome, SourceState
from pmo_watch.news import News, news_of
from pmo_watch.own_rules import ICT, SOURCE_FAILING
from pmo_watch.rules import Rule
from pmo_watch.subjects import Subject
from pmo_watch.vacancies import may_be_incomplete, vacancies
from pmo_watch.words import Words
from pmo_watch.words import words as words_of

GREY = "grey"
NOT_READ = re.compile(r"source (\S+) not read since ")
FILES = ("stale", "unused")  # what is told of rule files with faults
FLAG = "flag"  # kind of the marks that say what was told already

# topic -> language -> title and lines; `{name}` is the source, rule or file, `{n}` a number, `{text}` a text as it is.
WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "held": {
        "en": ("The last reading of {name} is held back", "{text}", "The data read before stay in force until then."),
        "fr": (
            "La dernière lecture de {name} est retenue",
            "{text}",
            "Les données lues auparavant restent valables jusque-là.",
        ),
        "nl": (
            "De laatste lezing van {name} wordt tegengehouden",
            "{text}",
            "De eerder gelezen gegevens blijven tot dan gelden.",
        ),
    },
    "unknown": {
        "en": (
            "{name}: alerts that cannot be assessed",
            "Number of open alerts that cannot be assessed: {n}.",
            "They stay as they were: none of them is closed without evidence.",
        ),
        "fr": (
            "{name}\u00a0: alertes non évaluables",
            "Nombre d'alertes ouvertes non évaluables\u00a0: {n}.",
            "Elles restent inchangées\u00a0: aucune n'est close sans preuve.",
        ),
        "nl": (
            "{name}: waarschuwingen die niet beoordeeld kunnen worden",
            "Aantal open waarschuwingen die niet beoordeeld kunnen worden: {n}.",
            "Ze blijven zoals ze waren: geen enkele wordt zonder bewijs afgesloten.",
        ),
    },
    "stale": {
        "en": (
            "{name} has faults: its last good version stays in force",
            "{text}",
            "'pmo-watch check' shows the same; once the file is right it is taken over by itself.",
        ),
        "fr": (
            "{name} contient des erreurs\u00a0: la dernière version correcte reste en vigueur",
            "{text}",
            "«\u00a0pmo-watch check\u00a0» dit la même chose\u202f; corrigé, le fichier est repris de lui-même.",
        ),
        "nl": (
            "{name} bevat fouten: de laatste juiste versie blijft gelden",
            "{text}",
            "'pmo-watch check' toont hetzelfde; zodra het bestand juist is, wordt het vanzelf overgenomen.",
        ),
    },
    "unused": {
        "en": (
            "{name} has faults: nothing of it is in force",
            "{text}",
            "'pmo-watch check' shows the same; once the file is right it is taken up by itself.",
        ),
        "fr": (
            "{name} contient des erreurs\u00a0: rien n'en est en vigueur",
            "{text}",
            "«\u00a0pmo-watch check\u00a0» dit la même chose\u202f; corrigé, le fichier est pris en compte.",
        ),
        "nl": (
            "{name} bevat fouten: niets ervan is van kracht",
            "{text}",
            "'pmo-watch check' toont hetzelfde; zodra het bestand juist is, wordt het vanzelf in gebruik genomen.",
        ),
    },
    "mended": {
        "en": ("{name} has no faults any more", "What it says now is in force."),
        "fr": ("{name} ne contient plus d'erreurs", "Son contenu actuel est en vigueur."),
        "nl": ("{name} bevat geen fouten meer", "Wat er nu in staat, is van kracht."),
    },
    "template": {
        "en": (
            "{name} failed while a message was made",
            "{text}",
            "The message left all the same, and the next ones will: our own template makes them until this is mended.",
        ),
        "fr": (
            "{name} a échoué lors de la rédaction d'un message",
            "{text}",
            "Le message est parti malgré tout, comme les suivants, selon le modèle d'origine, jusqu'à sa correction.",
        ),
        "nl": (
            "{name} is mislukt bij het opmaken van een bericht",
            "{text}",
            "Het bericht is toch vertrokken, net als de volgende, met ons eigen sjabloon, tot dit verbeterd is.",
        ),
    },
    "vacant": {
        "en": (
            "Roles that nobody holds",
            "What these roles are to be told comes to you until somebody is named in the list of people or the plan.",
            "{text}",
        ),
        "fr": (
            "Rôles que personne n'exerce",
            "Ce qui leur est destiné vous parvient tant que la liste des personnes ou le plan ne nomme personne.",
            "{text}",
        ),
        "nl": (
            "Rollen die niemand heeft",
            "Wat voor hen bestemd is, krijgt u tot er iemand genoemd wordt in de personenlijst of het plan.",
            "{text}",
        ),
    },
    "channel": {
        "en": (
            "Channel {name} does not work",
            "{text}",
            "Its messages wait, and leave by themselves once it works again.",
            "Look at its settings, password and rights, then run 'pmo-watch send-test {name}'.",
        ),
        "fr": (
            "Le canal {name} ne fonctionne pas",
            "{text}",
            "Ses messages attendent et partiront d'eux-mêmes dès qu'il fonctionnera.",
            "Vérifiez paramètres, mot de passe et droits, puis lancez «\u00a0pmo-watch send-test {name}\u00a0».",
        ),
        "nl": (
            "Kanaal {name} werkt niet",
            "{text}",
            "De berichten wachten en vertrekken vanzelf zodra het werkt.",
            "Kijk instellingen, wachtwoord en rechten na en voer dan 'pmo-watch send-test {name}' uit.",
        ),
    },
    "rule_removed": {
        "en": ("Rule {name} was removed or disabled", "Number of open alerts closed with it: {n}."),
        "fr": (
            "La règle {name} a été supprimée ou désactivée",
            "Nombre d'alertes ouvertes closes avec elle\u00a0: {n}.",
        ),
        "nl": (
            "Regel {name} werd verwijderd of uitgeschakeld",
            "Aantal open waarschuwingen die ermee afgesloten werden: {n}.",
        ),
    },
    "flapping": {
        "en": (
            "Rule {name} goes on and off",
            "It opened and closed three times in ten evaluations: {text}",
            "Let it wait with 'confirm_after', or let it close later with 'recover'.",
        ),
        "fr": (
            "La règle {name} alterne sans cesse",
            "Elle s'est ouverte et close trois fois en dix évaluations\u00a0: {text}",
            "Faites-la attendre avec «\u00a0confirm_after\u00a0», ou se clore plus tard avec «\u00a0recover\u00a0».",
        ),
        "nl": (
            "Regel {name} springt aan en uit",
            "Ze ging drie keer open en dicht in tien evaluaties: {text}",
            "Laat ze wachten met 'confirm_after', of later afsluiten met 'recover'.",
        ),
    },
}


@dataclass(frozen=True, slots=True, eq=False)
class Notice:
    """A notice in facts; `mark` tells it from another one on the same thing in the same cycle."""

    topic: str
    name: str
    mark: str
    text: str = ""
    news: Sequence[News] = ()
    unnamed: int = 0  # further alerts, on persons whom the reader may not know of
    roles: Sequence[tuple[str, Sequence[str]]] = ()  # projects and what is vacant there, in place of a text


class Notices:
    """Makes the notices of a cycle; `marks` says what was told already and what is to be remembered."""

    def __init__(self, desk: Desk, marks: Mapping[tuple[str, str], str]) -> None:
        self._desk = desk
        self._known = marks
        self.messages: list[Message] = []
        self.marks: dict[tuple[str, str], str | None] = {}

    def on_sources(self) -> None:
        """Tell the ICT unit once of each reading that is held, with the remedy."""
        held = {name: state.held for name, state in self._desk.snapshot.sources.items() if state.held}
        for name, text in self._not_yet("held", held):
            self._send(self._desk.audiences.resolve(ICT, None).recipients, Notice("held", name, text, text))

    def on_channels(self, faults: Mapping[str, tuple[str, str]]) -> None:
        """Tell the ICT unit once of each channel that does not work, over one that does.

        `faults`: notifier -> since when, and what the other side said.
        """
        recipients = self._desk.audiences.resolve(ICT, None).recipients if faults else ()
        told = {other.key: other for one in recipients if (other := self._desk.elsewhere(one, faults)) is not None}
        if faults and not told:
            return  # not marked as told: it is said as soon as one of them works again
        for name, since in self._not_yet("channel", {name: since for name, (since, _) in faults.items()}):
            self._send(told.values(), Notice("channel", name, since, faults[name][1]))

    def on_vacancies(self) -> None:
        """Tell the PMO of each project once that nobody holds roles which rules would tell there."""
        desk = self._desk
        if may_be_incomplete(desk.snapshot):
            return
        vacant: dict[Subject, list[str]] = {}
        for name, projects in vacancies(desk.rules, desk.snapshot, desk.audiences, desk.subjects).items():
            for project in projects:
                vacant.setdefault(project, []).append(desk.rules.audiences[name].role)
        read_by = {one: desk.audiences.resolve(PMO, one).recipients for one in vacant}
        known = {one.uid: one for one in vacant if read_by[one]}
        told: dict[Recipient, list[tuple[str, Sequence[str]]]] = {}
        for uid, _ in self._not_yet("vacant", {uid: ",".join(vacant[one]) for uid, one in known.items()}):
            project = known[uid]
            for recipient in read_by[project]:
                told.setdefault(recipient, []).append((_named(project), vacant[project]))
        for recipient, some in told.items():
            self._send((recipient,), Notice("vacant", "", _short(repr(some)), roles=some))

    def on_files(self) -> None:
        """Tell the owner of each rule file once that an older version of it, or nothing, is in force; and its end."""
        rules = self._desk.rules
        faulty = {*rules.stale_files, *rules.unused_files}
        in_force = {*rules.owners, *(one.file for one in rules.rules.values())} - faulty
        told = [name for topic in FILES for name in self._told(topic) if name in in_force]
        for topic, files in zip(FILES, (rules.stale_files, rules.unused_files), strict=True):
            for file, text in self._not_yet(topic, files):
                self._send(self._desk.audiences.owner(rules.owners.get(file, "")), Notice(topic, file, text, text))
        for file in told:
            self._send(self._desk.audiences.owner(rules.owners.get(file, "")), Notice("mended", file, ""))

    def on_templates(self, failed: Mapping[str, str]) -> None:
        """Tell the PMO once of each template that failed on a message: another one made it, and makes the next ones."""
        for name, text in self._not_yet("template", failed):
            self._send(self._desk.audiences.owner(""), Notice("template", name, text, text))

    def _told(self, topic: str) -> list[str]:
        """Return what was told of before this cycle."""
        return [
            key.removeprefix(f"{topic}:") for kind, key in self._known if kind == FLAG and key.startswith(f"{topic}:")
        ]

    def _not_yet(self, topic: str, states: Mapping[str, str]) -> Iterable[tuple[str, str]]:
        """Return what was not told yet, and remember it; forget what is over."""
        for name, text in sorted(states.items()):
            mark = _short(text)
            if self._known.get((FLAG, f"{topic}:{name}")) != mark:
                self.marks[FLAG, f"{topic}:{name}"] = mark
                yield name, text
        for name in self._told(topic):
            if name not in states:
                self.marks[FLAG, f"{topic}:{name}"] = None

    def on_removed(self, transitions: Iterable[Transition]) -> None:
        """Tell the owners of rules what was closed with a removed one."""
        removed: dict[str, list[Transition]] = {}
        for one in transitions:
            if one.reason == Reason.RULE_REMOVED:
                removed.setdefault(one.alert.rule, []).append(one)
        for rule_id, some in sorted(removed.items()):
            news = [news_of(one, "") for one in some if one.alert.entity != PERSONAL]
            notice = Notice("rule_removed", rule_id, "", news=news, unnamed=len(some) - len(news))
            self._send(self._desk.audiences.owner(self._desk.rule(rule_id).owner), notice)

    def on_flapping(self, alerts: Iterable[Alert]) -> None:
        """Tell the owner of each rule that goes on and off, once until it has settled."""
        subjects: dict[str, set[str]] = {}
        for one in alerts:
            name = "…" if one.entity == PERSONAL else one.subject_name or one.subject
            subjects.setdefault(one.rule, set()).add(name)
        for rule_id, _ in self._not_yet("flapping", dict.fromkeys(subjects, "")):
            rule = self._desk.rule(rule_id)
            notice = Notice("flapping", rule_id, "", ", ".join(sorted(subjects[rule_id])))
            self._send(self._desk.audiences.owner(rule.owner), notice)

    def on_unknown(self, transitions: Sequence[Transition], alerts: Iterable[Alert]) -> None:
        """Tell the owners of data, once per source, which alerts cannot be assessed any more.

        A source that merely failed is not spoken of before its grace is over: its alert then says it for all. A row
        that is missing for the first time is not spoken of at all: the next reading decides.
        """
        failing = {
            one.alert.subject.removeprefix("source:")
            for one in transitions
            if one.reason == Reason.OPENED and one.alert.rule == SOURCE_FAILING.id
        }
        lost = [one for one in transitions if one.reason == Reason.UNKNOWN and not self._comes_later(one.alert)]
        now = self._desk.snapshot.now
        for_long = [one for one in alerts if one.unknown_since is not None and _lost_source(one) in failing]
        news = [news_of(one, "") for one in lost]
        news += [News(one, Reason.UNKNOWN.value, one.level or "", now, "") for one in for_long]
        told: dict[tuple[str, Recipient], dict[str, News]] = {}
        for one in news:
            for audience in self._owners_of_data(self._desk.rule(one.alert.rule)):
                for recipient in self._at_once(audience, one.alert):
                    source = _lost_source(one.alert)
                    told.setdefault((source, recipient), {})[one.alert.id] = replace(one, audience=audience)
        for (source, recipient), some in told.items():
            mark = ",".join(sorted(some))
            shown = [one for one in some.values() if not self._desk.counted(one.audience, one.alert)]
            notice = Notice("unknown", source, mark, news=shown, unnamed=len(some) - len(shown))
            self._send((recipient,), notice)

    def _comes_later(self, alert: Alert) -> bool:
        state: SourceState | None = self._desk.snapshot.sources.get(_lost_source(alert))
        failed = state is not None and state.outcome == Outcome.FAILED
        return failed or alert.unknown_reason == "vanished"

    @staticmethod
    def _owners_of_data(rule: Rule) -> Sequence[str]:
        return rule.tell.get(GREY) or (PMO,)

    def _at_once(self, audience: str, alert: Alert) -> Sequence[Recipient]:
        """Return who is told at once that something cannot be assessed; a digest says it by itself."""
        if self._desk.how(audience, GREY) != AT_ONCE:
            return ()
        if self._desk.silenced(alert):
            self._desk.held["silenced"] += 1
            return ()
        if self._desk.counted(audience, alert):
            return self._desk.audiences.resolve(audience, None).recipients  # who looks after data reads how many
        return self._desk.whom(audience, alert)

    def _send(self, recipients: Iterable[Recipient], notice: Notice) -> None:
        desk = self._desk
        for recipient in self._with_stand_ins(recipients):
            identity = message_id(recipient, notice.topic, notice.name, notice.mark, desk.snapshot.now.isoformat())
            shown_to = [one for one in notice.news if recipient.stands_in is None or one.alert.entity != PERSONAL]
            news = [replace(one, stands_in=recipient.stands_in) for one in shown_to]
            message = desk.message(recipient, "notice", identity, news)
            words = WORDS[notice.topic].get(message.language, WORDS[notice.topic]["en"])
            number = str(len(notice.news) + notice.unnamed)
            title, *lines = (one.replace("{name}", notice.name).replace("{n}", number) for one in words)
            text = notice.text or _roles(notice.roles, words_of(message.language))
            shown = [part for line in lines for part in line.replace("{text}", text).splitlines()]
            not_before = send_at(recipient, desk.snapshot.now, desk.channels)
            if not_before is not None:
                desk.held["absent" if desk.absent_until(recipient) else "send_window"] += 1
            self.messages.append(replace(message, title=title, lines=tuple(shown), not_before=not_before))

    def _with_stand_ins(self, recipients: Iterable[Recipient]) -> Iterable[Recipient]:
        """Return these, and whoever stands in for those who are absent and will read it on their return."""
        own = {one.key: one for one in recipients}
        stand_ins = (self._desk.stand_in(one) for one in own.values())
        return (*own.values(), *(one for one in stand_ins if one is not None and one.key not in own))


def _named(project: Subject) -> str:
    return " ".join(dict.fromkeys((project.id, project.name)))


def _roles(vacant: Sequence[tuple[str, Sequence[str]]], said: Words) -> str:
    """Return a line for each project, with what is vacant there."""
    named = (
        (project, ", ".join(said(one) if said.has(one) else one for one in dict.fromkeys(roles)))
        for project, roles in vacant
    )
    return "\n".join(said.pair(project, roles) for project, roles in named)


def _lost_source(alert: Alert) -> str:
    """Return the source on whose account the alert is unknown."""
    found = NOT_READ.match(alert.unknown_reason)
    return found[1] if found else alert.source


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
