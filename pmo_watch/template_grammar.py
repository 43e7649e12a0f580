"""What a template that overrides ours may contain: every node of it is looked at before any of it runs.

A template is data that a person wrote. It may show, choose, repeat and put together; it may not compute, define
functions, or reach anything but the fields of the message. What is wrong is found with its line and a remedy.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_origin

from jinja2 import Environment, TemplateError, nodes

from pmo_watch.faults import or_known, quoted
from pmo_watch.template_markup import markup_faults
from pmo_watch.template_names import (
    CALLED,
    FILTERS,
    LOOP,
    NAMES,
    OF_MAPPINGS,
    TESTS,
    Loop,
    Macro,
    fixed,
    is_mapping,
    many,
    one_of,
    parts_of,
)

DEEPEST = 40  # statements and expressions inside of each other
MOST_LOOPS = 4  # inside of each other: sections, items, facts, and one more
ENDINGS = ("html", "txt")
BUILT_IN = tuple(f"message.{form}.j2" for form in ENDINGS)

_TAGS: Mapping[type[nodes.Node], str] = {
    nodes.CallBlock: "call",
    nodes.FilterBlock: "filter",
    nodes.With: "with",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.AssignBlock: "set",
    nodes.ScopedEvalContextModifier: "autoescape",
}
_SIGNS: Mapping[type[nodes.Node], str] = {
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Mul: "*",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Mod: "%",
    nodes.Pow: "**",
}
_ARITHMETIC = "figures come ready to be read: leave the arithmetic out"

Scope = Mapping[str, Any]

_PARSER = Environment(autoescape=True)  # parses, and never runs anything


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong with a template; `word`: what the caret points to in the line, counted from 1."""

    line: int
    text: str
    word: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """Another template that one is made of."""

    name: str
    line: int
    extends: bool


@dataclass(slots=True)
class Reading:
    """A template that was looked at: what is wrong, which templates it names, which blocks it has."""

    wrong: list[Wrong] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    blocks: set[str] = field(default_factory=set)


def look_at(text: str, name: str, blocks: Iterable[str] = (), labels: Iterable[str] = ()) -> Reading:
    """Return what is wrong with a template, and what it names.

    `name`: its file, whose ending says whether it makes HTML. `blocks`: those of the templates that it may extend.
    `labels`: the keys of `view.labels`; where none are given, any will do.
    """
    try:
        tree = _PARSER.parse(text)
    except TemplateError as error:
        said = (error.message or "").rstrip(".")
        return Reading([Wrong(getattr(error, "lineno", 1), f"this is no template: {said}")])
    except (RecursionError, ValueError):  # brackets in brackets; a number of thousands of digits
        return Reading([Wrong(1, "this is no template: something in it is nested too deeply, or is too long a number")])
    reading = Reading(blocks={one.name for one in tree.find_all(nodes.Block)})
    form = "html" if name.endswith(".html.j2") else "txt"
    _Look(reading, form, {*blocks, *reading.blocks}, tuple(labels)).run(tree)
    return reading


class _Look:
    """Walks a template; types are those of the views, Any where nothing is known."""

    def __init__(self, reading: Reading, form: str, blocks: set[str], labels: tuple[str, ...]) -> None:
        self._reading = reading
        self._form = form
        self._blocks = blocks
        self._labels = labels
        self._depth = 0
        self._loops = 0
        self._everywhere: dict[str, Any] = dict(NAMES)
        self._statements: Mapping[type, Callable[[Any, Scope], None]] = {
            nodes.Output: self._output,
            nodes.If: self._if,
            nodes.For: self._for,
            nodes.Block: self._block,
            nodes.Extends: self._extends,
            nodes.Include: self._include,
            nodes.Assign: self._assign,
            nodes.Macro: self._macro,
        }
        self._expressions: Mapping[type, Callable[[Any, Scope], Any]] = {
            nodes.Const: lambda node, _: type(node.value),
            nodes.TemplateData: lambda _, __: str,
            nodes.Name: self._name,
            nodes.Getattr: self._attribute,
            nodes.Getitem: self._entry,
            nodes.CondExpr: self._choice,
            nodes.And: self._either,
            nodes.Or: self._either,
            nodes.Not: self._asked,
            nodes.Compare: self._asked,
            nodes.Test: self._test,
            nodes.Filter: self._filter,
            nodes.Call: self._call,
            nodes.List: self._list,
            nodes.Tuple: self._list,
            nodes.Dict: self._dict,
            nodes.Concat: self._put_together,
            nodes.Neg: self._negative,
        }

    def run(self, tree: nodes.Template) -> None:
        """Look at the whole template."""
        for one in tree.body:
            if isinstance(one, nodes.Assign) and isinstance(one.target, nodes.Name):
                self._everywhere.setdefault(one.target.name, Any)
        self._everywhere |= {one.name: Macro for one in tree.body if isinstance(one, nodes.Macro)}
        self._body(tree.body, self._everywhere)

    def _wrong(self, node: nodes.Node, text: str, word: str = "") -> Any:
        found = Wrong(node.lineno, text, word)
        if found not in self._reading.wrong:  # the same word twice in a line is pointed to once
            self._reading.wrong.append(found)
        return Any

    # --- statements -----------------------------------------------------------------------------------------------

    def _body(self, body: Iterable[nodes.Node], scope: Scope) -> None:
        inner = dict(scope)
        self._depth += 1
        for node in body:
            look = next((one for kind, one in self._statements.items() if isinstance(node, kind)), None)
            if self._depth > DEEPEST:
                self._wrong(node, f"this stands more than {DEEPEST} levels deep: make it simpler")
                break
            if look is None:
                tag = next((name for kind, name in _TAGS.items() if isinstance(node, kind)), "do")
                self._wrong(node, f"{{% {tag} %}} may not stand in a template; blocks and includes do its work", tag)
                continue
            look(node, inner)
            if isinstance(node, nodes.Assign) and isinstance(node.target, nodes.Name):
                inner[node.target.name] = self._type(node.node, inner, again=True)
        self._depth -= 1

    def _output(self, node: nodes.Output, scope: Scope) -> None:
        if self._form == "html":
            parts = [(one.lineno, one.data if isinstance(one, nodes.TemplateData) else None) for one in node.nodes]
            self._reading.wrong += [Wrong(*one) for one in markup_faults(parts)]
        for one in node.nodes:
            self._type(one, scope)

    def _if(self, node: nodes.If, scope: Scope) -> None:
        self._type(node.test, scope)
        for body in (node.body, node.elif_, node.else_):
            self._body(body, scope)

    def _for(self, node: nodes.For, scope: Scope) -> None:
        if node.recursive:
            self._wrong(node, "a loop may not call itself: leave 'recursive' out", "recursive")
        if self._loops >= MOST_LOOPS:
            self._wrong(node, f"more than {MOST_LOOPS} loops stand inside of each other", "for")
            return
        inner = {**scope, **self._targets(node.target, one_of(self._type(node.iter, scope))), "loop": Loop}
        if node.test is not None:
            self._type(node.test, inner)
        self._loops += 1
        self._body(node.body, inner)
        self._loops -= 1
        self._body(node.else_, scope)

    def _targets(self, target: nodes.Node, kind: Any) -> dict[str, Any]:
        if isinstance(target, nodes.Name):
            return {target.name: kind}
        names = [one.name for one in getattr(target, "items", ()) if isinstance(one, nodes.Name)]
        return dict(zip(names, fixed(kind, len(names)), strict=True))

    def _block(self, node: nodes.Block, _: Scope) -> None:
        self._body(node.body, self._everywhere)

    def _extends(self, node: nodes.Extends, _: Scope) -> None:
        self._refer(node, node.template, extends=True)

    def _include(self, node: nodes.Include, _: Scope) -> None:
        if not node.with_context:
            self._wrong(node, "an included template needs the message: leave 'without context' out", "without")
        self._refer(node, node.template, extends=False)

    def _macro(self, node: nodes.Macro, _: Scope) -> None:
        if self._depth > 1:
            self._wrong(node, "a macro stands at the beginning of a template, outside of everything", node.name)
        self._body(node.body, {**self._everywhere, **{one.name: Any for one in node.args}})

    def _refer(self, node: nodes.Node, named: nodes.Expr, *, extends: bool) -> None:
        if not (isinstance(named, nodes.Const) and isinstance(named.value, str)):
            self._wrong(node, "write the name of the template between quotes, such as 'message.html.j2'")
            return
        self._reading.references.append(Reference(named.value, node.lineno, extends))

    def _assign(self, node: nodes.Assign, scope: Scope) -> None:
        if not isinstance(node.target, nodes.Name):
            self._wrong(node, "set one name at a time: {% set accent = '#004494' %}", "set")
            return
        self._type(node.node, scope)

    # --- expressions ----------------------------------------------------------------------------------------------

    def _type(self, node: nodes.Node, scope: Scope, *, again: bool = False) -> Any:
        """Return the type of an expression; `again`: what is wrong with it has been said."""
        look = self._expressions.get(type(node))
        said = len(self._reading.wrong)
        if look is None:
            return self._not_here(node)
        self._depth += 1
        if self._depth > DEEPEST:
            self._depth -= 1
            return self._wrong(node, f"this stands more than {DEEPEST} levels deep: make it simpler")
        found = look(node, scope)
        self._depth -= 1
        if again:
            del self._reading.wrong[said:]
        return found

    def _not_here(self, node: nodes.Node) -> Any:
        found = next((sign for kind, sign in _SIGNS.items() if isinstance(node, kind)), None)
        if found is not None:
            return self._wrong(node, f"{quoted(found)} may not stand in a template: {_ARITHMETIC}", found)
        return self._wrong(node, f"a {type(node).__name__.lower()} may not stand in a template")

    def _name(self, node: nodes.Name, scope: Scope) -> Any:
        if node.name in scope:
            return scope[node.name]
        return self._wrong(node, f"{quoted(node.name)} is not known here{or_known(node.name, scope)}", node.name)

    def _attribute(self, node: nodes.Getattr, scope: Scope) -> Any:
        if isinstance(node.node, nodes.Name) and node.node.name in {"self", "super"}:
            return self._wrong(node, f"a block is called: {{{{ {node.node.name}.{node.attr}() }}}}", node.attr)
        return self._part(node, self._type(node.node, scope), node.attr)

    def _part(self, node: nodes.Getattr, kind: Any, name: str) -> Any:
        if name.startswith("_"):
            return self._wrong(node, f"{quoted(name)} is not known here", name)
        if (known := parts_of(kind)) is not None:
            return known[name] if name in known else self._none_such(node, CALLED.get(kind, "this"), name, known)
        if kind is Loop:
            return Any if name in LOOP else self._none_such(node, "a loop", name, LOOP)
        if is_mapping(kind):
            return self._value(node, name)
        if kind in {str, int, bool} or get_origin(kind) is tuple:
            text = "a text has no parts" if kind is str else "a list has no names: use a loop, or | first"
            return self._wrong(node, f"{quoted(name)} is not known here: {text}", name)
        return Any

    def _value(self, node: nodes.Getattr, name: str) -> Any:
        """Return the type of what a mapping holds; the words of `view.labels` are known by their keys."""
        labels = isinstance(node.node, nodes.Getattr) and node.node.attr == "labels"
        if labels and self._labels and name not in (*self._labels, *OF_MAPPINGS):
            return self._wrong(node, f"there is no label {quoted(name)}{or_known(name, self._labels)}", name)
        return str

    def _none_such(self, node: nodes.Node, what: str, name: str, known: Iterable[str]) -> Any:
        return self._wrong(node, f"{what} has no {quoted(name)}{or_known(name, known, most=40)}", name)

    def _entry(self, node: nodes.Getitem, scope: Scope) -> Any:
        kind = self._type(node.node, scope)
        if isinstance(node.arg, nodes.Slice):
            ends = (node.arg.start, node.arg.stop, node.arg.step)
            if not all(one is None or _is_constant(one) for one in ends):
                self._wrong(node, "write numbers between the brackets: [:3]")
            return kind
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str) and node.arg.value.startswith("_"):
            return self._wrong(node, f"{quoted(node.arg.value)} is not known here", node.arg.value)
        self._type(node.arg, scope)
        return str if is_mapping(kind) else one_of(kind)

    def _choice(self, node: nodes.CondExpr, scope: Scope) -> Any:
        self._type(node.test, scope)
        first = self._type(node.expr1, scope)
        return first if node.expr2 is None or self._type(node.expr2, scope) == first else Any

    def _either(self, node: nodes.BinExpr, scope: Scope) -> Any:
        left, right = self._type(node.left, scope), self._type(node.right, scope)
        return left if left == right else Any

    def _asked(self, node: nodes.Node, scope: Scope) -> Any:
        for one in node.iter_child_nodes():
            self._type(one.expr if isinstance(one, nodes.Operand) else one, scope)
        return bool

    def _negative(self, node: nodes.Neg, _: Scope) -> Any:
        return int if _is_constant(node) else self._wrong(node, f"'-' may not stand in a template: {_ARITHMETIC}", "-")

    def _test(self, node: nodes.Test, scope: Scope) -> Any:
        self._arguments(node, scope)
        self._type(node.node, scope)
        if node.name not in TESTS:
            self._wrong(node, f"there is no test {quoted(node.name)}{or_known(node.name, TESTS, most=20)}", node.name)
        return bool

    def _filter(self, node: nodes.Filter, scope: Scope) -> Any:
        self._arguments(node, scope)
        kind = self._type(node.node, scope) if node.node is not None else Any
        if node.name not in FILTERS:
            near = or_known(node.name, FILTERS, most=30)
            return self._wrong(node, f"there is no filter {quoted(node.name)}{near}", node.name)
        gives = FILTERS[node.name]
        return kind if gives == "same" else one_of(kind) if gives == "one" else gives

    def _arguments(self, node: nodes.Call | nodes.Filter | nodes.Test, scope: Scope) -> None:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            self._wrong(node, "write each value by itself, without '*'", "*")
        for one in (*node.args, *(pair.value for pair in node.kwargs)):
            self._type(one, scope)

    def _call(self, node: nodes.Call, scope: Scope) -> Any:
        self._arguments(node, scope)
        called = node.node
        if isinstance(called, nodes.Name) and (called.name in {"super", "pair"} or scope.get(called.name) is Macro):
            return str
        if isinstance(called, nodes.Getattr):
            on = called.node.name if isinstance(called.node, nodes.Name) else ""
            if on == "self":
                known = called.attr in self._blocks
                return str if known else self._no_block(node, called.attr)
            if on == "loop" and called.attr == "cycle":
                return Any
            if called.attr in OF_MAPPINGS:
                return self._of_mapping(called, self._type(called.node, scope))
        word = getattr(called, "name", getattr(called, "attr", ""))
        what = f"{quoted(word)} cannot be called" if word else "this cannot be called"
        return self._wrong(node, f"{what}: call pair(label, value), super(), or a block as self.header()", word)

    def _no_block(self, node: nodes.Node, name: str) -> Any:
        near = or_known(name, sorted(self._blocks), most=20)
        return self._wrong(node, f"there is no block {quoted(name)}{near}", name)

    def _of_mapping(self, called: nodes.Getattr, kind: Any) -> Any:
        if kind is not Any and not is_mapping(kind):
            return self._wrong(called, f"only links, labels and colours have {called.attr}()", called.attr)
        return tuple[tuple[str, str], ...] if called.attr == "items" else tuple[str, ...]

    def _list(self, node: nodes.List | nodes.Tuple, scope: Scope) -> Any:
        kinds = {self._type(one, scope) for one in node.items}
        return many(kinds.pop() if len(kinds) == 1 else Any)

    def _put_together(self, node: nodes.Concat, scope: Scope) -> Any:
        for one in node.nodes:
            self._type(one, scope)
        return str

    def _dict(self, node: nodes.Dict, scope: Scope) -> Any:
        for pair in node.items:
            self._type(pair.key, scope)
            self._type(pair.value, scope)
        return Mapping[str, str]


def _is_constant(node: nodes.Node) -> bool:
    return isinstance(node.node if isinstance(node, nodes.Neg) else node, nodes.Const)
