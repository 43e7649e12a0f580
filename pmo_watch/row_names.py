"""What rows without a name of their own are called, in each language.

Documents, gates, meetings, roles, dependencies.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from pmo_watch.words import LANGUAGES, Words, words

Row = Mapping[str, Any]
READ = ("name", "artefact", "code", "kind", "planned_on", "held_on", "predecessor", "successor", "external_name")


def spoken(entity: str, row: Row) -> dict[str, str]:
    """Return the name of a row that has none of its own by language; nothing where it has, or where none is known."""
    speak = {"document": _document, "gate": _gate, "meeting": _meeting, "role": _role}.get(entity)
    if speak is None or row.get("name"):
        return {}
    found = {language: speak(row, words(language)) for language in LANGUAGES}
    return {language: name for language, name in found.items() if name}


def _document(row: Row, said: Words) -> str:
    return _word(row.get("artefact"), said)


def _gate(row: Row, said: Words) -> str:
    return _word(row.get("code"), said)


def _meeting(row: Row, said: Words) -> str:
    kind = _word(row.get("kind"), said) or said("meeting")
    day = row.get("held_on") or row.get("planned_on")
    return said("meeting_of", kind=kind, date=said.short_day(day)) if isinstance(day, date) else kind


def _role(row: Row, said: Words) -> str:
    code = str(row.get("code") or "")
    return said(code) if said.has(code) else ""


def _word(value: object, said: Words) -> str:
    key = f"value.{value}"
    return said(key) if value and said.has(key) else ""


def with_link_names(links: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Return dependencies with a `name`: what leads to what; the other plan stands for a row that is not in ours."""
    names = tasks.select("uid", called=pl.coalesce("name", "id"))
    ends = [names.rename({"uid": side, "called": f"@{side}"}) for side in ("predecessor", "successor")]
    rows = links
    for side, one in zip(("predecessor", "successor"), ends, strict=True):
        rows = rows.join(one, on=side, how="left", maintain_order="left")
    known = [pl.coalesce("@predecessor", "external_name"), pl.col("@successor")]
    return rows.with_columns(name=pl.concat_str(known, separator=" → ", ignore_nulls=True).replace({"": None})).drop(
        "@predecessor", "@successor"
    )
