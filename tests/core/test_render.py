"""A message in words: patterns of the glossary, golden mails, sizes, and texts that others wrote."""

import os
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from messages import CONTEXT, NOW, SLIP, a_message, an_alert, an_item

from pmo_watch.alerts import Awaited, Item, Message
from pmo_watch.contracts import NoParams as NoSettings
from pmo_watch.render import MOST_HTML_BYTES, MOST_ITEMS, render, render_for
from pmo_watch.rules import Rule
from pmo_watch.telling import MessageView, NotifierType
from pmo_watch.templates import text_fault

GOLDEN = Path(__file__).parent / "render"
NB = "\u00a0"
EVIL = '[x](http://evil.test) **b** <at>y</at> {{DATE(0)}} <script>alert("1")</script>'


def several() -> Message:
    amber = an_item(2, subject_name="Pilot", level="amber", reason="worsened", before="green")
    gone = an_item(
        3, project_code="ATL-7", project_name="Atlas", subject_name="Ramp-up", reason="entity_gone", level="green"
    )
    grey = an_item(
        4,
        alert=an_alert(4, unknown_since=NOW),
        reason="unknown",
        level="grey",
        subject_name="Handover",
        finding={"state": "grey", "value": None, "limit": None, "reason": "missing baseline_finish", "evidence": {}},
    )
    return a_message(an_item(1, url="https://jira.example.org/browse/PRJ-1"), amber, gone, grey, thread="")


def digest() -> Message:
    old = an_alert(2, opened_at=NOW - timedelta(days=40), since=NOW - timedelta(days=40))
    items = (
        an_item(1),
        an_item(2, alert=old, reason="open", level="amber", subject_name="Pilot"),
        an_item(3, reason="recovered", level="green", subject_name="Acceptance", project_code="ATL-7"),
        an_item(4, reason="silenced", level="amber", subject_name="Training"),
        an_item(5, reason="improved", level="amber", before="red", subject_name="Migration"),
        an_item(
            6,
            reason="unknown",
            level="grey",
            finding={"state": "grey", "value": None, "reason": "needs 3 samples, has 1"},
        ),
    )
    awaited = Awaited("D-3", "Choose the hosting contract", "ATL-7", "Atlas", date(2026, 5, 20))
    return a_message(*items, kind="digest", digest="daily", day=date(2026, 5, 12), thread="", decisions=(awaited,))


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
@pytest.mark.parametrize("name", ["alert", "several", "digest"])
def test_mail_is_as_its_golden_copy(name: str, language: str) -> None:
    message = {"alert": a_message(an_item()), "several": several(), "digest": digest()}[name]

    rendered, _ = render(replace(message, language=language), CONTEXT)

    for suffix, text in (("txt", f"{rendered.subject}\n\n{rendered.text}"), ("html", rendered.html)):
        golden = GOLDEN / f"{name}.{language}.{suffix}"
        if os.environ.get("PMO_WATCH_WRITE_GOLDEN"):
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8")


SUBJECTS = {
    "en": '[RED] PRJ-042 Key milestone "Go-live" slips 12 working days',
    "fr": f"[ROUGE] PRJ-042 Jalon clé «{NB}Go-live{NB}»{NB}: glissement de 12 jours ouvrés",
    "nl": '[ROOD] PRJ-042 Kernmijlpaal "Go-live" loopt 12 werkdagen uit',
}
THREADS = {
    "en": 'PRJ-042 Key milestone "Go-live" slips',
    "fr": f"PRJ-042 Jalon clé «{NB}Go-live{NB}»{NB}: glissement",
    "nl": 'PRJ-042 Kernmijlpaal "Go-live" loopt uit',
}


@pytest.mark.parametrize("language", SUBJECTS)
def test_subject_follows_the_pattern_of_the_glossary(language: str) -> None:
    rendered, view = render(a_message(an_item(), language=language), CONTEXT)

    assert rendered.subject == view.subject == SUBJECTS[language]
    assert rendered.headers["thread-subject"] == THREADS[language]


def test_thread_keeps_the_subject_of_its_first_message() -> None:
    message = a_message(an_item(reason="recovered", level="green"), thread_subject="PRJ-042 as it began (+2)")

    rendered, _ = render(message, CONTEXT)

    assert rendered.headers["thread-subject"] == "PRJ-042 as it began (+2)"
    assert rendered.subject == '[RECOVERED] PRJ-042 Key milestone "Go-live" slips'


def named(text: str, **parts: Any) -> Item:
    rule = replace(SLIP, name={"en": text}, advice={})
    return an_item(rule=rule, finding={"measure": "x", **parts.pop("finding", {})}, **parts)


@pytest.mark.parametrize(
    ("message", "subject"),
    [
        (
            a_message(an_item(), an_item(2), an_item(3)),
            '[RED] PRJ-042 Key milestone "Go-live" slips 12 working days (+2)',
        ),
        (a_message(an_item(), an_item(2, project_code="ATL-7")), "[RED] 2 alerts in 2 projects"),
        (a_message(named("Risk too high")), '[RED] PRJ-042 Risk "Go-live" too high: 12 working days'),
        (a_message(named("Too many risks")), '[RED] PRJ-042 Too many risks "Go-live": 12 working days'),
        (
            a_message(named("Spends too much", alert=an_alert(entity="project"), finding={"value": 1.5, "unit": "%"})),
            "[RED] PRJ-042 Spends too much: 1.5%",
        ),
        (
            a_message(
                named("Budget", alert=an_alert(entity="project"), finding={"value": None, "reason": "budget exhausted"})
            ),
            "[RED] PRJ-042 Budget: budget exhausted",
        ),
        (a_message(an_item(reason="entity_done", level="green")), '[CLOSED] PRJ-042 Key milestone "Go-live" slips'),
        (
            a_message(named("Go", level="grey", reason="unknown", finding={"state": "grey", "value": None})),
            '[NO DATA] PRJ-042 Go "Go-live"',
        ),
        (a_message(kind="digest", digest="weekly", day=date(2026, 11, 23)), "Weekly overview 2026-11-23"),
        (a_message(kind="digest", digest="friday-list", day=date(2026, 11, 27)), "friday-list 2026-11-27"),
        (a_message(kind="notice", title="Rule file\nhas faults"), "Rule file has faults"),
        (a_message(kind="test"), "[TEST] Test message"),
    ],
)
def test_subject_says_state_project_and_rule_with_its_subject(message: Message, subject: str) -> None:
    assert render(message, CONTEXT)[0].subject == subject


def test_subject_of_a_long_name_keeps_the_value_and_the_count() -> None:
    items = [an_item(number, subject_name="Go-live of " * 30) for number in (1, 2)]

    subject = render(a_message(*items), CONTEXT)[0].subject

    assert len(subject) <= 120
    assert subject.startswith('[RED] PRJ-042 Key milestone "Go-live of')
    assert subject.endswith('…" slips 12 working days (+1)')


def only(item: Item, language: str = "en", **parts: Any) -> Any:
    _, view = render(a_message(item, language=language, **parts), CONTEXT)
    return view.sections[0].items[0]


@pytest.mark.parametrize(
    ("language", "against", "since", "change"),
    [
        ("en", "12 working days, threshold 10 working days", "red since 11 May 2026", "from amber to red"),
        (
            "fr",
            "12 jours ouvrés, seuil de 10 jours ouvrés",
            "rouge depuis le 11 mai 2026",
            "passe de l'orange au rouge",
        ),
        ("nl", "12 werkdagen, drempelwaarde 10 werkdagen", "rood sinds 11 mei 2026", "van oranje naar rood"),
    ],
)
def test_item_says_how_much_since_when_and_what_changed(language: str, against: str, since: str, change: str) -> None:
    item = only(an_item(reason="worsened", before="amber"), language)

    assert (item.how_much, item.since, item.change) == (against, since, change)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "back to green after 8 working days"),
        ("fr", "retour au vert après 8 jours ouvrés"),
        ("nl", "terug naar groen na 8 werkdagen"),
    ],
)
def test_recovery_says_after_how_many_working_days(language: str, sentence: str) -> None:
    opened = datetime(2026, 5, 12, 9, tzinfo=NOW.tzinfo)
    alert = an_alert(opened_at=opened, closed_at=datetime(2026, 5, 26, 9, tzinfo=NOW.tzinfo))  # two holidays between

    assert only(an_item(alert=alert, reason="recovered", level="green"), language).change == sentence


GREY: dict[str, Any] = {"state": "grey", "value": None, "limit": None, "evidence": {}}


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", 'not assessable: baseline finish is missing for milestone "Go-live"'),
        ("fr", f"non évaluable{NB}: la fin de référence du jalon «{NB}Go-live{NB}» manque"),
        ("nl", 'niet beoordeelbaar: de einddatum baseline van mijlpaal "Go-live" ontbreekt'),
    ],
)
def test_grey_names_the_missing_field(language: str, sentence: str) -> None:
    item = an_item(level="grey", reason="unknown", finding={**GREY, "reason": "missing milestone.baseline_finish"})

    assert only(item, language).how_much == sentence


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("missing story_size", "missing: story size"),
        ("missing progress on 3 of 8 rows", "missing: progress on 3 of 8 rows"),
        ("invalid baseline_finish: 2026-13-01", "invalid: baseline finish = 2026-13-01"),
        ("needs 3 samples, has 1", "needs 3 measurements, has 1"),
        ("only 4 items, needs 5", "only 4 items, 5 needed"),
        (
            "project.status_date is 31 wd old, limit 20",
            "status date is 31 working days old, limit 20 working days",
        ),
        ("source jira not read since 2026-05-11T06:00:00+00:00", "source jira not read since 11 May 2026 08:00"),
        ("mixed currencies: EUR, USD", "mixed currencies: EUR, USD"),
        ("too early", "too early to say"),
        ("no baseline at all", "no baseline at all"),
    ],
)
def test_reason_of_the_closed_list_is_said_in_words(reason: str, sentence: str) -> None:
    item = only(an_item(level="grey", reason="unknown", finding={**GREY, "reason": reason}))

    assert item.how_much == f"not assessable: {sentence}"


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Please give cause, action, owner and date by 18 May 2026."),
        ("fr", "Merci d'indiquer la cause, l'action, le responsable et l'échéance pour le 18 mai 2026."),
        ("nl", "Gelieve oorzaak, actie, verantwoordelijke en vervaldatum te bezorgen tegen 18 mei 2026."),
    ],
)
def test_newly_red_alert_without_advice_asks_for_cause_action_owner_and_date(language: str, sentence: str) -> None:
    _, view = render(a_message(an_item(rule=replace(SLIP, advice={})), language=language), CONTEXT)

    assert view.expected == ((SLIP.name[language], sentence),)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", 'Indicator "progress" for week 30 was due on 24 July 2026 and has not been received.'),
        (
            "fr",
            (
                f"L'indicateur «{NB}progress{NB}» de la semaine 30 était attendu le 24 juillet 2026 "
                "et n'a pas été transmis."
            ),
        ),
        ("nl", 'De indicator "progress" van week 30 werd verwacht op 24 juli 2026 en is niet aangeleverd.'),
    ],
)
def test_missing_figure_is_said_in_a_sentence(language: str, sentence: str) -> None:
    evidence = {"period": "2026-W30", "due_on": "2026-07-24"}
    finding = {"measure": "submission.days_late", "evidence": evidence}

    item = only(an_item(subject_name="progress", alert=an_alert(entity="submission"), finding=finding), language)

    assert item.why == sentence


def test_data_basis_names_kind_and_date_and_both_names_where_two_are_alike() -> None:
    basis = (
        ("ict-plans", date(2026, 5, 12), True),
        ("kpi-sheet", date(2026, 5, 1), False),
        ("x", date(2026, 5, 2), False),
    )

    _, french = render(a_message(an_item(), language="fr", data_basis=basis), CONTEXT)
    _, alike = render(
        a_message(an_item(), data_basis=basis), replace(CONTEXT, source_kinds={"x": "jira", "kpi-sheet": "jira"})
    )

    assert french.data_basis == (
        "Sur la base du fichier MS Project du 12 mai 2026, date de situation supposée\u202f; "
        "du fichier CSV ou Excel du 1er mai 2026\u202f; de la source x du 2 mai 2026."
    )
    assert alike.data_basis.endswith('; Jira "kpi-sheet" of 1 May 2026; Jira "x" of 2 May 2026.')


def test_message_without_a_basis_of_its_own_names_that_of_its_findings() -> None:
    _, view = render(a_message(an_item(), data_basis=()), CONTEXT)

    assert view.data_basis == "Based on: MS Project file of 12 May 2026, status date assumed."


def test_headers_hold_whole_unique_entries() -> None:
    items = [an_item(n, project_code=f"PROJECT-{n % 30:03}-{'x' * 20}") for n in range(60)]

    headers = render(a_message(*items), CONTEXT)[0].headers

    projects = headers["X-PMO-Watch-Project"].split(", ")
    assert len(headers["X-PMO-Watch-Project"]) <= 200
    assert len(set(projects)) == len(projects) == 5
    assert all(len(project) == 32 for project in projects)
    assert headers["X-PMO-Watch-Reason"] == "opened"
    assert headers["X-PMO-Watch-Level"] == "red"


@pytest.mark.parametrize(
    ("message", "important"),
    [
        (a_message(an_item()), True),
        (a_message(an_item(level="amber")), False),
        (a_message(an_item(reason="reminded")), False),
        (a_message(an_item(), kind="digest", digest="daily"), False),
    ],
)
def test_only_a_newly_red_alert_sent_at_once_is_important(message: Message, *, important: bool) -> None:
    headers = render(message, CONTEXT)[0].headers

    assert headers.get("Importance") == ("high" if important else None)
    assert headers.get("X-Priority") == ("1" if important else None)


class Page(HTMLParser):
    """What a reader of the HTML part sees, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self._hidden = "", 0
        self.links: list[str | None] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden += tag in {"style", "title"}
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data


def test_text_that_others_wrote_is_shown_as_it_is_and_makes_no_markup() -> None:
    rule = replace(SLIP, name={"en": EVIL}, message={"en": EVIL}, advice={"en": EVIL})
    item = an_item(
        rule=rule, subject_name=EVIL, project_name=EVIL, program_name=EVIL, finding={"evidence": {"x": EVIL}}
    )

    rendered, _ = render(a_message(item), CONTEXT)

    page = Page(rendered.html)
    assert page.text.count(EVIL) >= 5
    assert all(
        link and link.startswith(("https://pmo.example.org/", "https://grafana.example.org/")) for link in page.links
    )
    assert not [tag for tag, _ in page.tags if tag in {"script", "at", "img", "form", "iframe", "link"}]
    assert rendered.text.count(EVIL) >= 5


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://user@evil.test/", "http://" + "x" * 2000])
def test_link_that_is_not_safe_is_left_out(url: str) -> None:
    rendered, view = render(a_message(an_item(url=url)), CONTEXT)

    assert view.sections[0].items[0].url == ""
    assert url not in rendered.html
    assert url not in rendered.text


def test_link_into_a_source_stands_beside_its_host() -> None:
    rendered, _ = render(a_message(an_item(url="https://jira.example.org/browse/PRJ-1")), CONTEXT)

    page = Page(rendered.html)
    assert "https://jira.example.org/browse/PRJ-1" in page.links
    assert "Open (jira.example.org)" in page.text


def test_without_an_address_of_our_own_there_are_no_links() -> None:
    rendered, view = render(a_message(an_item()), replace(CONTEXT, external_url=""))

    assert not view.links
    assert not Page(rendered.html).links


def test_page_is_accessible_and_self_contained() -> None:
    rendered, _ = render(replace(several(), language="nl"), CONTEXT)

    page = Page(rendered.html)
    tags = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "nl"}) in page.tags
    assert tags.count("h1") == 1
    assert tags.count("title") == 1
    for tag, attributes in page.tags:
        assert tag != "th" or attributes.get("scope") in {"col", "row"}
        assert tag != "table" or attributes.get("role") == "presentation" or "caption" in tags
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags
    assert "@media (prefers-color-scheme: dark)" in rendered.html
    assert "url(" not in rendered.html
    assert not [1 for _, attributes in page.tags if "src" in attributes]
    for word in ("flex", "grid", "position:", "float"):
        assert word not in rendered.html
    body = rendered.html.partition("<body")[2]
    assert body.index("○") or body.index("▲") < body.index("<h1")  # the preheader comes first


def test_items_that_do_not_fit_are_left_out_whole_from_the_end_and_counted() -> None:
    items = [an_item(n, project_code=f"P-{n // 25}", subject_name=f"Milestone {n:03} " + "x" * 180) for n in range(500)]

    rendered, view = render(a_message(*items), CONTEXT)

    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    shown = 500 - rendered.trimmed
    assert 20 < shown < MOST_ITEMS
    assert f"+ {rendered.trimmed} more" in rendered.html
    assert f"+ {rendered.trimmed} more" in rendered.text
    assert rendered.text.count("Milestone ") == shown
    assert sum(len(section.items) for section in view.sections) == 500  # whole, for other forms


def test_mail_has_at_most_a_hundred_items() -> None:
    rendered, _ = render(a_message(*(an_item(n, finding={"evidence": {}}) for n in range(101))), CONTEXT)

    assert rendered.trimmed >= 1
    assert rendered.text.count("▲ Red · Key milestone") == 101 - rendered.trimmed + 1  # and the heading


def test_everything_at_its_longest_still_fits() -> None:
    long = "x" * 1000
    rules = [replace(SLIP, id=f"r{n}", name={"en": f"{n}{long}"}, advice={"en": f"{n}{long}"}) for n in range(200)]
    items = [an_item(n, rule=rule, subject_name=long, url="") for n, rule in enumerate(rules)]
    awaited = tuple(Awaited(str(n), long, long, long) for n in range(200))
    message = a_message(*items, kind="digest", digest=long, lines=(long,) * 200, decisions=awaited)

    rendered, _ = render(message, CONTEXT)

    assert len(rendered.html.encode()) <= MOST_HTML_BYTES
    assert "+ 160 more" in rendered.text


def test_channel_without_addresses_gets_no_html() -> None:
    rendered, _ = render(a_message(an_item(), address="", notifier="teams"), CONTEXT)

    assert rendered.html == ""
    assert rendered.text


def test_notifier_with_a_form_of_its_own_makes_it_from_the_view() -> None:
    def payload(_: NoSettings, view: MessageView) -> tuple[dict[str, str], int]:
        return {"title": view.title}, 3

    kind = NotifierType("x", NoSettings, open=lambda *_: pytest.fail("not opened"), payload=payload)

    rendered, _ = render_for(a_message(an_item(), address=""), CONTEXT, kind, NoSettings())

    assert rendered.payload == {"title": "Key milestone slips against its baseline"}
    assert rendered.trimmed == 3


# --- digests ------------------------------------------------------------------------------------------------------


def test_digest_lists_its_parts_in_order_and_what_is_open_by_age() -> None:
    young, old = (an_alert(n, opened_at=NOW - timedelta(days=n)) for n in (20, 40))
    items = (an_item(20, alert=young, reason="open"), an_item(40, alert=old, reason="open"), *digest().items)

    _, view = render(a_message(*items, kind="digest", digest="daily"), CONTEXT)

    headings = [section.heading for section in view.sections]
    assert headings == [
        "New (1)",
        "Improved (1)",
        "Ended (1)",
        "Still open, oldest first (3)",
        "Unknown (1)",
        "Silenced (1)",
    ]
    assert [item.when for item in view.sections[3].items] == ["02/04/2026", "11/05/2026", "11/05/2026"]


def test_empty_digest_says_so() -> None:
    rendered, view = render(a_message(kind="digest", digest="daily", language="fr", day=date(2026, 5, 12)), CONTEXT)

    assert view.title == "Récapitulatif quotidien, mardi 12 mai 2026"
    assert view.lines == ("Rien à signaler.",)
    assert "Rien à signaler." in rendered.html


def test_committee_sees_counts_movements_and_decisions_and_no_names() -> None:
    about_a_person = an_item(
        2,
        alert=an_alert(2, entity="person"),
        subject_name="Maria Rossi",
        finding={"evidence": {"owner": "Maria Rossi"}},
    )
    message = replace(
        digest(),
        items=(*digest().items, about_a_person),
        no_names=True,
        counts={"red": 3, "amber": 4, "not_assessed": 2},
        digest="monthly",
    )

    rendered, view = render(message, CONTEXT)

    assert view.summary == "3 red, 4 amber, 2 projects could not be assessed"
    assert "Maria" not in rendered.text + rendered.html
    assert view.decisions == (("Choose the hosting contract", "ATL-7", "20/05/2026"),)
    assert not [section for section in view.sections if section.heading.startswith("Unknown") and section.items]
    assert not view.expected


# --- tests and notices --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "fr", "nl"])
def test_test_message_is_clearly_marked(language: str) -> None:
    rendered, view = render(a_message(kind="test", language=language), CONTEXT)

    assert rendered.subject.startswith("[TEST] ")
    assert view.lines[0] in rendered.text
    assert "mail" in view.lines[0]
    assert view.level_text == ""


def test_notice_shows_its_lines_and_cuts_a_long_list() -> None:
    rendered, _ = render(a_message(kind="notice", title="Rules have faults", lines=("a <b>", *("x",) * 100)), CONTEXT)

    assert "a &lt;b&gt;" in rendered.html
    assert "+ 61 more" in rendered.text


# --- what people wrote --------------------------------------------------------------------------------------------


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


def test_persons_text_is_in_the_readers_language_else_the_organisations() -> None:
    rule = Rule(id="r", name={"nl": "Regel", "fr": "Règle"}, for_each="milestone", measures=())

    assert only(an_item(rule=rule), "fr").rule == "Règle"
    assert only(an_item(rule=rule), "en").rule in {"Regel", "Règle"}


def test_unknown_zone_of_a_person_stops_nothing() -> None:
    assert only(an_item(), zone="Mars/Olympus").since == "red since 11 May 2026"
