"""What the log says, and what it must never say."""

import base64
import json
import logging
import pathlib
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog

from pmo_watch.errors import SettingsError
from pmo_watch.log import Redaction, set_up_logging

SECRET = 'pä"ss/w&rd+1'


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    out, err = capsys.readouterr()
    assert out == ""
    line: dict[str, object] = json.loads(err.splitlines()[-1])
    return line


def test_event_is_one_json_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")

    structlog.get_logger("pmo_watch.tests").info("source read", source="plans", path=pathlib.Path("/plans"))

    line = last_line(capsys)
    assert str(line.pop("timestamp")).endswith("Z")
    assert line == {
        "event": "source read",
        "level": "info",
        "logger": "pmo_watch.tests",
        "source": "plans",
        "path": "/plans",
    }


def test_line_of_a_library_has_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info")

    logging.getLogger("library").warning("could not read %s", "it")

    line = last_line(capsys)
    assert (line["event"], line["level"], line["logger"]) == ("could not read it", "warning", "library")


def test_below_the_level_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("warning")

    structlog.get_logger("pmo_watch.tests").info("quiet")
    logging.getLogger("library").info("quiet too")

    assert capsys.readouterr().err == ""


def test_level_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(SettingsError) as caught:
        set_up_logging("loud")

    assert str(caught.value) == "there is no log level 'loud': choose DEBUG, INFO, WARNING, ERROR"


def test_chatty_loggers_stay_at_warning_even_at_debug(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("debug")

    logging.getLogger("httpx2").info("POST https://example.org/hook?sig=abc")
    logging.getLogger("httpcore2.connection").debug("response headers")

    assert capsys.readouterr().err == ""


def test_terminal_gets_lines_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    set_up_logging("info", [SECRET])

    structlog.get_logger("pmo_watch.tests").info("cycle finished", alerts=3, password=SECRET)

    line = capsys.readouterr().err
    assert not line.startswith("{")
    assert "cycle finished" in line
    assert SECRET not in line


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "json"])
def test_traceback_shows_no_local_variable(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    set_up_logging("info")
    local = "never-shown-" + "local"
    try:
        int(local[:1])
    except ValueError:
        structlog.get_logger("pmo_watch.tests").exception("failed")
        logging.getLogger("library").exception("failed there too")

    said = capsys.readouterr().err
    assert said.count("invalid literal for int()") >= 2
    assert "never-shown-local" not in said


def spellings(secret: str) -> dict[str, str]:
    encoded = base64.b64encode(secret.encode()).decode()
    login = base64.b64encode(f"ann:{secret}".encode()).decode()
    return {
        "plain": f"the password {secret} was refused",
        "in-a-url": f"GET https://example.org/?key={quote(secret, safe='')}&x=1",
        "in-a-path": f"GET https://example.org/{quote(secret)}",
        "base64": f"AUTH {encoded}",
        "base64-after-a-name": f"AUTH {login}",
        "repr": f"{[secret]}",
    }


@pytest.mark.parametrize("how", spellings(SECRET))
def test_known_secret_is_replaced_however_it_is_written(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", [SECRET])
    text = spellings(SECRET)[how]

    structlog.get_logger("pmo_watch.tests").info("peer answered", answer=text)
    logging.getLogger("library").warning("%s", text)

    said = capsys.readouterr().err
    assert said.count("***") == 2
    assert SECRET not in said
    assert base64.b64encode(SECRET.encode()).decode()[2:-4] not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("POST https://x.example/flow?api=1&sig=AbC-1_2&v=2", "POST https://x.example/flow?api=1&sig=***&v=2"),
        ("GET /ack/v1.k2.eyJt.c2ln HTTP/1.1", "GET /ack/*** HTTP/1.1"),
        ("Authorization: Bearer eyJ0.abc-_~+/=", "Authorization: Bearer ***"),
        ("Authorization: Basic cG1vOnNlY3JldA==", "Authorization: Basic ***"),
        ("nothing to hide", "nothing to hide"),
    ],
    ids=["signature", "link", "bearer", "basic", "plain"],
)
def test_what_looks_like_a_secret_is_replaced(text: str, shown: str) -> None:
    assert Redaction().clean(text) == shown


def test_secret_of_before_a_reload_stays_secret() -> None:
    redaction = Redaction(["first-secret"])

    redaction.learn(["second-secret"])

    assert redaction.clean("first-secret, second-secret") == "***, ***"


def test_short_secret_does_not_blot_out_the_log() -> None:
    assert Redaction(["abc", ""]).clean("abc is an ordinary word") == "abc is an ordinary word"


def test_secret_inside_a_traceback_is_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", [SECRET])
    try:
        raise ValueError(f"cannot sign in with {SECRET}")
    except ValueError:
        structlog.get_logger("pmo_watch.tests").exception("failed")

    assert "cannot sign in with ***" in capsys.readouterr().err
