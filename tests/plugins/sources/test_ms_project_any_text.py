"""Whatever stands in a plan, it is read or refused: nothing but the errors of sources, and rows that fit the model."""

import contextlib
import re
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from plans import read_one
from rows import reading

from pmo_watch.api import SourceError

CASES = Path(__file__).parent / "ms_project" / "cases"
PLANS = [
    CASES.joinpath(name, "input.xml").read_bytes() for name in ("project-2019", "calendars", "timephased", "people")
]
LEAF = re.compile(rb">([^<]{0,60})</")
NASTY = (
    "", "NA", "-1", "0", "1", "99999999999999999999", "1e400", "NaN", "0001-01-01T00:00:00", "9999-12-31T23:59:59",
    "2026-02-30T00:00:00", "PT-1H", "P999999999D", "24:00:00", "00:00:00", "-65535", "<X/>", "&amp;",
    "\u00b2", "\U0001f600",
)  # fmt: skip
SETTINGS = {
    "key": "Text1",
    "timephased": True,
    "repair": True,
    "attributes": {"code": "Text1", "kind": "Text3", "cost": "Cost1", "duration": "Duration1"},
    "milestone_kind": [{"name": "*a*", "kind": "key"}],
    "status_date": ["StatusDate", "CurrentDate", "LastSaved", "file_time"],
}
changes = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(NASTY)), min_size=1, max_size=5)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PLANS), changes)
def test_any_text_anywhere(content: bytes, wished: list[tuple[int, str]]) -> None:
    for number, word in wished:
        spots = list(LEAF.finditer(content))
        start, end = spots[number % len(spots)].span(1)
        content = content[:start] + word.encode() + content[end:]

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        answer = read_one(Path(folder), content, **SETTINGS)
        reading("plans", *answer.records)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(PLANS), st.integers(0, 20_000), st.binary(max_size=4))
def test_any_bytes_anywhere(content: bytes, place: int, wrong: bytes) -> None:
    at = place % len(content)

    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(SourceError):
        read_one(Path(folder), content[:at] + wrong + content[at + len(wrong) :])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PLANS), st.integers(1, 20_000))
def test_a_plan_that_breaks_off_is_refused(content: bytes, length: int) -> None:
    cut = content[: min(length, content.rindex(b"</Project>"))]

    with tempfile.TemporaryDirectory() as folder:
        try:
            answer = read_one(Path(folder), cut, repair=True)
        except SourceError:
            return
    raise AssertionError(answer.records)
