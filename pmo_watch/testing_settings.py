"""What the conformance kit asks of settings and samples: valid, described, with the defaults they say."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from pmo_watch.contracts import Measure, SourceType
from pmo_watch.faults import Faults
from pmo_watch.flow import Organisation
from pmo_watch.lint import run_examples
from pmo_watch.rule_files import Readable, rules_from_texts
from pmo_watch.rule_names import Catalogue
from pmo_watch.settings_entries import NotifierKeys, SourceKeys, notifier_model, source_model
from pmo_watch.telling import NotifierType, ObserverType
from pmo_watch.testing_rows import TODAY
from pmo_watch.workdays import Calendar
from pmo_watch.yaml_faults import load

Kind = SourceType[Any] | NotifierType[Any] | ObserverType[Any]
AUDIENCES = "version: 1\naudiences: {pmo: {email: pmo@example.org, amber: at once, red: at once}}\n"
# What stands in for a secret: a password, an address that is one as a whole, or a key that signs.
SECRETS = (
    "a-secret",
    "https://prod-1.westeurope.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=a",
    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz",
)
DEFAULT = re.compile(r"^    # (?P<line>\w+:.*)$", re.MULTILINE)
HIDDEN = re.compile(r"(^|_)(password|token|secret|api_key)$")
# A page is measured in rows, which is a count.
SIZED = re.compile(r"(^|_)(timeout|wait|delay|interval|settle|age|(?<!page_)size|duration)(_|$)")
UNITS = ("seconds", "minutes", "hours", "days", "weeks", "bytes", "kb", "mb", "percent")


def check_settings(kind: Kind, sample: str, section: str) -> Iterator[str]:
    """Yield what is wrong with the settings of a source, notifier or observer, and with their sample."""
    yield from _described(kind.settings)
    entry = _entry(sample, section, kind.name)
    if entry is None:
        yield f"sample.yaml: there is no entry with 'type: {kind.name}' under '{section}:'"
        return
    name, given = entry
    model = source_model(kind) if isinstance(kind, SourceType) else notifier_model(kind)
    found = _valid(model, given)
    if isinstance(found, str):
        yield f"sample.yaml: {section}.{name}: {found}"
        return
    yield from _defaults(model, given, found, sample)


def _described(model: type[BaseModel], path: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        place = f"{path}{field.alias or name}"
        if not field.description:
            yield f"setting '{place}' has no description"
        kinds = {field.annotation, *get_args(field.annotation)}
        if HIDDEN.search(name) and SecretStr not in kinds and not any(_is_model(one) for one in kinds):
            yield f"setting '{place}' is a secret: its type must be SecretStr"
        if kinds & {int, float} and SIZED.search(name) and not name.endswith(UNITS):
            yield f"setting '{place}' is a number: its name must end in its unit, such as _{UNITS[0]}"
        for one in kinds:
            if _is_model(one):
                yield from _described(one, f"{place}.")


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _entry(sample: str, section: str, kind: str) -> tuple[str, dict[str, Any]] | None:
    found = _parsed(sample).get(section) or {}
    return next(((name, one) for name, one in found.items() if one.get("type") == kind), None)


def _parsed(text: str) -> dict[str, Any]:
    try:
        loaded = load(Path("sample.yaml"), TypeAdapter(dict[str, Any]), text)
    except Faults:
        return {}
    return dict(loaded)


def _valid(model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel | str:
    """Return the settings, or why they are refused: each kind of secret is tried, and no connection is let out."""
    said = ""
    for secrets in product(SECRETS, repeat=_secrets_in(given)):
        try:
            with no_network():
                return model.model_validate(_filled(given, iter(secrets)), context={"folder": Path()})
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return said


def _is_secret(value: Any) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secret"}


def _secrets_in(value: Any) -> int:
    if _is_secret(value):
        return 1
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return sum(map(_secrets_in, parts))


def _filled(value: Any, secrets: Iterator[str]) -> Any:
    if _is_secret(value):
        return next(secrets)
    if isinstance(value, Mapping):
        return {name: _filled(one, secrets) for name, one in value.items()}
    return [_filled(one, secrets) for one in value] if isinstance(value, list) else value


def _defaults(model: type[BaseModel], given: dict[str, Any], found: BaseModel, sample: str) -> Iterator[str]:
    """Yield commented settings that are unknown, or say another default than the model; and those not shown."""
    fields = {field.alias or name: name for name, field in model.model_fields.items()}
    ours = {*SourceKeys.model_fields, *NotifierKeys.model_fields}
    shown: dict[str, tuple[Any] | None] = {}
    # What stands after a sentence is a way to set it otherwise, no default.
    for part in sample.split("\n\n"):
        says = re.search(r"^    # (?!\w+:(\s|$))", part, re.MULTILINE)
        for line in DEFAULT.finditer(part):
            shown |= {key: None if says else (one,) for key, one in _parsed(line["line"]).items()}
    for key, said in shown.items():
        if key not in fields:
            yield f"sample.yaml: there is no setting '{key}'"
        elif said is not None:
            other = _valid(model, {**given, key: said[0]})
            if isinstance(other, str) or getattr(other, fields[key]) != getattr(found, fields[key]):
                yield f"sample.yaml: '{key}: {said[0]}' is not the default"
    if absent := [key for key in fields if key not in {*shown, *given, *ours}]:
        yield f"sample.yaml: {', '.join(absent)} {'is' if len(absent) == 1 else 'are'} not shown"


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse every connection and look-up meanwhile."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("settings must be checked without network")

    with (
        patch.object(socket.socket, "connect", refuse),
        patch.object(socket.socket, "connect_ex", refuse),
        patch.object(socket, "getaddrinfo", refuse),
    ):
        yield


# --- rules --------------------------------------------------------------------------------------------------------


def check_rule_sample(path: Path, text: str, measures: Mapping[str, Measure[Any]]) -> Iterator[str]:
    """Yield what is wrong with a sample of rules: faults, and examples that do not come true."""
    present = Readable({"sample.yaml": text, "audiences.yaml": AUDIENCES})
    loaded = rules_from_texts(path.parent, present, Catalogue(measures))
    yield from (f"sample.yaml:{one.line}:{one.column}: {one.text}" for one in loaded.faults)
    if not loaded.rules.rules and not loaded.faults:
        yield "sample.yaml: it holds no rule"
    calendars = {"default": Calendar("default")}
    for fault in run_examples(loaded.rules, measures, calendars, Organisation(), TODAY):
        yield f"sample.yaml:{fault.line}: {fault.text}"
