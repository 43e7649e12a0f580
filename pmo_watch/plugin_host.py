"""Finds plugins and takes each in whole, or leaves it out and says why; one plugin cannot stop another."""

import difflib
import importlib
import importlib.metadata
import importlib.util
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pluggy
import structlog

from pmo_watch import __version__, hookspecs
from pmo_watch.contracts import Measure, SourceType
from pmo_watch.errors import PluginError
from pmo_watch.telling import NotifierType, ObserverType

PACKAGE = "pmo_watch_plugins"  # the only place of the core that names it
FOLDERS = ("sources", "rules", "notifiers")
GROUP = "pmo_watch"  # of the entry points of other distributions
DROP_IN = "pmo_watch_drop_in_"  # what a file of `plugins_dir` is called among the modules
PROJECT = "pmo_watch"  # pluggy's name for our hooks: every one of them begins with it

HOOKS: Mapping[str, tuple[str, type[Any]]] = MappingProxyType(
    {
        "pmo_watch_sources": ("source", SourceType),
        "pmo_watch_measures": ("measure", Measure),
        "pmo_watch_notifiers": ("notifier", NotifierType),
        "pmo_watch_observers": ("observer", ObserverType),
    }
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedPlugin:
    """One plugin that was taken in: `kinds` are source, measure, notifier, observer; `text` its own first line."""

    name: str
    kinds: tuple[str, ...]
    version: str
    text: str
    origin: str  # built-in, the distribution's name, or the file's path
    folder: Path | None = None  # of a plugin that is a package: its further files lie there


@dataclass(frozen=True, slots=True)
class Plugins:
    """What the loaded plugins offer, by name; `failed` says of every plugin left out why."""

    sources: Mapping[str, SourceType[Any]] = field(default_factory=dict)
    measures: Mapping[str, Measure[Any]] = field(default_factory=dict)
    notifiers: Mapping[str, NotifierType[Any]] = field(default_factory=dict)
    observers: Mapping[str, ObserverType[Any]] = field(default_factory=dict)
    loaded: tuple[LoadedPlugin, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    given_by: Mapping[tuple[str, str], str] = field(default_factory=dict)  # kind and name of an offer -> its plugin

    def plugin_of(self, kind: str, name: str) -> str:
        """Return the plugin that offers something."""
        return self.given_by.get((kind, name), name)

    def why_not(self, what: str, name: str, known: Iterable[str]) -> str:
        """Say why `name`, a `what` such as "type" or "measure", is not among `known`, with the remedy."""
        if name in self.failed:
            return f"{what} '{name}' is left out: {self.failed[name]}"
        text = f"{what} '{name}' does not exist"
        names = sorted(known)
        if near := difflib.get_close_matches(name, names, n=1):
            return f"{text}, did you mean '{near[0]}'?"
        if names and len(names) <= 12:
            text += f"; there is {', '.join(names)}"
        if self.failed:
            text += f"; left out: {'; '.join(f'{one} ({why})' for one, why in sorted(self.failed.items()))}"
        return text


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A plugin that was found and not yet loaded."""

    name: str
    version: str
    origin: str
    load: Callable[[], object]


def load_plugins(plugins_dir: Path | None = None, *, installed: bool = True) -> Plugins:
    """Load the built-in plugins, those of other distributions, and the files of `plugins_dir`, in this order.

    `installed=False` leaves out the other distributions.
    """
    return _load(_find(plugins_dir, installed=installed))


def load_folder(folder: Path) -> Plugins:
    """Load the plugin of one folder and no other: a built-in one, or a package that Python can import."""
    return _load([_Candidate(folder.name, "", str(folder), partial(importlib.import_module, _import_name(folder)))])


def _import_name(folder: Path) -> str:
    here = folder.resolve()
    for kind in FOLDERS:
        package = importlib.import_module(f"{PACKAGE}.{kind}")
        if any(Path(one).resolve() == here.parent for one in package.__path__):
            return f"{package.__name__}.{here.name}"
    names = [here.name]
    for parent in here.parents:
        if not (parent / "__init__.py").is_file():
            break
        names.insert(0, parent.name)
    return ".".join(names)


def _load(candidates: Iterable[_Candidate]) -> Plugins:
    taken: dict[str, dict[str, Any]] = {kind: {} for kind, _ in HOOKS.values()}
    loaded: list[LoadedPlugin] = []
    failed: dict[str, str] = {}
    given_by: dict[tuple[str, str], str] = {}
    for candidate in candidates:
        try:
            plugin, offers = _take(candidate, taken)
        except PluginError as error:
            _note(failed, candidate, str(error))
        else:
            loaded.append(plugin)
            for kind, found in offers.items():
                taken[kind].update(found)
                given_by |= dict.fromkeys([(kind, name) for name in found], plugin.name)
    return Plugins(
        taken["source"], taken["measure"], taken["notifier"], taken["observer"], tuple(loaded), failed, given_by
    )


def _find(plugins_dir: Path | None, *, installed: bool) -> Iterator[_Candidate]:
    for folder in FOLDERS:
        package = importlib.import_module(f"{PACKAGE}.{folder}")
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
            name = f"{PACKAGE}.{folder}.{found.name}"
            yield _Candidate(found.name, __version__, "built-in", partial(importlib.import_module, name))
    if installed:
        points = {(one.name, one.value): one for one in importlib.metadata.entry_points(group=GROUP)}
        for _, point in sorted(points.items()):
            distribution = point.dist
            version, origin = (distribution.version, distribution.name) if distribution else ("", point.value)
            yield _Candidate(point.name, version, origin, point.load)
    for path in sorted(plugins_dir.glob("*.py")) if plugins_dir else ():
        yield _Candidate(path.stem, "", str(path), partial(_load_file, path))


def _load_file(path: Path) -> object:
    name = DROP_IN + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pydantic look their module up while it is being executed
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _take(candidate: _Candidate, taken: Mapping[str, Mapping[str, Any]]) -> tuple[LoadedPlugin, dict[str, Any]]:
    module = _import(candidate)
    offers = _offers(module, candidate)
    for kind, found in offers.items():
        # Observers are set under `notifiers:` like the others, so the two share their names.
        rivals = [kind] if kind in {"source", "measure"} else ["notifier", "observer"]
        for name in found:
            if any(name in taken[rival] for rival in rivals):
                raise PluginError(f"the {kind} '{name}' is taken by another plugin: rename it or remove one of the two")
    if clash := offers.get("notifier", {}).keys() & offers.get("observer", {}).keys():
        raise PluginError(f"'{min(clash)}' is both a notifier and an observer: give one another name")
    version = candidate.version or str(getattr(module, "__version__", ""))
    text = (getattr(module, "__doc__", None) or "").strip().split("\n")[0]
    return LoadedPlugin(candidate.name, tuple(offers), version, text, candidate.origin, _folder_of(module)), offers


def _folder_of(module: object) -> Path | None:
    file = getattr(module, "__file__", None)
    return Path(file).parent if file and Path(file).name == "__init__.py" else None


def _import(candidate: _Candidate) -> object:
    try:
        return candidate.load()
    except ModuleNotFoundError as error:
        raise PluginError(f"the library '{error.name}' is not installed: install it beside pmo-watch") from None
    except SyntaxError as error:
        raise PluginError(f"{error.filename}:{error.lineno}:{error.offset}: {error.msg}") from None
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  what a plugin does on import concerns that plugin alone
        raise PluginError(_bug(candidate, "importing it", error)) from None


def _offers(module: object, candidate: _Candidate) -> dict[str, dict[str, Any]]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    _check_names(module)
    try:
        manager.register(module)
    except pluggy.PluginValidationError as error:
        raise PluginError(_signature_fault(error)) from None
    callers = manager.get_hookcallers(module) or []
    if not callers:
        raise PluginError(f"it has no hook at all: write one of {', '.join(HOOKS)}, marked with @hookimpl")
    offers: dict[str, dict[str, Any]] = {}
    for caller in callers:
        kind, expected = HOOKS[caller.name]
        offers[kind] = _call(caller, expected, candidate)
    return offers


def _check_names(module: object) -> None:
    """Refuse functions that look like our hooks but are none: pluggy would pass over them in silence."""
    marker = f"{PROJECT}_impl"
    for name, value in vars(module).items() if hasattr(module, "__dict__") else ():
        marked = hasattr(value, marker)
        if name in HOOKS and not marked and callable(value):
            raise PluginError(f"'{name}' is not marked with @hookimpl")
        if name not in HOOKS and marked:
            near = difflib.get_close_matches(name, HOOKS, n=1)
            raise PluginError(f"hook '{name}' does not exist" + (f", did you mean '{near[0]}'?" if near else ""))


def _signature_fault(error: pluggy.PluginValidationError) -> str:
    found = re.search(r"for hook '(\w+)'.*declared in the hookimpl but can not be found", str(error), re.DOTALL)
    return f"hook '{found[1]}' takes no arguments" if found else " ".join(str(error).split())


def _call(caller: pluggy.HookCaller, expected: type[Any], candidate: _Candidate) -> dict[str, Any]:
    wanted = f"hook '{caller.name}' must return a list of {expected.__name__}"
    found: dict[str, Any] = {}
    for one in _answers(caller, wanted, candidate):
        if not isinstance(one, expected):
            raise PluginError(f"{wanted}, and there is a {type(one).__name__} in it")
        if one.name in found:
            raise PluginError(f"hook '{caller.name}' returned '{one.name}' twice")
        found[one.name] = one
    return found


def _answers(caller: pluggy.HookCaller, wanted: str, candidate: _Candidate) -> list[object]:
    try:
        answers = caller()  # of the only plugin that this manager knows
        if not all(isinstance(answer, Iterable) for answer in answers):
            raise PluginError(f"{wanted}, not {answers[0]!r}")
        return [one for answer in answers for one in answer]
    except PluginError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  as on import
        raise PluginError(_bug(candidate, f"hook '{caller.name}'", error)) from None


def _bug(candidate: _Candidate, doing: str, error: BaseException) -> str:
    log.warning("plugin raised an error", plugin=candidate.name, origin=candidate.origin, exc_info=error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{doing} raised {type(error).__name__} in {last.filename}:{last.lineno}: {error}"


def _note(failed: dict[str, str], candidate: _Candidate, reason: str) -> None:
    name = candidate.name if candidate.name not in failed else f"{candidate.name} ({candidate.origin})"
    failed[name] = reason
