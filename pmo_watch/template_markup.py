"""Markup that must not stand in a mail: scripts, forms, what is loaded from elsewhere, values without quotes."""

import re
from collections.abc import Iterator, Sequence

_ACTIVE = re.compile(
    r"<\s*(script|form|iframe|object|embed|link|base|applet|audio|video|svg|input|button)\b", re.IGNORECASE
)
_HANDLER = re.compile(r"<[^>]*\s(on[a-z]+)\s*=", re.IGNORECASE)
_SCRIPTED = re.compile(r"""=\s*["']?\s*(javascript|vbscript|data)\s*:""", re.IGNORECASE)
_REMOTE = re.compile(
    r"""(?:\b(src|background|srcset)\s*=\s*["']?\s*|(url)\(\s*["']?\s*|(@import)\s+["']?\s*)(?:https?:)?//""",
    re.IGNORECASE,
)
_BARE = re.compile(r"""<[^<>]*?\s([\w-]+)\s*=\s*[^"'\s<>]*$""")


def markup_faults(parts: Sequence[tuple[int, str | None]]) -> Iterator[tuple[int, str, str]]:
    """Yield line, text and word of what is wrong with a stretch of HTML.

    `parts`: line and markup as written; None stands for a value that is filled in.
    """
    for place, (line, data) in enumerate(parts):
        if data is None:
            continue
        for at, text, word in _wrong(data):
            yield line + data.count("\n", 0, at), text, word
        followed = place + 1 < len(parts) and parts[place + 1][1] is None
        if followed and (found := _BARE.search(data)):
            said = f'the value of {found[1]} stands without quotes: write {found[1]}="..."'
            yield line + data.count("\n", 0, found.start(1)), said, found[1]


def _wrong(data: str) -> Iterator[tuple[int, str, str]]:
    for found in _ACTIVE.finditer(data):
        yield (
            found.start(1),
            f"mails hold no <{found[1].lower()}>: mail programs remove it or refuse the mail",
            found[1],
        )
    for found in _HANDLER.finditer(data):
        yield found.start(1), f"mails hold no scripts: leave {found[1]} out", found[1]
    for found in _SCRIPTED.finditer(data):
        yield found.start(1), "addresses in mails begin with https: or mailto:", found[1]
    for found in _REMOTE.finditer(data):
        word = next(one for one in found.groups() if one)
        said = "mails load nothing from elsewhere: it is blocked, or tells who reads; say it in words or with colours"
        yield found.start(), said, word
