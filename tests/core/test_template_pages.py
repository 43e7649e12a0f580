"""Templates of an organisation run within limits, reach nothing, and never stop a message."""

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from messages import CONTEXT, EVIL, a_digest, a_message, an_item

from pmo_watch.render import MOST_HTML_BYTES, page_values, render
from pmo_watch.template_pages import Overrides, TemplateFault
from pmo_watch.wording import RenderContext

FOLDER = Path("/srv/templates")
FULL = a_message(*(an_item(number) for number in range(100)))
ITEMS = "view.sections[0].items"


def page(text: str, name: str = "mail.html.j2", message: Any = FULL, **more: str) -> str:
    return Overrides(FOLDER, {name: text, **more}).page(name, page_values(message, CONTEXT))


def fault(text: str, name: str = "mail.html.j2") -> str:
    with pytest.raises(TemplateFault) as found:
        page(text, name)
    return str(found.value.fault)


def within(**texts: str) -> RenderContext:
    names = {name.replace("_", ".") + ".j2": text for name, text in texts.items()}
    return replace(CONTEXT, overrides=Overrides(FOLDER, names))


# --- limits -------------------------------------------------------------------------------------------------------

ENDLESS = "it goes on and on: fewer loops inside of each other, fewer calls of blocks"
TOO_LONG = "it makes more text than any mail holds: a loop or a block repeats too much"
ITSELF = "a block or an included template calls itself"


def doubling(number: int, last: str) -> str:
    calls = (
        f"{{% block b{n} %}}{{{{ self.b{n + 1}() }}}}{{{{ self.b{n + 1}() }}}}{{% endblock %}}" for n in range(number)
    )
    return f"{''.join(calls)}{{% block b{number} %}}{last}{{% endblock %}}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{{% for a in {ITEMS} %}}" * 4 + "{% endfor %}" * 4, ENDLESS),
        (f"{{% for a in {ITEMS} %}}" * 2 + "x" * 60_000 + "{% endfor %}" * 2, TOO_LONG),
        ("{% block a %}{{ self.a() }}{% endblock %}", ITSELF),
        ("{% include 'mail.html.j2' %}", ITSELF),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", ITSELF),
        ("".join(f"{{% set a{n + 1} = a{n} ~ a{n} %}}" for n in range(60)).replace("a0", "(more ~ 'x')"), TOO_LONG),
        (
            "{% set b = view.id | replace('', view.id) %}{% set a = b | replace('', b) %}{{ a | replace('', a) }}",
            TOO_LONG,
        ),
        (doubling(40, "x" * 30_000), TOO_LONG),
        (doubling(40, ""), ENDLESS),
        (
            "".join(f"{{% set a{n + 1} = [a{n}, a{n}] | join %}}" for n in range(60)).replace("a0", "view.title")
            + "{{ a60 }}",
            TOO_LONG,
        ),
        (
            "{{ ['x', 'x'] | join(" + "'y'" + ") }}{% for a in view.sections %}{{ view.nope }}{% endfor %}",
            "no attribute",
        ),
    ],
    ids=[
        "loops",
        "text",
        "block",
        "include",
        "macro",
        "doubling",
        "replacing",
        "doubling text",
        "doubling calls",
        "doubling names",
        "unknown",
    ],
)
def test_template_that_does_not_end_is_stopped_at_once(text: str, expected: str) -> None:
    began = time.perf_counter()

    assert expected in fault(text)
    assert time.perf_counter() - began < 10  # two seconds at most, on a server with much else to do


def test_hundred_alerts_in_our_own_template_stay_far_below_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pmo_watch.template_pages.MOST_STEPS", 20_000)

    assert "Go-live" in page('{% extends "message.html.j2" %}')


@pytest.mark.parametrize(
    "text",
    [
        "{{ view.__class__.__mro__ }}",
        "{{ pair.func.__globals__ }}",
        "{{ view.sections.__class__.__base__.__subclasses__() }}",
        "{{ range(9) }}",
        "{{ lipsum }}",
        "{{ self._TemplateReference__context }}",
        "{{ '{:>999999999}'.format(1) }}",
        "{% include 'cli.py' %}",
        "{% include '../pmo-watch.yaml' %}",
        "{{ view.links.clear() }}",
        "{{ view.title.upper() }}",
    ],
)
def test_nothing_but_the_message_can_be_reached_even_unlooked_at(text: str) -> None:
    assert fault(text).startswith("/srv/templates/mail.html.j2:1:1: ")


def test_fault_stands_at_its_line_of_its_file() -> None:
    with pytest.raises(TemplateFault) as found:
        page("\n\n{% include 'part.html.j2' %}", **{"part.html.j2": "<p>\n  {{ view.sections[7].code }}</p>"})

    assert found.value.file == "part.html.j2"
    assert found.value.fault.shown() == (
        "/srv/templates/part.html.j2:2:3: tuple object has no element 7\n"
        "    2 |   {{ view.sections[7].code }}</p>\n"
        "      |   ^"
    )


# --- what they make -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [FULL, a_digest()], ids=["alert", "digest"])
@pytest.mark.parametrize("form", ["html", "txt"])
def test_template_that_only_extends_ours_makes_the_same(form: str, message: Any) -> None:
    ours, _ = render(message, CONTEXT)

    rendered, _ = render(message, within(**{f"mail_{form}": f'{{% extends "message.{form}.j2" %}}'}))

    assert (rendered.text, rendered.html) == (ours.text, ours.html)


def test_blocks_are_replaced_and_put_in_another_order() -> None:
    template = """\
{% extends "message.html.j2" %}
{% set accent = "#004494" %}
{% block content %}
{{ self.footer() }}{{ self.sections() }}{{ self.header() }}{{ self.links() }}
{% endblock %}
{% block signature %}<p>{{ organisation }} &amp; friends</p>{% endblock %}
"""
    html = render(FULL, within(mail_html=template))[0].html

    assert html.index("Sent by") < html.index("<caption") < html.index("<h1")
    assert "&amp; friends</p>" in html
    assert 'bgcolor="#004494"' in html
    assert "#1f4e79" not in html


@pytest.mark.parametrize(
    ("kind", "language", "chosen"),
    [
        ("alert", "fr", "alert.fr.html.j2"),
        ("alert", "nl", "mail.nl.html.j2"),
        ("alert", "en", "mail.html.j2"),
        ("digest", "fr", "digest.html.j2"),
        ("committee", "fr", "digest.html.j2"),
        ("committee", "nl", "committee.nl.html.j2"),
        ("notice", "en", "mail.html.j2"),
        ("no kind that we know", "en", "mail.html.j2"),
    ],
)
def test_most_special_template_makes_a_message(kind: str, language: str, chosen: str) -> None:
    names = ("mail", "mail.nl", "alert.fr", "digest", "committee.nl")
    overrides = Overrides(FOLDER, {f"{name}.html.j2": "" for name in names})

    assert overrides.chosen(kind, language, "html") == chosen
    assert overrides.chosen(kind, language, "txt") == ""


def test_committee_has_a_template_of_its_own() -> None:
    committee = replace(a_digest(), no_names=True)
    context = within(committee_txt="for the committee", digest_txt="for all")

    assert render(committee, context)[0].text == "for the committee"
    assert render(a_digest(), context)[0].text == "for all"


def test_what_others_wrote_stays_text_in_anybodys_template() -> None:
    message = a_message(an_item(subject_name=EVIL, project_name=EVIL))
    loops = "{% for s in view.sections %}{% for i in s.items %}"
    template = (
        f'{loops}<a title="{{{{ i.what }}}}">{{{{ [i.subject, s.name] | join("<br>") }}}}</a>'
        "{{ pair(i.subject, i.subject) }}{{ i.subject | upper }}{{ self.x() }}{% endfor %}{% endfor %}"
        "{% block x %}{{ view.title }}{{ (view.sections | first).name | truncate(30) }}{% endblock %}"
    )
    html = page(template, message=message)

    assert "<script" not in html.lower()
    assert not re.findall(r"<(?!/?a\b)[^>]*>", html)
    assert "&lt;br&gt;" in html


# --- a template that fails ----------------------------------------------------------------------------------------


def test_failing_template_is_replaced_by_the_next_best_and_at_last_by_ours() -> None:
    context = within(alert_txt="{{ view.sections[9] }}", mail_txt="{{ view.nope }}", mail_html="{{ view.nope }}")

    rendered, _ = render(a_message(an_item()), context)

    assert rendered == render(a_message(an_item()), CONTEXT)[0]
    assert context.overrides.failed == {
        "alert.txt.j2": "/srv/templates/alert.txt.j2:1:1: tuple object has no element 9",
        "mail.txt.j2": "/srv/templates/mail.txt.j2:1:1: 'pmo_watch.telling.MessageView object' has no attribute 'nope'",
        "mail.html.j2": "/srv/templates/mail.html.j2:1:1: "
        "'pmo_watch.telling.MessageView object' has no attribute 'nope'",
    }
    assert context.overrides.chosen("alert", "en", "txt") == ""
    assert context.overrides.again().chosen("alert", "en", "txt") == "alert.txt.j2"


def test_template_that_is_too_large_without_any_alert_is_not_used() -> None:
    context = within(mail_html="<p>" + "x" * MOST_HTML_BYTES + "</p>")

    rendered, _ = render(a_message(an_item()), context)

    assert rendered == render(a_message(an_item()), CONTEXT)[0]
    assert "bytes without any alert; a mail may have 90000" in context.overrides.failed["mail.html.j2"]


def test_alerts_are_left_out_where_a_template_has_less_room() -> None:
    wordy = '{% extends "message.html.j2" %}{% block letterhead %}<tr><td>' + "x" * 60_000 + "</td></tr>{% endblock %}"
    rendered, _ = render(FULL, within(mail_html=wordy))

    assert 0 < rendered.trimmed < 100
    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    assert f"+ {rendered.trimmed} more" in rendered.text
