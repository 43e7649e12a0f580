"""Everything that people set, loaded together: what is in force, swapped as a whole or not at all."""

from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from pmo_watch.alerts import OutboxRow
from pmo_watch.configuration import Configuration, read_configuration
from pmo_watch.contracts import Source, SourceContext, Watches
from pmo_watch.contradictions import ConflictOver
from pmo_watch.entities import MATCHED_ON
from pmo_watch.errors import DeliveryDeferred, DeliveryError, PluginError, SourceError
from pmo_watch.flow import Organisation
from pmo_watch.merge import Context
from pmo_watch.plugin_host import Plugins
from pmo_watch.rest import USER_AGENT
from pmo_watch.rule_files import Catalogue, LoadedRules, Readable, load_rules, rules_from_texts
from pmo_watch.rules import RuleSet
from pmo_watch.settings import Settings
from pmo_watch.settings_entries import NotifierEntry, SourceEntry
from pmo_watch.telling import CycleReport, Defect, Notifier, NotifierContext, Observer, OwnMetrics, unnoticed
from pmo_watch.template_files import SUFFIX, LoadedTemplates, load_templates
from pmo_watch.workdays import Calendar

LOG = structlog.get_logger("pmo_watch.in_force")


@dataclass(frozen=True, slots=True, eq=False)
class InForce:
    """Everything that people set, checked. `loaded` holds the rules, the faults and the texts in force, those of
    templates among them.
    """

    base: Configuration
    loaded: LoadedRules
    templates: LoadedTemplates = field(default_factory=LoadedTemplates)

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.base.settings

    @property
    def plugins(self) -> Plugins:
        """The plugins."""
        return self.base.plugins

    @property
    def calendars(self) -> Mapping[str, Calendar]:
        """The calendars, by name."""
        return self.base.calendars

    @property
    def rules(self) -> RuleSet:
        """The rules in force."""
        return self.loaded.rules

    @property
    def organisation(self) -> Organisation:
        """What holds for the whole organisation."""
        return self.settings.organisation_values()

    @property
    def zone(self) -> ZoneInfo:
        """The organisation's time zone."""
        return ZoneInfo(self.organisation.timezone)

    def sources(self) -> dict[str, SourceEntry]:
        """Return the sources that are switched on, in the order of the settings."""
        return {name: entry for name, entry in self.settings.sources.items() if entry.enabled}

    def notifiers(self) -> dict[str, NotifierEntry]:
        """Return the notifiers that messages go to, in the order of the settings; observers are not among them."""
        return {name: one for name, one in self.settings.notifiers.items() if one.enabled and not one.observes}

    def pushers(self) -> dict[str, NotifierEntry]:
        """Return the observers that also push what they show, in the order of the settings."""
        kinds = self.plugins.observers
        found = self.settings.notifiers.items()
        return {name: one for name, one in found if one.enabled and one.observes and kinds[one.type].every is not None}

    def context(self, now: datetime) -> Context:
        """Return what merging needs at this moment."""
        return Context(
            now,
            now.astimezone(self.zone).date(),
            self.calendars,
            self.organisation,
            tuple(self.settings.sources),
            self.settings.merge,
            self.settings.aliases,
            MATCHED_ON | {"project": self.settings.match_on.project},
            ConflictOver(self.settings.conflict_over.dates, self.settings.conflict_over.numbers),
            frozenset(self.sources()),
        )


def load(path: Path | None, last_good: Mapping[str, str] | None = None) -> InForce:
    """Load everything that people set.

    `last_good`: file -> text of rule files, as they were in force last; a file with faults keeps its own.

    Raises:
        SettingsError: with every fault.
    """
    return with_rules(InForce(read_configuration(path), LoadedRules(RuleSet(), (), {})), last_good or {})


def with_rules(in_force: InForce, last_good: Mapping[str, str]) -> InForce:
    """Load rules and templates again and return what is in force with them."""
    settings = in_force.settings
    texts, former = _parted(last_good)
    loaded = load_rules(settings.rules, _catalogue(in_force), texts, settings.organisation.language)
    templates = load_templates(settings.templates, former)
    return replace(in_force, loaded=_together(loaded, templates), templates=templates)


def _parted(texts: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the texts of rule files and those of templates."""
    templates = {name: text for name, text in texts.items() if name.endswith(SUFFIX)}
    return {name: text for name, text in texts.items() if name not in templates}, templates


def _together(loaded: LoadedRules, templates: LoadedTemplates) -> LoadedRules:
    """Return the rules with the files of templates beside theirs: what is wrong with any is told in the same way."""
    rules = replace(
        loaded.rules,
        stale_files={**loaded.rules.stale_files, **templates.stale},
        unused_files={**loaded.rules.unused_files, **templates.unused},
        owners={**loaded.rules.owners, **dict.fromkeys(templates.texts, "")},  # the PMO
    )
    return LoadedRules(rules, (*loaded.faults, *templates.faults), {**loaded.texts, **templates.texts})


def with_former_rules(in_force: InForce, former: Mapping[str, str]) -> InForce:
    """Return it with the rule files as they were in force last, whatever they say now; itself where they say the same.

    Templates change no alert: the present ones are taken up.

    `former`: file -> text; empty where no rules were ever in force.
    """
    now = in_force.loaded
    written, _ = _parted(former)
    if not written or written == _parted(now.texts)[0]:
        return in_force
    settings = in_force.settings
    texts = Readable(written)
    loaded = rules_from_texts(settings.rules, texts, _catalogue(in_force), language=settings.organisation.language)
    # What is wrong with the present files stays said: it was told of already.
    rules = replace(
        loaded.rules,
        stale_files=now.rules.stale_files,
        unused_files=now.rules.unused_files,
        owners={**loaded.rules.owners, **now.rules.owners},
    )
    return replace(in_force, loaded=LoadedRules(rules, now.faults, {**loaded.texts, **in_force.templates.texts}))


def _catalogue(in_force: InForce) -> Catalogue:
    told = frozenset(name for name, entry in in_force.settings.notifiers.items() if not entry.observes)
    failed, persons = frozenset(in_force.plugins.failed), in_force.settings.people.results
    return Catalogue(in_force.plugins.measures, told, failed, persons, in_force.calendars)


def open_source(
    in_force: InForce, name: str, now: datetime, progress: Callable[[str], None] = lambda _: None
) -> Source:
    """Open one source of the settings.

    Raises:
        PluginError: there is none of that name.
        SourceError: it cannot be opened.
    """
    entry = in_force.settings.sources.get(name)
    if entry is None:
        known = ", ".join(in_force.settings.sources) or "none"
        raise PluginError(f"there is no source '{name}' in {in_force.settings.path}; there is {known}")
    organisation = in_force.settings.organisation
    context = SourceContext(
        name,
        in_force.settings.folder,
        now,
        in_force.zone,
        in_force.organisation,
        in_force.calendars,
        in_force.settings.limits.rejects,
        organisation.decimal or "",
        organisation.dates or "",
        progress,
    )
    return in_force.plugins.sources[entry.type].open(entry.settings, context)


@dataclass(frozen=True, slots=True)
class Unopened:
    """A notifier that could not be opened: its messages wait, and the others leave."""

    reason: str
    answer: str

    async def send(self, row: OutboxRow) -> str:
        """Defer the message.

        Raises:
            DeliveryDeferred: always.
        """
        raise DeliveryDeferred(self.reason, self.answer, channel_fault=True)

    async def probe(self) -> None:
        """Say why it could not be opened.

        Raises:
            DeliveryDeferred: always.
        """
        raise DeliveryDeferred(self.reason, self.answer, channel_fault=True)

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""


def open_notifiers(
    in_force: InForce,
    token_taken: Callable[[str, float], None] = lambda _name, _seconds: None,
    defect: Defect = unnoticed,
) -> dict[str, Notifier]:
    """Open every notifier that messages go to; one that cannot be opened defers them.

    `token_taken`: called with the notifier's name and the seconds for which its new access token is good.
    """
    contexts = {
        name: replace(_told(in_force, name), token_taken=partial(token_taken, name)) for name in in_force.notifiers()
    }
    return {name: _opened(in_force, entry, contexts[name], defect) for name, entry in in_force.notifiers().items()}


def _opened(in_force: InForce, entry: NotifierEntry, context: NotifierContext, defect: Defect) -> Notifier:
    try:
        return in_force.plugins.notifiers[entry.type].open(entry.settings, context)
    except DeliveryError as fault:
        return Unopened(fault.reason, fault.answer)
    except Exception as fault:  # a plugin's defect costs its messages a wait, and the other notifiers nothing
        LOG.exception("notifier cannot be opened", notifier=entry.name)
        defect("notifier", entry.type)
        return Unopened("other", f"its plugin failed: {type(fault).__name__}")


def read_alike(before: InForce, after: InForce) -> list[str]:
    """Return the sources that give the same with both: their settings, the organisation and the calendars are alike."""
    if before.organisation != after.organisation or before.calendars != after.calendars:
        return []
    # As values: each loading makes the models anew, and models of two classes are never equal.
    old = {name: entry.settings.model_dump() for name, entry in before.sources().items()}
    return [name for name, entry in after.sources().items() if old.get(name) == entry.settings.model_dump()]


@dataclass(frozen=True, slots=True)
class UnopenedPusher:
    """An observer that pushes and could not be opened: it says so at each push."""

    fault: DeliveryError

    def wishes(self) -> Sequence[str]:
        """Ask for nothing."""
        return ()

    def cycle_finished(self, report: CycleReport) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Hold nothing, let go of nothing."""

    async def push(self) -> Mapping[str, DeliveryError | None]:
        """Say why it could not be opened."""
        return {"settings": self.fault}

    push_test = probe = push

    async def end(self) -> None:
        """Hold nothing, let go of nothing."""


def open_observers(
    in_force: InForce,
    metrics: OwnMetrics | None,
    defect: Defect = unnoticed,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    only: Container[str] | None = None,
) -> dict[str, Observer]:
    """Open every observer; one whose plugin fails is left out. `only`: names of those that are wanted; None: all."""
    found: dict[str, Observer] = {}
    for name, entry in in_force.settings.notifiers.items():
        if not (entry.enabled and entry.observes) or (only is not None and name not in only):
            continue
        try:
            kind = in_force.plugins.observers[entry.type]
            observer = kind.open(entry.settings, replace(_told(in_force, name, metrics), now=now))
            observer.wishes()  # what it cannot say now would end a cycle
            found[name] = observer
        except DeliveryError as fault:
            found[name] = UnopenedPusher(fault)
        except Exception:  # a plugin's defect costs what it shows, and nothing else
            LOG.exception("observer cannot be opened", notifier=name)
            defect("observer", entry.type)
    return found


def close_observers(observers: Mapping[str, Observer]) -> None:
    """Let every observer let go of what it holds."""
    for name, one in observers.items():
        try:
            one.close()
        except Exception:  # a plugin's defect keeps nothing else open
            LOG.exception("observer cannot be closed", notifier=name)


def _told(in_force: InForce, name: str, metrics: OwnMetrics | None = None) -> NotifierContext:
    settings = in_force.settings
    return NotifierContext(name, settings.folder, USER_AGENT, settings.http.external_url or "", metrics)


def watched_paths(in_force: InForce, now: datetime, defect: Defect = unnoticed) -> dict[str, Sequence[Path]]:
    """Return, by source, the files and folders that the source wants to be read again for when they change."""
    found: dict[str, Sequence[Path]] = {}
    for name, entry in in_force.sources().items():
        if not getattr(entry.settings, "watch", False):
            continue
        try:
            with closing(open_source(in_force, name, now)) as source:
                if isinstance(source, Watches):
                    found[name] = source.paths()
        except SourceError:
            continue  # its reading says so
        except Exception:  # a plugin's defect costs its source, never the others
            LOG.exception("source cannot be watched, only read on time", source=name)
            defect("source", entry.type)
    return found


def reads_files(source: Source) -> bool:
    """Say whether a source reads files and wants to be read when they change."""
    return isinstance(source, Watches) and bool(source.paths())
