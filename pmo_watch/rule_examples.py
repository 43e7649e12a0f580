"""The inline examples of a rule: fields given as the model holds them, and the state expected."""

from collections.abc import Sequence

from pmo_watch.given_values import given_value
from pmo_watch.model import Field
from pmo_watch.rule_names import Names
from pmo_watch.rule_page import Keys, Page
from pmo_watch.rule_shape import ExampleShape
from pmo_watch.rule_values import Misread
from pmo_watch.rules import Example, State


def examples(page: Page, keys: Keys, shapes: Sequence[ExampleShape | None] | None, names: Names) -> tuple[Example, ...]:
    """Return a rule's examples; fields of its own entity are named without prefix, as in the entity's frame."""
    found: list[Example] = []
    for number, shape in enumerate(shapes or ()):
        if shape is None:
            continue
        given: dict[str, object] = {}
        for name in shape.given:
            at = (*keys, number, "given", name)
            field = page.read_key(at, names.field)
            if field is not None:
                given[_column(name, names)] = _given(page, at, name, field)
        node = page.node((*keys, number))
        line = page.document.line_of(node) if node is not None else 0
        found.append(Example(given, State(shape.expect), line, shape.today))
    return tuple(found)


def _column(name: str, names: Names) -> str:
    return name.removeprefix(f"{names.for_each}.")


def _given(page: Page, keys: Keys, name: str, field: Field) -> object:
    """Return a value as the model holds it; None with a fault where it cannot be that."""
    try:
        return given_value(name, field, page.data(keys), page.written(keys))
    except Misread as error:
        page.wrong(keys, error.text)
        return None
