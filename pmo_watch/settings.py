"""The daemon's own settings, checked as a whole: every fault at its place in the file, or with its variable's name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from pmo_watch.errors import SettingsError
from pmo_watch.flow import Organisation
from pmo_watch.normalise import Limits as ReadingLimits
from pmo_watch.settings_entries import Kinds, NotifierEntry, SourceEntry, notifier_model, source_model
from pmo_watch.settings_faults import FaultList, SettingsFaults
from pmo_watch.settings_http import Http
from pmo_watch.settings_layers import (
    Layers,
    Loc,
    find_settings,
    gather,
    secret_folders,
    unknown_variables,
    with_secrets,
)
from pmo_watch.settings_shape import (
    CalendarSettings,
    Conflicts,
    Database,
    Delivery,
    Grafana,
    HighAvailability,
    Limits,
    MatchOn,
    OrganisationSettings,
    People,
    Shape,
)
from pmo_watch.settings_shown import literals, password_of, secrets_in, visible, visible_database
from pmo_watch.yaml_faults import Faults, compose, did_you_mean
from pmo_watch.yaml_nodes import Document, ScalarNode

SHAPE: TypeAdapter[object] = TypeAdapter(Shape)
BARE_CALENDARS = ("be", "nl", "fr", "lu")  # a project or person may name them without a definition


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """The settings in force. Paths are absolute; secrets are in them and nowhere shown.

    `path`: the file; `folder`: what relative paths start from. `sources` and `notifiers` in the order of the file.
    `calendars`: those defined, the four that need no definition, and the organisation's. `merge`: field group ->
    sources, first choice first. `aliases`: what a source writes -> e-mail address or project code. `place`: keys ->
    `file:line:column` of a value, for messages of others. `secrets`: every secret text, for the log's filter.
    `warnings`: what is allowed and should be changed.
    """

    path: Path
    organisation: OrganisationSettings
    database: Database
    rules: Path
    templates: Path
    http: Http
    grafana: Grafana
    ha: HighAvailability
    limits: Limits
    delivery: Delivery
    retention: timedelta
    match_on: MatchOn
    people: People
    conflict_over: Conflicts
    calendars: Mapping[str, CalendarSettings]
    merge: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    sources: Mapping[str, SourceEntry]
    notifiers: Mapping[str, NotifierEntry]
    plugins_dir: Path | None
    place: Callable[..., str] = field(repr=False)
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    warnings: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the file."""
        return self.path.parent

    def written(self) -> list[Path]:
        """Return what people write and change: the rules, the settings, and the templates where there are any."""
        return [self.rules, self.path, *([self.templates] if self.templates.is_dir() else [])]

    def organisation_values(self) -> Organisation:
        """Return what the pure steps read of the organisation."""
        return self.organisation.as_values()

    def reading_limits(self) -> ReadingLimits:
        """Return when a reading is too strange to be believed."""
        limits = self.limits
        return ReadingLimits(limits.shrink, limits.rejects, limits.renamed, limits.least_rows)


def load_settings(path: Path | None, plugins: Kinds) -> Settings:
    """Read and check the settings; `None` looks in the usual places.

    Raises:
        SettingsError: with every fault, in the order of the file; `SettingsFaults` where there is a file.
    """
    document, layers = _read(find_settings(path))
    return _Check(document, layers, plugins).settings()


def plugins_folder(path: Path | None) -> Path | None:
    """Return the folder of plugins that the settings name: needed before they can be checked. None where there is none.

    What is wrong with the settings is not said here but by `load_settings`.

    Raises:
        SettingsError: the file that is named is none.
    """
    if path is not None:
        find_settings(path)
    try:
        document, layers = _read(find_settings(path))
    except SettingsError:
        return None
    named = layers.data.get("plugins_dir")
    folder = Path(_folder(document), Path(named).expanduser()) if isinstance(named, str) and named else None
    return folder if folder is not None and folder.is_dir() else None


def database_url(path: Path | None) -> str | None:
    """Return the address of the database, before plugins and the rest of the settings are looked at.

    None where that cannot be told: what is wrong is said by `load_settings`.
    """
    faults: list[tuple[Loc, str]] = []
    try:
        document, layers = _read(find_settings(path))
        folder = _folder(document)
        data = with_secrets(layers.data.get("database") or {}, secret_folders(layers.data, folder), faults)
        return None if faults else Database.model_validate(data, context={"folder": folder}).url.get_secret_value()
    except (SettingsError, ValidationError):
        return None


def redacted(settings: Settings) -> dict[str, object]:
    """Return the settings as JSON for people to see: every secret is `***`."""
    names = ("organisation", "http", "ha", "grafana", "limits", "delivery", "match_on", "people", "conflict_over")
    shown: dict[str, object] = {name: visible(getattr(settings, name).model_dump(by_alias=True)) for name in names}
    shown["database"] = {"url": visible_database(settings.database.url.get_secret_value())}
    shown |= {
        name: visible(getattr(settings, name)) for name in ("rules", "plugins_dir", "retention", "merge", "aliases")
    }
    shown["calendars"] = {name: visible(one.model_dump()) for name, one in settings.calendars.items()}
    for name, entries in (("sources", settings.sources), ("notifiers", settings.notifiers)):
        shown[name] = {entry.name: visible(entry.settings.model_dump(by_alias=True)) for entry in entries.values()}
    return {name: shown[name] for name in Shape.model_fields if name in shown}


def _read(path: Path) -> tuple[Document, Layers]:
    try:
        document = compose(path)
    except Faults as error:
        raise SettingsFaults(error.faults) from None
    if not isinstance(document.data, dict):
        raise SettingsFaults([document.fault(document.root, "should be keys with values, such as 'rules: rules.d'")])
    return document, gather(document.data, _folder(document))


def _folder(document: Document) -> Path:
    return document.path.absolute().parent


class _Check:
    """One run over the settings, which gathers everything that is wrong."""

    def __init__(self, document: Document, layers: Layers, plugins: Kinds) -> None:
        self._document, self._plugins = document, plugins
        self._found = FaultList(document, layers)
        self._context = {"folder": _folder(document)}
        secretless: list[tuple[Loc, str]] = []
        folders = secret_folders(layers.data, _folder(document))
        data = with_secrets(layers.data, folders, secretless)
        assert isinstance(data, dict)  # as `_read` has made sure
        for loc, text in secretless:
            self._found.add(loc, text, spent=loc[:-1])
        # A part of which every line is commented out is as good as absent; the database is there all the same, since
        # its default starts from the file's folder.
        self._data: dict[str, Any] = {"database": {}} | {name: part for name, part in data.items() if part is not None}
        self._warnings: list[str] = []

    def settings(self) -> Settings:
        """Return the settings.

        Raises:
            SettingsFaults: something is wrong with them.
        """
        shape = self._shape()
        sources = {name: read for name, one in self._entries("sources") if (read := self._source(name, one))}
        notifiers = {name: told for name, one in self._entries("notifiers") if (told := self._notifier(name, one))}
        self._check_names(notifiers)
        self._found.stop_if_any()
        assert shape is not None  # else it would have been a fault
        secrets = self._secrets(shape, [*sources.values(), *notifiers.values()])
        self._warn(shape, notifiers)
        return Settings(
            path=self._document.path.absolute(),
            organisation=shape.organisation,
            database=shape.database,
            rules=shape.rules,
            templates=shape.templates,
            http=shape.http,
            grafana=shape.grafana,
            limits=shape.limits,
            delivery=shape.delivery,
            ha=shape.ha,
            retention=shape.retention,
            match_on=shape.match_on,
            people=shape.people,
            conflict_over=shape.conflict_over,
            calendars=self._calendars(shape),
            merge=_merge(shape),
            aliases=shape.aliases,
            sources=sources,
            notifiers=notifiers,
            plugins_dir=shape.plugins_dir,
            place=self._place,
            secrets=secrets,
            warnings=tuple(self._warnings),
        )

    def _shape(self) -> Shape | None:
        self._found.hide(literals(Shape, self._data))
        try:
            return Shape.model_validate(self._data, context=self._context)
        except ValidationError as error:
            self._found.add_errors(error, SHAPE)
            return None

    # --- sources and notifiers ------------------------------------------------------------------------------------

    def _entries(self, section: str) -> list[tuple[str, dict[str, Any]]]:
        entries = self._data.get(section)
        if not isinstance(entries, dict):
            return []  # what it is instead is a fault of the shape
        return [(name, one) for name, one in entries.items() if isinstance(one, dict)]

    def _source(self, name: str, data: dict[str, Any]) -> SourceEntry | None:
        kind = self._kind("sources", name, data, self._plugins.sources)
        entry = self._validated(("sources", name), source_model(kind), data) if kind else None
        if kind is None or entry is None:
            return None
        every, enabled, accept_shrink = (getattr(entry, key) for key in ("every", "enabled", "accept_shrink"))
        return SourceEntry(name, kind.name, entry, every, enabled, accept_shrink)

    def _notifier(self, name: str, data: dict[str, Any]) -> NotifierEntry | None:
        kind = self._kind("notifiers", name, data, {**self._plugins.notifiers, **self._plugins.observers})
        entry = self._validated(("notifiers", name), notifier_model(kind), data) if kind else None
        if kind is None or entry is None:
            return None
        observes = kind.name in self._plugins.observers
        enabled, fallback = (getattr(entry, key) for key in ("enabled", "fallback"))
        return NotifierEntry(name, kind.name, entry, enabled, fallback, observes)

    def _kind(self, section: str, name: str, data: Mapping[str, Any], kinds: Mapping[str, Any]) -> Any:
        if "type" not in data:
            self._found.add((section, name), f"'type' is missing{_known(kinds)}")
        elif not isinstance(data["type"], str):
            self._found.add((section, name, "type"), "should be a text here")
        elif data["type"] not in kinds:
            self._found.add((section, name, "type"), self._plugins.why_not("type", data["type"], kinds))
        else:
            return kinds[data["type"]]
        return None

    def _validated(self, at: Loc, model: type[BaseModel], data: Mapping[str, Any]) -> BaseModel | None:
        self._found.hide(literals(model, data))
        try:
            return model.model_validate(data, context=self._context)
        except ValidationError as error:
            self._found.add_errors(error, TypeAdapter(model), at)
            return None

    # --- names that must exist ------------------------------------------------------------------------------------

    def _check_names(self, notifiers: Mapping[str, NotifierEntry]) -> None:
        sources = [name for name, _ in self._entries("sources")]
        people = self._data.get("people")
        if isinstance(people, dict) and people.get("source"):
            self._must_exist(("people", "source"), people["source"], sources, "source")
        merge = self._data.get("merge")
        for group, wanted in merge.items() if isinstance(merge, dict) else ():
            for number, name in enumerate(wanted if isinstance(wanted, list) else ()):
                self._must_exist(("merge", group, number), name, sources, "source")
        organisation = self._data.get("organisation")
        calendar = organisation.get("calendar") if isinstance(organisation, dict) else None
        if isinstance(calendar, str) and len(calendar) != 2:
            defined = self._data.get("calendars")
            self._must_exist(
                ("organisation", "calendar"), calendar, defined if isinstance(defined, dict) else (), "calendar"
            )
        for entry in notifiers.values():
            if entry.fallback:
                loc = ("notifiers", entry.name, "fallback")
                others = [one for one, other in notifiers.items() if one != entry.name and not other.observes]
                self._must_exist(loc, entry.fallback, others, "other notifier")

    def _must_exist(self, loc: Loc, name: object, known: Iterable[str], what: str) -> None:
        if str(name) not in known:
            near = did_you_mean(name, known) or _known(known)
            self._found.add(loc, f"there is no {what} '{name}'{near}")

    def _calendars(self, shape: Shape) -> dict[str, CalendarSettings]:
        own = shape.organisation.calendar
        bare = {name: CalendarSettings(country=name) for name in (*BARE_CALENDARS, *([own] if len(own) == 2 else []))}
        return {**bare, **shape.calendars}

    def _place(self, *keys: int | str) -> str:
        if keys[:1] == ("calendars",) and self._document.find(*keys[:2]) is None:
            keys = ("organisation", "calendar")  # what nobody defined is used there
        return self._found.place(keys)

    # --- secrets and warnings -------------------------------------------------------------------------------------

    def _secrets(self, shape: Shape, entries: Iterable[SourceEntry | NotifierEntry]) -> frozenset[str]:
        tree: dict[str, Any] = shape.model_dump(by_alias=True, exclude={"sources", "notifiers"})
        for entry in entries:
            section = "sources" if isinstance(entry, SourceEntry) else "notifiers"
            tree.setdefault(section, {})[entry.name] = entry.settings.model_dump(by_alias=True)
        found: set[str] = set()
        for loc, text in secrets_in(tree):
            is_database = loc == ("database", "url")
            secret = password_of(text) if is_database else text
            found |= {secret} - {""}
            if secret and loc[-1] != "hash" and isinstance(self._document.find(*loc), ScalarNode):
                self._warn_literal(loc, "password" if is_database else "secret")
        return frozenset(found)

    def _warn_literal(self, loc: Loc, what: str) -> None:
        if self._found.origin(loc):
            return
        remedy = "give it by environment" if what == "password" else f"write {loc[-1]}: {{secret: NAME}}"
        self._warnings.append(f"{self._found.place(loc)}: this {what} can be read in the file: {remedy}")

    def _warn(self, shape: Shape, notifiers: Mapping[str, NotifierEntry]) -> None:
        if shape.http.external_url and not shape.http.ack.keys:
            self._warnings.append(f"{self._found.place(('http',))}: without ack.keys messages hold no acknowledge link")
        if shape.http.ack.login == "required" and not (shape.http.users or shape.http.proxy):
            place = self._found.place(("http", "ack", "login"))
            self._warnings.append(
                f"{place}: required: nobody can sign in: set http.users or http.proxy, or leave it out"
            )
        if "templates" in shape.model_fields_set and not shape.templates.is_dir():
            place = self._found.place(("templates",))
            self._warnings.append(f"{place}: there is no folder {shape.templates}: messages look as they come")
        if shape.http.insecure:
            self._warnings.append(
                f"{self._found.place(('http', 'insecure'))}: insecure: anybody who reaches it may read"
            )
        for entry in notifiers.values():
            kind = self._plugins.notifiers.get(entry.type) or self._plugins.observers.get(entry.type)
            said = kind.check(entry.settings) if kind else ()
            self._warnings += [f"{self._found.place(('notifiers', entry.name))}: {text}" for text in said]
        self._warnings += unknown_variables()


def _merge(shape: Shape) -> dict[str, tuple[str, ...]]:
    chosen: dict[str, tuple[str, ...]] = {str(group): sources for group, sources in shape.merge.items()}
    if shape.people.source:
        chosen.setdefault("people", (shape.people.source,))
    return chosen


def _known(names: Iterable[str]) -> str:
    known = sorted(names)
    return f"; there is {', '.join(known)}" if known else ""
