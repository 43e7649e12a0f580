"""Where settings come from: the file, the environment, secret files; which of them gave a value; where secrets are."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NestedSecretsSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings.exceptions import SettingsError as NotReadable

from pmo_watch.errors import SettingsError
from pmo_watch.settings_shape import Shape
from pmo_watch.yaml_faults import did_you_mean

PREFIX = "PMO_WATCH_"  # of the environment variables
CONFIG_VARIABLE = "PMO_WATCH_CONFIG"
SECRET_PREFIX = "PMO_WATCH_SECRET_"  # noqa: S105  the name of a variable, no secret
SEARCHED = (Path("pmo-watch.yaml"), Path("/etc/pmo-watch/pmo-watch.yaml"))
_SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Loc = tuple[int | str, ...]


def find_settings(path: Path | None = None) -> Path:
    """Return the settings file: the one given, else that of the environment, else the first of the usual places.

    Raises:
        SettingsError: there is none.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if chosen := path or (Path(named) if named else None):
        if not chosen.is_file():
            how = "--config" if path is not None else CONFIG_VARIABLE
            what = "is a folder: name a file" if chosen.is_dir() else "does not exist"
            raise SettingsError(f"the settings file {chosen}, named by {how}, {what}")
        return chosen
    if found := next((one for one in SEARCHED if one.is_file()), None):
        return found
    places = " nor ".join(map(str, SEARCHED))
    raise SettingsError(
        f"no settings: neither {places} exists; 'pmo-watch init DIR' writes them, "
        f"--config or {CONFIG_VARIABLE} says where they are"
    )


@dataclass(slots=True, eq=False)
class Layers:
    """What file, environment and secret files say together; `origins`: place -> what gave it, unless the file."""

    data: dict[str, object] = field(repr=False)
    origins: dict[Loc, str] = field(default_factory=dict)

    def origin(self, loc: Loc, in_file: bool) -> str:
        """Return what gave the value there; empty when it is the file.

        `in_file`: whether the part that holds the place stands in the file: then what is missing is missing there.
        """
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.origins:
                return self.origins[loc[:end]]
        if in_file or not loc:
            return ""
        above = loc[:-1]
        return next((origin for place, origin in self.origins.items() if place[: len(above)] == above), "")


def gather(file: Mapping[str, object], folder: Path) -> Layers:
    """Lay the environment over what the file says, and secret files over both.

    Raises:
        SettingsError: a variable or secret file is not readable.
    """
    layers = Layers({**file})
    _lay(layers, _environment(), os.environ, "environment ")
    if folders := secret_folders(layers.data, folder):
        try:
            found = _SettingFiles(SecretsSettingsSource(_Variables, secrets_dir=list(folders)))()
        except (OSError, ValueError) as error:
            raise SettingsError(f"secret files in {', '.join(map(str, folders))}: {error}") from None
        names = {name: name for one in folders for name in os.listdir(one)}
        _lay(layers, found, names, "secret file ")
    return layers


class _Variables(Shape, BaseSettings):
    """Tells pydantic-settings which variables there are; it is never validated, since that would read them again."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True)


class _SettingFiles(NestedSecretsSettingsSource):
    """Files named like variables; whatever else lies in the folders is none of our business."""

    @classmethod
    def load_secrets(cls, path: Path) -> dict[str, str]:
        """Return the text of each file that is named like a setting."""
        ours = [one for one in path.iterdir() if one.name.upper().startswith(PREFIX) and one.is_file()]
        return {one.name: one.read_text(encoding="utf-8").strip() for one in ours}


def _environment() -> dict[str, object]:
    try:
        return EnvSettingsSource(_Variables)()
    except NotReadable as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{found[1].upper()}" if found else PREFIX
        raise SettingsError(f"environment {name}: should be JSON, or one variable per value: {name}__...") from None


def _lay(layers: Layers, over: Mapping[str, object], names: Mapping[str, str], kind: str) -> None:
    spelled = {name.upper(): name for name in names}
    for keys, value in _leaves(over):
        variable = next(
            (spelled[name] for end in range(len(keys), 0, -1) if (name := _variable(keys[:end])) in spelled),
            _variable(keys),
        )
        loc = _put(layers.data, keys, value)
        layers.origins[loc] = f"{kind}{variable}"


def _variable(keys: Sequence[str]) -> str:
    return (PREFIX + "__".join(keys)).upper()


def _leaves(tree: Mapping[str, object], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    for key, given in tree.items():
        value = _from_json(given) if isinstance(given, str) and given[:1] in {"{", "["} else given
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, str(key)))
        else:
            yield (*above, str(key)), value


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(data: dict[str, object], keys: tuple[str, ...], value: object) -> Loc:
    """Set the value and return where; a key finds its like, as a variable's name has no case and no hyphen."""
    loc: list[str] = []
    here = data
    for key in keys[:-1]:
        name = _like(key, here)
        below = here.get(name)
        here[name] = {**below} if isinstance(below, Mapping) else {}
        here = here[name]  # type: ignore[assignment]  # a dict since the line above
        loc.append(name)
    name = _like(keys[-1], here)
    here[name] = value
    return (*loc, name)


def _like(key: str, known: Mapping[str, object]) -> str:
    plain = {name.lower().replace("-", "_").replace(".", "_"): name for name in known}
    return plain.get(key.lower().replace("-", "_"), key)


def unknown_variables() -> list[str]:
    """Say which variables begin like a setting and are none."""
    said: list[str] = []
    for name in sorted(os.environ):
        if not name.startswith(PREFIX) or name == CONFIG_VARIABLE or name.startswith(SECRET_PREFIX):
            continue
        part = name.removeprefix(PREFIX).split("__")[0].lower()
        if part not in Shape.model_fields:
            near = (
                did_you_mean(part, Shape.model_fields)
                or "; parts are joined by two underscores: PMO_WATCH_HTTP__LISTEN"
            )
            said.append(f"environment {name}: there is no setting '{part}'{near}")
    return said


# --- secrets ------------------------------------------------------------------------------------------------------


def secret_folders(data: Mapping[str, object], folder: Path) -> tuple[Path, ...]:
    """Return the folders that hold a file per secret, the first one to be believed first."""
    named, given = data.get("secrets_dir"), os.environ.get("CREDENTIALS_DIRECTORY")
    folders = [Path(folder, Path(named).expanduser())] if isinstance(named, str) and named else []
    return tuple(one for one in [*folders, *([Path(given)] if given else [])] if one.is_dir())


def with_secrets(value: object, folders: Sequence[Path], faults: list[tuple[Loc, str]], loc: Loc = ()) -> object:
    """Replace every `{secret: name}` by the secret itself; what is not found joins `faults` and stays out."""
    if isinstance(value, Mapping):
        if set(value) == {"secret"} and isinstance(value["secret"], str):
            return _secret(value["secret"], folders, faults, (*loc, "secret"))
        return {key: with_secrets(one, folders, faults, (*loc, key)) for key, one in value.items()}
    if isinstance(value, list):
        return [with_secrets(one, folders, faults, (*loc, number)) for number, one in enumerate(value)]
    return value


def _secret(name: str, folders: Sequence[Path], faults: list[tuple[Loc, str]], loc: Loc) -> SecretStr:
    try:
        return SecretStr(find_secret(name, folders))
    except SettingsError as error:
        faults.append((loc, str(error)))
        return SecretStr("")


def find_secret(name: str, folders: Sequence[Path]) -> str:
    """Return the secret of that name: from a file of the folders, else from the environment.

    Raises:
        SettingsError: it is nowhere, is empty, or may not be read; the text says where it was looked for.
    """
    if not _SECRET_NAME.fullmatch(name):
        raise SettingsError("a secret's name has letters, digits, '_', '-' and '.' only")
    for folder in folders:
        path = folder / name
        if path.is_file():
            return _read_secret(name, path)
    variable = SECRET_PREFIX + re.sub(r"[-.]", "_", name).upper()
    if text := os.environ.get(variable):
        return text
    files = [f"the file {folder / name}" for folder in folders]
    places = " and ".join([*files, f"the variable {variable}"])
    hint = "" if files else "; no secrets_dir is set, and no CREDENTIALS_DIRECTORY"
    raise SettingsError(f"the secret '{name}' was not found: looked for {places}{hint}")


def _read_secret(name: str, path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except PermissionError:
        raise SettingsError(f"the secret '{name}': {path} may not be read by this user") from None
    except (OSError, ValueError):
        raise SettingsError(f"the secret '{name}': {path} cannot be read as text") from None
    if not text:
        raise SettingsError(f"the secret '{name}': {path} is empty")
    return text
