"""Templates of an organisation that stand in for ours: chosen by kind of message and language, run within limits.

Whoever wrote one may have made a mistake; that costs nobody a message. Each iteration, call, attribute and piece of
text counts, so that a template that would run for ever or fill the memory ends as a fault with its line.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import BuiltinMethodType, MethodType, TracebackType
from typing import Any

import structlog
from jinja2 import BaseLoader, StrictUndefined, TemplateError, TemplateNotFound, nodes, pass_context
from jinja2.runtime import BlockReference, Context, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape

from pmo_watch.errors import PmoWatchError
from pmo_watch.faults import Fault, masked
from pmo_watch.plain import NOTE, host, plain
from pmo_watch.template_grammar import BUILT_IN
from pmo_watch.template_names import FILTERS, OF_MAPPINGS, TESTS
from pmo_watch.templates import built_in_text, underlined

LOG = structlog.get_logger("pmo_watch.template_pages")
MOST_STEPS = 200_000  # a full mail of a hundred alerts takes about 5,000
MOST_CHARACTERS = 2_000_000  # of all pieces put together, those inside of blocks once more
MOST_SECONDS = 2.0
GENERAL = "mail"
KINDS = (GENERAL, "alert", "digest", "committee", "notice", "test")
# kind -> what stands in for it, the nearest first
_NEAREST: Mapping[str, tuple[str, ...]] = {
    **{kind: (kind, GENERAL) for kind in KINDS[1:]},
    "committee": ("committee", "digest", GENERAL),
}
# What a mistake in a template ends in, whatever passed the look at its text.
_MISTAKES = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError)


class TooMuch(PmoWatchError):
    """The template does more than any mail needs."""


class TemplateFault(PmoWatchError):
    """A template cannot be filled in; `file` is its name, or that of a part of it."""

    def __init__(self, file: str, fault: Fault) -> None:
        self.file, self.fault = file, fault
        super().__init__(str(fault))


@dataclass(slots=True)
class _Spent:
    """What one page has used up."""

    until: float = field(default_factory=lambda: time.perf_counter() + MOST_SECONDS)
    steps: int = 0
    characters: int = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS or time.perf_counter() > self.until:
            raise TooMuch("it goes on and on: fewer loops inside of each other, fewer calls of blocks")

    def text(self, piece: str) -> None:
        self.step()
        self.characters += len(piece)
        if self.characters > MOST_CHARACTERS:
            raise TooMuch("it makes more text than any mail holds: a loop or a block repeats too much")


_SPENT: ContextVar[_Spent] = ContextVar("spent")


@contextmanager
def _within_limits() -> Iterator[_Spent]:
    token = _SPENT.set(_Spent())
    try:
        yield _SPENT.get()
    finally:
        _SPENT.reset(token)


def _counted_pieces(pieces: Iterable[str]) -> str:
    """Put pieces together; the sandbox does so for each block that is called."""
    spent = _SPENT.get()
    made = []
    for piece in pieces:
        spent.text(piece)
        made.append(piece)
    return "".join(made)


class _Counted(NodeTransformer):
    """Puts what counts in the place of what does not: loops, and texts put together with `~`."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802  # the visitor names it after the node
        """Count what a loop goes through."""
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "@each", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802  # as above
        """Count the texts."""
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "@put_together", [], [], None, None, lineno=node.lineno)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Counts what a template does. The look at its text has let through what may run at all."""

    concat = staticmethod(_counted_pieces)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Counted().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree

    def is_safe_callable(self, obj: Any) -> bool:
        """Say whether a template may call it: blocks, macros, `pair`, and what mappings and loops know."""
        if isinstance(obj, (BlockReference, Macro, partial)):
            return True
        is_method = isinstance(obj, (MethodType, BuiltinMethodType))
        return is_method and obj.__name__ in {*OF_MAPPINGS, "cycle"}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a part of something, counted."""
        _SPENT.get().step()
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return an entry of something, counted."""
        _SPENT.get().step()
        return super().getitem(obj, argument)


class _Loader(BaseLoader):
    """The organisation's templates by name, and ours."""

    def __init__(self, folder: Path, texts: Mapping[str, str]) -> None:
        self._folder, self._texts = folder, texts

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Any]:
        """Return text and place of a template."""
        del environment
        if template in self._texts:
            return self._texts[template], str(self._folder / template), lambda: True
        if template in BUILT_IN:
            return built_in_text(template), None, lambda: True
        raise TemplateNotFound(template)


@pass_context
def _each(_: Context, values: Iterable[Any]) -> Iterator[Any]:
    """Yield what a loop goes through, each counted."""
    spent = _SPENT.get()
    for one in values:
        spent.step()
        yield one


def _join(values: Iterable[Any], between: str = "", *, escaped: bool = False) -> str:
    """Join texts, each counted before anything is put together."""
    spent = _SPENT.get()
    made: list[str] = []
    for one in values:
        spent.text(between)
        made.append(escape(one) if escaped else str(one))
        spent.text(made[-1])
    return (escape(between) if escaped else str(between)).join(made)


@pass_context
def _joined(context: Context, values: Iterable[Any], between: str = "") -> str:
    return _join(values, between, escaped=bool(context.eval_ctx.autoescape))


def _put_together(parts: Sequence[Any]) -> str:
    """Do what `~` does: what is marked up stays so, and makes the rest escaped text."""
    return _join(parts, escaped=any(isinstance(one, Markup) for one in parts))


def _replaced(text: Any, old: str, new: str) -> str:
    """Replace one text by another, counted before it is done; what is marked up is text here."""
    given, sought, put = _bare(text), _bare(old), _bare(new)
    spent = _SPENT.get()
    spent.characters += given.count(sought) * len(put)
    spent.text(given)
    return given.replace(sought, put)


def _bare(text: Any) -> str:
    return str(text.unescape()) if isinstance(text, Markup) else str(text)


def _pair_of(pair: Any, label: Any, value: Any) -> str:
    """Return `label: value` of texts; what is marked up already is text here as anywhere."""
    return str(pair(_bare(label), _bare(value)))


def sandbox(folder: Path, texts: Mapping[str, str]) -> ImmutableSandboxedEnvironment:
    """Return where templates of that folder run: nothing is there but what the documentation names."""
    made = _Sandbox(
        loader=_Loader(folder, texts),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        optimized=False,  # nothing is computed before the limits hold
    )
    known: MutableMapping[str, Any] = {
        **made.filters,
        "join": _joined,
        "replace": _replaced,
        "host": host,
        "underlined": underlined,
    }
    made.filters = {"@each": _each, "@put_together": _put_together, **{name: known[name] for name in FILTERS}}
    made.tests = {name: made.tests[name] for name in TESTS}
    made.globals.clear()
    return made


class Overrides:
    """The templates in force; `failed`: file -> what went wrong with a message, not used any more."""

    def __init__(self, folder: Path = Path(), texts: Mapping[str, str] | None = None) -> None:
        self.texts = dict(texts or {})
        self.failed: dict[str, str] = {}
        self._folder = folder
        self._sandbox = sandbox(folder, self.texts) if self.texts else None

    def again(self) -> "Overrides":
        """Return the same templates, none of which has failed yet."""
        return Overrides(self._folder, self.texts)

    def chosen(self, kind: str, language: str, form: str) -> str:
        """Return the file that makes a kind of message in a language, the most special one; nothing where ours does."""
        if not self.texts:
            return ""
        nearest = _NEAREST.get(kind, (GENERAL,))
        names = (name for one in nearest for name in (f"{one}.{language}.{form}.j2", f"{one}.{form}.j2"))
        return next((one for one in names if one in self.texts and one not in self.failed), "")

    def page(self, name: str, values: Mapping[str, Any]) -> str:
        """Return a template filled in.

        Raises:
            TemplateFault: it cannot be filled in within the limits.
        """
        assert self._sandbox is not None  # there is a template of that name
        with _within_limits():
            try:
                given = {**values, "pair": partial(_pair_of, values["pair"])}
                return _counted_pieces(self._sandbox.get_template(name).generate(given))
            except (*_MISTAKES, TooMuch) as mistake:
                raise self._fault(name, mistake) from None

    def give_up(self, name: str, text: str) -> None:
        """Use a template no more, and keep what is wrong with it."""
        LOG.warning("template not used any more", file=name, error=text)
        self.failed[name] = text

    def _fault(self, name: str, mistake: Exception) -> TemplateFault:
        places = {str(self._folder / one): one for one in self.texts}
        file, line = _place(mistake.__traceback__, places) or (name, getattr(mistake, "lineno", None) or 1)
        shown = masked(self.texts[file].split("\n"), line)
        column = len(shown) - len(shown.lstrip()) + 1
        return TemplateFault(file, Fault(self._folder / file, line, column, _said(mistake), shown))


def _place(trace: TracebackType | None, places: Mapping[str, str]) -> tuple[str, int] | None:
    """Return the innermost template and line that a mistake came from; None where it came from none of theirs."""
    found = None
    while trace is not None:
        if (file := places.get(trace.tb_frame.f_code.co_filename)) is not None:
            found = file, trace.tb_lineno
        trace = trace.tb_next
    return found


def _said(mistake: Exception) -> str:
    if isinstance(mistake, RecursionError):
        return "a block or an included template calls itself"
    if isinstance(mistake, TemplateNotFound):
        return f"there is no template '{plain(str(mistake.name), NOTE)}' in the folder"
    return plain(str(mistake), NOTE) or type(mistake).__name__
