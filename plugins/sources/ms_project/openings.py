"""What the first bytes of a file say it is, and what may be repaired in a faulty one (spec sources 4.1)."""

import codecs
import re

BOMS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
SAVE_AS_XML = "save it as XML in Microsoft Project (File, Save As, XML Format)"
FORMATS = (
    (b"\xd0\xcf\x11\xe0", f"a binary Project file (.mpp): {SAVE_AS_XML}"),
    (b"PK", f"a zip archive, such as .xlsx or .pod: {SAVE_AS_XML}"),
    (b"MPX,", f"the old text format MPX: open it and {SAVE_AS_XML}"),
    (b"bplist00", "a web archive saved by mistake: save the plan itself"),
)
WEB_PAGE = "a web page, probably of a sign-in: check where the file was downloaded from"
OTHER_ROOTS = {
    "APIBusinessObjects": "Primavera PMXML: export it as Microsoft Project XML in Primavera P6",
    "project": "GanttProject's own format: export it as Microsoft Project XML in GanttProject",
}
PROLOG = re.compile(rb"(?:\s+|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
DECLARED = re.compile(rb"<\?xml[^>]*?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
DECLARATION = re.compile(r"\A<\?xml\s[^>]*\?>")
_ATTRIBUTE = rb"""\s+[^\s=<>"'/]+\s*=\s*(?:"[^"<]*"|'[^'<]*')"""
ROOT = re.compile(
    rb"""<Project(?:%b)*?(\s+xmlns\s*=\s*(?:"[^"<]*"|'[^'<]*'))((?:%b)*\s*>)""" % (_ATTRIBUTE, _ATTRIBUTE)
)
ROOT_MARK = "root"
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));")
UNSAFE = "refused for safety: "


def strange_format(head: bytes) -> str | None:
    """Say what the file is instead of Project XML, from its first bytes; None where they allow it."""
    for magic, meaning in FORMATS:
        if head.startswith(magic):
            return f"is {meaning}"
    plain = without_bom(head).lstrip().lower()
    if plain.startswith((b"<html", b"<!doctype html")):
        return f"is {WEB_PAGE}"
    prolog = PROLOG.match(plain)
    assert prolog is not None
    if plain[prolog.end() :].startswith(b"<!doctype"):
        return f"{UNSAFE}it has a document type declaration, which no plan needs"
    if b"<" not in plain:
        return "is not XML: expected a plan saved as XML in Microsoft Project"
    return None


def without_bom(head: bytes) -> bytes:
    """Return the beginning of a file as UTF-8 without byte order mark, for looking at it."""
    for bom, encoding in BOMS.items():
        if head.startswith(bom):
            usable = len(head) - (len(head) - len(bom)) % 4
            return head[len(bom) : usable].decode(encoding, "replace").encode()
    return head


def strange_root(name: str) -> str:
    """Say what a root element other than Project means."""
    if name in OTHER_ROOTS:
        return f"is {OTHER_ROOTS[name]}"
    return f"is not Project XML: its root is <{name}>, not <Project>"


def marked(head: bytes) -> bytes:
    """Return the first bytes without the root's default namespace and with a mark behind its start tag.

    Tags without a namespace are read a third faster. The mark is a processing instruction: by its event the growing
    tree is found without asking the parser to report elements, which costs it as much as two thirds of all it does.
    The namespace leaves more room than the mark takes: what follows keeps its line, and its column too where the tag
    stands on one line. Without a namespace in the first bytes nothing is changed.
    """
    found = ROOT.search(head)
    if found is None:
        return head
    start, end = found.span(1)
    mark = b"<?%b?>" % ROOT_MARK.encode()
    blanks = re.sub(rb"[^\n]", b" ", head[start:end])[len(mark) :]
    lines = b"\n" * (head.count(b"\n", start, end) - blanks.count(b"\n"))
    return head[:start] + found[2] + mark + lines + blanks[len(lines) :] + head[found.end() :]


def repaired(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Mend what can be mended without guessing: blanks before, NULs behind, forbidden characters, wrong UTF-8.

    Returns the content as UTF-8 and what was mended; nothing mended means that another try is useless.
    """
    notes: list[str] = []
    text = _decoded(content, notes)
    shorter = text.lstrip().rstrip("\x00")
    if len(shorter) < len(text):
        notes.append("blanks before or NUL bytes behind the text were cut")
    plain, characters = FORBIDDEN.subn("", shorter)
    mended = REFERENCE.sub(_allowed, plain)
    references = len(REFERENCE.findall(plain)) - len(REFERENCE.findall(mended))
    if removed := characters + references:
        notes.append(f"{removed} characters that XML forbids were removed")
    return DECLARATION.sub('<?xml version="1.0" encoding="UTF-8"?>', mended, count=1).encode(), tuple(notes)


def _allowed(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    whole = code in {9, 10, 13} or (32 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF and code & 0xFFFE != 0xFFFE)
    return reference[0] if whole else ""


def _decoded(content: bytes, notes: list[str]) -> str:
    encoding = next((name for bom, name in BOMS.items() if content.startswith(bom)), None)
    declared = DECLARED.search(content[:200])
    if encoding is None and declared is not None:
        encoding = declared[1].decode().lower()
    try:
        return content.decode(encoding or "utf-8").removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError):
        notes.append("bytes that are not UTF-8 were read as cp1252")
        return content.decode("utf-8", "pmo-watch-cp1252").removeprefix("\ufeff")


def _as_cp1252(fault: UnicodeError) -> tuple[str, int]:
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    wrong = fault.object[fault.start : fault.end]
    return wrong.decode("cp1252", "replace"), fault.end


codecs.register_error("pmo-watch-cp1252", _as_cp1252)
