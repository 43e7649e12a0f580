"""Which record is the header, and which column of the file is which column of the profile (spec sources 5.2, 5.4)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from pmo_watch_plugins.sources.csv_file.profile import Profile
from pmo_watch_plugins.sources.csv_file.profiles import PROFILES
from pmo_watch_plugins.sources.csv_file.settings import Settings
from pmo_watch_plugins.sources.csv_file.vocabulary import CONCEPTS, concepts_by_word, fold, tidy, words_of

from pmo_watch.api import SourceDataError, SourceRefused

SEARCHED_RECORDS = 30
_PARTS = re.compile(r"[\r\n]+|\s/\s")  # a header in two languages
_NUMBERED = re.compile(r"(.*)#(\d+)", re.S)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a header is held against: the profile, and what the settings say instead of columns."""

    profile: Profile
    settings: Settings

    def column(self, name: str, setting: str) -> str | None:
        """Return the canonical header that a setting means by a header or a field's name.

        None when it is another profile's, and each file of the source goes by its own.

        Raises:
            SourceRefused: no profile has such a column.
        """
        found = _column_of(self.profile, name)
        if found is None and self.settings.profile is None and any(_column_of(one, name) for one in PROFILES.values()):
            return None
        if found is None:
            near = get_close_matches(name, self.profile.columns, 1)
            hint = f", did you mean '{near[0]}'?" if near else ""
            raise SourceRefused(f"'{setting}' names '{name}', which profile {self.profile.name} does not have{hint}")
        return found

    def named(self, names: Iterable[str], setting: str) -> dict[str, str]:
        """Return what a setting says of this profile's columns: canonical header -> the name it uses."""
        return {found: name for name in names if (found := self.column(name, setting)) is not None}

    def mapped(self) -> dict[str, str]:
        """Return canonical header -> what `columns` says of it."""
        said = self.settings.columns
        return {name: said[used] for name, used in self.named(said, "columns").items()}

    def constants(self) -> dict[str, str]:
        """Return canonical header -> the value that every row has."""
        said = self.settings.constants
        return {name: said[used] for name, used in self.named(said, "constants").items()}

    def group_column(self) -> str | None:
        """Return the column that section lines fill."""
        return self.column(self.settings.group_column, "group_column") if self.settings.group_column else None

    def key(self) -> tuple[str, ...]:
        """Return the columns that the settings make the key of; empty for the profile's own."""
        own = self.profile.key
        names = (one if one in own else self.column(one, "key") for one in self.settings.key)
        return tuple(one for one in names if one is not None)

    def given(self) -> set[str]:
        """Return the columns that need none in the file: constants, and the one section lines fill."""
        group = self.group_column()
        return {*self.constants(), *([group] if group else [])}

    def groups(self) -> list[tuple[str, ...]]:
        """Return the groups of columns of which the file must have one."""
        given = self.given()
        own = [(one,) for one in self.key() if one != "scope"]
        return [one for one in dict.fromkeys([*self.profile.mandatory, *own]) if not given & set(one)]


def _column_of(profile: Profile, name: str) -> str | None:
    if name in profile.columns:
        return name
    named = (
        one.name
        for one in profile.columns.values()
        if one.field and name in (one.field, f"{profile.entity}.{one.field}")
    )
    return next(named, None)


@dataclass(frozen=True, slots=True)
class Matched:
    """The columns of a file: canonical header -> position from 0, and what is said of those that are not read."""

    columns: dict[str, int]
    said: tuple[str, ...]


def letter(position: int) -> str:
    """Return a column's letters as spreadsheets write them, A for 0."""
    letters = ""
    number = position + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def accepted_words(profile: Profile, column: str) -> list[str]:
    """Return the headers that mean a column: its canonical one, then the words of its concepts."""
    words = [column]
    for concept in profile.columns[column].concepts:
        words += words_of(concept) if concept in CONCEPTS else ()
    by_fold: dict[str, str] = {}
    for word in words:
        by_fold.setdefault(fold(word), word)
    return list(by_fold.values())


def candidates(header: str, profile: Profile) -> tuple[str, ...]:
    """Return the columns that a header may mean, likeliest first; a header in two languages must mean one in both."""
    found = _meanings(fold(header), profile)
    parts = [fold(part) for part in _PARTS.split(header) if part.strip()]
    if found or len(parts) < 2:
        return found
    each = [_meanings(part, profile) for part in parts]
    return tuple(one for one in each[0] if all(one in other for other in each[1:]))


def _meanings(word: str, profile: Profile) -> tuple[str, ...]:
    exact = [name for name in profile.columns if fold(name) == word]
    if exact and exact[0] not in profile.weak:
        return (exact[0],)
    concepts = concepts_by_word().get(word, ())
    worded = [name for name, spec in profile.columns.items() if any(one in concepts for one in spec.concepts)]
    return tuple(dict.fromkeys([*worded, *exact]))


def find_header(records: Iterable[Sequence[str]], wanted: Wanted) -> int | None:
    """Return the position of the first of these records in which at least half of what is mandatory is recognised."""
    groups = wanted.groups()
    mapped = wanted.mapped()
    for position, cells in enumerate(records):
        if not any(map(str.strip, cells)):
            continue
        known = {name for cell in cells for name in candidates(cell, wanted.profile)}
        texts = {fold(cell) for cell in cells}
        known |= {name for name, said in mapped.items() if said.startswith("@") or _bare(said) in texts}
        if 2 * sum(any(name in known for name in group) for group in groups) >= len(groups):
            return position
    return None


def _bare(said: str) -> str:
    numbered = _NUMBERED.fullmatch(said)
    bare: str = fold(numbered.group(1) if numbered else said)
    return bare


def match_columns(header: Sequence[str], wanted: Wanted, place: str) -> Matched:
    """Say which column of the file is which of the profile.

    Raises:
        SourceDataError: two columns claim one field, a mandatory column is missing, `columns` names none of the file.
        SourceRefused: a setting names a column that the profile does not have.
    """
    explicit = {name: _located(said, header, name, place) for name, said in wanted.mapped().items()}
    free = [at for at, text in enumerate(header) if tidy(text) and at not in explicit.values()]
    taken = {*explicit, *wanted.constants()}
    meant = {at: _left(candidates(header[at], wanted.profile), taken, header, wanted.profile) for at in free}
    _refuse_duplicates(header, meant, taken, wanted, place)
    found = dict(explicit)
    for at, names in meant.items():
        if len(names) == 1:
            _claim(found, names[0], at, header, place)
    for at, names in meant.items():
        if len(names) > 1:
            open_names = [name for name in names if name not in found]
            _claim(found, (open_names or [*names])[0], at, header, place)
    _require(found, wanted, place)
    found = dict(sorted(found.items(), key=lambda one: one[1]))
    unknown = [at for at in free if not candidates(header[at], wanted.profile)]
    return Matched(
        found, tuple(_unknown(at, header[at], wanted.profile, place) for at in unknown if _is_news(header[at]))
    )


def _left(names: tuple[str, ...], taken: set[str], header: Sequence[str], profile: Profile) -> tuple[str, ...]:
    """Return the meanings that remain; `nom` is the last name only beside a first name (spec sources 5.4)."""
    left = tuple(name for name in names if name not in taken)
    if "last_name" in left and "name" in left:
        beside = "first_name" in taken or any(candidates(text, profile) == ("first_name",) for text in header)
        return ("last_name",) if beside else ("name",)
    return left


def _located(said: str, header: Sequence[str], name: str, place: str) -> int:
    """Return the position that `columns` means by a header, `Header#2` or `@10`."""
    if said.startswith("@") and said[1:].isdigit():
        at = int(said[1:]) - 1
        if 0 <= at < len(header):
            return at
        raise SourceDataError(f"{place}: 'columns' says {name}: '{said}', but there are {len(header)} columns")
    same = [at for at, text in enumerate(header) if fold(text) == fold(said)]
    numbered = _NUMBERED.fullmatch(said)
    if not same and numbered:
        same = [at for at, text in enumerate(header) if fold(text) == fold(numbered.group(1))]
        number = int(numbered.group(2))
        if 1 <= number <= len(same):
            return same[number - 1]
        raise SourceDataError(
            f"{place}: 'columns' says {name}: '{said}', but {len(same)} columns are called '{numbered.group(1)}'"
        )
    if len(same) == 1:
        return same[0]
    if same:
        raise _twice(same[0], same[1], header, name, place)
    near = get_close_matches(said, [tidy(text) for text in header], 1)
    hint = f", did you mean '{near[0]}'?" if near else ""
    raise SourceDataError(f"{place}: 'columns' says {name}: '{said}', but no column is called that{hint}")


def _refuse_duplicates(
    header: Sequence[str], meant: dict[int, tuple[str, ...]], taken: set[str], wanted: Wanted, place: str
) -> None:
    seen: dict[str, int] = {}
    for at, names in meant.items():
        first = seen.setdefault(fold(header[at]), at)
        if first != at and names:
            raise _twice(first, at, header, names[0], place)


def _claim(found: dict[str, int], name: str, at: int, header: Sequence[str], place: str) -> None:
    if name in found:
        raise _twice(found[name], at, header, name, place)
    found[name] = at


def _twice(first: int, second: int, header: Sequence[str], name: str, place: str) -> SourceDataError:
    one, other = tidy(header[first]), tidy(header[second])
    if fold(one) == fold(other):
        return SourceDataError(
            f"{place}: columns {letter(first)} and {letter(second)} are both called '{one}': say which one to read "
            f'with columns: {{{name}: "{one}#1"}} or "{one}#2"'
        )
    return SourceDataError(
        f"{place}: columns {letter(first)} '{one}' and {letter(second)} '{other}' both mean {name}: say which one to "
        f'read with columns: {{{name}: "{one}"}} or "{other}"'
    )


def _require(found: dict[str, int], wanted: Wanted, place: str) -> None:
    missing = [group for group in wanted.groups() if not any(name in found for name in group)]
    if "last_name" in found and "name" not in found and "first_name" not in found:
        missing.append(("first_name",))
    if not missing:
        return
    texts = [
        " or ".join(f"{name} ({', '.join(accepted_words(wanted.profile, name))})" for name in group)
        for group in missing
    ]
    plural = "s" if len(missing) > 1 else ""
    raise SourceDataError(
        f"{place}: profile {wanted.profile.name} needs the column{plural} {'; '.join(texts)}: add it, name it with "
        "'columns:' or give it with 'constants:'"
    )


def no_header(records: Sequence[Sequence[str]], wanted: Wanted, name: str) -> SourceDataError:
    """Return the error for a file without header: the words looked for, the first line seen."""
    words = "; ".join(
        " or ".join(f"{column} ({', '.join(accepted_words(wanted.profile, column))})" for column in group)
        for group in wanted.groups()
    )
    first = next((" | ".join(filter(None, map(tidy, cells))) for cells in records if any(map(str.strip, cells))), "")
    return SourceDataError(
        f"{name}: no header of profile {wanted.profile.name} in the first {SEARCHED_RECORDS} records. Looked for "
        f"{words}. The first line is '{first[:120]}'. Set 'header_row:', 'columns:' or another 'profile:'"
    )


def _is_news(header: str) -> bool:
    """Say whether a header is worth a word: not one that is known and left out."""
    return "first_baseline" not in concepts_by_word().get(fold(header), ())


def _unknown(at: int, text: str, profile: Profile, place: str) -> str:
    words = {fold(word): (word, name) for name in profile.columns for word in accepted_words(profile, name)}
    near = get_close_matches(fold(text), words, 1, 0.8)
    hint = f", did you mean '{words[near[0]][0]}' ({words[near[0]][1]})?" if near else ""
    return f"{place}: column {letter(at)} '{tidy(text)}' is not known in profile {profile.name} and not read{hint}"
