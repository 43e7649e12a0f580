"""Cells: the conversion vectors, and what holds for every number, date, word and table."""

import csv
import io
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lists import read_text
from pmo_watch_plugins.sources.csv_file.decoding import decode, tidied
from pmo_watch_plugins.sources.csv_file.dialect import HeadRecord, has_strays, head_records
from pmo_watch_plugins.sources.csv_file.grid import Grid, NotUtf8Error, column_names, read_rows
from pmo_watch_plugins.sources.csv_file.header import accepted_words, candidates, letter
from pmo_watch_plugins.sources.csv_file.meanings import words_for
from pmo_watch_plugins.sources.csv_file.profiles import PROFILES, profile_of
from pmo_watch_plugins.sources.csv_file.vocabulary import CONCEPTS, fold, unit_of, words_of

from pmo_watch.api import ENTITIES, Kind, SourceDataError, SourceError
from pmo_watch.intake import frames_of

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def project(folder: Path, header: str, *cells: str, **given_settings: Any) -> list[dict[str, Any]]:
    """Return the rows of a list of projects with one more column."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\n")
    writer.writerow(["project_id", "name", header])
    writer.writerows([f"P{number}", "x", cell] for number, cell in enumerate(cells))
    return read_text(folder, out.getvalue(), path="projects.csv", **given_settings).rows("project")


def test_c27_grouping_points_decimal_comma_and_sign(tmp_path: Path) -> None:
    (row,) = project(tmp_path, "Budget", "1.234.567,89 €")

    assert (row["budget"], row["currency"]) == (Decimal("1234567.89"), "EUR")


def test_c28_percent_signs_and_fractions_mean_the_same(tmp_path: Path) -> None:
    assert [row["progress"] for row in project(tmp_path, "progress", "45%")] == [45]
    assert [row["progress"] for row in project(tmp_path, "progress", "0,45", progress_scale="fraction")] == [45]


def test_c29_a_date_of_open_order_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceDataError, match=r"'03/04/2026' \(line 2\) may have the day or the month first"):
        project(tmp_path, "forecast_finish", "03/04/2026")


def test_c30_an_empty_cost_is_unknown(tmp_path: Path) -> None:
    (row,) = project(tmp_path, "actual_cost", "")

    assert row["actual_cost"] is None


def test_c16_a_placeholder_is_no_date(tmp_path: Path) -> None:
    assert [row["forecast_finish"] for row in project(tmp_path, "End", "1984-01-01", "2026-03-01")] == [
        None,
        date(2026, 3, 1),
    ]


def test_c17_a_placeholder_among_dates_like_it_is_one(tmp_path: Path) -> None:
    assert [row["forecast_finish"] for row in project(tmp_path, "End", "2000-01-01", "2000-01-20")] == [
        date(2000, 1, 1),
        date(2000, 1, 20),
    ]


def test_placeholders_may_be_said(tmp_path: Path) -> None:
    rows = project(tmp_path, "End", "1984-01-01", "2099-12-31", placeholder_dates=["2099-12-31"])

    assert [row["forecast_finish"] for row in rows] == [date(1984, 1, 1), None]


GROUPINGS = {"comma": [".", " ", "\u00a0", "\u202f", "'", ""], "point": [",", " ", "\u00a0", "\u202f", "’", ""]}


@SLOW
@given(
    mark=st.sampled_from(["comma", "point"]),
    style=st.integers(0, 5),
    cents=st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=20),
)
def test_amounts_are_read_as_they_were_written(tmp_path_factory: Any, mark: str, style: int, cents: list[int]) -> None:
    group, point = GROUPINGS[mark][style], "," if mark == "comma" else "."
    amounts = [Decimal(one) / 100 for one in cents]
    cells = [f"{one:,.2f}".replace(",", "§").replace(".", point).replace("§", group) for one in amounts]

    rows = project(tmp_path_factory.mktemp("list"), "Budget", *cells)

    assert [row["budget"] for row in rows] == amounts


WRITTEN: dict[str, Callable[[date], str]] = {
    "day first": lambda day: day.strftime("%d/%m/%Y"),
    "month first": lambda day: day.strftime("%m/%d/%Y"),
    "iso": lambda day: day.isoformat(),
    "solid": lambda day: day.strftime("%Y%m%d"),
    "short": lambda day: f"{day.day}.{day.month}.{day:%y}",
    "month name": lambda day: day.strftime("%B %d, %Y"),
}


@SLOW
@given(style=st.sampled_from(sorted(WRITTEN)), numbers=st.lists(st.integers(0, 20_000), min_size=1, max_size=20))
def test_dates_are_read_as_they_were_written(tmp_path_factory: Any, style: str, numbers: list[int]) -> None:
    # The last one proves the order.
    days = [*[date(2001, 2, 1) + timedelta(days=number) for number in numbers], date(2026, 3, 20)]
    cells = [WRITTEN[style](day) for day in days]

    rows = project(tmp_path_factory.mktemp("list"), "End", *cells)

    assert [row["forecast_finish"] for row in rows] == days


def test_many_plain_numbers_go_the_quick_way_and_few_odd_ones_do_not_spoil_it(tmp_path: Path) -> None:
    plain = [f"{number},5" for number in range(500)]

    quick = project(tmp_path, "Budget", *plain, "", "7")
    closer = project(tmp_path, "Budget", *plain, "", "7", "1.000", " 8 ", "x")

    assert [row["budget"] for row in quick[-2:]] == [None, 7]
    assert [row["budget"] for row in closer[-5:]] == [None, 7, 1000, 8, None]
    assert [row["budget"] for row in quick] == [row["budget"] for row in closer[:-3]]


def test_a_million_faults_are_not_listed_one_by_one(tmp_path: Path) -> None:
    content = "project_id;name;Budget\n" + "".join(f"P{number};x;?{number}\n" for number in range(1500))

    summary = read_text(tmp_path, content, path="projects.csv").summary

    assert len(summary.rejected) == 1001
    assert summary.rejected[-1].reason == "500 more cells of this column, further down, likewise"


def test_large_lists_are_read_like_small_ones(tmp_path: Path) -> None:
    lines = [
        f"P{number};Project {number};{number % 28 + 1:02}/03/2026;{number},25;{number % 101}%"
        for number in range(25_000)
    ]
    header = "project_id;name;End;Budget;progress\n"

    rows = read_text(tmp_path, header + "\n".join(lines), path="projects.csv").rows("project")

    small = read_text(tmp_path, header + "\n".join(lines[-30:]), path="projects.csv").rows("project")
    assert len(rows) == 25_000
    assert rows[-30:] == small


# --- tables -------------------------------------------------------------------------------------------------------

CELL = st.text(st.sampled_from('ab ;,"\n|é\u00a0\t'), max_size=6)


def as_grid(data: bytes, separator: str, *, plain: bool) -> Grid:
    (header,) = head_records(data.decode(), separator, 1)
    return read_rows(data, separator, header, "x.csv", plain=plain)


@SLOW
@given(
    separator=st.sampled_from([";", ",", "\t", "|"]),
    rows=st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), max_size=8)),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_both_readers_part_a_table_alike(separator: str, rows: list[list[str]], quoting: Any) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator="\n")
    writer.writerow([f"h{at}" for at in range(len(rows[0]) if rows else 2)])
    writer.writerows(rows)
    data = out.getvalue().encode()

    assert not has_strays(data, separator)
    fast, slow = as_grid(data, separator, plain=True), as_grid(data, separator, plain=False)

    names = column_names(len(fast.header))
    assert (
        fast.cells.select(pl.col(names).fill_null("")).rows() == slow.cells.select(pl.col(names).fill_null("")).rows()
    )
    assert [fast.line(row) for row in range(len(rows))] == [slow.line(row) for row in range(len(rows))]
    assert not fast.lacking
    assert not fast.exceeding


@SLOW
@given(widths=st.lists(st.integers(0, 5), max_size=12))
def test_rows_of_other_widths_are_noticed(widths: list[int]) -> None:
    lines = ["a;b;c", *[";".join("x" * width) for width in widths]]

    grid = as_grid(("\n".join(lines) + "\n").encode(), ";", plain=True)

    assert set(grid.lacking) == {row for row, width in enumerate(widths) if 0 < width < 3}
    assert set(grid.exceeding) == {row for row, width in enumerate(widths) if width > 3}


@pytest.mark.parametrize(
    "text", ['a;5" pipe\n', '"a"b;c\n', 'a; "b"\n', '"a;b\n'], ids=["inch", "behind", "blank", "open"]
)
def test_strays_are_noticed(text: str) -> None:
    assert has_strays(text.encode(), ";")


@pytest.mark.parametrize("bad", [b"\xe9;b\n", b"a;\xe9\n", b'"\xe9";b\n'])
def test_a_wrong_byte_far_down_is_noticed(bad: bytes) -> None:
    data = b"a;b\n" * 100_000 + bad + b"a;b\n"

    with pytest.raises(NotUtf8Error):
        read_rows(data, ";", HeadRecord(("a", "b"), 1, 2), "x.csv", plain=True)


@pytest.mark.parametrize(
    "cell", [b"D\xe9pos\xe9", b'D\xe9pos\xe9 5" tube', b'"D\xe9pos\xe9"'], ids=["plain", "stray", "quoted"]
)
def test_a_file_is_utf8_to_its_end_or_not_at_all(tmp_path: Path, cell: bytes) -> None:
    lines = "".join(f"M{number};ATL;Build;2026-06-30\n" for number in range(5000))
    content = (
        b"milestone_id;project_id;name;forecast_finish\n" + lines.encode() + b"M9999;ATL;" + cell + b";2026-06-30\n"
    )

    answer = read_text(tmp_path, content)

    assert answer.summary.decisions[0] == "milestones.csv: profile milestones, cp1252, semicolon, header in line 1"
    assert answer.column("task", "name")[-1].startswith("Déposé")
    assert len(answer.rows("task")) == 5001


def test_text_without_accents_to_compose_stays_the_same_bytes() -> None:
    data = "Fin prévue – « œuvre » 5 €\n".encode()

    assert tidied(data) is data
    assert decode(data, None, "x").data is data


PIECES = [
    b'"', b";", b",", b"\n", b"\r", b"\t", b"\xe9", "é".encode(), b"%", b"31/02/2026", b"1.234,5", b"1,234.5", b"#REF!",
    b"Total", b"1E+11", b"W30", b"12k", b"(5)", b"\xef\xbb\xbf", b"oui", "🟢".encode(), b"9" * 40, b"mars-26", b"\0",
    b"sep=;\n",
]  # fmt: skip
LIST = (
    "task_id;project_id;name;forecast_finish;progress;cost;active;duration_d;predecessors\n"
    "1;ATL;Déposé;30/06/2026;45%;1.234,50 €;oui;5 j;\n"
    "2;ATL;Construit;15/07/2026;0;12,00;non;2 sem.;1FS+2d\n"
).encode()


@SLOW
@given(edits=st.lists(st.tuples(st.integers(0, len(LIST)), st.sampled_from(PIECES)), min_size=1, max_size=5))
def test_nothing_that_a_file_holds_ends_in_a_traceback(tmp_path_factory: Any, edits: list[tuple[int, bytes]]) -> None:
    content = LIST
    for at, piece in edits:
        content = content[:at] + piece + content[at:]

    said = "tasks.csv"
    try:
        frames_of("lists", read_text(tmp_path_factory.mktemp("list"), content, path="tasks.csv").records)
    except SourceError as fault:
        said = str(fault)

    assert said.startswith("tasks.csv")


# --- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_every_word_of_a_mandatory_column_means_it(name: str) -> None:
    profile = PROFILES[name]
    wanted = [column for group in profile.mandatory for column in group]

    for column in wanted:
        for word in accepted_words(profile, column):
            found = candidates(word, profile)
            is_anothers_own_name = len(found) == 1 and fold(found[0]) == fold(word)
            assert column in found or is_anothers_own_name, f"{word} in {name}"


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_canonical_headers_are_the_models(name: str) -> None:
    profile = PROFILES[name]
    if not profile.entity:
        return
    headers = {one.header for one in ENTITIES[profile.entity].stored()} - {"task_id"}

    assert {header for header in headers if header not in profile.columns} == set()
    for header in headers - profile.weak:
        assert candidates(header, profile) == (header,)


def test_concepts_are_used() -> None:
    used = {concept for profile in PROFILES.values() for spec in profile.columns.values() for concept in spec.concepts}

    assert set(CONCEPTS) - used == {"first_baseline"}
    assert all(words_of(concept) for concept in CONCEPTS)


def test_words_of_closed_lists_mean_one_value() -> None:
    for entity in ENTITIES.values():
        for one in entity.stored():
            if one.kind == Kind.ENUM:
                assert set(words_for(entity.name, one.name, one.one_of).values()) == set(one.one_of), one.name


@pytest.mark.parametrize(
    ("profile", "header", "meant"),
    [
        ("projects", "N°", ("project_id", "code")),
        ("projects", "Projet", ("project_id", "name")),
        ("projects", "code", ("project_id", "code")),
        ("milestones", "milestone", ("name", "milestone")),
        ("milestones", "Réf.", ("milestone_id",)),
        ("milestones", "Jalon\nMijlpaal", ("name",)),
        ("milestones", "Fin prévue / Verwachte einddatum", ("forecast_finish",)),
        ("milestones", "Fin prévue / Budget", ()),
        ("milestones", "ÉCHÉANCE *", ("deadline",)),
        ("risks", "Échéance", ("target_date",)),
        ("decisions", "Échéance", ("needed_by",)),
        ("actions", "vervaldatum", ("due",)),
        ("raid", "Référence", ("id",)),
        ("milestones", "Référence", ("baseline_finish",)),
        ("raid", "Omschrijving", ("title", "description")),
        ("people", "Nom", ("last_name", "name")),
        ("people", "jusqu’au", ("until",)),
        ("absences", "t/m", ("to",)),
        ("timesheets", "Gepresteerde uren", ("hours",)),
        ("timesheets", "Semaine", ("week",)),
        ("tasks", "milestone", ("milestone",)),
        ("tasks", "Team", ("board_id",)),
        ("sprints", "Équipe", ("board_id",)),
        ("sprints", "Einddatum", ("end_on",)),
        ("sprints", "Doel", ("goal",)),
        ("indicators", "Doel", ("target",)),
        ("sprint_items", "Taakcode", ("task_id",)),
        ("releases", "Version", ("release_id",)),
        ("documents", "Version", ("version",)),
        ("milestones", "Confirmé le", ("confirmed_on",)),
        ("programs", "Tolérance délai rouge", ("tolerance_time_red",)),
        ("meetings", "PV publié le", ("minutes_on",)),
        ("kpi_observations", "Programme", ("program_id",)),
    ],
)
def test_a_header_means_what_its_profile_says(profile: str, header: str, meant: tuple[str, ...]) -> None:
    assert candidates(header, PROFILES[profile]) == meant


@pytest.mark.parametrize(
    ("stem", "profile"),
    [
        ("jalons", "milestones"),
        ("Jalons 2026-11", "milestones"),
        ("indicatoren-NOV-02", "kpi_observations"),
        ("kpi_observations", "kpi_observations"),
        ("status-reports", "status_reports"),
        ("PERSONNES", "people"),
        ("sprint_items 2026-11", "sprint_items"),
        ("sprints 2026-11", "sprints"),
        ("jalons-raid", None),
        ("kpi", None),
    ],
)
def test_a_file_name_selects_a_profile(stem: str, profile: str | None) -> None:
    found = profile_of(stem)

    assert (found.name if found else None) == profile


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Fin prévue (jj/mm)", "finprevue"),
        ("% Avancement :", "%avancement"),
        ("N° Projet", "n°projet"),
        ("e-mail*", "email"),
    ],
)
def test_words_are_folded(word: str, folded: str) -> None:
    assert fold(word) == folded


@pytest.mark.parametrize(("header", "unit"), [("Budget (k€)", "k€"), ("Duur [dagen]", "dagen"), ("Budget", "")])
def test_units_stand_in_brackets(header: str, unit: str) -> None:
    assert unit_of(header) == unit


@pytest.mark.parametrize(("position", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_columns_are_called_as_in_spreadsheets(position: int, letters: str) -> None:
    assert letter(position) == letters
