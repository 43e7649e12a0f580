"""What the daemon and every command start from: settings, plugins and calendars, in the order they need each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pmo_watch.calendars import build_calendars
from pmo_watch.plugin_host import Plugins, load_plugins
from pmo_watch.settings import Settings, load_settings, plugins_folder
from pmo_watch.workdays import Calendar


@dataclass(frozen=True, slots=True, eq=False)
class Configuration:
    """Settings in force with the plugins that checked them and the calendars they describe."""

    settings: Settings
    plugins: Plugins
    calendars: Mapping[str, Calendar]


def read_configuration(path: Path | None = None, *, installed: bool = True) -> Configuration:
    """Read settings from `path` or the usual places, with the plugins that they name.

    Raises:
        SettingsError: every fault of the settings; where they have none, every fault of the calendars.
    """
    plugins = load_plugins(plugins_folder(path), installed=installed)
    settings = load_settings(path, plugins)
    return Configuration(settings, plugins, build_calendars(settings.calendars, settings.folder, settings.place))
