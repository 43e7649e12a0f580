"""Text that others wrote: one line, no hidden characters, a limit; and which addresses may become links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_watch.plain import host, link, plain

CASES = {
    "a lone surrogate": ("a\ud800b", "a\ufffdb"),
    "two code points for one letter": ("e\u0301tude", "étude"),
    "line breaks and tabs": ("one\r\ntwo\tthree\u2028four\x85five", "one two three four five"),
    "other control characters": ("a\x00b\x1bc\x7fd\x9be", "abcde"),
    "hidden and direction marks": ("a\u200b\ufeff\u200e\u200f\u202a\u202e\u2066\u2069b", "ab"),
    "runs of white space": ("  a \u00a0 b \u202fc  ", "a b c"),
    "spaces before French signs": ("\u00a0Alerte\u00a0: oui\u202f!\u202f", "Alerte\u00a0: oui\u202f!"),
    "runs of no-break spaces": ("a\u00a0\u00a0\u202fb", "a\u00a0b"),
    "nothing but blanks": (" \t\n ", ""),
    "markup is text": ("<b>[x](http://evil.test)</b> {{ 1 }}", "<b>[x](http://evil.test)</b> {{ 1 }}"),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES)
def test_text_is_cleaned(text: str, shown: str) -> None:
    assert plain(text, 200) == shown


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert plain("x" * 121, 120) == "x" * 119 + "…"
    assert plain("x" * 120, 120) == "x" * 120


@given(st.text(), st.integers(2, 50))
def test_result_fits_on_one_line_and_stays_as_it_is(text: str, limit: int) -> None:
    once = plain(text, limit)

    assert len(once) <= limit
    assert len(once.splitlines()) <= 1
    assert plain(once, limit) == once.strip()


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.org/x",
        "https://",
        "https://user@example.org/",
        "https://user:pass@example.org/",
        "https://example.org/\nx",
        'https://example.org/"onclick',
        "https://example.org:port/",
        "https://[::1",
        "https://example.org/" + "x" * 2000,
        "//example.org/x",
        "",
    ],
)
def test_address_that_is_no_safe_link_is_not_shown(address: str) -> None:
    assert link(address) == ""


def test_web_address_is_a_link_with_its_host_beside_it() -> None:
    assert link(" https://jira.example.org/browse/ATL-1?a=b#c ") == "https://jira.example.org/browse/ATL-1?a=b#c"
    assert host("https://jira.example.org/browse/ATL-1") == "jira.example.org"
