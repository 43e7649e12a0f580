"""The folder of templates: each file's last good version stays in force, and whoever answers for it is told once."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from office import NOW, Office

from pmo_watch.cycle import Draft, Engine
from pmo_watch.in_force import load
from pmo_watch.reload import Standing, plan_reload
from pmo_watch.store import MarkKind, Store
from pmo_watch.template_checks import template_remarks
from pmo_watch.template_files import LONGEST, LoadedTemplates, load_templates

EXTENDS = '{% extends "message.txt.j2" %}'
SIGNED = EXTENDS + "{% block signature %}The PMO\n{% endblock %}"


def written(folder: Path, **texts: str) -> Path:
    """Write templates; `alert_fr_txt` is alert.fr.txt.j2."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name.replace('_', '.')}.j2").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "templates"


def faults(loaded: LoadedTemplates) -> list[str]:
    return [str(one).rpartition("templates/")[2] for one in loaded.faults]


def test_no_folder_and_an_empty_one_change_nothing(folder: Path) -> None:
    assert load_templates(folder).overrides.texts == {}
    assert load_templates(written(folder)).faults == ()


def test_good_templates_are_in_force(folder: Path) -> None:
    loaded = load_templates(written(folder, mail_txt=SIGNED, digest_txt='{% extends "mail.txt.j2" %}'))

    assert faults(loaded) == []
    assert loaded.texts.keys() == {"templates/mail.txt.j2", "templates/digest.txt.j2"}
    assert loaded.idle == ()


def test_fault_is_shown_with_its_line_and_a_caret(folder: Path) -> None:
    loaded = load_templates(written(folder, mail_html="<p>\n  {{ view.titel }}</p>\n"))

    assert [one.shown() for one in loaded.faults] == [
        (
            f"{folder}/mail.html.j2:2:11: a message has no 'titel', did you mean 'title'?\n"
            "    2 |   {{ view.titel }}</p>\n"
            "      |           ^"
        )
    ]
    assert loaded.overrides.texts == {}
    assert list(loaded.unused) == ["templates/mail.html.j2"]


def test_fault_that_only_shows_in_some_message_is_found_by_trying(folder: Path) -> None:
    loaded = load_templates(written(folder, notice_fr_txt="\n{{ view.sections[0].code }}"))

    assert faults(loaded) == ["notice.fr.txt.j2:2:1: tuple object has no element 0"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("message.html.j2", "this is the name of the template that ships with pmo-watch: call yours mail.html.j2"),
        ("alert.de.txt.j2", "'de' is no language here; known here: en, fr, nl"),
        (
            "digets.fr.txt.j2",
            "there is no kind of message 'digets', did you mean 'digest'?",
        ),
        (
            "Mail.j2",
            (
                "a template's name says what it makes and ends in .html.j2 or .txt.j2, such as mail.html.j2, "
                "digest.fr.txt.j2 or, to be included, letterhead.html.j2"
            ),
        ),
    ],
)
def test_name_that_makes_nothing_is_a_fault(folder: Path, name: str, expected: str) -> None:
    folder.mkdir()
    (folder / name).write_text("x", encoding="utf-8")

    assert faults(load_templates(folder)) == [f"{name}:1:1: {expected}"]


def test_files_that_are_no_templates_are_left_alone_and_unreadable_ones_named(folder: Path) -> None:
    written(folder, mail_txt="x" * (LONGEST + 1))
    (folder / "README.md").write_text("{{", encoding="utf-8")
    (folder / "alert.txt.j2").write_bytes(b"\xff\xfe\xfa")
    (folder / "notice.txt.j2").mkdir()

    found = faults(load_templates(folder))

    assert [one.partition(":")[0] for one in found] == ["alert.txt.j2", "mail.txt.j2", "notice.txt.j2"]
    assert f"mail.txt.j2:1:1: the template has {LONGEST + 1} characters; it may have {LONGEST}" in found


def test_templates_that_are_made_of_each_other_or_of_none_are_faults(folder: Path) -> None:
    written(folder, mail_txt="{% include 'part.txt.j2' %}", part_txt="{% include 'mail.txt.j2' %}")
    written(folder, digest_txt="{% include 'prat.txt.j2' %}", notice_txt="{% extends 'message.html.j2' %}")
    written(folder, alert_txt="{% include '../secrets/smtp' %}")

    assert faults(load_templates(folder)) == [
        (
            "alert.txt.j2:1:13: there is no template '../secrets/smtp'; known here: alert.txt.j2, digest.txt.j2, "
            "mail.txt.j2, notice.txt.j2, part.txt.j2, message.txt.j2"
        ),
        "digest.txt.j2:1:13: there is no template 'prat.txt.j2', did you mean 'part.txt.j2'?",
        "mail.txt.j2:1:13: 'part.txt.j2' is made of this template: it would never end",
        "notice.txt.j2:1:13: there is no template 'message.html.j2', did you mean 'message.txt.j2'?",
        "part.txt.j2:1:13: 'mail.txt.j2' is made of this template: it would never end",
    ]


def test_template_made_of_a_faulty_one_is_not_used_either(folder: Path) -> None:
    loaded = load_templates(written(folder, mail_txt="{% include 'part.txt.j2' %}", part_txt="{{ nope }}"))

    assert faults(loaded)[0] == "mail.txt.j2:1:13: 'part.txt.j2' has faults, or is made of a template with faults"
    assert loaded.overrides.texts == {}


def test_last_good_version_stays_in_force_until_the_file_is_right(folder: Path) -> None:
    good = load_templates(written(folder, mail_txt="{% include 'part.txt.j2' %}", part_txt="The PMO"))
    written(folder, part_txt="{{ nope }}")

    kept = load_templates(folder, good.texts)

    assert (kept.texts, list(kept.stale), list(kept.unused)) == (good.texts, ["templates/part.txt.j2"], [])
    assert [one.line for one in kept.faults] == [1]

    written(folder, part_txt="The PMO office")
    assert load_templates(folder, kept.texts).stale == {}


# --- in a cycle ---------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path) -> Office:
    office = Office(tmp_path)
    office.save("P01", 12)
    return office


def run(engine: Engine, now: datetime = NOW) -> Draft:
    return engine.cycle(now, list(engine.in_force.sources()))


def told(draft: Draft, address: str) -> list[str]:
    return [rendered.text for message, rendered in draft.messages if message.address == address]


def test_messages_are_made_by_the_organisations_template(office: Office) -> None:
    written(office.folder / "templates", mail_txt=SIGNED)
    store = office.open()

    draft = run(Engine(store, office.load()))

    (text,) = told(draft, "leader-p01@pmo.test")
    assert "\n-- \nThe PMO\n" in text
    assert store.marks(MarkKind.RULE_TEXT)["templates/mail.txt.j2"] == SIGNED
    store.close()


def test_pmo_is_told_once_of_a_faulty_template_and_of_its_end(office: Office) -> None:
    folder = written(office.folder / "templates", mail_txt="\n{{ view.titel }}")
    store = office.open()
    engine = Engine(store, office.load())

    first, second = run(engine), run(engine)
    written(folder, mail_txt=SIGNED)
    third = run(reloaded(engine, store, office))

    assert "templates/mail.txt.j2 has faults: nothing of it is in force" in told(first, "pmo@pmo.test")[0]
    assert "a message has no 'titel', did you mean 'title'?" in told(first, "pmo@pmo.test")[0]
    assert "Go-live" in told(first, "leader-p01@pmo.test")[0]
    assert told(second, "pmo@pmo.test") == []
    assert "templates/mail.txt.j2 has no faults any more" in told(third, "pmo@pmo.test")[0]
    store.close()


def reloaded(engine: Engine, store: Store, office: Office) -> Engine:
    engine.swap(load(office.config, store.marks(MarkKind.RULE_TEXT)), {})
    return engine


def test_template_that_fails_on_a_message_stops_none_and_is_told_once(office: Office) -> None:
    # The alerts that templates are tried with belong to a programme; the office's do not.
    once = "{{ view.sections[0].items[0].facts[3][0] }}"
    text = f"{{% if not view.sections[0].program %}}{once}{{% endif %}}{{{{ view.labels.foot }}}}"
    written(office.folder / "templates", alert_txt=text)
    store = office.open()
    engine = Engine(store, office.load())

    later, much_later = NOW + timedelta(minutes=15), NOW + timedelta(minutes=30)
    first, second, third = run(engine), run(engine, later), run(engine, much_later)

    assert "Go-live" in told(first, "leader-p01@pmo.test")[0]
    (said,) = told(second, "pmo@pmo.test")
    assert "templates/alert.txt.j2 failed while a message was made" in said
    assert "alert.txt.j2:1:1: tuple object has no element 3" in said
    assert told(third, "pmo@pmo.test") == []
    store.close()


def test_reload_keeps_the_last_good_template_and_shows_the_fault(office: Office) -> None:
    folder = written(office.folder / "templates", mail_txt=SIGNED)
    store = office.open()
    engine = Engine(store, office.load())
    run(engine)
    written(folder, mail_txt="{{ nope }}")

    plan = plan_reload(
        engine.in_force, store.marks(MarkKind.RULE_TEXT), Standing(store.alerts(), {}), None, approved=False
    )

    assert (plan.status, plan.counts["stale_files"]) == (422, 1)
    assert "'nope' is not known here" in plan.text
    assert plan.in_force is not None
    assert plan.in_force.templates.overrides.texts["mail.txt.j2"] == SIGNED
    store.close()


# --- what check says beyond faults --------------------------------------------------------------------------------


def remarks(folder: Path) -> list[str]:
    return [str(one) for one in template_remarks(load_templates(folder))]


def test_template_like_ours_leaves_nothing_to_be_said(folder: Path) -> None:
    assert remarks(written(folder, mail_txt=SIGNED, mail_html='{% extends "message.html.j2" %}')) == []


def test_template_that_leaves_out_what_a_reader_needs_is_remarked(folder: Path) -> None:
    written(
        folder,
        alert_en_txt=EXTENDS + "{% block header %}{{ view.title }}\n{% endblock %}{% block sections %}{% endblock %}",
    )
    written(
        folder,
        digest_html='{% extends "message.html.j2" %}{% block basis %}{% endblock %}{% block links %}{% endblock %}',
    )
    written(folder, spare_html="<p></p>")

    assert remarks(folder) == [
        "templates/spare.html.j2 makes no message and is part of no template",
        (
            "templates/alert.en.txt.j2 leaves out the level in words of a message of kind alert in en: '▲ Red'; "
            "colour alone is no sign: show level_text of the message and of each alert"
        ),
        (
            "templates/digest.html.j2 leaves out what the data are based on of a message of kind digest in en: "
            "'Based on: MS Project file of 12 May 2026, status date assumed.'; "
            "show view.data_basis, or keep the block basis"
        ),
        (
            "templates/digest.html.j2 leaves out a link of a message of kind digest in en: "
            "'https://pmo.example.org/alerts'; show view.links, or keep the block links"
        ),
    ]


def test_template_with_little_room_for_alerts_is_remarked(folder: Path) -> None:
    long = "<tr><td>" + "x" * 60_000 + "</td></tr>"
    written(folder, mail_html=f'{{% extends "message.html.j2" %}}{{% block letterhead %}}{long}{{% endblock %}}')

    (remark,) = set(remarks(folder))

    assert remark.startswith("templates/mail.html.j2 leaves room for ")
    assert "alerts in one mail; ours holds " in remark


def test_template_with_no_room_for_any_alert_is_remarked(folder: Path) -> None:
    long = "<tr><td>" + "x" * 63_000 + "</td></tr>"
    parts = {f"part{n}_html": long for n in range(2)}
    block = "".join(f"{{% include 'part{n}.html.j2' %}}" for n in range(2))
    written(
        folder, **parts, mail_html=f'{{% extends "message.html.j2" %}}{{% block letterhead %}}{block}{{% endblock %}}'
    )

    assert "bytes without any alert; a mail may have 90000" in remarks(folder)[0]
