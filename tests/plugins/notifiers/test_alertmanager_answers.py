"""What members of a cluster answer, what that means, and which settings are refused."""

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alertmanager_rig import Member, basic, member
from mail_server import certificates, free_port
from pmo_watch_plugins.notifiers.alertmanager import ALERTMANAGER
from pusher_bench import pusher, red, report, settings, shown
from pydantic import ValidationError

from pmo_watch.api import DeliveryError
from pmo_watch.log import CHATTY


@pytest.fixture
def am() -> Iterator[Member]:
    with member() as running:
        yield running


@pytest.mark.parametrize(
    ("status", "result"),
    [
        (200, None),
        (400, ("bad_request", False)),
        (422, ("bad_request", False)),
        (401, ("auth", True)),
        (403, ("auth", True)),
        (404, ("config", True)),
        (302, ("config", True)),
        (429, ("throttled", False)),
        (500, ("server_error", False)),
        (503, ("server_error", False)),
        (0, ("disconnected", False)),
    ],
)
async def test_answer_of_a_member(am: Member, status: int, result: tuple[str, bool] | None) -> None:
    am.status = status
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(red()))
        took = await opened.push()

    assert shown(took) == [result]


async def test_wrong_prefix_is_a_fault_of_the_settings() -> None:
    with member(prefix="/alerts") as am:
        async with pusher(am.url, am.url.replace("/alerts", "/am")) as opened:
            opened.cycle_finished(report(red()))
            took = await opened.push()

    assert shown(took) == [None, ("config", True)]
    assert len(am.posts) == 1


async def test_answer_to_a_faulty_body_is_told_and_the_other_batches_are_sent(am: Member) -> None:
    am.status = 400
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(*(red(number) for number in range(1, 502))))
        (refused,) = (await opened.push()).values()

    assert refused is not None
    assert refused.answer == '400 "what is wrong at /api/v2/alerts"'


async def test_member_that_is_down_or_slow_holds_up_no_other(am: Member) -> None:
    with member(slow=True) as slow:
        urls = (am.url, f"http://localhost:{free_port()}", slow.url)
        async with pusher(*urls, total_timeout_seconds=0.3) as opened:
            opened.cycle_finished(report(red()))
            async with asyncio.timeout(2):
                took = await opened.push()
        slow.released.set()

    assert shown(took) == [None, ("connect", False), ("timeout", False)]
    assert len(am.posts) == 1


async def test_certificate_is_checked_and_credentials_are_sent(tmp_path: Path) -> None:
    ca, context = certificates()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    with member(context) as am:
        async with pusher(am.url) as opened:
            opened.cycle_finished(report(red()))
            distrusted = await opened.push()
        given: dict[str, Any] = {"ca_file": "ca.pem"}
        signed: dict[str, Any] = {"basic_auth": {"username": "pmo", "password": "canary-word"}}
        for parts in (signed, {"bearer": "canary-token"}):
            async with pusher(am.url, folder=tmp_path, **{**given, **parts}) as opened:
                opened.cycle_finished(report(red()))
                assert shown(await opened.push()) == [None]

    assert shown(distrusted) == [("tls", True)]
    assert [one["Authorization"] for one in am.headers] == [basic("pmo", "canary-word"), "Bearer canary-token"]


async def test_secrets_are_in_no_error_and_no_log(
    am: Member, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    for chatty in CHATTY:
        caplog.set_level(logging.WARNING, logger=chatty)
    signed: dict[str, Any] = {"basic_auth": {"username": "pmo", "password": "canary-word"}}
    errors: list[DeliveryError | Exception | None] = []
    for status in (400, 401, 404, 302, 500, 0):
        am.status = status
        async with pusher(am.url, **signed) as opened:
            errors += (await opened.probe()).values()
    with pytest.raises(ValidationError) as faulty:
        settings("http://am.example.org", **signed)
    errors.append(faulty.value)

    said = caplog.text + "".join(capfd.readouterr()) + repr(settings(**signed))
    said += "".join(f"{one!r} {one} {getattr(one, '__cause__', '')} {vars(one) if one else ''}" for one in errors)
    assert "canary" not in said


# --- settings -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        ({"urls": []}, "at least 1 item"),
        ({"urls": ["am.example.org:9093"]}, "is no address of a member"),
        ({"urls": ["https://pmo:x@am.example.org"]}, "an address holds no password: set basic_auth"),
        ({"urls": ["https://am.example.org/api/v2/alerts"]}, "/api/v2/alerts is added to it"),
        ({"urls": ["https://a.example", "https://a.example/"]}, "the same address stands there twice"),
        ({"every": "2d"}, "every should be between 1s and 1d"),
        ({"urls": ["http://am.example.org"], "bearer": "x"}, "every url should begin with https://"),
        ({"bearer": "x", "basic_auth": {"username": "a", "password": "b"}}, "exclude each other"),
        ({"severity": {"red": ""}}, "at least 1 character"),
    ],
)
def test_setting_that_cannot_be_right_is_named_with_its_remedy(parts: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(text)):
        settings(**{"urls": ["http://localhost:9093"], **parts})


def test_clear_text_beyond_this_machine_is_warned_of() -> None:
    assert ALERTMANAGER.check(settings("http://localhost:9093", "https://am.example.org")) == []
    assert ALERTMANAGER.check(settings("http://am.example.org:9093")) == [
        "alerts travel in clear text to http://am.example.org:9093"
    ]


def test_severity_can_be_named_otherwise() -> None:
    assert settings(severity={"red": "page"}).severity.amber == "warning"
