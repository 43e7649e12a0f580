"""Jinja's only owner: our own templates of a mail, and the texts that people write into rules.

A person's text is data. Where it holds `{{ name }}`, the name is one of a closed set and is filled in; anything else
of the template language (calls, filters, loops, arithmetic) is a fault that `check` names, and is shown as written.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import PackageLoader, StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pmo_watch.plain import NOTE, host, shorten

NAMES = ("code", "how_much", "level", "project", "rule", "since", "subject", "threshold", "value")

_ALLOWED = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name)


def underlined(text: str, sign: str) -> str:
    """Return a heading with a line below it, as long as itself."""
    return f"{text}\n{sign[:1] * len(text)}"


_texts = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)  # escaped where shown
_pages = ImmutableSandboxedEnvironment(
    loader=PackageLoader("pmo_watch", ""),
    undefined=StrictUndefined,
    autoescape=lambda name: name is not None and name.endswith((".html.j2", ".svg.j2")),
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_pages.filters["host"] = host
_pages.filters["underlined"] = underlined


def built_in_text(name: str) -> str:
    """Return one of our own templates as it is written."""
    return (files("pmo_watch") / name).read_text(encoding="utf-8")


def page(name: str, **values: Any) -> str:
    """Return one of our own templates, filled in."""
    return _pages.get_template(name).render(**values)


def fill(text: str, names: Mapping[str, str]) -> str:
    """Return a person's text with its names filled in; as written where it holds anything else."""
    template = _template(text) if "{{" in text else None
    return text if template is None else shorten(template.render(names), NOTE)


def text_fault(text: str) -> str:
    """Say what is wrong with a person's text, with the remedy; nothing when it is fine."""
    if "{{" not in text:
        return ""
    try:
        parsed = _texts.parse(text)
    except TemplateError as error:
        return f"{error.message}: write names as {{{{ subject }}}}, and braces only around them"
    for node in _within(parsed):
        if not isinstance(node, _ALLOWED):
            return f"only names may stand between braces; {_known()}"
        if isinstance(node, nodes.Name) and node.name not in NAMES:
            return f"'{node.name}' is not known here; {_known()}"
    return ""


def _known() -> str:
    return f"the names are {', '.join(NAMES)}"


def _within(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for child in node.iter_child_nodes():
        yield from _within(child)


@lru_cache(maxsize=1024)
def _template(text: str) -> Template | None:
    return None if text_fault(text) else _texts.from_string(text)
