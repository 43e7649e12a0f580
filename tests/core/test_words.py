"""Words, numbers, amounts and dates as the glossary has them, in three languages."""

import io
import re
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from pmo_watch.words import LANGUAGES, pick, words

SOURCES = Path(__file__).parents[2] / "pmo_watch"
GLOSSARY = Path(__file__).parents[2].parent / "shared" / "spec" / "glossary.md"
NB, NARROW = "\u00a0", "\u202f"


def catalogue(language: str) -> dict[str, tuple[str, ...]]:
    with (SOURCES / f"messages.{language}.po").open("rb") as source:
        found = read_po(source, locale=language)
    texts: dict[str, tuple[str, ...]] = {}
    for one in found:
        key = one.id if isinstance(one.id, str) else one.id[0]
        texts[key] = (one.string,) if isinstance(one.string, str) else tuple(one.string or ())
    texts.pop("")
    return texts


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiled_catalogue_is_what_its_source_compiles_to(language: str) -> None:
    with (SOURCES / f"messages.{language}.po").open("rb") as source:
        parsed = read_po(source, locale=language)
    compiled = io.BytesIO()

    write_mo(compiled, parsed)

    assert (SOURCES / f"messages.{language}.mo").read_bytes() == compiled.getvalue(), "run: make words"


def test_every_key_has_words_in_every_language_with_the_same_parts() -> None:
    english, *others = (catalogue(language) for language in LANGUAGES)

    for other in others:
        assert other.keys() == english.keys()
    for key, texts in english.items():
        for other in (english, *others):
            assert all(other[key]), key
            assert len(other[key]) == len(texts), key
            assert set(re.findall(r"{\w+}", other[key][-1])) == set(re.findall(r"{\w+}", texts[-1])), key


def test_every_word_of_the_glossary_is_in_the_catalogues_as_it_stands_there() -> None:
    if not GLOSSARY.exists():
        pytest.skip(f"{GLOSSARY} is not there")
    rows = re.findall(r"^\| \w+ \| `([^`]+)` \| (.*?) \| (.*?) \| (.*?) \|$", GLOSSARY.read_text("utf-8"), re.M)
    assert len(rows) > 200
    known = {language: catalogue(language) for language in LANGUAGES}

    for key, *cells in rows:
        for language, cell in zip(LANGUAGES, cells, strict=True):
            written = cell.replace(" :", f"{NB}:") if language == "fr" else cell
            forms = known[language][key]
            if len(forms) == 1:
                assert forms == (written,)
            else:  # "{n} hour / hours"
                assert forms[0] == written.partition(" / ")[0]
                assert forms[1].endswith(written.partition(" / ")[2].rpartition("{n} ")[2])


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["0 working days", "1 working day", "1.5 working days", "12 working days", "-1 working days"]),
        ("fr", ["0 jour ouvré", "1 jour ouvré", "1,5 jour ouvré", "12 jours ouvrés", "-1 jour ouvré"]),
        ("nl", ["0 werkdagen", "1 werkdag", "1,5 werkdagen", "12 werkdagen", "-1 werkdagen"]),
    ],
)
def test_plural_follows_the_language(language: str, shown: list[str]) -> None:
    assert [words(language).quantity(value, "wd") for value in (0.0, 1.0, 1.5, 12.0, -1.0)] == shown


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["0.92", "9999", "12,345", "€1,234.50", "12.5%", "6 pp", "-5", "3 story\u00a0points"]),
        (
            "fr",
            [
                "0,92",
                "9999",
                f"12{NARROW}345",
                f"1{NARROW}234,50{NB}€",
                f"12,5{NB}%",
                f"6{NB}points",
                "-5",
                "3 story\u00a0points",
            ],
        ),
        ("nl", ["0,92", "9999", "12.345", f"€{NB}1.234,50", "12,5%", "6 procentpunt", "-5", "3 story\u00a0points"]),
    ],
)
def test_figure_is_written_as_the_language_writes_it(language: str, shown: list[str]) -> None:
    said = words(language)

    written = [
        said.quantity(0.92, "ratio"),
        said.quantity(9999.0, "count"),
        said.quantity(12345.0, "count"),
        said.quantity(1234.5, "EUR"),
        said.quantity(12.5, "%"),
        said.quantity(6.0, "pp"),
        said.quantity(-5.0, "count"),
        said.quantity(3.0, "story\u00a0points").replace(f"3{NB}", "3 "),
    ]

    assert written == shown


@pytest.mark.parametrize(
    ("language", "first", "weekday", "quarter"),
    [
        ("en", "1 May 2026", "Friday 1 May 2026", "1 October 2026 08:30"),
        ("fr", "1er mai 2026", "vendredi 1er mai 2026", "1er octobre 2026 08:30"),
        ("nl", "1 mei 2026", "vrijdag 1 mei 2026", "1 oktober 2026 08:30"),
    ],
)
def test_date_is_written_as_the_language_writes_it(language: str, first: str, weekday: str, quarter: str) -> None:
    said, day = words(language), date(2026, 5, 1)
    moment = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)

    assert (said.day(day), said.weekday(day)) == (first, weekday)
    assert said.moment(moment, ZoneInfo("Europe/Brussels")) == quarter
    assert said.short_day(date(2026, 5, 12)) == "12/05/2026"
    assert "1er" not in said.day(date(2026, 5, 11))


@pytest.mark.parametrize(
    ("value", "unit", "limit", "shown"),
    [
        (0.9496, "ratio", 0.95, "0.9496"),
        (0.952, "ratio", 0.95, "0.952"),
        (0.95, "ratio", 0.95, "0.95"),
        (10.04, "wd", 10.0, "10.04 working days"),
        (10.000001, "%", 10.0, "10%"),
        (-0.04, "%", None, "0%"),
        (12.25, "%", None, "12.2%"),
    ],
)
def test_figure_has_as_many_digits_as_show_that_a_threshold_is_crossed(
    value: float, unit: str, limit: float | None, shown: str
) -> None:
    assert words("en").quantity(value, unit, limit) == shown


def test_word_that_no_catalogue_holds_is_our_defect() -> None:
    with pytest.raises(KeyError, match="no_such_word"):
        words("fr")("no_such_word")


def test_field_without_a_word_of_its_own_is_named_in_plain_words() -> None:
    assert words("fr").label("baseline_finish", "milestone") == "fin de référence"
    assert words("fr").label("project.status_date") == "date de situation"
    assert words("en").label("story_size") == "story size"


def test_evidence_is_written_in_the_languages_way_and_keys_stay_as_they_are() -> None:
    said = words("nl")

    assert [
        said.figure(text)
        for text in ("2026-05-12", "1234.5", "2026-13-01", "0042", "PRJ-1", "2026-W30", "2026-05", "2026-Q2")
    ] == [
        "12/05/2026",
        "1234,5",
        "2026-13-01",
        "0042",
        "PRJ-1",
        "week 30 (W30)",
        "mei 2026",
        "K2 2026",
    ]


def test_codes_in_a_list_are_said_in_words_and_other_lists_stay_as_they_are() -> None:
    assert (
        words("fr").figure("project_charter, risk_log, datasheet")
        == "charte de projet, registre des risques, datasheet"
    )
    assert words("fr").figure("Plan, PRJ-1") == "Plan, PRJ-1"


def test_language_we_do_not_speak_falls_back() -> None:
    assert words("de").language == "en"
    assert words("fr-BE") is words("fr")
    assert pick({"nl": "regel"}, "fr", "en") == "regel"
    assert pick({"en": "rule", "nl": "regel"}, "fr", "nl") == "regel"
    assert pick({"en": "rule", "nl": ""}, "nl") == "rule"
    assert pick({}, "nl") == ""
