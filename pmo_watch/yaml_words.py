"""What a YAML parser complains of, in the words of somebody who writes rules."""

import re

from ruamel.yaml.error import MarkedYAMLError

from pmo_watch.faults import quoted

FOUND = re.compile(r"found (?:character |unknown escape character )?'(.*)'")
OPENED = {"flow sequence": "[", "flow mapping": "{"}
OWN_MEANING = (
    "has a meaning of its own in YAML at the start of a text; "
    "put the text in quotes, or write a condition in words (over 5)"
)


def plain_words(error: MarkedYAMLError, text: str) -> tuple[int, str]:
    """Return the place (a character of the text) and what is wrong there, with the remedy."""
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark is not None else 0
    opened = error.context_mark.index if error.context_mark is not None else index
    problem, context = str(error.problem or ""), str(error.context or "")
    for explain in (_colon, _sign, _quote, _bracket, _reference, _layout):
        if said := explain(problem, context, (index, opened), text):
            return said
    words = " ".join(part for part in (context, problem) if part).split("\n")[0]
    return index, f"is not YAML: {words}"


Said = tuple[int, str] | None
Places = tuple[int, int]  # of the problem; of what was being read


def _colon(problem: str, _: str, at: Places, text: str) -> Said:
    if "mapping values are not allowed" in problem:
        start = text.rfind("\n", 0, at[0]) + 1
        line = text[start : at[0]]
        if re.search(r":\s", line):
            return at[0], "a second ': ' in one line; put the text in quotes, or start a new line"
        return start + len(line) - len(
            line.lstrip()
        ), "this key does not fit the line above: check its indentation and whether that line ends in ':'"
    if "could not find expected ':'" in problem:
        return at[1], "this line has no ': ' after its key; write `key: value`"
    return None


def _sign(problem: str, context: str, at: Places, text: str) -> Said:
    if "cannot start any token" in problem:
        if text[at[0] : at[0] + 1] == "\t":
            return at[0], "a tab stands here; indent with spaces"
        return at[0], f"{quoted(text[at[0] : at[0] + 1])} {OWN_MEANING}"
    if "block scalar" in context or "scanning an anchor" in context or "scanning an alias" in context:
        return at[1], f"{quoted(text[at[1] : at[1] + 1])} {OWN_MEANING}"
    return None


def _quote(problem: str, context: str, at: Places, _: str) -> Said:
    if "unknown escape character" in problem:
        return at[0], "'\\' has a meaning of its own inside \"...\"; use single quotes, or write it twice"
    if "quoted scalar" in context:
        return at[1], "the quote that opens here is never closed"
    return None


def _bracket(problem: str, context: str, at: Places, text: str) -> Said:
    for kind, sign in OPENED.items():
        if kind in context:
            return at[
                1
            ], f"'{sign}' opens here and is not closed properly; check commas, quotes and the closing bracket"
    if "expected the node content" in problem and (found := FOUND.search(problem)):
        sign = text[at[0] : at[0] + 1]
        return at[0], f"{quoted(sign or found[1])} does not belong here; put the text in quotes, or delete it"
    return None


def _reference(problem: str, _: str, at: Places, text: str) -> Said:
    if "undefined alias" in problem:
        return at[
            0
        ], f"{quoted(_word(text, at[0]))} names nothing ('&name' must come first); put a text with '*' in quotes"
    if "another document" in problem:
        return at[0], "a second document begins here ('---' or '...'); use one file for each"
    if "incompatible YAML document" in problem or "directive" in problem:
        return at[0], "the %YAML line is not understood; delete it"
    return None


def _layout(problem: str, _: str, at: Places, __: str) -> Said:
    if "expected <block end>" in problem:
        return at[0], "this line is not indented like those it belongs to; use the same number of spaces"
    if "tag" in problem or "URI" in problem:
        return at[0], "'!' has a meaning of its own in YAML; put the text in quotes"
    return None


def _word(text: str, index: int) -> str:
    found = re.match(r"[^\s,\[\]{}]+", text[index : index + 100])
    return found[0] if found else ""
