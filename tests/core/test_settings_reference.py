"""docs/settings.md names every setting with its default and meaning, and its examples load."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pmo_watch.calendars import build_calendars
from pmo_watch.plugin_host import Plugins
from pmo_watch.settings import load_settings
from pmo_watch.settings_entries import NotifierKeys, SourceKeys
from pmo_watch.settings_shape import Shape
from pmo_watch.settings_shown import visible

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def rows(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """Yield a line of the page's tables for each setting of the model and of the models in it."""
    for name, field in model.model_fields.items():
        key = f"{above}{field.alias or name}"
        inner = list(models(field.annotation))
        if not inner:
            yield f"| `{key}` | {default(field)} | {field.description} |"
        for one, marks in inner:
            yield from rows(one, f"{key}{marks}.")


def models(annotation: Any, marks: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models inside an annotation, with `.NAME` or `[]` where there may be several."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, marks
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is dict:
        yield from models(inside[1], f"{marks}.NAME")
    elif origin is tuple:
        yield from models(inside[0], f"{marks}[]")
    elif origin is Annotated or isinstance(annotation, UnionType):
        for one in inside:
            yield from models(one, marks)


def default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ("", (), {}):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, SecretStr):
        return f"`{value.get_secret_value()}`"
    if isinstance(value, float):  # the floats of the core's settings are shares
        return f"`{100 * value:.0f} %`"
    shown = visible(value)
    return f"`[{', '.join(map(str, shown))}]`" if isinstance(shown, list) else f"`{shown}`"


def tables() -> list[str]:
    return [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]


def test_every_setting_is_on_the_page_with_its_default_and_meaning() -> None:
    expected = [
        *rows(Shape),
        *rows(SourceKeys, "sources.NAME."),
        *rows(NotifierKeys, "notifiers.NAME."),
    ]

    own = {"sources", "notifiers"}  # what they hold has tables of its own
    assert sorted(tables()) == sorted(row for row in expected if row.split("`")[1] not in own)


def examples() -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(len(examples())))
def test_example_of_the_page_loads(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rules.d", "plugins", "secrets", "calendars"):
        (tmp_path / name).mkdir()
    for name in ("cert.pem", "key.pem", "secrets/ack_key_1", "secrets/ack_key_2"):
        (tmp_path / name).write_text("0123456789abcdef0123456789abcdef")
    text = examples()[number]
    file = tmp_path / "calendars" / "institution.yaml"
    file.write_text(text if text.startswith("week:") else "- 2026-12-24\n")
    settings = tmp_path / "pmo-watch.yaml"
    settings.write_text("calendars: {own: {file: calendars/institution.yaml}}\n" if text.startswith("week:") else text)

    loaded = load_settings(settings, Plugins())
    calendars = build_calendars(loaded.calendars, loaded.folder, loaded.place)

    assert not calendars["be"].works(date(2026, 12, 25))
