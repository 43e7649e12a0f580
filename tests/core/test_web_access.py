"""Who may do what: passwords, a reverse proxy, this machine alone; pages of other sites; failed logins."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import bcrypt
import httpx2
import pytest
from served import Daemon, http, served
from starlette.requests import Request

from pmo_watch.store import open_store
from pmo_watch.web_access import Access, Caller, Rate, Refusal, is_foreign, peer_of
from pmo_watch.web_answers import STYLESHEET


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


USERS = {
    "ann": {"hash": hashed("ann's password"), "role": "operator"},
    "grafana": {"hash": hashed("grafana's password")},
    "odd": {"hash": hashed("p:ä ss\twörd")},
    "apache": {"hash": hashed("made by htpasswd").replace("$2b$", "$2y$")},
}
PROXY = {"from": ["127.0.0.0/8", "10.0.0.0/8"], "roles": {"pmo": "operator", "ict": "viewer"}}
ANN, GRAFANA = ("ann", "ann's password"), ("grafana", "grafana's password")


class Ticks:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    yield Daemon(store)
    store.close()


@asynccontextmanager
async def site(daemon: Daemon, **settings: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon, http(**settings)) as client:
        yield client


def a_request(peer: str = "127.0.0.1", method: str = "GET", scheme: str = "http", **headers: str) -> Request:
    told = {"host": "127.0.0.1:9464", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.lower().encode(), value.encode()) for name, value in told.items()]
    scope = {"type": "http", "method": method, "path": "/", "headers": raw, "client": (peer, 1), "scheme": scheme,
             "server": ("127.0.0.1", 9464), "query_string": b""}  # fmt: skip
    return Request(scope)


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the hashes that passwords will have been compared with."""
    compared: list[bytes] = []
    check = bcrypt.checkpw

    def noted(password: bytes, known: bytes) -> bool:
        compared.append(known)
        return check(password, known)

    monkeypatch.setattr(bcrypt, "checkpw", noted)
    return compared


async def admitted(access: Access, request: Request, role: str = "viewer", **named: bool) -> Caller | int:
    """Return the caller, or the status of the refusal."""
    answer = await access.admit(request, role, **named)
    return answer.status if isinstance(answer, Refusal) else answer


# --- passwords --------------------------------------------------------------------------------------------------------


async def test_login_is_asked_for(daemon: Daemon) -> None:
    async with site(daemon, users=USERS) as client:
        answers = [await client.get(path) for path in ("/api/v1/alerts", "/nothing")]

    assert [one.status_code for one in answers] == [401, 401]
    assert [one.headers["www-authenticate"] for one in answers] == ['Basic realm="pmo_watch"'] * 2
    assert answers[0].json() == {"error": {"code": "unauthorized", "message": "sign in with name and password"}}
    assert "Please sign in to see this page." in answers[1].text


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", STYLESHEET])
async def test_health_needs_no_login(daemon: Daemon, path: str) -> None:
    async with site(daemon, users=USERS) as client:
        assert (await client.get(path)).status_code == 200


async def test_metrics_need_a_login_unless_they_are_open(daemon: Daemon) -> None:
    async def metrics(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"pmo_watch_leader 1\n"})

    daemon.mounts = {"/metrics": metrics}
    async with site(daemon, users=USERS) as client:
        closed, signed_in = await client.get("/metrics"), await client.get("/metrics", auth=GRAFANA)
    async with site(daemon, users=USERS, open_metrics=True) as client:
        opened, change = await client.get("/metrics"), await client.get("/api/v1/alerts")

    assert (closed.status_code, signed_in.text) == (401, "pmo_watch_leader 1\n")
    assert (opened.text, change.status_code) == ("pmo_watch_leader 1\n", 401)


async def test_viewer_looks_and_operator_acts(daemon: Daemon) -> None:
    async with site(daemon, users=USERS) as client:
        looks = [(await client.get("/api/v1/alerts", auth=one)).status_code for one in (ANN, GRAFANA)]
        acts = [await client.post("/-/reload", auth=one) for one in (ANN, GRAFANA)]

    assert looks == [200, 200]
    assert [one.status_code for one in acts] == [200, 403]
    assert acts[1].json()["error"]["message"] == "this needs the role operator; grafana has viewer"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (basic("ann", "wrong"), 401),
        (basic("nobody", "ann's password"), 401),
        (basic("ann", ""), 401),
        (basic("ann", "\0"), 401),
        (basic("ann", "x" * 500), 401),
        ("Basic !!!", 401),
        ("Basic " + base64.b64encode(b"\xff\xfe").decode(), 401),
        ("Basic " + base64.b64encode(b"no colon").decode(), 401),
        ("Bearer abc", 401),
        ("", 401),
        (basic("odd", "p:ä ss\twörd"), 200),
        (basic(*GRAFANA).replace("Basic", "bASIC"), 200),
        (basic("apache", "made by htpasswd"), 200),
    ],
)
async def test_only_name_and_password_that_belong_together_are_taken(daemon: Daemon, header: str, status: int) -> None:
    async with site(daemon, users=USERS) as client:
        assert (await client.get("/api/v1/alerts", headers={"authorization": header})).status_code == status


async def test_password_is_compared_once_in_five_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, compared = Ticks(), comparisons(monkeypatch)
    access = Access(http(users=USERS), clock)

    for seconds in (0, 299, 2):
        clock.now += seconds
        assert await admitted(access, a_request(authorization=basic(*GRAFANA))) == Caller("grafana", "viewer")

    assert len(compared) == 2


async def test_unknown_name_costs_a_comparison_too(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = comparisons(monkeypatch)
    access = Access(http(users=USERS), Ticks())

    assert await admitted(access, a_request(authorization=basic("nobody", "ann's password"))) == 401
    assert compared == [USERS["ann"]["hash"].encode()]


async def test_twenty_failed_logins_in_a_minute_are_enough_for_one_peer() -> None:
    clock = Ticks()
    access = Access(http(users=USERS), clock)
    right, wrong = basic(*ANN), basic("ann", "wrong")

    assert await admitted(access, a_request(authorization=basic(*GRAFANA))) == Caller("grafana", "viewer")
    failed = [await admitted(access, a_request(authorization=wrong)) for _ in range(21)]

    assert failed == [401] * 20 + [429]
    assert await admitted(access, a_request(authorization=right)) == 429
    assert await admitted(access, a_request("10.1.1.1", authorization=right)) == Caller("ann", "operator")
    # Whoever was let in before goes on: a scrape is not stopped by somebody else's tries.
    assert await admitted(access, a_request(authorization=basic(*GRAFANA))) == Caller("grafana", "viewer")
    clock.now += 60
    assert await admitted(access, a_request(authorization=right)) == Caller("ann", "operator")


async def test_failed_logins_at_the_same_time_count_too() -> None:
    access = Access(http(users=USERS), Ticks())
    wrong = a_request(authorization=basic("ann", "wrong"))

    answers = await asyncio.gather(*(admitted(access, wrong) for _ in range(50)))

    assert (answers.count(401), answers.count(429)) == (20, 30)


async def test_too_many_failed_logins_are_told_when_to_try_again(daemon: Daemon) -> None:
    async with site(daemon, users={"ann": USERS["ann"]}) as client:
        answers = [await client.get("/api/v1/alerts", auth=("ann", "wrong")) for _ in range(21)]

    assert answers[-1].status_code == 429
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].json() == {
        "error": {"code": "too_many_requests", "message": "too many failed logins: wait a minute"}
    }


# --- a reverse proxy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "caller"),
    [
        ({}, 401),
        ({"x_forwarded_user": " "}, 401),
        ({"x_forwarded_user": "ann"}, Caller("ann", "viewer")),
        ({"x_forwarded_user": "ann", "x_forwarded_groups": "staff, ict"}, Caller("ann", "viewer")),
        ({"x_forwarded_user": "ann", "x_forwarded_groups": "ict,pmo"}, Caller("ann", "operator")),
        ({"x_forwarded_user": "ann", "x_forwarded_groups": "PMO"}, Caller("ann", "viewer")),
    ],
)
async def test_proxy_says_who_it_is(headers: dict[str, str], caller: Caller | int) -> None:
    access = Access(http(proxy=PROXY))

    assert await admitted(access, a_request("10.0.0.5", **headers)) == caller


async def test_headers_of_others_than_the_proxy_do_not_count(daemon: Daemon) -> None:
    claims = {"x_forwarded_user": "ann", "x_forwarded_groups": "pmo"}
    access = Access(http(proxy={**PROXY, "from": ["10.0.0.5/32"]}))

    assert await admitted(access, a_request("10.0.0.6", **claims)) == 401
    assert await admitted(access, a_request("127.0.0.1", **claims)) == 401
    assert await admitted(access, a_request("::ffff:10.0.0.5", **claims)) == Caller("ann", "operator")


async def test_own_names_of_headers_are_used() -> None:
    access = Access(http(proxy={**PROXY, "user_header": "Remote-User", "groups_header": "Remote-Groups"}))
    claims = {"remote_user": "ann", "remote_groups": "pmo", "x_forwarded_user": "eve"}

    assert await admitted(access, a_request("10.0.0.5", **claims)) == Caller("ann", "operator")


async def test_proxy_and_passwords_go_together() -> None:
    access = Access(http(proxy={**PROXY, "from": ["10.0.0.5/32"]}, users=USERS))

    assert await admitted(access, a_request("10.0.0.9", authorization=basic(*GRAFANA))) == Caller("grafana", "viewer")
    assert await admitted(access, a_request("10.0.0.5", x_forwarded_user="ann")) == Caller("ann", "viewer")


async def test_request_past_the_proxy_is_not_asked_for_a_password(daemon: Daemon) -> None:
    async with site(daemon, proxy={**PROXY, "from": ["10.0.0.5/32"]}) as client:
        answer = await client.get("/api/v1/alerts")

    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    assert answer.json()["error"]["message"] == "requests must come through the reverse proxy"


# --- nobody signs in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (a_request("127.0.0.1", "POST"), 200),
        (a_request("127.8.0.1", "POST", host="localhost:9464"), 200),
        (a_request("::1", "POST", host="[::1]:9464"), 200),
        (a_request("::ffff:127.0.0.1", "POST"), 200),
        (a_request("192.0.2.7", "POST"), 403),
        (a_request("", "POST"), 403),
        (a_request("127.0.0.1", "POST", host="pmo.evil.example"), 403),
        (a_request("127.0.0.1", "POST", host="[::1"), 403),
        (a_request("127.0.0.1", "POST", x_forwarded_for="192.0.2.7"), 403),
        (a_request("127.0.0.1", "POST", forwarded="for=192.0.2.7"), 403),
    ],
    ids=[
        "here",
        "by name",
        "v6",
        "v4 in v6",
        "elsewhere",
        "no peer",
        "rebound name",
        "no name",
        "proxied",
        "forwarded",
    ],
)
async def test_without_a_login_only_this_machine_acts(request_: Request, status: int) -> None:
    access = Access(http(listen="0.0.0.0:0", insecure=True))

    answer = await admitted(access, request_, "operator")

    assert answer == (Caller("", "operator") if status == 200 else status)
    assert isinstance(await admitted(access, a_request("192.0.2.7"), "viewer"), Caller)


async def test_a_login_can_be_insisted_on_where_there_is_none() -> None:
    assert await admitted(Access(http()), a_request(), named=True) == 401
    assert await admitted(
        Access(http(proxy=PROXY)), a_request("10.0.0.5", x_forwarded_user="ann"), named=True
    ) == Caller("ann", "viewer")


# --- pages of other sites ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"origin": "https://pmo.example.org"}, False),
        ({"origin": "http://127.0.0.1:9464"}, False),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "https://pmo.example.org.evil.example"}, True),
        ({"origin": "http://pmo.example.org"}, True),
        ({"origin": "null"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://behind-a-proxy.example"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "same-site"}, True),
        ({"sec_fetch_site": "cross-site", "origin": "https://pmo.example.org"}, True),
    ],
)
def test_browsers_say_whose_page_they_act_for(headers: dict[str, str], foreign: bool) -> None:
    assert is_foreign(a_request(method="POST", **headers), "https://pmo.example.org") is foreign


async def test_page_of_another_site_changes_nothing(daemon: Daemon) -> None:
    headers = {"origin": "https://evil.example"}
    async with site(daemon) as client:
        answers = [await client.post(path, headers=headers) for path in ("/-/reload", "/api/v1/silences", "/ack/x")]
        looks = await client.get("/api/v1/alerts", headers=headers)

    assert [one.status_code for one in answers] == [403, 403, 403]
    assert answers[0].json()["error"]["message"] == "a page of another site sends this: it is not done"
    assert looks.status_code == 200
    assert "access-control-allow-origin" not in looks.headers


# --- parts ------------------------------------------------------------------------------------------------------------


def test_rate_counts_within_a_minute_and_keeps_no_more_than_it_needs() -> None:
    clock = Ticks()
    rate = Rate(2, clock)

    for number in range(1500):
        rate.note(f"peer {number}")
    rate.note("peer 1")
    busy = rate.exceeded("peer 1"), rate.exceeded("peer 2"), rate.exceeded("new")
    clock.now += 60
    rate.note("new")

    assert busy == (True, False, False)
    assert list(rate._events) == ["new"]


@pytest.mark.parametrize(
    ("peer", "address"),
    [("10.0.0.1", "10.0.0.1"), ("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1", "fe80::1"), ("unix", "None")],
)
def test_peer_is_the_address_of_the_socket(peer: str, address: str) -> None:
    assert str(peer_of(a_request(peer))) == address
