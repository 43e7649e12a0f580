"""Workbooks: formats, formulas, dates, hidden things, and what is refused."""

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from lists import Read, read_text
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from pmo_watch.api import SourceDataError, SourceRefused

HEADER = ("task_id", "project_id", "name", "forecast_finish")
Sheet = Sequence[Sequence[Any]]


def book(*sheets: tuple[str, Sheet], change: Callable[[openpyxl.Workbook], None] = lambda _: None) -> bytes:
    """Return a workbook of named sheets; `change` sees it before it is written."""
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets:
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def tasks(*rows: Sequence[Any], header: Sequence[str] = HEADER, **change: Any) -> bytes:
    return book(("Plan", [header, *rows]), **change)


def read_book(folder: Path, content: bytes, **settings: Any) -> Read:
    return read_text(folder, content, path=settings.pop("path", "tasks.xlsx"), **settings)


def with_results(content: bytes, *results: str) -> bytes:
    """Return the workbook as a spreadsheet program leaves it: with the result of each formula, in order."""
    out = io.BytesIO()
    left = list(results)
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            while name.startswith("xl/worksheets/") and left:
                data = re.sub(rb"<v></v>|<v ?/>", f"<v>{left.pop(0)}</v>".encode(), data, count=1)
            after.writestr(name, data)
    return out.getvalue()


def without(content: bytes, *names: str, more: dict[str, bytes] | None = None) -> bytes:
    """Return the archive without some members, and with others."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            if name not in names:
                after.writestr(name, before.read(name))
        for name, data in (more or {}).items():
            after.writestr(name, data)
    return out.getvalue()


def test_cells_are_what_the_workbook_says(tmp_path: Path) -> None:
    def formats(made: openpyxl.Workbook) -> None:
        sheet = made.worksheets[0]
        sheet["E2"].number_format = "0%"
        sheet["E3"].number_format = "0.0%"
        sheet["F2"].number_format = '#,##0.00 "€"'
        sheet["F3"].number_format = "[$€-80C] #,##0"
        sheet["D3"].number_format = "dd/mm/yyyy hh:mm"

    answer = read_book(
        tmp_path,
        tasks(
            (1, "ATL", "Design", date(2026, 6, 30), 0.45, 1234.567, True, timedelta(hours=40), 12),
            (2.0, "ATL", 3.5, datetime.fromisoformat("2026-07-01T17:00"), 1, 12500, False, 8, "x"),
            header=(*HEADER, "progress", "cost", "active", "work_h", "labels"),
            change=formats,
        ),
    )

    first, second = answer.rows("task")
    assert [first["id"], first["name"], first["forecast_finish"]] == ["1", "Design", date(2026, 6, 30)]
    assert [first["progress"], first["cost"], first["active"], first["work"]] == [45, Decimal("1234.567"), True, 40]
    assert [second["id"], second["name"], second["forecast_finish"]] == ["2", "3.5", date(2026, 7, 1)]
    assert [second["progress"], second["cost"], second["active"], second["work"]] == [100, 12500, False, 8]
    assert [first["labels"], second["labels"]] == [["12"], ["x"]]
    assert answer.rejected == []


def test_numbers_have_no_decimal_mark_to_settle(tmp_path: Path) -> None:
    answer = read_book(tmp_path, tasks((1, "ATL", "a", None, 1.234), header=(*HEADER, "story_points")))

    assert answer.column("task", "story_points") == [Decimal("1.234")]
    assert (
        "tasks.xlsx:Plan: column E 'story_points' -> story_points: number, numbers of the workbook"
        in answer.summary.decisions
    )


def test_texts_among_numbers_go_by_the_rules_of_texts(tmp_path: Path) -> None:
    rows = [
        (1, "ATL", "a", "30/06/2026", "12,5"),
        (2, "ATL", "b", date(2026, 7, 1), 1.234),
        (3, "ATL", "c", 46027, "x"),
    ]

    answer = read_book(tmp_path, tasks(*rows, header=(*HEADER, "story_points")))

    assert answer.column("task", "story_points") == [Decimal("12.5"), Decimal("1.234"), None]
    assert answer.column("task", "forecast_finish") == [date(2026, 6, 30), date(2026, 7, 1), None]
    assert answer.rejected == [
        "tasks.xlsx:Plan:row 4 | forecast_finish | 46027 | not a date; 'dates: excel' reads numbers of days",
        "tasks.xlsx:Plan:row 4 | story_points | x | not a number",
    ]


def test_numbers_are_days_only_when_that_is_declared(tmp_path: Path) -> None:
    answer = read_book(tmp_path, tasks((1, "ATL", "a", 46027)), dates="excel")

    assert answer.column("task", "forecast_finish") == [date(2026, 1, 5)]


def test_workbooks_may_count_days_from_1904(tmp_path: Path) -> None:
    def mac(made: openpyxl.Workbook) -> None:
        made.epoch = CALENDAR_MAC_1904

    answer = read_book(tmp_path, tasks((1, "ATL", "a", date(2026, 1, 5)), change=mac))

    assert answer.column("task", "forecast_finish") == [date(2026, 1, 5)]


def test_the_first_visible_sheet_with_a_header_is_read(tmp_path: Path) -> None:
    def hide(made: openpyxl.Workbook) -> None:
        made["Old"].sheet_state = "hidden"

    content = book(
        ("Old", [HEADER, (9, "OLD", "x", date(2020, 1, 1))]),
        ("Read me", [("Plan of ATL",), ("by Zoë",)]),
        ("Plan", [("Suivi",), (), HEADER, (1, "ATL", "a", date(2026, 1, 5))]),
        ("More", [HEADER, (2, "ATL", "b", date(2026, 1, 5))]),
        change=hide,
    )

    answer = read_book(tmp_path, content)

    assert answer.column("task", "id") == ["1"]
    assert answer.summary.decisions[0] == "tasks.xlsx:Plan: profile tasks, workbook, header in row 3; above it: Suivi"


@pytest.mark.parametrize("sheet", ["Old", "old", 1])
def test_a_sheet_that_is_named_is_read_even_hidden(tmp_path: Path, sheet: str | int) -> None:
    def hide(made: openpyxl.Workbook) -> None:
        made["Old"].sheet_state = "hidden"

    content = book(
        ("Old", [HEADER, (9, "OLD", "x", date(2020, 1, 1))]), ("Plan", [HEADER, (1, "ATL", "a", None)]), change=hide
    )

    assert read_book(tmp_path, content, sheet=sheet).column("task", "id") == ["9"]


def test_a_sheet_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        read_book(tmp_path, tasks((1, "ATL", "a", None)), sheet="Plann")

    assert str(caught.value) == "tasks.xlsx: 'sheet: Plann' is not there; the workbook has 'Plan'"


def test_the_row_of_the_header_may_be_said(tmp_path: Path) -> None:
    content = book(("Plan", [HEADER, (9, "OLD", "x", None), (), HEADER, (1, "ATL", "a", None)]))

    assert read_book(tmp_path, content, header_row=4).column("task", "id") == ["1"]
    with pytest.raises(SourceDataError) as caught:
        read_book(tmp_path, content, header_row=3)
    assert str(caught.value) == "tasks.xlsx: 'header_row: 3' is empty or beyond the rows of the sheet"


def test_a_workbook_without_header_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(SourceDataError, match=r"^tasks\.xlsx: no header of profile tasks in the first 30 records\."):
        read_book(tmp_path, book(("Plan", [("a", "b"), (1, 2)]), ("Empty", [])))


def test_formulas_without_result_are_null_and_reported(tmp_path: Path) -> None:
    content = tasks((1, "ATL", "=A2&B2", date(2026, 1, 5)), (2, "ATL", None, date(2026, 1, 5)))

    answer = read_book(tmp_path, content)

    assert answer.column("task", "name") == [None, None]
    assert answer.rejected == [
        "tasks.xlsx:Plan:row 2 | name |  | formula never calculated: open and save the workbook once"
    ]


def test_formulas_without_result_in_a_key_cost_the_file(tmp_path: Path) -> None:
    with pytest.raises(SourceDataError) as caught:
        read_book(tmp_path, tasks(("=1+1", "ATL", "a", None), (2, "ATL", "b", None)))

    assert str(caught.value) == (
        "tasks.xlsx:Plan:row 2: column A 'task_id' identifies rows, but its formula was never calculated: open and "
        "save the workbook once"
    )


def test_results_of_formulas_are_read(tmp_path: Path) -> None:
    content = with_results(tasks(("=1+1", "ATL", "a", None), ("=1+2", "ATL", "b", None)), "2", "3")

    assert read_book(tmp_path, content).column("task", "id") == ["2", "3"]


def test_a_formula_may_give_an_empty_text(tmp_path: Path) -> None:
    content = with_results(tasks(("=1+1", "ATL", "a", None), (3, "ATL", '=""', None)), "2")

    answer = read_book(tmp_path, content)

    assert answer.column("task", "name") == ["a", None]
    assert answer.rejected == []


def test_errors_of_formulas_are_null_and_reported(tmp_path: Path) -> None:
    answer = read_book(tmp_path, tasks((1, "ATL", "#REF!", "#N/A"), (2, "ATL", "b", date(2026, 1, 5))))

    assert answer.column("task", "name") == [None, "b"]
    assert answer.rejected == [
        "tasks.xlsx:Plan:row 2 | name | #REF! | the result of a formula that failed",
        "tasks.xlsx:Plan:row 2 | forecast_finish | #N/A | the result of a formula that failed",
    ]


def test_dates_in_a_key_column_replaced_codes(tmp_path: Path) -> None:
    answer = read_book(tmp_path, tasks((date(2026, 4, 3), "ATL", "a", None), ("3-5", "ATL", "b", None)))

    assert answer.column("task", "id") == ["3-5"]
    (told,) = answer.rejected
    assert told == (
        "tasks.xlsx:Plan:row 2 | task_id | 2026-04-03 | "
        "a date replaced the code: format the column as text and type the code again"
    )


def hide_some(made: openpyxl.Workbook) -> None:
    sheet = made["Plan"]
    assert isinstance(sheet, Worksheet)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions["E"].hidden = True


@pytest.mark.parametrize(("skip", "ids", "owners"), [(False, ["1", "2"], ["Zoë", "An"]), (True, ["1"], [None])])
def test_hidden_rows_and_columns(tmp_path: Path, skip: bool, ids: list[str], owners: list[str | None]) -> None:
    rows = [(1, "ATL", "a", None, "Zoë"), (2, "ATL", "b", None, "An")]

    answer = read_book(tmp_path, tasks(*rows, header=(*HEADER, "owner"), change=hide_some), skip_hidden=skip)

    assert answer.column("task", "id") == ids
    assert [row.get("owner") for row in answer.rows("task")] == owners


def test_merged_cells_hold_their_value_once(tmp_path: Path) -> None:
    def merge(made: openpyxl.Workbook) -> None:
        made.worksheets[0].merge_cells("B2:B3")

    content = tasks((1, "ATL", "a", None), (2, None, "b", None), change=merge)

    assert read_book(tmp_path, content, fill_down=["project_id"]).column("task", "project") == ["ATL", "ATL"]


def test_reading_ends_after_a_thousand_empty_rows(tmp_path: Path) -> None:
    rows: list[Sequence[Any]] = [(1, "ATL", "a", None), *[(" ",)] * 1100, (2, "ATL", "b", None)]

    answer = read_book(tmp_path, tasks(*rows))

    assert answer.column("task", "id") == ["1"]
    assert "tasks.xlsx:Plan: reading ended in row 1002, after 1000 empty ones" in answer.summary.decisions


def test_notes_beside_the_table_are_no_cells_of_it(tmp_path: Path) -> None:
    rows = [(1, "ATL", "a", None, None, None, "see mail"), (2, "ATL", "b", date(2026, 1, 5), None, None, "x")]

    answer = read_book(tmp_path, tasks(*rows))

    assert answer.column("task", "id") == ["1", "2"]
    assert answer.rejected == []


def test_dimensions_that_are_wrong_are_not_believed(tmp_path: Path) -> None:
    content = tasks((1, "ATL", "a", date(2026, 1, 5)), (2, "ATL", "b", None))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    wrong = sheet.replace(b'ref="A1:D3"', b'ref="A1:B2"')
    assert wrong != sheet

    answer = read_book(tmp_path, without(content, "xl/worksheets/sheet1.xml", more={"xl/worksheets/sheet1.xml": wrong}))

    assert answer.column("task", "name") == ["a", "b"]


def test_more_rows_than_may_be(tmp_path: Path) -> None:
    with pytest.raises(SourceRefused) as caught:
        read_book(tmp_path, tasks((1, "ATL", "a", None), (2, "ATL", "b", None)), max_rows=1)

    assert str(caught.value) == "tasks.xlsx:Plan: has more rows than 'max_rows: 1': raise it, or part the file"


def test_what_unpacks_to_too_much_is_not_opened(tmp_path: Path) -> None:
    content = without(tasks((1, "ATL", "a", None)), more={"xl/media/zeros": b"\0" * 21_000_000})
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(name, before.read(name))

    with pytest.raises(SourceRefused) as caught:
        read_book(tmp_path, packed.getvalue(), max_size_mb=1)

    assert str(caught.value) == (
        "tasks.xlsx: unpacks to 21 MB, more than 20 times 'max_size_mb: 1': raise it, or part the file"
    )


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in members.items():
            made.writestr(name.replace("__", "/"), data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"),
            "is an OpenDocument file (.ods): save as .xlsx or CSV",
        ),
        (
            without(archive(xl__workbook=b""), more={"xl/workbook.bin": b""}),
            "is a binary workbook (.xlsb): save as .xlsx or CSV",
        ),
        (archive(notes=b"x"), "is an archive and no workbook: save the list as .xlsx or CSV"),
        (b"PK\x03\x04 and no more", "is a broken archive (File is not a zip file): save the workbook again"),
    ],
    ids=["ods", "xlsb", "archive", "broken"],
)
def test_other_archives_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(SourceDataError) as caught:
        read_book(tmp_path, content)

    assert str(caught.value) == f"tasks.xlsx: {reason}"


@pytest.mark.parametrize(
    ("member", "data"),
    [
        ("xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r='1'><c r='A1'"),
        ("xl/workbook.xml", b"<workbook/>"),
        ("[Content_Types].xml", b"<Types>"),
    ],
    ids=["sheet", "workbook", "types"],
)
def test_a_broken_workbook_is_told_without_a_traceback(tmp_path: Path, member: str, data: bytes) -> None:
    content = without(tasks((1, "ATL", "a", None)), member, more={member: data})

    with pytest.raises(SourceDataError, match=r"^tasks\.xlsx: "):
        read_book(tmp_path, content)


def test_a_macro_workbook_is_read_like_any_other(tmp_path: Path) -> None:
    answer = read_book(tmp_path, tasks((1, "ATL", time(8, 30), None)), path="tasks.xlsm")

    assert answer.column("task", "name") == ["08:30:00"]


def test_what_openpyxl_leaves_out_is_nobodys_worry(tmp_path: Path) -> None:
    content = tasks((1, "ATL", "a", None))
    with zipfile.ZipFile(io.BytesIO(content)) as made:
        sheet = made.read("xl/worksheets/sheet1.xml")
    validation = b'<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"/></extLst></worksheet>'
    extended = {"xl/worksheets/sheet1.xml": sheet.replace(b"</worksheet>", validation)}

    answer = read_book(tmp_path, without(content, *extended, more=extended))

    assert answer.column("task", "id") == ["1"]
