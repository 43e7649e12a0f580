"""Typst's only owner: pictures for mails, and documents on paper. It comes with the extra `pdf`.

What is set arrives as data: nothing that anybody wrote is part of the program that typst runs. Its own fonts are used,
so that the same input gives the same output everywhere.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Literal

from pmo_watch.errors import ConfigError

EXTRA = "pip install 'pmo-watch[pdf]'"
_PICTURE = """\
#let data = json(bytes(sys.inputs.data))
#set page(width: data.width * 1pt, height: data.height * 1pt, margin: 0pt)
#image(bytes(data.svg), format: "svg", width: 100%)
"""
_PPI = 144  # two dots for each of a mail's: sharp on small screens


def is_there() -> bool:
    """Say whether the extra is installed."""
    return find_spec("typst") is not None


@lru_cache(maxsize=64)
def png_of(svg: str, width: int, height: int) -> bytes:
    """Return a drawing as a picture, the same for everybody who is sent it."""
    return _compiled(_PICTURE, {"svg": svg, "width": width, "height": height}, "png", _PPI)


def pdf_of(template: str, data: Mapping[str, Any]) -> bytes:
    """Return a document: one of our own templates over data, which is written as JSON.

    Raises:
        ConfigError: the extra is not installed.
    """
    if not is_there():
        raise ConfigError(f"PDF needs the extra 'pdf': {EXTRA}, or leave it out with --format html")
    return _compiled((files("pmo_watch") / template).read_text(encoding="utf-8"), data, "pdf")


def _compiled(source: str, data: Mapping[str, Any], form: Literal["pdf", "png"], ppi: float | None = None) -> bytes:
    import typst  # noqa: PLC0415  # an extra, and slow to load

    inputs = {"data": json.dumps(data, ensure_ascii=False)}
    # Readable aloud: what is not marked as it must be is refused.
    standards: Literal["ua-1"] | None = "ua-1" if form == "pdf" else None
    made = typst.compile(
        source.encode(), format=form, ppi=ppi, sys_inputs=inputs, ignore_system_fonts=True, pdf_standards=standards
    )
    assert isinstance(made, bytes)
    return made
