"""Texts that people write into rules: names are filled in, anything else is data."""

from dataclasses import replace

import pytest
from messages import SLIP, an_item, only

from pmo_watch.templates import text_fault


def said(text: str) -> str:
    return str(only(an_item(rule=replace(SLIP, message={"en": text}))).why)


def test_persons_text_may_name_what_the_alert_is_about() -> None:
    text = "{{ subject }} of {{ code }} ({{ project }}): {{ value }} over {{ threshold }}, {{ since }}, {{level}}"

    assert said(text) == (
        "Go-live of PRJ-042 (Harbour Bridge): 12 working days over 10 working days, red since 11 May 2026, red"
    )


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ 7 * 7 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ subject | upper }}",
        "{{ range(9) }}",
        "{{ password }}",
        "{{ subject }}{% for x in range(10) %}x{% endfor %}",
        "{{ subject",
        "{% for x in range(10) %}x{% endfor %}",
        "{{ subject() }}",
        "{# {{ subject }} #}{{ self }}",
    ],
)
def test_anything_else_in_a_persons_text_is_data(text: str) -> None:
    assert said(text) == text


def test_faulty_text_is_named_with_its_remedy() -> None:
    names = "the names are code, how_much, level, project, rule, since, subject, threshold, value"

    assert text_fault("{{ projekt }}") == f"'projekt' is not known here; {names}"
    assert text_fault("{{ 7 * 7 }}") == f"only names may stand between braces; {names}"
    assert "write names as {{ subject }}" in text_fault("{{ subject")
    assert text_fault("{{ subject }} slips") == ""
    assert text_fault("plain {% text") == ""
