"""What a template that overrides ours may contain: everything else is found before it runs, with line and remedy."""

from typing import get_args

import pytest

from pmo_watch.telling import ItemView, MessageView
from pmo_watch.template_grammar import BUILT_IN, look_at
from pmo_watch.template_names import FILTERS, NAMES, TESTS, is_mapping, one_of, parts_of
from pmo_watch.templates import built_in_text

BLOCKS = ("header", "footer", "sections")
CALLS = "call pair(label, value), super(), or a block as self.header()"


def said(text: str, name: str = "mail.html.j2") -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in look_at(text, name, BLOCKS, ("value", "alert")).wrong]


@pytest.mark.parametrize("name", BUILT_IN)
def test_our_own_templates_may_stand_in_for_themselves(name: str) -> None:
    assert look_at(built_in_text(name), name).wrong == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ view.sectons }}", "a message has no 'sectons', did you mean 'sections'?"),
        (
            "{% for s in view.sections %}{{ s.headng }}{% endfor %}",
            "a section has no 'headng', did you mean 'heading'?",
        ),
        (
            "{% for s in view.sections %}{% for i in s.items %}{{ i.lvel }}{% endfor %}{% endfor %}",
            "an alert has no 'lvel', did you mean 'level'?",
        ),
        (
            "{% for s in view.sections if s.itms %}{% endfor %}",
            "a section has no 'itms', did you mean 'items'?",
        ),
        ("{{ (view.sections | first).headng }}", "a section has no 'headng', did you mean 'heading'?"),
        ("{{ view.sections[0].headng }}", "a section has no 'headng', did you mean 'heading'?"),
        ("{{ vieww.title }}", "'vieww' is not known here, did you mean 'view'?"),
        ("{{ view.title | uper }}", "there is no filter 'uper', did you mean 'upper'?"),
        ("{% if view.more is od %}{% endif %}", "there is no test 'od', did you mean 'odd'?"),
        ("{{ view.labels.valeu }}", "there is no label 'valeu', did you mean 'value'?"),
        ("{{ self.heder() }}", "there is no block 'heder', did you mean 'header'?"),
        ("{% for x in view.lines %}{{ loop.idex }}{% endfor %}", "a loop has no 'idex', did you mean 'index'?"),
        ("{{ view.title.x }}", "'x' is not known here: a text has no parts"),
        ("{{ view.sections.heading }}", "'heading' is not known here: a list has no names: use a loop, or | first"),
    ],
)
def test_unknown_name_is_named_with_the_nearest_one(text: str, expected: str) -> None:
    assert said(f"\n\n{text}") == [(3, expected)]


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ view.__class__ }}",
        "{{ view['__class__'] }}",
        "{{ view | attr('title') }}",
        "{{ self.__init__ }}",
        "{{ range(10 ** 9) }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ 1 + 1 }}",
        "{{ -view.level }}",
        "{{ '%09d' | format(1) }}",
        "{{ view.title.join([]) }}",
        "{{ lipsum() }}",
        "{{ cycler }}",
        "{{ pair.__globals__ }}",
        "{{ pair(*view.lines) }}",
        "{{ view.title | safe }}",
        "{{ view.title | indent(10000) }}",
        "{% block a %}{% macro b() %}{% endmacro %}{% endblock %}",
        "{% set x %}a{% endset %}",
        "{% set x.y = 1 %}",
        "{% set a, b = view.title, view.level %}",
        "{% call view() %}{% endcall %}",
        "{% filter upper %}a{% endfilter %}",
        "{% with a = 1 %}{% endwith %}",
        "{% autoescape false %}{% endautoescape %}",
        "{% import 'x.html.j2' as x %}",
        "{% from 'x.html.j2' import y %}",
        "{% include view.title %}",
        "{% include ['a.html.j2', 'b.html.j2'] %}",
        "{% include 'a.html.j2' without context %}",
        "{% extends view.title %}",
        "{% for x in view.sections recursive %}{% endfor %}",
        "{% for a in view.lines %}" * 5 + "{% endfor %}" * 5,
        "{{ view.lines[view.level:] }}",
        "{% if view.level %}" * 60 + "{% endif %}" * 60,
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "not " * 3000 + "1 }}",
        "{{ " + "9" * 6000 + " }}",
        "{% if view.level %}",
        "{{ view.title",
        "{% nonsense %}",
    ],
)
def test_what_a_template_may_not_contain_is_a_fault(text: str) -> None:
    assert said(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ 2 ** 9 }}", "'**' may not stand in a template: figures come ready to be read: leave the arithmetic out"),
        ("{{ view.title() }}", f"'title' cannot be called: {CALLS}"),
        ("{% set a %}{% endset %}", "{% set %} may not stand in a template; blocks and includes do its work"),
    ],
)
def test_fault_names_the_remedy(text: str, expected: str) -> None:
    assert said(text) == [(1, expected)]


@pytest.mark.parametrize(
    "text",
    [
        "{% if view.level == 'red' and not more %}{{ view.title | upper }}{% elif view.lines %}-{% else %}+{% endif %}",
        "{% for label, address in view.links.items() %}{{ loop.index }} {{ pair(label, address) }}{% endfor %}",
        "{% for rule, text in view.expected %}{{ rule | title }}: {{ text | truncate(40) }}{% endfor %}",
        "{% set accent = '#004494' %}{{ accent }}{{ colours[view.level] }}",
        "{{ [view.title, view.summary] | select | join(' · ') }}",
        "{{ view.sections | selectattr('code') | first | default('') }}",
        "{{ (view.sections | first).items[0].level_text if view.sections else '' }}",
        "{% block header %}{{ super() }}{% endblock %}{{ self.footer() }}",
        "{% include 'letterhead.html.j2' %}{% extends 'mail.html.j2' %}",
        "{{ view.sections[:3] | length }} {{ view.lines[-1] }}",
        "{% for one in view.sections %}{{ loop.cycle('odd', 'even') }}{% endfor %}",
        "{% macro shown(item) %}{{ item.what ~ ': ' ~ item.when }}{% endmacro %}{{ shown(view.sections[0].items[0]) }}",
        "{{ view.more | replace('{n}', '3') }}",
    ],
)
def test_showing_choosing_and_repeating_is_allowed(text: str) -> None:
    assert said(text, "mail.txt.j2") == []


@pytest.mark.parametrize(
    ("markup", "word"),
    [
        ("<p>\n<script>alert(1)</script>", "script"),
        ("<form>", "form"),
        ("<iframe>", "iframe"),
        ('<a href="#" onclick="x">', "onclick"),
        ('<a href="javascript:x">', "javascript"),
        ('<img src="https://example.org/logo.png" alt="">', "src"),
        ('<td background="//example.org/logo.png">', "background"),
        ("<style>p { background: url(https://example.org/x) }</style>", "url"),
        ("<style>@import 'https://example.org/x';</style>", "@import"),
        ("<a href={{ view.id }}>", "href"),
        ("<td width=640 class=x{{ view.level }}>", "class"),
    ],
)
def test_markup_that_mail_programs_refuse_is_a_fault(markup: str, word: str) -> None:
    (found,) = look_at(markup, "mail.html.j2").wrong

    assert (found.word, found.line) == (word, 1 + markup.count("\n"))
    assert look_at(markup, "mail.txt.j2").wrong == []


def test_names_are_those_of_the_views() -> None:
    sections = parts_of(MessageView)

    assert sections is not None
    assert one_of(one_of(sections["sections"])) is not None
    assert parts_of(ItemView) is not None
    assert parts_of(str) is None
    assert is_mapping(sections["links"])
    assert get_args(sections["links"]) == (str, str)
    assert {"view", "pair"} & set(NAMES) == {"view"}
    assert {"safe", "attr", "format", "map", "tojson", "indent", "center", "wordwrap"}.isdisjoint(FILTERS)
    assert {"callable", "filter", "sameas"}.isdisjoint(TESTS)


def test_the_same_fault_is_said_once_a_line() -> None:
    text = "{{ view.recipent_name }}{{ view.recipent_name }}\n{{ view.recipent_name }}"

    assert [line for line, _ in said(text)] == [1, 2]
