"""Settings, plugins, calendars and rules loaded together: what is in force, swapped as a whole or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from pmo_watch import __version__
from pmo_watch.calendars import build_calendars
from pmo_watch.contracts import Notifier, NotifierContext, Observer, OwnMetrics, Source, SourceContext, Watches
from pmo_watch.errors import PluginError
from pmo_watch.flow import Organisation
from pmo_watch.merge import Context
from pmo_watch.plugin_host import Plugins, load_plugins
from pmo_watch.rule_files import Catalogue, LoadedRules, load_rules
from pmo_watch.rules import RuleSet
from pmo_watch.settings import Settings, load_settings, plugins_folder
from pmo_watch.settings_entries import NotifierEntry, SourceEntry
from pmo_watch.workdays import Calendar

USER_AGENT = f"pmo-watch/{__version__}"


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """Everything that people set, checked. `loaded` holds the rules, their faults and the texts in force."""

    settings: Settings
    plugins: Plugins
    calendars: Mapping[str, Calendar]
    loaded: LoadedRules

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

    def dimensions(self) -> dict[str, str]:
        """Return, by rule id, the dimension of a project's colour that the rule counts in; empty for none."""
        measures = self.plugins.measures
        return {
            rule.id: rule.dimension or next((measures[one.measure].dimension for one in rule.measures), "")
            for rule in self.rules.rules.values()
        }

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
        )


def configure(path: Path | None, last_good: Mapping[str, str] | None = None) -> Configuration:
    """Load everything that people set.

    `last_good`: file -> text of rule files, as they were in force last; a file with faults keeps its own.

    Raises:
        SettingsError, PluginError
    """
    plugins = load_plugins(plugins_folder(path))
    settings = load_settings(path, plugins)
    calendars = build_calendars(settings.calendars, settings.folder, settings.place)
    return with_rules(Configuration(settings, plugins, calendars, LoadedRules(RuleSet(), (), {})), last_good or {})


def with_rules(configuration: Configuration, last_good: Mapping[str, str]) -> Configuration:
    """Load the rules again and return the configuration with them."""
    settings = configuration.settings
    told = frozenset(name for name, entry in settings.notifiers.items() if not entry.observes)
    catalogue = Catalogue(configuration.plugins.measures, told)
    return replace(configuration, loaded=load_rules(settings.rules, catalogue, last_good))


def open_source(
    configuration: Configuration, name: str, now: datetime, progress: Callable[[str], None] = lambda _: None
) -> Source:
    """Open one source of the settings.

    Raises:
        PluginError: there is none of that name.
        SourceError: it cannot be opened.
    """
    entry = configuration.settings.sources.get(name)
    if entry is None:
        known = ", ".join(configuration.settings.sources) or "none"
        raise PluginError(f"there is no source '{name}' in {configuration.settings.path}; there is {known}")
    organisation = configuration.settings.organisation
    context = SourceContext(
        name,
        configuration.settings.folder,
        now,
        configuration.zone,
        configuration.organisation,
        configuration.calendars,
        configuration.settings.limits.rejects,
        organisation.decimal or "",
        organisation.dates or "",
        progress,
    )
    return configuration.plugins.sources[entry.type].open(entry.settings, context)


def open_notifiers(configuration: Configuration) -> dict[str, Notifier]:
    """Open every notifier that messages go to."""
    kinds = configuration.plugins.notifiers
    return {
        name: kinds[entry.type].open(entry.settings, _told(configuration, name))
        for name, entry in configuration.notifiers().items()
    }


def open_observers(configuration: Configuration, metrics: OwnMetrics | None) -> dict[str, Observer]:
    """Open every observer."""
    kinds = configuration.plugins.observers
    return {
        name: kinds[entry.type].open(entry.settings, _told(configuration, name, metrics))
        for name, entry in configuration.settings.notifiers.items()
        if entry.enabled and entry.observes
    }


def _told(configuration: Configuration, name: str, metrics: OwnMetrics | None = None) -> NotifierContext:
    settings = configuration.settings
    return NotifierContext(name, settings.folder, USER_AGENT, settings.http.external_url or "", metrics)


def reads_files(source: Source) -> bool:
    """Say whether a source reads files and wants to be read when they change."""
    return isinstance(source, Watches) and bool(source.paths())
