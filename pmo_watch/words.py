"""Every word, number, amount and date shown to people, in English, French and Dutch, by the glossary's key.

The words are in `messages.<language>.po`, compiled to `.mo`; how figures are written comes from Babel's locale data.
"""

import gettext
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from importlib.resources import files

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

LANGUAGES = ("en", "fr", "nl")
LOCALES = {"en": "en_GB", "fr": "fr_BE", "nl": "nl_BE"}
MISSING = "–"

_COUNTED = {"wd": "working_day", "d": "calendar_day", "h": "hour", "periods": "period", "steps": "step"}
_DATES = re.compile(r"\d{4}-\d{2}-\d{2}(, \d{4}-\d{2}-\d{2})+")
_CODES = re.compile(r"[a-z_]+(, [a-z_]+)+")  # of documents, fields ...
_CURRENCY = re.compile(r"[A-Z]{3}")
_GROUPS_FROM = 10_000  # glossary section 1; money is always grouped
_MOST_DIGITS = 4  # spec measures 1.5


class _Complete(gettext.NullTranslations):
    """Ends every look-up that found nothing: a key without words is a defect of ours."""

    def gettext(self, message: str) -> str:
        raise KeyError(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        raise KeyError(msgid1)


class Words:
    """The words of one language, and how it writes numbers, amounts and dates."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._locale = Locale.parse(LOCALES[language])
        with (files("pmo_watch") / f"messages.{language}.mo").open("rb") as compiled:
            self._catalogue = gettext.GNUTranslations(compiled)
        self._catalogue.add_fallback(_Complete())

    def __call__(self, key: str, **parts: object) -> str:
        """Return the words of `key` with its {parts} filled in.

        Raises:
            KeyError: the glossary has no such key.
        """
        found = self._catalogue.gettext(key)
        return found.format(**parts) if parts else found

    def has(self, key: str) -> bool:
        """Say whether `key` has words."""
        try:
            self._catalogue.gettext(key)
        except KeyError:
            return False
        return True

    def count(self, key: str, number: Decimal | float, shown: str = "", **parts: str) -> str:
        """Return `number` of the thing that `key` names, in the right plural; `shown` is the number in figures.

        `parts` are the other {parts} of the words.
        """
        one = -2 < number < 2 if self.language == "fr" else number == 1  # also for fractions, as the glossary says
        found = self._catalogue.ngettext(key, key, 1 if one else 2)
        return found.format(n=shown or self.number(number), **parts)

    def label(self, name: str, entity: str = "") -> str:
        """Return the words for a field or figure, such as `baseline_finish`; its own name in words where none are."""
        last = name.rpartition(".")[2]
        keys = (f"{entity}.{last}", f"evidence.{last}", name, f"milestone.{last}", f"project.{last}", last)
        found = (self(key) for key in keys if self.has(key))
        return next((text for text in found if "{" not in text), last.replace("_", " "))

    def beginning(self, key: str, **parts: object) -> str:
        """Return the words of `key` with a capital, as a heading or the beginning of a line has it."""
        text = self(key, **parts)
        return text[:1].upper() + text[1:]

    def pair(self, label: str, value: str) -> str:
        """Return `label: value`."""
        return self("label_value", label=label, value=value)

    def quoted(self, text: str) -> str:
        """Return the text between the language's quotation marks."""
        return self("quoted", text=text)

    def listed(self, texts: Iterable[str]) -> str:
        """Return `a, b and c`."""
        *most, last = list(texts) or [""]
        return self("and", list=", ".join(most), last=last) if most else last

    def number(self, value: Decimal | float, most: int = 1, least: int = 0) -> str:
        """Return a number with at least `least` and at most `most` decimals; groups from ten thousand."""
        exact = _rounded(value, most)
        pattern = "#,##0" + ("." if most else "") + "0" * least + "#" * (most - least)
        grouped = abs(exact) >= _GROUPS_FROM
        return format_decimal(exact, pattern, locale=self._locale, group_separator=grouped)

    def money(self, value: Decimal | float, currency: str) -> str:
        """Return an amount with its currency."""
        return format_currency(_rounded(value, 2), currency, locale=self._locale)

    def quantity(self, value: Decimal | float, unit: str, against: float | None = None) -> str:
        """Return a value with its unit; with more digits, up to four, where fewer would hide that it is not `against`.

        `unit` as in findings: wd, d, h, %, pp, periods, steps, ratio, count, a currency code, or an indicator's own.
        """
        if _CURRENCY.fullmatch(unit):
            return self.money(value, unit)
        most, least = _digits(value, unit)
        shown = self.number(value, _telling(value, against, most), least)
        if unit in _COUNTED:
            return self.count(_COUNTED[unit], value, shown)
        return self._with_sign(shown, unit)

    def _with_sign(self, shown: str, unit: str) -> str:
        if unit in {"%", "pp"}:
            return self("percent" if unit == "%" else "points", n=shown)
        return shown if unit in {"", "ratio", "count", "money", "indicator"} else f"{shown}\u00a0{unit}"

    def day(self, day: date) -> str:
        """Return a date inside a sentence: 12 May 2026, 1er mai 2026."""
        return self._first(format_date(day, "d MMMM y", locale=self._locale), day)

    def weekday(self, day: date) -> str:
        """Return a date with its weekday."""
        return self._first(format_date(day, "EEEE d MMMM y", locale=self._locale), day)

    def short_day(self, day: date) -> str:
        """Return a date as tables show it: 12/05/2026."""
        return format_date(day, "dd/MM/y", locale=self._locale)

    def month(self, day: date) -> str:
        """Return the month of a date: May 2026."""
        return format_date(day, "MMMM y", locale=self._locale)

    def moment(self, moment: datetime, zone: tzinfo) -> str:
        """Return an instant in that zone: 12 May 2026 14:30."""
        local = moment.astimezone(zone)
        return f"{self.day(local.date())} {local:%H:%M}"

    def figure(self, text: str) -> str:
        """Return a text from the evidence of a finding as tables show it: dates and numbers in the language's way."""
        if _DATES.fullmatch(text):
            return ", ".join(self.figure(one) for one in text.split(", "))
        if self.has(f"value.{text}"):
            return self(f"value.{text}")
        if _CODES.fullmatch(text):
            return ", ".join(self.figure(one) for one in text.split(", "))
        if period := self.period(text):
            return period
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            try:
                return self.short_day(date.fromisoformat(text))
            except ValueError:
                return text
        # More digits than an amount can have are a key or a code, and stay as they are.
        if re.fullmatch(r"-?(0|[1-9]\d{0,14})(\.\d+)?", text):
            return self.number(Decimal(text), 2)
        return text

    def period(self, text: str) -> str:
        """Return a period (2026-W30, 2026-05, 2026-Q2) in words; nothing for any other text."""
        if found := re.fullmatch(r"\d{4}-W(\d{2})", text):
            return self("week_alone", n=int(found[1]))
        if found := re.fullmatch(r"(\d{4})-Q(\d)", text):
            return self("quarter_alone", n=found[2], year=found[1])
        found = re.fullmatch(r"(\d{4})-(0[1-9]|1[0-2])", text)
        return self.month(date(int(found[1]), int(found[2]), 1)) if found else ""

    def _first(self, text: str, day: date) -> str:
        return re.sub(r"\b1 ", "1er ", text, count=1) if self.language == "fr" and day.day == 1 else text


def _digits(value: Decimal | float, unit: str) -> tuple[int, int]:
    """Return the most and the least decimals of a value in that unit (spec measures 1.5)."""
    if unit == "ratio" or (not unit and value != int(value)):
        return 2, 2
    return (1, 0) if unit in {*_COUNTED, "%", "pp", "count", ""} else (2, 0)


def _telling(value: Decimal | float, against: float | None, digits: int) -> int:
    """Return how many digits show on which side of `against` the value lies."""
    if against is None or value == against:
        return digits
    enough = (n for n in range(digits, _MOST_DIGITS) if _rounded(value, n) != _rounded(against, n))
    return next(enough, _MOST_DIGITS)


def _rounded(value: Decimal | float, digits: int) -> Decimal:
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN) + 0  # adding 0 turns -0 into 0


def words(language: str) -> Words:
    """Return the words of a language such as `fr` or `fr-BE`; English for one we do not speak."""
    short = language[:2].lower()
    return _words(short if short in LANGUAGES else "en")


_words = cache(Words)


def pick(texts: Mapping[str, str], *languages: str) -> str:
    """Return the text in the first of these languages that it exists in, else in English, else in any."""
    wanted = (*languages, "en", *texts)
    return next((texts[language] for language in wanted if texts.get(language)), "")
