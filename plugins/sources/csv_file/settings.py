"""What a person may set for lists (spec sources 5.6)."""

import codecs
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from pmo_watch.api import PluginSettings

# What tools write where there is no date (spec model 1.7).
PLACEHOLDERS = (
    date(1, 1, 1),
    date(1899, 12, 30),
    date(1900, 1, 1),
    date(1969, 12, 31),
    date(1970, 1, 1),
    date(1984, 1, 1),
    date(2000, 1, 1),
    date(9999, 12, 31),
)

ProfileName = Literal[
    "projects",
    "milestones",
    "tasks",
    "kpi_observations",
    "raid",
    "risks",
    "issues",
    "decisions",
    "changes",
    "actions",
    "documents",
    "people",
    "roles",
    "indicators",
    "dependencies",
    "assignments",
    "gates",
    "meetings",
    "status_reports",
    "costs",
    "absences",
    "timesheets",
    "boards",
    "sprints",
    "sprint_items",
    "releases",
    "programs",
    "portfolios",
]
Decimals = Literal["comma", "point"]
DateOrder = Literal["dmy", "mdy", "ymd", "excel", "excel1904"]
Scale = Literal["fraction", "percent"]
Language = Literal["en", "fr", "nl"]


def _as_text(value: object) -> object:
    """Take what YAML made of `1`, `2026-01-05` or `true` as the text that a cell would hold."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int | float) else value


def _as_texts(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {_as_text(key): _as_texts(one) if isinstance(one, Mapping) else _as_text(one) for key, one in value.items()}


Texts = Annotated[dict[str, str], BeforeValidator(_as_texts)]


class Settings(PluginSettings):
    """Settings of a source of type csv_file."""

    path: str = Field(min_length=1, description="A file, a folder (its lists and workbooks) or a glob with **.")
    watch: bool = Field(default=True, description="Read when the files change, not only when the time has come.")
    profile: ProfileName | None = Field(None, description="What the rows are; null goes by the file's name.")
    columns: Texts = Field(
        default_factory=dict,
        description='Field -> header, "Header#2" for the second of that name, "@10" for the tenth column.',
    )
    constants: Texts = Field(default_factory=dict, description="Field -> value for every row.")
    key: tuple[str, ...] = Field((), description="Columns that identify a row; empty takes the profile's.")
    encoding: str | None = Field(
        None, description="Encoding where there is no byte order mark and it is not UTF-8; null is cp1252."
    )
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Separator; null is found out.")
    header_row: int | None = Field(None, ge=1, description="Row of the header, counted from 1; null is found out.")
    sheet: str | int | None = Field(None, description="Name or number of the sheet; null is the first with a header.")
    decimal: Decimals | None = Field(
        None, description="Decimal mark where a column does not prove it: comma or point; null is the organisation's."
    )
    dates: DateOrder | None = Field(
        None,
        description="Order where a column does not prove it: dmy, mdy, ymd; excel or excel1904 for numbers of days.",
    )
    progress_scale: Scale | None = Field(
        None, description="Whether 1 is everything (fraction) or a hundredth (percent), where nothing proves it."
    )
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$", description="ISO 4217 code of amounts that show none.")
    language: Language | None = Field(None, description="Language of one-letter words; null is the organisation's.")
    maps: Annotated[dict[str, dict[str, str]], BeforeValidator(_as_texts)] = Field(
        default_factory=dict, description="Field -> word in the file -> value, before the words known by themselves."
    )
    null_words: tuple[str, ...] = Field((), description="Words that mean unknown, besides those known.")
    skip_rows: tuple[str, ...] = Field((), description="Words that begin a total line, besides those known.")
    multipliers: bool = Field(default=False, description="Whether k, M, Mio and mln behind a number count.")
    fill_down: tuple[str, ...] = Field((), description="Columns whose empty cells take the value above (merged cells).")
    group_column: str | None = Field(None, description="Column that takes the text of section lines.")
    skip_hidden: bool = Field(default=False, description="Whether hidden rows and columns of a workbook are left out.")
    repair: bool = Field(default=False, description="Whether UTF-8 read as cp1252 and saved again is put right.")
    accept_shrink: bool = Field(default=False, description="Whether a reading may lack many known rows.")
    status_date: date | Literal["file_time"] | None = Field(
        None, description="Day the data describe: a date, or file_time; null is the file's column, else today, assumed."
    )
    placeholder_dates: tuple[date, ...] = Field(
        PLACEHOLDERS, description="Dates that mean none, unless other dates lie within a year of them."
    )
    max_size_mb: int = Field(100, ge=1, description="Largest file opened; a workbook may unpack to 20 times it.")
    max_rows: int = Field(500_000, ge=1, description="Most rows of one file.")
    settle_seconds: float = Field(
        2.0, ge=0, le=600, description="A file must look the same this long before it is read."
    )

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return codecs.lookup(value).name
        except LookupError:
            raise ValueError(f"'{value}' is no encoding; cp1252, mac_roman, cp850 and utf-16 are some") from None

    @field_validator("delimiter")
    @classmethod
    def _is_usable(cls, value: str | None) -> str | None:
        if value is not None and (value in '"\r\n' or not value.isascii()):
            raise ValueError("a separator is one ASCII character other than a quotation mark or line break")
        return value
