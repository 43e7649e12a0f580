"""Faults of YAML files: places as an editor counts them, plain words, no secret shown, never a traceback."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, TypeAdapter

from pmo_watch.faults import Fault, did_you_mean, masked, or_known, quoted
from pmo_watch.yaml_faults import Faults, compose, compose_in_part, load, read_text

FILE = Path("file.yaml")


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sheet(Shape):
    type: Literal["sheet"]
    path: str
    password: SecretStr | None = None
    tags: list[str] | str = []


class Tracker(Shape):
    type: Literal["tracker"]
    url: str


class Everything(Shape):
    sources: dict[str, Annotated[Sheet | Tracker, Field(discriminator="type")]] = {}
    level: Literal["info", "debug"] = "info"
    number: int | list[int] = 0
    share: float = Field(0.5, le=1)
    words: list[str] = Field([], max_length=2)
    colours: dict[Literal["red", "amber"], int] = {}


ADAPTER = TypeAdapter(Everything)


def said(text: str) -> list[str]:
    """Return what is said of a file with this text, without its name."""
    with pytest.raises(Faults) as caught:
        load(FILE, ADAPTER, text)
    return [str(fault).removeprefix("file.yaml:") for fault in caught.value.faults]


def test_good_file_gives_the_model() -> None:
    loaded = load(FILE, ADAPTER, "sources: {kpi: {type: sheet, path: kpi.csv}}\nlevel: debug\n")

    assert loaded.sources["kpi"].type == "sheet"
    assert loaded.level == "debug"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("levle: info", "1:1: 'levle' is not known here, did you mean 'level'?"),
        ("level: inf", "1:8: 'inf' is not one of info, debug, did you mean 'info'?"),
        ("level: [info]", "1:8: should be one of info, debug here"),
        ("number: many", "1:9: 'many' should be a whole number or a list"),
        ("number: [1, many]", "1:13: 'many' should be a whole number"),
        ("share: 2", "1:8: should be less than or equal to 1"),
        ("words: [a, b, c]", "1:8: should hold at most 2, not 3"),
        ("words: [a, 2026-07-17]", "1:12: '2026-07-17' should be a text; put it in quotes"),
        ("colours: {green: 3}", "1:11: 'green' is not one of red, amber"),
        ("sources: {a: {type: shet}}", "1:21: type 'shet' does not exist, did you mean 'sheet'?"),
        ("sources: {a: {url: x}}", "1:14: 'type' is missing"),
        ("sources: {a: {type: tracker}}", "1:14: 'url' is missing"),
        ("sources: {a: {type: tracker, url: x, path: y}}", "1:38: 'path' is not known here; known here: type, url"),
        ("sources: {a: 5}", "1:14: '5' should be keys with values"),
        ("sources: {a: {type: sheet, path: x, tags: {b: c}}}", "1:43: should be a list or a text here"),
        ("- level", "1:1: should be keys with values here"),
    ],
)
def test_value_that_does_not_fit_is_said_at_its_place(text: str, expected: str) -> None:
    assert said(text) == [expected]


def test_all_faults_come_in_one_run_in_the_order_of_the_file() -> None:
    text = "number: x\nsources:\n  a: {type: sheet}\n  b: {type: shet}\nlevle: info\n"

    assert [one.partition(": ")[0] for one in said(text)] == ["1:9", "3:6", "4:13", "5:1"]


def test_key_twice_is_a_fault_of_the_second_and_the_first_counts() -> None:
    document, faults = compose_in_part(FILE, "a: 1\nb: {c: 1, c: 2}\na: 3\n")

    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [str(one) for one in faults] == [
        "file.yaml:2:11: the key 'c' stands twice; first in line 2",
        "file.yaml:3:1: the key 'a' stands twice; first in line 1",
    ]


def test_merged_keys_have_the_place_where_they_stand() -> None:
    text = "sources:\n  a: &usual {type: tracker, ulr: x}\n  b: {<<: *usual, url: y}\n"

    assert said(text) == [
        "2:6: 'url' is missing",
        "2:29: 'ulr' is not known here, did you mean 'url'?",
    ]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),  # YAML 1.1 reads these as flags, numbers in base 60, 8 and 16
        ("12:30", "12:30"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("012", 12),
        ("true", True),
        ("~", None),
        ("-3", -3),
        ("0.95", 0.95),
        ("'0.95'", "0.95"),
        ("!!str 5", "5"),
        ("2026-07-17", date(2026, 7, 17)),
        ("2026-07-17T10:30:00Z", datetime.fromisoformat("2026-07-17T10:30:00Z")),
        ("2026-02-30", "2026-02-30"),
        ("2026-W30", "2026-W30"),
        ("=", "="),
        ("9" * 5000, "9" * 5000),
    ],
)
@pytest.mark.parametrize("head", ["", "%YAML 1.1\n---\n"], ids=["plain", "declared 1.1"])
def test_scalars_are_read_as_yaml_1_2(head: str, written: str, value: object) -> None:
    assert compose(FILE, f"{head}a: {written}\n").data == {"a": value}


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_lines_count_as_an_editor_counts_them(ending: str) -> None:
    text = ending.join(["\ufeff# head", "level: info", "levle: info"])

    assert said(text) == ["3:1: 'levle' is not known here, did you mean 'level'?"]


def test_place_inside_a_text_is_found_behind_anchor_tag_and_quote() -> None:
    document = compose(FILE, 'a: &x !!str "over 5"\nb: over 5\nc: >\n  over\n  5\n')

    places = [document.fault(document.find(key), "", 5) for key in "abc"]

    assert [(one.line, one.column) for one in places] == [(1, 19), (2, 9), (3, 4)]


def test_long_line_is_shown_around_the_place() -> None:
    fault = Fault(FILE, 1, 301, "here", "x" * 300 + "Y" + "x" * 300)

    _, line, caret = fault.shown().splitlines()

    assert len(line) < 130
    assert line[caret.index("^")] == "Y"


def test_control_characters_never_reach_the_terminal() -> None:
    fault = compose_in_part(FILE, 'a: 1\na: "\u202e\xad"\n')[1][0]

    assert quoted("a\x1b[31m\u202e") == "'a·[31m·'"
    assert fault.snippet == 'a: "··"'
    assert str(Fault(Path("a\x1b\udcff.yaml"), 1, 1, "x")) == "a··.yaml:1:1: x"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("password: hunter2", "password: *******"),
        ("  smtp_password: 'a, b}'", "  smtp_password: *******"),
        ("{type: jira, token: abc, url: x}", "{type: jira, token: ***, url: x}"),
        ("url: postgresql://pmo:pw@host/db", "url: postgresql://******@host/db"),
        ("url: https://example.org/hook?a=1&sig=abc&b=2", "url: https://example.org/hook?a=1&sig=***&b=2"),
        ("rules: rules.d", "rules: rules.d"),
    ],
)
def test_secrets_are_masked_in_the_line_shown(line: str, expected: str) -> None:
    assert masked([line], 1) == expected


def test_secret_below_its_key_is_masked() -> None:
    assert masked(["token: |", "  first", "", "  second"], 4) == "  ******"


def test_secret_of_the_wrong_kind_is_not_repeated() -> None:
    assert said("sources: {a: {type: sheet, path: x, password: 12345}}") == ["1:47: should be a text here"]


@pytest.mark.parametrize(
    ("word", "known", "expected"),
    [
        ("milestoen", ["milestone", "project"], ", did you mean 'milestone'?"),
        ("MILESTONE", ["milestone"], ", did you mean 'milestone'?"),
        ("xyz", ["milestone", "project"], "; known here: milestone, project"),
        ("xyz", [f"name{n}" for n in range(20)], ""),
        ("x" * 100_000, ["milestone"], "; known here: milestone"),
    ],
)
def test_near_word_is_suggested(word: str, known: list[str], expected: str) -> None:
    assert or_known(word, known) == expected
    assert did_you_mean(word, known) in {expected, ""}


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "large.yaml").write_bytes(b"#" * 4_000_001)
    (tmp_path / "utf16.yaml").write_bytes("a: 1".encode("utf-16"))
    (tmp_path / "cp1252.yaml").write_bytes("a: 1\r\nb: clé\r\n".encode("cp1252"))

    found = {}
    for name in ("folder", "large", "utf16", "cp1252", "absent"):
        with pytest.raises(Faults) as caught:
            read_text(tmp_path / f"{name}.yaml")
        found[name] = str(caught.value).replace(f"{tmp_path}/", "")

    assert found == {
        "folder": "folder.yaml:1:1: this is a folder, not a file; rename it so that it does not end in .yaml or .yml",
        "large": "large.yaml:1:1: the file is larger than 4 MB; split it",
        "utf16": "utf16.yaml:1:1: the file is saved as UTF-16 ('Unicode'); save it again with the encoding UTF-8",
        "cp1252": "cp1252.yaml:2:6: the file is not UTF-8: 'é' is saved as Windows-1252; "
        "save it again with the encoding UTF-8",
        "absent": "absent.yaml:1:1: the file does not exist",
    }


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n\x00\x00", b"a: \xff\xd8\x00\x10", b"a: \xe9\x81"])
def test_file_that_is_no_text_is_not_taken_for_one_of_windows(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "picture.yaml").write_bytes(raw)

    with pytest.raises(Faults, match="1:1: the file is no text: restore it, or save it anew"):
        read_text(tmp_path / "picture.yaml")


def test_byte_order_mark_and_line_endings_are_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "notepad.yaml").write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r")

    assert read_text(tmp_path / "notepad.yaml") == "a: 1\nb: 2\n"


def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.yaml")

    with pytest.raises(Faults, match="this is not an ordinary file"):
        read_text(tmp_path / "pipe.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1]\n" + "".join(f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'}]\n" for n in range(5000)),
        "[" * 5000,
        "a: &a [*a]",
        'a: "\\UFFFFFFFF"',
        'a: "\\uD800"',
        "!<",
        "%TAG ! x\n---\n",
        "? ? ? ?",
        "&a *a",
        "- &a\n- *a",
        "a: !!int x",
        "a: !!float x",
        "a: !!timestamp x",
        "a: !!bool x",
        "!!null a: b",
        "<<: *a",
        "<<: [1, 2]",
        "<<: &a {<<: *a}",
        "--- |\n",
    ],
)
def test_strange_yaml_is_read_or_refused(text: str) -> None:
    faults: tuple[Fault, ...] = ()
    try:
        load(FILE, ADAPTER, text)
    except Faults as error:
        faults = error.faults

    assert all(fault.text and fault.line >= 1 and fault.column >= 1 for fault in faults)


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u2029"])
def test_line_separators_that_editors_do_not_show_are_refused(sign: str) -> None:
    code = f"U+{ord(sign):04X}"

    assert said(f"level: in{sign}fo") == [
        f"1:10: the line separator {code} is not allowed; start a new line, or delete it"
    ]


YAMLISH = st.text(st.sampled_from(list("abz: \n\t-?,[]{}&*!|>'\"%@`#=<~019.\\\ufeff\x00é")), max_size=60) | st.text(
    max_size=40
)


@settings(max_examples=600, deadline=None)
@given(YAMLISH)
def test_any_text_is_read_or_refused_with_places_inside_it(text: str) -> None:
    try:
        document, faults = compose_in_part(FILE, text)
    except Faults as error:
        faults = list(error.faults)
    else:
        assert document.root is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    for fault in faults:
        assert fault.text
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert str(fault).isprintable()


def test_a_name_of_another_kind_of_row_is_nearer_than_a_short_one() -> None:
    known = ["project.ac", "milestone.zigzag", "project.spi"]

    assert did_you_mean("project.zigzag", known) == ", did you mean 'milestone.zigzag'?"
    assert did_you_mean("project.acc", known) == ", did you mean 'project.ac'?"
