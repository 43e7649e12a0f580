"""A YAML file read with the place of every value: text, nodes and plain data that agree.

The data are made here and not by the library: YAML 1.2 whatever the file declares, keys always text, dates checked, and
every duplicate key or unknown tag reported at its place.
"""

import re
import stat
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from pmo_watch.faults import Fault, Faults, masked, printable, quoted
from pmo_watch.yaml_words import plain_words

__all__ = ["Document", "Key", "Node", "ScalarNode", "compose", "compose_in_part", "read_text"]

TAG = "tag:yaml.org,2002:"
PLAIN_TAGS = frozenset(f"{TAG}{name}" for name in ("null", "bool", "int", "float", "timestamp", "value", "merge"))
KNOWN_TAGS = PLAIN_TAGS | {f"{TAG}{name}" for name in ("str", "map", "seq")}
BREAKS = re.compile("[\x85\u2028\u2029]")  # the library takes these for ends of lines, editors do not
LONGEST_TEXT = 500  # of a fault
MAX_BYTES = 4_000_000
MAX_NODES = 200_000  # a 200-byte file can stand for millions of values
MAX_DEPTH = 50
Key = int | str
Scalar = None | bool | int | float | str | date

FORMS: tuple[tuple[re.Pattern[str], Callable[[str], Scalar]], ...] = (
    (re.compile(r"[-+]?[0-9]{1,40}"), int),
    (re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,2})?"), float),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), date.fromisoformat),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:.*"), datetime.fromisoformat),
)
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f\x81\x8d\x8f\x90\x9d]")  # in no text, and no letters of Windows-1252


@dataclass(slots=True, eq=False)
class Document:
    """One composed file. `lines` and all places count as an editor does: a line ends with \\n, \\r\\n or \\r."""

    path: Path
    text: str
    root: Node | None = None
    data: object = None
    lines: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lines = self.text.split("\n")
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def fault_at(self, index: int, text: str) -> Fault:
        """Return a fault at that character of the file."""
        line = max(1, min(bisect_right(self.starts, index), len(self.lines)))
        column = index - self.starts[line - 1] + 1
        return Fault(self.path, line, column, printable(text)[:LONGEST_TEXT], masked(self.lines, line))

    def fault(self, node: Node | None, text: str, offset: int = 0) -> Fault:
        """Return a fault at a node; inside its text where `offset` says how many characters."""
        return self.fault_at(0 if node is None else self.index(node, offset), text)

    def line_of(self, node: Node) -> int:
        """Return the line of a node, from 1."""
        return bisect_right(self.starts, self.index(node))

    def index(self, node: Node, offset: int = 0) -> int:
        """Return where that character of a node's text stands in the file; its start where the text is folded."""
        start: int = node.start_mark.index
        if node.start_mark.index == node.end_mark.index:  # nothing stands there: the mark is at what comes next
            return len(self.text[:start].rstrip())
        if not offset or not isinstance(node, ScalarNode):
            return start
        # An anchor or tag stands before the text, a quote around it.
        at = self.text.find(node.value, start, node.end_mark.index)
        return at + offset if at >= 0 else start

    def find(self, *keys: Key) -> Node | None:
        """Return the value's node at the end of these keys, or None."""
        node = self.root
        for key in keys:
            if node is None or (hit := child(node, key)) is None:
                return None
            node = hit[1]
        return node

    def find_key(self, *keys: Key) -> Node | None:
        """Return the key's node at the end of these keys (of a list, the item's), or None."""
        above = self.find(*keys[:-1])
        hit = child(above, keys[-1]) if above is not None else None
        return hit[0] if hit else None


def child(node: Node, key: Key) -> tuple[Node, Node] | None:
    """Return the key's node and the value's node, also through `<<: *anchor`."""
    if isinstance(node, SequenceNode):
        inside = isinstance(key, int) and key < len(node.value)
        return (node.value[key], node.value[key]) if inside else None
    if not isinstance(node, MappingNode):
        return None
    for key_node, value in node.value:
        if key_node.value == str(key) and isinstance(key_node, ScalarNode):
            return key_node, value
    return next((hit for merged in _merged(node) if (hit := child(merged, key))), None)


def read_text(path: Path) -> str:
    """Return the text of a file, without byte-order mark and with \\n at the end of each line.

    Raises:
        Faults: it cannot be read, is no file, is too large, or is not UTF-8.
    """
    try:
        about = path.stat()
        if stat.S_ISDIR(about.st_mode):
            raise _whole(path, "this is a folder, not a file; rename it so that it does not end in .yaml or .yml")
        if not stat.S_ISREG(about.st_mode):
            raise _whole(path, "this is not an ordinary file")
        if about.st_size > MAX_BYTES:
            raise _whole(path, f"the file is larger than {MAX_BYTES // 1_000_000} MB; split it")
        raw = path.read_bytes()
    except FileNotFoundError:
        raise _whole(path, "the file does not exist") from None
    except PermissionError:
        raise _whole(path, "the file may not be read by this user; give it read permission") from None
    except OSError as error:
        raise _whole(path, f"the file cannot be read: {error.strerror}") from None
    return _decoded(path, raw)


def _whole(path: Path, text: str) -> Faults:
    return Faults([Fault(path, 1, 1, text)])


def _decoded(path: Path, raw: bytes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _whole(path, "the file is saved as UTF-16 ('Unicode'); save it again with the encoding UTF-8")
    raw = _newlines(raw.removeprefix(b"\xef\xbb\xbf"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if NO_TEXT.search(raw):
            raise _whole(
                path, "the file is no text: restore it, or save it anew as text with the encoding UTF-8"
            ) from None
        sign = raw[error.start : error.start + 1].decode("cp1252", errors="replace")
        before = raw[: error.start].decode("utf-8")
        document = Document(path, before + raw[error.start :].decode("cp1252", errors="replace"))
        text = f"the file is not UTF-8: {quoted(sign)} is saved as Windows-1252; save it again with the encoding UTF-8"
        raise Faults([document.fault_at(len(before), text)]) from None


def _newlines(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def compose(path: Path, text: str | None = None) -> Document:
    """Read a file, or `text` in its place, into nodes and data.

    Raises:
        Faults: not readable, not YAML, a key twice, an unknown tag, aliases that stand for too much.
    """
    document, faults = compose_in_part(path, text)
    if faults:
        raise Faults(faults)
    return document


def compose_in_part(path: Path, text: str | None = None) -> tuple[Document, list[Fault]]:
    """Read a file like `compose`, but with its faults return the rest, so that it is looked at as well.

    Raises:
        Faults: not readable, not YAML, aliases that stand for too much: there is no rest.
    """
    text = read_text(path) if text is None else text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    document = Document(path, text)
    if found := BREAKS.search(text):
        text = f"the line separator U+{ord(found[0]):04X} is not allowed; start a new line, or delete it"
        raise Faults([document.fault_at(found.start(), text)])
    try:
        document.root = _nodes(document)
        if document.root is None or document.root.value == "":
            raise Faults([document.fault_at(0, "the file is empty")])
        _refuse_bombs(document, document.root)
        faults: list[Fault] = []
        document.data = _built(document, document.root, faults)
    except RecursionError:
        raise Faults([document.fault_at(0, f"the file is nested too deeply; at most {MAX_DEPTH} levels")]) from None
    return document, list(dict.fromkeys(faults))  # once, however often an alias repeats the place


def _nodes(document: Document) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # an anchor may be used again: YAML 1.2, 3.2.2.2
    try:
        root: Node | None = yaml.compose(document.text)
    except MarkedYAMLError as error:
        index, words = plain_words(error, document.text)
        raise Faults([document.fault_at(index, words)]) from None
    except YAMLError as error:
        at = getattr(error, "position", 0)
        sign = f"U+{ord(document.text[at]):04X}" if at < len(document.text) else "character"
        raise Faults([document.fault_at(at, f"the control character {sign} is not allowed; delete it")]) from None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", which the library does not check
        raise Faults(
            [document.fault_at(_escape(document.text), "this is not a character; write it as it is")]
        ) from None
    return root


def _escape(text: str) -> int:
    return max(0, text.find("\\U"))


def _refuse_bombs(document: Document, root: Node) -> None:
    """Count what the file stands for once every alias is copied out; a loop counts as huge."""
    sizes: dict[int, tuple[int, int]] = {}

    def measure(node: Node) -> tuple[int, int]:
        if id(node) not in sizes:
            sizes[id(node)] = (10**12, 0)
            if isinstance(node, ScalarNode):
                sizes[id(node)] = (1, 1)
            else:
                parts = [measure(part) for part in _parts(node)]
                sizes[id(node)] = (1 + sum(size for size, _ in parts), 1 + max((deep for _, deep in parts), default=0))
        return sizes[id(node)]

    size, depth = measure(root)
    if size > MAX_NODES:
        raise Faults(
            [document.fault_at(0, f"the file holds more than {MAX_NODES:,} values once its aliases are copied out")]
        )
    if depth > MAX_DEPTH:
        raise Faults([document.fault_at(0, f"the file is nested too deeply; at most {MAX_DEPTH} levels")])


def _parts(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        return (part for pair in node.value for part in pair)
    return iter(node.value)


def _built(document: Document, node: Node, faults: list[Fault]) -> object:
    tag = str(node.tag)
    if tag not in KNOWN_TAGS:
        text = f"the tag {quoted(tag.replace(TAG, '!!'))} is not known here; remove it"
        faults.append(document.fault(node, text))
    if isinstance(node, MappingNode):
        return _mapping(document, node, faults)
    if isinstance(node, SequenceNode):
        return [_built(document, item, faults) for item in node.value]
    return scalar(node.value) if tag in PLAIN_TAGS else node.value


def _mapping(document: Document, node: MappingNode, faults: list[Fault]) -> dict[str, object]:
    built: dict[str, object] = {}
    first: dict[str, Node] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            faults.append(document.fault(key, "a key must be one word or text, not a list or mapping"))
        elif _is_merge(key):
            if not all(isinstance(one, MappingNode) for one in _merge_sources(value)):
                faults.append(document.fault(value, "'<<' takes a mapping, such as *defaults"))
        elif key.value in built:
            line = document.line_of(first[key.value])
            faults.append(document.fault(key, f"the key {quoted(key.value)} stands twice; first in line {line}"))
        else:
            first[key.value] = key
            built[key.value] = _built(document, value, faults)
    for source in _merged(node):
        for key, value in _mapping(document, source, faults).items():
            built.setdefault(key, value)
    return built


def _is_merge(key: Node) -> bool:
    return str(key.tag) == f"{TAG}merge"


def _merge_sources(value: Node) -> list[Node]:
    return list(value.value) if isinstance(value, SequenceNode) else [value]


def _merged(node: MappingNode) -> Iterator[MappingNode]:
    for key, value in node.value:
        if isinstance(key, ScalarNode) and _is_merge(key):
            yield from (one for one in _merge_sources(value) if isinstance(one, MappingNode))


def scalar(text: str) -> Scalar:
    """Return what a plain word stands for: YAML 1.2's core schema, and dates; else the text itself."""
    if text in WORDS:
        return WORDS[text]
    for form, read in FORMS:
        if form.fullmatch(text):
            with suppress(ValueError):  # 2026-02-30: whoever wants a date says that it is none
                return read(text)
    return text
