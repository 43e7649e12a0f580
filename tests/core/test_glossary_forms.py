"""How each language writes what messages hold, item by item as section 1 of the glossary has it."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.pofile import read_po
from messages import CONTEXT, a_message

from pmo_watch.notices import WORDS
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.render import render
from pmo_watch.words import LANGUAGES, MISSING, words

SOURCES = Path(__file__).parents[2] / "pmo_watch"
NB, NARROW = "\u00a0", "\u202f"
EN, FR, NL = (words(language) for language in LANGUAGES)
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
}
WEEKDAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
}


def forms(language: str) -> dict[str, tuple[str, ...]]:
    with (SOURCES / f"messages.{language}.po").open("rb") as source:
        found = read_po(source, locale=language)
    return {
        one.id if isinstance(one.id, str) else one.id[0]: (
            (one.string,) if isinstance(one.string, str) else tuple(one.string or ())
        )
        for one in found
        if one.id
    }


def own_texts(language: str) -> Iterator[tuple[str, str]]:
    """Yield every text of ours that people read in a language, with where it stands."""
    for key, some in forms(language).items():
        yield from ((key, text) for text in some)
    for topic, notice in WORDS.items():
        yield from ((f"notice {topic}", text) for text in notice[language])
    yield "source-failing", SOURCE_FAILING.name[language]
    yield "source-failing", SOURCE_FAILING.advice[language]


# --- dates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_and_weekdays(language: str) -> None:
    said = words(language)

    assert [said.month(date(2026, month, 3)) for month in range(1, 13)] == [
        f"{name} 2026" for name in MONTHS[language].split()
    ]
    assert [said.day(date(2026, month, 12)) for month in range(1, 13)] == [
        f"12 {name} 2026" for name in MONTHS[language].split()
    ]
    assert [said.weekday(date(2026, 5, 11 + number)) for number in range(7)] == [
        f"{name} {11 + number} {MONTHS[language].split()[4]} 2026"
        for number, name in enumerate(WEEKDAYS[language].split())
    ]


def test_first_of_a_month_in_french_and_no_other_day() -> None:
    firsts = {day: FR.day(date(2026, 1, day)).split()[0] for day in (1, 2, 10, 11, 21, 31)}

    assert firsts == {1: "1er", 2: "2", 10: "10", 11: "11", 21: "21", 31: "31"}
    assert FR.weekday(date(2026, 6, 1)) == "lundi 1er juin 2026"
    assert FR.short_day(date(2026, 6, 1)) == EN.short_day(date(2026, 6, 1)) == NL.short_day(date(2026, 6, 1))
    assert EN.short_day(date(2026, 6, 1)) == "01/06/2026"


@pytest.mark.parametrize(
    ("language", "week", "month", "quarter"),
    [
        ("en", "week 21 (W21)", "May 2026", "Q2 2026"),
        ("fr", "semaine 21 (S21)", "mai 2026", "T2 2026"),
        ("nl", "week 21 (W21)", "mei 2026", "K2 2026"),
    ],
)
def test_periods(language: str, week: str, month: str, quarter: str) -> None:
    said = words(language)

    assert [said.period(one) for one in ("2026-W21", "2026-05", "2026-Q2")] == [week, month, quarter]


@pytest.mark.parametrize("language", LANGUAGES)
def test_time_has_24_hours(language: str) -> None:
    said = words(language)

    assert said.moment(datetime(2026, 5, 12, 12, 30, tzinfo=UTC), ZoneInfo("Europe/Brussels")).endswith(" 14:30")
    assert said.moment(datetime(2026, 1, 2, 23, 5, tzinfo=UTC), ZoneInfo("Europe/Brussels")).endswith(" 00:05")


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "en", "fr", "nl"),
    [
        (0.92, "ratio", "0.92", "0,92", "0,92"),
        (9999.0, "count", "9999", "9999", "9999"),
        (10_000.0, "count", "10,000", f"10{NARROW}000", "10.000"),
        (12_345_678.0, "count", "12,345,678", f"12{NARROW}345{NARROW}678", "12.345.678"),
        (-5.0, "count", "-5", "-5", "-5"),
        (-12_345.0, "count", "-12,345", f"-12{NARROW}345", "-12.345"),
        (12.5, "%", "12.5%", f"12,5{NB}%", "12,5%"),
        (0.0, "%", "0%", f"0{NB}%", "0%"),
        (6.0, "pp", "6 pp", f"6{NB}points", "6 procentpunt"),
        (1234.5, "EUR", "€1,234.50", f"1{NARROW}234,50{NB}€", f"€{NB}1.234,50"),
        (0.0, "EUR", "€0.00", f"0,00{NB}€", f"€{NB}0,00"),
        (1_250_000.0, "EUR", "€1,250,000.00", f"1{NARROW}250{NARROW}000,00{NB}€", f"€{NB}1.250.000,00"),
    ],
)
def test_figures(value: float, unit: str, en: str, fr: str, nl: str) -> None:
    assert [said.quantity(value, unit) for said in (EN, FR, NL)] == [en, fr, nl]


def test_value_that_is_missing_is_a_dash() -> None:
    assert MISSING == "–"


# --- plurals ------------------------------------------------------------------------------------------------------

COUNTED = sorted(key for key, some in forms("en").items() if len(some) == 2)


@pytest.mark.parametrize("key", COUNTED)
@pytest.mark.parametrize(
    ("language", "ones", "others"),
    [
        ("en", (1,), (0, 1.5, 2, -1, 100)),
        ("fr", (0, 1, 1.5, -1), (2, 2.5, -2, 100)),
        ("nl", (1,), (0, 1.5, 2, -1, 100)),
    ],
)
def test_plural_of_every_counted_word(
    key: str, language: str, ones: tuple[float, ...], others: tuple[float, ...]
) -> None:
    said, (one, other) = words(language), forms(language)[key]
    parts = {name: name for name in re.findall(r"{(\w+)}", other) if name != "n"}

    for number in ones:
        assert said.count(key, number, **parts) == one.format(n=said.number(number), **parts)
    for number in others:
        assert said.count(key, number, **parts) == other.format(n=said.number(number), **parts)


# --- signs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "listed", "quoted", "pair"),
    [
        ("en", "a, b and c", '"x"', "a: b"),
        ("fr", "a, b et c", f"«{NB}x{NB}»", f"a{NB}: b"),
        ("nl", "a, b en c", '"x"', "a: b"),
    ],
)
def test_lists_quotations_and_pairs(language: str, listed: str, quoted: str, pair: str) -> None:
    said = words(language)
    conjunction = listed.split()[2]

    assert said.listed("abc") == listed
    assert [said.listed(some) for some in ("", "a", "ab")] == ["", "a", f"a {conjunction} b"]
    assert (said.quoted("x"), said.pair("a", "b")) == (quoted, pair)


def test_french_has_its_spaces_before_signs_in_every_text() -> None:
    wanted = {":": NB, "»": NB, ";": NARROW, "?": NARROW, "!": NARROW}

    wrong = [
        (where, text)
        for where, text in own_texts("fr")
        for found in re.finditer(r"[:»;?!]", text)
        if text[found.start() - 1 : found.start()] != wanted[found[0]]
    ]

    assert wrong == []
    assert [one for one in own_texts("fr") if re.search(f"«(?!{NB})", one[1]) or '"' in one[1]] == []


@pytest.mark.parametrize("language", ["en", "nl"])
def test_other_languages_have_none(language: str) -> None:
    pattern = f"[ {NB}{NARROW}][:;?!]|[«»{NARROW}]"

    assert [one for one in own_texts(language) if re.search(pattern, one[1])] == []


def test_every_notice_says_the_same_things_in_every_language() -> None:
    for topic, notice in WORDS.items():
        assert tuple(notice) == LANGUAGES, topic
        parts = {language: [re.findall(r"{\w+}", text) for text in notice[language]] for language in LANGUAGES}
        assert parts["fr"] == parts["en"], topic
        assert parts["nl"] == parts["en"], topic


def test_notice_keeps_its_spaces_on_the_way_to_the_reader() -> None:
    title, *lines = WORDS["unknown"]["fr"]
    message = a_message(kind="notice", language="fr", title=title, lines=tuple(lines), data_basis=())

    text = render(message, CONTEXT)[0].text

    assert f"{{name}}{NB}: alertes non évaluables" in text
    assert f"Elles restent inchangées{NB}: aucune" in text
