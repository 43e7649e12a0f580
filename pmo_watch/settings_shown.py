"""What of the settings may be seen, and what must never be: the secrets among them."""

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from typing import get_args
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, SecretStr

from pmo_watch.rules import Span
from pmo_watch.settings_layers import Loc
from pmo_watch.settings_values import shown_duration

_LOGIN = re.compile(r"://[^/@\s]+@")
HIDDEN = "***"


def visible(value: object) -> object:
    """Return a value as JSON holds it, in a person's writing, without secrets and without logins inside addresses."""
    if isinstance(value, SecretStr):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): visible(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [visible(one) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _LOGIN.sub(f"://{HIDDEN}@", _written(value))


def _written(value: object) -> str:
    if isinstance(value, timedelta):
        return shown_duration(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, Span):
        return f"{value.number} {value.unit}"
    return str(value)


def visible_database(url: str) -> str:
    """Return a database's address without its password."""
    return re.sub(r"(://[^:/@]*):[^@]*@", rf"\1:{HIDDEN}@", url)


def secrets_in(value: object, loc: Loc = ()) -> Iterator[tuple[Loc, str]]:
    """Yield every secret with its place."""
    if isinstance(value, SecretStr):
        yield loc, value.get_secret_value()
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from secrets_in(one, (*loc, str(key)))
    elif isinstance(value, (list, tuple)):
        for number, one in enumerate(value):
            yield from secrets_in(one, (*loc, number))


def literals(model: type[BaseModel], value: object) -> Iterator[str]:
    """Yield the secrets that stand in plain text in what is to become a `model`, right or wrong."""
    if not isinstance(value, Mapping):
        return
    for name, field in model.model_fields.items():
        given = value.get(field.alias or name)
        if isinstance(given, str) and "SecretStr" in repr(field.annotation):
            yield given
        for inner in _models(field.annotation):
            for part in _parts(given):
                yield from literals(inner, part)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, list):
        yield from value
    elif isinstance(value, Mapping):
        # A mapping may be the model itself, or hold several by name.
        yield value
        yield from (one for one in value.values() if isinstance(one, Mapping))


def password_of(url: str) -> str:
    """Return the password inside an address, or nothing."""
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""
