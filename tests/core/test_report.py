"""`pmo-watch report`: the page of an audience as it would be now, in each form, from what is stored alone."""

import re
import subprocess
import sys
import zlib
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from office import FRIDAY, LEADERS, NOW, Office, cycle
from typer.testing import CliRunner, Result

from pmo_watch import typesetting
from pmo_watch.cli import app
from pmo_watch.cycle import Engine

PEOPLE = """\
version: 1
owner: owner@pmo.test
audiences:
  project_leader: {role: project_leader, amber: weekly, red: at once}
  committee: {role: management_committee, amber: never, red: monthly}
  pmo:  {email: pmo@pmo.test, amber: daily, red: weekly, grey: at once}
  ict:  {email: ict@pmo.test, amber: at once, red: at once}
digests:
  daily:   {at: "08:30", on: every working day}
  weekly:  {at: "08:30", on: monday}
  monthly: {at: "08:30", on: first working day of month}
"""
SLIP = """\
version: 1
owner: owner@pmo.test
rules:
  - id: milestone-slip
    name: {en: Milestone slips, fr: Jalon en glissement, nl: Mijlpaal loopt uit}
    for_each: milestone
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    tell: {amber: [project_leader, pmo], red: [project_leader, pmo, committee, ict]}
"""
LATER = NOW + timedelta(weeks=2)
AT = "2026-10-16T10:00"
NEEDS_TYPST = pytest.mark.skipif(not typesetting.is_there(), reason="the extra pdf is not installed")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    """Return an office in which P01 slips over two weeks, as stored after three readings."""
    office = Office(tmp_path_factory.mktemp("office"))
    office.rules("00-people.yaml", PEOPLE)
    office.rules("10-slip.yaml", SLIP)
    rows = [f"{LEADERS.format(code.lower())};{code} Leader;en;project_leader;{code}" for code in office.codes]
    rows += ["chair@pmo.test;Cora Chair;fr;management_committee;", "vice@pmo.test;Vic Vice;en;management_committee;"]
    people = "\n".join(["E-mail;Name;Language;Role;Scope", *rows])
    (office.folder / "people.csv").write_text(f"{people}\n", encoding="utf-8")
    store = office.open()
    engine = Engine(store, office.load())
    for weeks, late in ((0, 0), (1, 7), (2, 14)):
        office.save("P01", late, status=FRIDAY + timedelta(weeks=weeks))
        cycle(engine, NOW + timedelta(weeks=weeks))
    store.close()
    return office


def asked(office: Office, *words: str) -> Result:
    return CliRunner().invoke(app, ["report", *words, "--now", AT, "--config", str(office.config)])


class Page(HTMLParser):
    """The tags and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag."""
        self.tags.append((tag, dict(attrs)))


def test_committee_page_is_one_self_contained_accessible_document(office: Office) -> None:
    page = asked(office, "--audience", "committee").stdout
    tags = Page(page).tags
    names = [tag for tag, _ in tags]

    assert tags[0] == ("html", {"lang": "en"})
    assert names.count("h1") == names.count("title") - names.count("svg") == 1
    assert names.count("table") == names.count("caption")
    assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in tags if tag == "th")
    charts = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(charts) == 2
    assert all(one["role"] == "img" and one["aria-label"] for one in charts)
    assert not {"script", "link", "img", "iframe"} & set(names)
    assert not [1 for _, attributes in tags if {"src", "onclick", "href"} & set(attributes)]
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    for said in ("P01", "▲ Red", "Milestone trend", "is expected later than on"):
        assert said in page


def test_page_of_all_readers_is_what_each_of_them_reads_in_their_language(office: Office) -> None:
    every = asked(office, "--audience", "committee", "--format", "text").stdout
    french = asked(office, "--audience", "committee", "--format", "text", "--to", "Cora Chair").stdout
    english = asked(office, "--audience", "committee", "--format", "text", "--to", "vice@pmo.test").stdout

    assert english.splitlines()[0] == every.splitlines()[0]
    assert "Tendance des jalons" in french
    assert english.split("Made by")[0] == every.split("Made by")[0]
    dutch = asked(office, "--audience", "committee", "--format", "text", "--language", "nl").stdout
    assert "Mijlpaaltrend" in dutch


def test_no_name_below_the_project_leader_stands_on_a_committees_page(office: Office) -> None:
    page = asked(office, "--audience", "committee").stdout

    assert "Nobody" not in page  # the leader that plans name
    assert "Leader" not in page


def test_digest_holds_what_is_new_for_each_reader(office: Office) -> None:
    text = asked(office, "--audience", "project_leader", "--format", "text").stdout
    other = asked(office, "--audience", "project_leader", "--format", "text", "--to", LEADERS.format("p02")).stdout

    assert '▲ Red · P01 Milestone "Go-live" slips' in text
    assert "P01" not in other
    assert other.splitlines()[0].endswith("Weekly overview, Friday 16 October 2026")


def test_audience_that_is_told_at_once_alone_reads_what_is_open(office: Office) -> None:
    text = asked(office, "--audience", "ict", "--format", "text").stdout

    assert "Overview, Friday 16 October 2026" in text
    assert 'P01 Milestone "Go-live" slips' in text


def test_nothing_is_told_or_written(office: Office) -> None:
    store = office.open()
    before = (store.revision(), store.told(), store.outbox_figures())
    asked(office, "--audience", "committee")

    assert (store.revision(), store.told(), store.outbox_figures()) == before
    store.close()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--audience", "comittee"], "there is no audience 'comittee', did you mean 'committee'?"),
        (["--audience", "pmo"], "the audience 'pmo' reads daily, weekly: name one with --digest"),
        (
            ["--audience", "committee", "--digest", "daily"],
            "the audience 'committee' reads no digest 'daily'; ",
        ),
        (["--audience", "committee", "--to", "Zoe"], "'Zoe' does not read what the audience 'committee' is sent; "),
        (["--audience", "committee", "--language", "de"], "--language: 'de' is none of en, fr, nl"),
        (["--audience", "committee", "--output", "/nowhere/x.html"], "--output: /nowhere/x.html cannot be written: "),
    ],
)
def test_what_is_asked_wrongly_is_said(office: Office, words: list[str], said: str) -> None:
    assert str(asked(office, *words).exception).startswith(said)


def test_pdf_without_the_extra_names_the_command(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typesetting, "is_there", lambda: False)

    done = asked(office, "--audience", "committee", "--format", "pdf")

    assert str(done.exception) == (
        "PDF needs the extra 'pdf': pip install 'pmo-watch[pdf]', or leave it out with --format html"
    )


def test_a_fault_ends_with_code_2_and_no_traceback(office: Office) -> None:
    words = ["report", "--audience", "nobody", "--config", str(office.config)]
    done = subprocess.run([sys.executable, "-m", "pmo_watch", *words], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def inflated(made: bytes) -> str:
    """Return what a PDF says outside its fonts: its outline, and what stands for pictures."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    opened = [zlib.decompressobj().decompress(one) for one in streams if one[:1] == b"\x78"]  # those that zlib packed
    return b"\n".join([made, *opened]).decode("latin-1")


@NEEDS_TYPST
def test_pdf_is_tagged_titled_and_holds_the_names(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    done = asked(office, "--audience", "committee", "--format", "pdf", "--output", str(file))

    made = file.read_bytes()
    assert done.stderr.endswith(f"written: {file}\n")
    assert made.startswith(b"%PDF-")
    assert b"pdfuaid" in made  # it says that it can be read aloud
    assert len(re.findall(rb"/Type\s*/Page\b", made)) == 1
    for said in ("Monthly overview", "Milestone trend", "P01 Go-live", "Status by dimension"):
        assert said in inflated(made)


HOSTILE = '<script>alert(1)</script> #import "/etc/passwd" ]] {{ 7 * 7 }} $x$ @y'


@pytest.fixture
def hostile(tmp_path: Path) -> Office:
    """Return an office whose milestone and leader have names that would be markup somewhere."""
    office = Office(tmp_path, projects=1)
    office.rules("00-people.yaml", PEOPLE)
    office.rules("10-slip.yaml", SLIP)
    plan = office.folder / "plans" / "P01.xml"
    store = office.open()
    engine = Engine(store, office.load())
    for weeks, late in ((0, 0), (1, 14)):
        name = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
        text = office.plan("P01", late, status=date(2026, 10, 2) + timedelta(weeks=weeks)).decode()
        plan.write_text(text.replace("Go-live", name).replace("Project P01", name), encoding="utf-8")
        cycle(engine, NOW + timedelta(weeks=weeks))
    store.close()
    return office


def test_hostile_names_are_shown_as_they_are_in_every_form(hostile: Office) -> None:
    page = asked(hostile, "--audience", "pmo", "--digest", "weekly").stdout
    text = asked(hostile, "--audience", "pmo", "--digest", "weekly", "--format", "text").stdout

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; #import" in page
    assert "{{ 7 * 7 }}" in page
    assert HOSTILE in text


@NEEDS_TYPST
def test_hostile_names_are_no_program_for_the_typesetter(hostile: Office, tmp_path: Path) -> None:
    file = tmp_path / "page.pdf"
    asked(hostile, "--audience", "pmo", "--digest", "weekly", "--format", "pdf", "--output", str(file))

    assert '#import "/etc/passwd" ]] {{ 7 * 7 }} $x$ @y' in inflated(file.read_bytes())
