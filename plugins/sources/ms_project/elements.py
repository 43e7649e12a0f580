"""Elements by their local names: writers use one namespace, another or none (spec sources 4.1)."""

from collections.abc import Iterator

from lxml import etree


def local_name(tag: str) -> str:
    """Return a tag without its namespace."""
    return tag.rpartition("}")[2]


def named(element: etree._Element) -> str:
    """Return an element's local name."""
    return local_name(str(element.tag))


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first child of that local name."""
    return next(element.iterchildren(f"{{*}}{name}"), None)


def children(element: etree._Element | None, name: str) -> Iterator[etree._Element]:
    """Yield the children of that local name; none of nothing."""
    return iter(()) if element is None else element.iterchildren(f"{{*}}{name}")


def texts_of(element: etree._Element) -> dict[str, str]:
    """Return the texts of all children that have one, by local name."""
    return {named(one): one.text.strip() for one in element if one.text and one.text.strip()}
