"""HTTP for sources over real sockets: what is sent, what is tried again and how long after, what ends a reading."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from rest_server import Reply, ScriptedServer, packed, scripted
from structlog.testing import capture_logs

from pmo_watch import __version__
from pmo_watch.api import (
    Headers,
    HttpSettings,
    Organisation,
    Request,
    Rest,
    SourceContext,
    SourceDataError,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)

NOW = datetime(2026, 11, 20, 10, tzinfo=UTC)
TOKEN = "a-token-nobody-may-see"
GOOD = Reply(b'{"ok": true}')


def sign(request: Request) -> None:
    request.headers["Authorization"] = f"Bearer {TOKEN}"


def context(folder: Path = Path()) -> SourceContext:
    return SourceContext("live", folder, NOW, UTC, Organisation(), {})


class Waits(list[float]):
    """How long would have been waited: time that passes at once."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@contextmanager
def asking(base: str, waits: Waits | None = None, **settings: Any) -> Iterator[Rest]:
    """Give a client whose waits cost no time."""
    rest = Rest(base, HttpSettings(**settings), context(), sign=sign, pause=Waits() if waits is None else waits)
    try:
        yield rest
    finally:
        rest.close()


def said(call: Callable[[], object], kind: type[SourceError]) -> str:
    """Return the words of the error that a call raises."""
    with pytest.raises(kind) as fault:
        call()
    assert type(fault.value) is kind
    return str(fault.value)


# --- what is sent and what comes back -----------------------------------------------------------------------------


def test_answer_holds_exact_fractions_and_whole_numbers() -> None:
    with scripted(Reply(b'{"a": 0.1, "b": 12345678901234567890, "c": [1e2]}')) as server, asking(server.base) as rest:
        answer = rest.get("/x")

    assert answer.status == 200
    assert answer.data == {"a": Decimal("0.1"), "b": 12345678901234567890, "c": [Decimal("1E+2")]}
    assert isinstance(answer.data["b"], int)


def test_request_is_signed_and_says_who_asks() -> None:
    with scripted() as server, asking(f"{server.base}/jira/") as rest:
        rest.get("rest/api/2/search", {"jql": "a = 'b' & c", "$select": "id,name"}, {"Prefer": "x"})

    (asked,) = server.asked
    assert asked.target == "/jira/rest/api/2/search?jql=a%20%3D%20'b'%20%26%20c&$select=id,name"
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["User-Agent"] == f"pmo-watch/{__version__}"
    assert asked.headers["Prefer"] == "x"


def test_question_is_sent_as_json_and_a_form_unsigned() -> None:
    with scripted() as server, scripted() as tokens, asking(server.base) as rest:
        rest.ask("/search", {"jql": "é", "fields": ["id"]})
        rest.form(f"{tokens.base}/oauth2/token", {"grant_type": "client_credentials", "client_secret": "s3cr3t&="})

    (question,), (form,) = server.asked, tokens.asked
    assert (question.method, json.loads(question.body)) == ("POST", {"jql": "é", "fields": ["id"]})
    assert question.headers["Content-Type"] == "application/json"
    assert form.body == b"grant_type=client_credentials&client_secret=s3cr3t%26%3D"
    assert "Authorization" not in form.headers


@pytest.mark.parametrize(
    "target",
    ["/api/data?$skiptoken=%3Ccookie%20pagenumber=%222%22%3E&x=a+b", "/a%2Fb/%e2%82%ac?q='{}|'", "/x?", '/a?c="1"<2>'],
)
def test_link_is_followed_byte_for_byte(target: str) -> None:
    with scripted() as server, asking(server.base) as rest:
        rest.follow(f"{server.base}{target}")
        rest.follow(target)

    assert [one.target for one in server.asked] == [target, target]


@pytest.mark.parametrize("status", [201, 202, 204])
def test_answer_without_a_body_has_no_data(status: int) -> None:
    with scripted(Reply(b"", status)) as server, asking(server.base) as rest:
        assert rest.get("/x").data is None


def test_status_that_the_source_allows_is_an_answer() -> None:
    with scripted(Reply(b'{"message": "gone"}', 410), Reply(b"<html>", 404)) as server, asking(server.base) as rest:
        gone, missing = rest.get("/x", allow={404, 410}), rest.ask("/x", {}, allow={404, 410})

    assert (gone.status, gone.data) == (410, {"message": "gone"})
    assert (missing.status, missing.data) == (404, None)


def test_cookies_are_not_kept() -> None:
    with scripted(Reply(headers={"Set-Cookie": "JSESSIONID=1"})) as server, asking(server.base) as rest:
        rest.get("/a")
        rest.get("/b")

    assert all("Cookie" not in one.headers for one in server.asked)


def test_cost_counts_requests_tries_and_bytes_from_the_beginning_of_a_reading() -> None:
    with scripted(Reply(status=503), GOOD) as server, asking(server.base) as rest:
        rest.get("/x")
        first = rest.cost
        rest.begin()
        rest.get("/x")

    assert (first["requests"], first["retries"], first["bytes"]) == (2, 1, len(b"{}") + len(GOOD.body))
    assert (rest.cost["requests"], rest.cost["retries"]) == (1, 0)
    assert first["seconds"] > 0


# --- what is tried again ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_trouble_that_may_pass_is_tried_again_after_a_while(status: int) -> None:
    waits = Waits()
    with scripted(Reply(b"<html>", status), GOOD) as server, asking(server.base, waits) as rest:
        assert rest.get("/x").data == {"ok": True}

    (wait,) = waits
    assert 4 <= wait <= 6


def test_whoever_waits_is_told_why_and_how_long() -> None:
    told: list[str] = []
    listening = replace(context(), progress=told.append)
    with scripted(Reply(b"", 429, {"Retry-After": "30"}), GOOD) as server:
        rest = Rest(server.base, HttpSettings(), listening, sign=sign, pause=Waits())
        rest.get("/x", {"secret": "no-one"})
        rest.close()

    assert told == [f"127.0.0.1:{server.port}/x answered 429 Too Many Requests; asking again in 30 s"]


def test_five_tries_are_all_and_waits_double() -> None:
    waits = Waits()
    with scripted(Reply(b"<html>busy</html>", 503)) as server, asking(server.base, waits) as rest:
        text = said(lambda: rest.ask("/search", {}), SourceUnavailable)

    assert text == f"127.0.0.1:{server.port}/search answered 503 Service Unavailable: a web page, 5 tries"
    assert len(server.asked) == 5
    assert all(0.8 * usual <= wait <= 1.2 * usual for wait, usual in zip(waits, (5, 10, 20, 40), strict=True))


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(drop=True), "the connection was cut"),
        (Reply(b'{"a": 1}', announced=500), "the connection was cut"),
        (Reply(b'{"a": [1, 2', announced=-1), "only half of the answer came"),
    ],
    ids=["hung up", "shorter than announced", "half a text"],
)
def test_answer_that_is_cut_off_is_asked_for_again(reply: Reply, words: str) -> None:
    with scripted(reply, GOOD) as server, asking(server.base) as rest:
        assert rest.get("/x").data == {"ok": True}
    with scripted(reply) as server, asking(server.base) as rest:
        assert said(lambda: rest.get("/x"), SourceUnavailable) == f"127.0.0.1:{server.port}/x: {words}, 5 tries"


def test_nobody_there_is_unavailable_after_five_tries() -> None:
    with scripted() as server:
        base, port = server.base, server.port
    waits = Waits()
    with asking(base, waits) as rest:
        text = said(lambda: rest.get("/x"), SourceUnavailable)

    assert text == f"127.0.0.1:{port}/x: no connection: Connection refused, 5 tries"
    assert len(waits) == 4


def test_silence_between_two_bytes_is_tried_again() -> None:
    hold = threading.Event()
    with scripted(Reply(hold=hold), GOOD) as server, asking(server.base, timeout_read_seconds=0.1) as rest:
        assert rest.get("/x").data == {"ok": True}
        hold.set()
    with scripted(Reply(hold=hold)) as server, asking(server.base, timeout_read_seconds=0.05) as rest:
        hold.clear()
        text = said(lambda: rest.get("/x"), SourceUnavailable)
        hold.set()

    assert text.endswith("/x: nothing came for 0.05 s, 5 tries")


@pytest.mark.parametrize(
    ("body", "words"),
    [(b'{"a": }', "its answer is not JSON: line 1, column 7: Expecting value"), (b"OK", "its answer is not JSON")],
    ids=["broken", "a word"],
)
def test_answer_that_is_no_json_is_asked_for_once_more_at_once(body: bytes, words: str) -> None:
    waits = Waits()
    with scripted(Reply(body), GOOD) as server, asking(server.base, waits) as rest:
        assert rest.get("/x").data == {"ok": True}
    with scripted(Reply(body)) as server, asking(server.base, waits) as rest:
        text = said(lambda: rest.get("/x"), SourceDataError)

    assert text == f"127.0.0.1:{server.port}/x: {words}, 2 tries"
    assert waits == []


def test_damaged_compression_is_no_data() -> None:
    with (
        scripted(Reply(b"no gzip", headers={"Content-Encoding": "gzip"})) as server,
        asking(server.base) as rest,
    ):
        assert "its compressed answer is damaged, 2 tries" in said(lambda: rest.get("/x"), SourceDataError)


# --- how long a system asks to be left alone ----------------------------------------------------------------------


def in_a_minute() -> dict[str, str]:
    """Return headers of a server whose clock is an hour slow."""
    now = datetime.now(UTC) - timedelta(hours=1)
    return {"Retry-After": format_datetime(now + timedelta(seconds=60), usegmt=True), "Date": format_datetime(now)}


@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"Retry-After": "33"}, 33, 33),
        ({"Retry-After": "1"}, 4, 6),
        ({"Retry-After": "soon"}, 4, 6),
        ({"Retry-After": "-5"}, 4, 6),
        ({"Retry-After": "900"}, 900, 900),
        ({"Retry-After": "Fri, 13 Nov 2026 10:00:60 GMT"}, 4, 6),
    ],
    ids=str,
)
def test_longer_of_the_usual_and_the_named_wait_counts(headers: dict[str, str], least: float, most: float) -> None:
    waits = Waits()
    with scripted(Reply(status=429, headers=headers), GOOD) as server, asking(server.base, waits) as rest:
        rest.get("/x")

    (wait,) = waits
    assert least <= wait <= most


def test_no_wait_is_taken_at_its_word() -> None:
    waits = Waits()
    past = {"Retry-After": "Fri, 13 Nov 2020 10:00:00 GMT"}
    replies = (Reply(status=429, headers={"Retry-After": "0"}), Reply(status=503, headers=past), GOOD)
    with scripted(*replies) as server, asking(server.base, waits) as rest:
        rest.get("/x")

    assert waits == []


def test_date_counts_from_the_clock_of_the_answer() -> None:
    waits = Waits()
    slow_clock = Reply(status=503, headers=in_a_minute())
    with scripted(slow_clock, GOOD) as server, asking(server.base, waits) as rest:
        rest.get("/x")

    (wait,) = waits
    assert 59 <= wait <= 61


def test_date_of_a_year_that_no_calendar_holds_is_no_date() -> None:
    waits = Waits()
    odd = {"Retry-After": f"Fri, 13 Nov {'9' * 20} 10:00:00 GMT"}
    with scripted(Reply(status=503, headers=odd), GOOD) as server, asking(server.base, waits) as rest:
        rest.get("/x")

    (wait,) = waits
    assert 4 <= wait <= 6, "the usual wait"


def test_wait_beyond_the_limit_ends_the_reading_and_says_how_long() -> None:
    waits = Waits()
    with (
        scripted(Reply(status=429, headers={"Retry-After": "901"})) as server,
        asking(server.base, waits) as rest,
        pytest.raises(SourceUnavailable) as fault,
    ):
        rest.get("/x")

    assert fault.value.retry_after == 901
    assert str(fault.value).endswith(
        "/x answered 429 Too Many Requests, and asks for 901 s of rest: more than retry_after_limit_minutes allows"
    )
    assert (len(server.asked), waits) == (1, [])


def test_wait_that_was_named_to_the_last_is_kept_for_the_next_reading() -> None:
    with (
        scripted(Reply(status=429, headers={"Retry-After": "120"})) as server,
        asking(server.base) as rest,
        pytest.raises(SourceUnavailable) as fault,
    ):
        rest.get("/x")

    assert (len(server.asked), fault.value.retry_after) == (5, 120)


def test_request_near_the_limit_lets_a_second_pass() -> None:
    waits = Waits()

    def near(headers: Headers) -> bool:
        return headers.get("X-RateLimit-NearLimit") == "true"

    with scripted(Reply(headers={"X-RateLimit-NearLimit": "true"}), GOOD) as server:
        rest = Rest(server.base, HttpSettings(), context(), sign=sign, near_limit=near, pause=waits)
        for _ in range(3):
            rest.get("/x")
        rest.close()

    assert waits == [1.0]


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "said_by_it"),
    [
        (
            400,
            b'{"errorMessages": ["The value \'X\' does not exist."], "errors": {}}',
            ": The value 'X' does not exist.",
        ),
        (403, b'{"error": {"code": "0x80040220", "message": "prv  Read\\nmissing"}}', ": 0x80040220; prv Read missing"),
        (401, b"<html><body>Sign in</body></html>", ": a web page"),
        (404, b"", ""),
        (418, b"no   tea\n", ": no tea"),
        (400, b"x" * 5000, f": {'x' * 300}"),
        (402, b'{"half": ', ': {"half":'),
    ],
    ids=str,
)
def test_refusal_is_said_once_with_what_the_system_says(status: int, body: bytes, said_by_it: str) -> None:
    waits = Waits()
    with scripted(Reply(body, status)) as server, asking(server.base, waits) as rest:
        text = said(lambda: rest.get("/rest/x", {"jql": "secret words"}), SourceRefused)

    phrase = HTTPStatus(status).phrase
    assert text == f"127.0.0.1:{server.port}/rest/x answered {status} {phrase}{said_by_it}"
    assert (len(server.asked), waits) == (1, [])


def test_other_fault_of_the_server_is_not_tried_again() -> None:
    with scripted(Reply(status=501)) as server, asking(server.base) as rest:
        assert said(lambda: rest.get("/x"), SourceUnavailable).endswith("/x answered 501 Not Implemented")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "what"), [(b" <!doctype html>", "a web page"), (b"", "nothing")], ids=["page", "nothing"]
)
def test_web_page_in_place_of_data_is_a_sign_in(body: bytes, what: str) -> None:
    with scripted(Reply(body)) as server, asking(server.base) as rest:
        text = said(lambda: rest.get("/x"), SourceRefused)

    place = f"127.0.0.1:{server.port}"
    assert text == f"{place}/x: {what} came instead of data: is {place} behind a sign-in?"


def test_no_text_and_no_log_holds_a_secret() -> None:
    echo = json.dumps({"message": f"no account for {TOKEN}, secret s3cr3t-value"}).encode()
    with scripted(Reply(echo, 401)) as server, asking(server.base) as rest, capture_logs() as logs:
        refused = said(lambda: rest.get("/x"), SourceRefused)
        form = said(lambda: rest.form(f"{server.base}/t", {"client_secret": "s3cr3t-value"}), SourceRefused)
        server.replies = [Reply(echo, 503)]
        busy = said(lambda: rest.get("/x", {"token": "q-secret"}), SourceUnavailable)

    assert refused.endswith("401 Unauthorized: no account for ***, secret s3cr3t-value")
    assert form.endswith("401 Unauthorized: no account for ***, secret ***")
    for secret in (TOKEN, "q-secret"):
        assert secret not in busy
        assert secret not in str(logs)


@pytest.mark.parametrize("space", range(280, 300, 4))
def test_secret_where_a_long_text_is_cut_leaves_nothing_of_itself(space: int) -> None:
    echo = f"{'x' * space} {TOKEN}".encode()
    with scripted(Reply(echo, 401)) as server, asking(server.base) as rest:
        text = said(lambda: rest.get("/x"), SourceRefused)

    assert TOKEN[:4] not in text


def test_form_that_is_repeated_as_it_was_sent_shows_no_secret() -> None:
    fields = {"client_id": "pmo", "client_secret": "s3/cr3t+val=ue"}
    echo = b"not understood: client_id=pmo&client_secret=s3%2Fcr3t%2Bval%3Due"
    with scripted(Reply(echo, 400)) as server, asking(server.base) as rest:
        text = said(lambda: rest.form(f"{server.base}/t", fields), SourceRefused)

    assert text.endswith("not understood: client_id=pmo&client_secret=***")


def test_password_of_a_basic_sign_in_is_hidden_however_it_is_repeated() -> None:
    def basic(request: Request) -> None:
        request.headers["Authorization"] = "Basic " + b64encode(b"ann:my:pass").decode()

    echo = json.dumps(
        {"got": b64encode(b"ann:my:pass").decode(), "message": "ann may not sign in with my:pass"}
    ).encode()
    with scripted(Reply(echo, 401)) as server:
        rest = Rest(server.base, HttpSettings(), context(), sign=basic, pause=Waits())
        text = said(lambda: rest.get("/x"), SourceRefused)
        rest.close()

    assert text.endswith("401 Unauthorized: ***; ann may not sign in with ***")


# --- where a request may go ---------------------------------------------------------------------------------------


def test_redirects_within_the_system_are_followed_three_times() -> None:
    hops = [Reply(status=status, headers={"Location": f"/hop{n}?a=b"}) for n, status in enumerate((301, 302, 307))]
    with scripted(*hops, GOOD) as server, asking(server.base) as rest:
        assert rest.get("/x").data == {"ok": True}
    assert [one.target for one in server.asked] == ["/x", "/hop0?a=b", "/hop1?a=b", "/hop2?a=b"]
    with scripted(Reply(status=308, headers={"Location": "/again"})) as server, asking(server.base) as rest:
        assert said(lambda: rest.get("/x"), SourceRefused).endswith("/again: more than 3 redirects")
    assert len(server.asked) == 4


def test_redirect_elsewhere_is_refused_and_nothing_is_sent_there() -> None:
    with scripted() as elsewhere, scripted(Reply(b"", 302, {"Location": f"{elsewhere.base}/login"})) as server:
        with asking(server.base) as rest:
            text = said(lambda: rest.get("/x"), SourceRefused)

        assert elsewhere.asked == []
    assert text == (
        f"127.0.0.1:{server.port}/x answered 302 Found and leads to {elsewhere.base}, which is not {server.base}: "
        "not followed. A sign-in page in front is the usual cause; else check 'url:'"
    )


@pytest.mark.parametrize(
    ("location", "words"),
    [("", "without saying where to go"), ("/y", "to a POST: check 'url:'"), ("http://[", "which is not")],
    ids=["nowhere", "within", "broken"],
)
def test_question_is_never_redirected(location: str, words: str) -> None:
    headers = {"Location": location} if location else {}
    with scripted(Reply(b"", 307, headers)) as server, asking(server.base) as rest:
        assert words in said(lambda: rest.ask("/x", {}), SourceRefused)
    assert len(server.asked) == 1


def foreign(server: ScriptedServer) -> list[str]:
    port = server.port
    return [
        f"http://localhost:{port}/x",
        f"https://127.0.0.1:{port}/x",
        f"http://127.0.0.1:{port + 1}/x",
        f"http://127.0.0.1:{port}@evil.example/x",
        f"http://evil.example:80@127.0.0.1:{port}/x",
        f"//127.0.0.1:{port}/x",
        "http://[::1/x",
        "ftp:/x",
        "",
    ]


def test_link_that_leads_elsewhere_is_refused_before_it_is_asked() -> None:
    with scripted() as server, asking(server.base) as rest:
        for link in foreign(server):
            text = said(lambda link=link: rest.follow(link), SourceRefused)  # type: ignore[misc]
            assert "a link in an answer leads to" in text

        assert server.asked == []


def test_further_name_of_the_system_is_known() -> None:
    with scripted() as server:
        rest = Rest(
            server.base,
            HttpSettings(),
            context(),
            sign=sign,
            aliases=[f"http://localhost:{server.port}"],
            pause=Waits(),
        )
        rest.follow(f"http://localhost:{server.port}/x")
        rest.close()

    assert server.asked[0].headers["Authorization"] == f"Bearer {TOKEN}"


# --- how large and how long ---------------------------------------------------------------------------------------


def test_answer_that_unpacks_too_large_is_refused_while_it_comes() -> None:
    bomb = packed(b'["' + b"a" * 3_000_000 + b'"]')
    with scripted(bomb) as server, asking(server.base, max_body_mb=0.5) as rest:
        text = said(lambda: rest.get("/x"), SourceDataError)

    assert text == f"127.0.0.1:{server.port}/x: its answer is larger than max_body_mb, 0.5"
    assert len(server.asked) == 1


def test_packed_answer_is_read() -> None:
    with scripted(packed(b'{"a": 1}')) as server, asking(server.base) as rest:
        assert rest.get("/x").data == {"a": 1}


def test_answer_that_is_nested_too_deep_is_no_data() -> None:
    with scripted(Reply(b"[" * 101 + b"]" * 101)) as server, asking(server.base) as rest:
        assert "nested more than 100 deep" in said(lambda: rest.get("/x"), SourceDataError)


def test_whole_reading_ends_in_time_although_bytes_go_on_coming() -> None:
    drip = Reply(b"[" + b" " * 500 + b"]", drip=0.02)
    began = time.monotonic()
    with scripted(drip) as server, asking(server.base, timeout_reading_minutes=0.005) as rest:
        text = said(lambda: rest.get("/x"), SourceUnavailable)

    assert text == "not read to its end within 0.005 minutes"
    assert time.monotonic() - began < 3


def test_wait_that_would_outlast_the_reading_is_not_begun() -> None:
    waits = Waits()
    with (
        scripted(Reply(status=503)) as server,
        asking(server.base, waits, timeout_reading_minutes=0.05) as rest,
    ):
        text = said(lambda: rest.get("/x"), SourceUnavailable)

    assert text.endswith("answered 503 Service Unavailable; not read to its end within 0.05 minutes")
    assert waits == []


def test_closing_ends_a_request_that_hangs() -> None:
    hold = threading.Event()
    with scripted(Reply(hold=hold)) as server:
        rest = Rest(server.base, HttpSettings(), context(), sign=sign)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(said(lambda: rest.get("/x"), SourceUnavailable)))
        thread.start()
        assert server.was_asked.wait(5)

        rest.close()
        thread.join(5)
        is_over = not thread.is_alive()
        hold.set()

    assert is_over
    assert found == ["the reading was ended"]


def test_closing_ends_a_wait() -> None:
    with scripted(Reply(status=503)) as server:
        rest = Rest(server.base, HttpSettings(), context(), sign=sign)
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(said(lambda: rest.get("/x"), SourceUnavailable)))
        thread.start()
        _until(lambda: rest.cost["retries"] == 1)

        rest.close()
        thread.join(5)

    assert found == ["the reading was ended"]
    assert len(server.asked) == 1


def test_closed_client_asks_nothing_more() -> None:
    with scripted() as server, asking(server.base) as rest:
        rest.close()

        assert said(lambda: rest.get("/x"), SourceUnavailable) == "the reading was ended"
    assert server.asked == []


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


# --- who asks at the same time ------------------------------------------------------------------------------------


@pytest.mark.parametrize("parallel", [1, 3])
def test_host_is_asked_by_all_sources_together_no_more_than_allowed(parallel: int) -> None:
    with scripted(Reply(busy=0.05)) as server:
        sources = [
            Rest(f"{server.base}/{n}", HttpSettings(parallel=parallel), context(), sign=sign, pause=Waits())
            for n in range(2)
        ]
        threads = [threading.Thread(target=one.get, args=("/x",)) for one in sources for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        for source in sources:
            source.close()

    assert len(server.asked) == 6
    assert server.most_at_once == parallel


def test_source_that_waits_for_its_turn_can_be_closed() -> None:
    hold = threading.Event()
    with scripted(Reply(hold=hold)) as server, asking(server.base) as first, asking(server.base) as second:
        busy = threading.Thread(target=first.get, args=("/x",))
        busy.start()
        assert server.was_asked.wait(5)
        found: list[str] = []
        waiting = threading.Thread(target=lambda: found.append(said(lambda: second.get("/x"), SourceUnavailable)))
        waiting.start()
        time.sleep(0.05)

        second.close()
        waiting.join(5)
        is_over = not waiting.is_alive()
        hold.set()
        busy.join(5)

    assert is_over
    assert found == ["the reading was ended"]
    assert len(server.asked) == 1


def test_signing_may_ask_the_same_host_for_a_token() -> None:
    taken: list[object] = []

    def sign_in(request: Request) -> None:
        if not taken:
            taken.append(rest.form(f"{server.base}/token", {"grant_type": "x"}).data)
        sign(request)

    with scripted(Reply(b'{"access_token": "t"}'), GOOD) as server:
        rest = Rest(server.base, HttpSettings(), context(), sign=sign_in, pause=Waits())
        assert rest.get("/x").data == {"ok": True}
        rest.close()

    assert [one.target for one in server.asked] == ["/token", "/x"]
