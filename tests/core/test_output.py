"""Tables of commands: whole lines for programs and files, names in one piece on a narrow terminal."""

import io
import re
import sys

import pytest

from pmo_watch.output import Format, show

NAME, LONG = "status_report.contractor_days_late", "Working days by which a contractor's report came late. " * 8
ROWS = [{"measure": NAME, "unit": "wd", "amber": "over 0 wd", "meaning": LONG}, {"measure": "a.b", "unit": "%"}]
COLUMNS = ("measure", "unit", "meaning", "amber")


class Terminal(io.StringIO):
    """A terminal that keeps what it shows."""

    def isatty(self) -> bool:
        return True


def on_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    show(ROWS, COLUMNS, Format.TABLE, narrow=("measure", "unit", "meaning"))
    return re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()


def test_row_is_one_line_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, COLUMNS, Format.TABLE, narrow=("measure",))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["measure", NAME, "a.b"]
    assert LONG.strip() in lines[1]


def test_name_stays_in_one_piece_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = on_terminal(80, monkeypatch)
    assert sum(NAME in line for line in lines) == 1
    assert max(map(len, lines)) <= 80
    assert "amber" not in lines[0]


def test_wide_terminal_shows_every_column(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "amber" in on_terminal(140, monkeypatch)[0]
