"""The pages, as a browser has them: every one in three languages, with and without rights, and what their forms do."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import bcrypt
import httpx2
import pytest
from factories import a_finding, a_rule, a_snapshot, findings_of
from hostile import HIDDEN, HOSTILE, MARK, shown_as
from lxml import etree
from messages import NOW, an_alert
from served import Daemon, http, served, three_alerts

from pmo_watch.alerts import Alert, Reason, Silence, Transition
from pmo_watch.flow import Findings
from pmo_watch.rules import RuleSet
from pmo_watch.store import CycleChange, OutboxQuery, OutboxState, Settlement, TransitionQuery, open_store
from pmo_watch.telling import CycleReport
from pmo_watch.web_reader import InUse, language_of
from pmo_watch.words import LANGUAGES, words

ALERT = "0000000000000001"
PLACES = ("/", "/alerts", f"/alerts/{ALERT}", "/silences", "/sources", "/rules", "/outbox", "/status")
REASON = "Supplier is late, new plan on Friday"
SPOTLESS = {"sec-fetch-site": "same-origin"}


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    store = open_store(sqlite_url)
    rules = RuleSet(
        {"key-milestone-slip": replace(a_rule(), id="key-milestone-slip", for_each="milestone")},
        stale_files={"10-schedule.yaml": "10-schedule.yaml:14:9: 'severty' is not known here"},
    )
    one = Daemon(store, report=a_report(rules=rules), in_use=InUse(rules, settings={"http": {"listen": "***"}}))
    one.told(*three_alerts())
    yield one
    store.close()


@pytest.fixture
async def client(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(daemon) as one:
        yield one


def a_report(*findings: Findings, rules: RuleSet) -> CycleReport:
    """Return a cycle that knows the project of the alerts."""
    rows = {"project": [{"uid": "project:prj-042", "code": "PRJ-042", "name": "Portal", "state": "executing"}]}
    return CycleReport(1, NOW, NOW, a_snapshot(rows=rows), rules, findings, (), ())


def hostile(alert: Alert, text: str) -> Alert:
    """Return the alert with that text wherever sources and people write."""
    return replace(alert, subject_id=text, subject_name=text, unknown_reason=text, acknowledged_by=text)


def parsed(answer: httpx2.Response) -> Any:
    """Return the page as a tree; what a parser has to mend is a fault."""
    parser = etree.HTMLParser()
    tree = etree.fromstring(answer.text, parser)
    unknown = "Tag (header|nav|main|section|footer) invalid"  # libxml2 knows HTML 4
    mended = [one.message for one in parser.error_log if not re.match(unknown, one.message)]
    assert mended == []
    return tree


def faults(tree: Any) -> Iterator[str]:
    """Yield what would keep somebody from using the page."""
    ids = tree.xpath("//@id")
    yield from {one for one in ids if ids.count(one) > 1}
    labelled = set(tree.xpath("//label/@for"))
    for one in tree.xpath("//input[not(@type='hidden')] | //select | //textarea"):
        if one.get("id") not in labelled:
            yield f"{one.get('name')} has no label"
    yield from (f"table without {part}" for part in ("caption", "thead") if tree.xpath(f"//table[not({part})]"))
    yield from ("th without scope" for _ in tree.xpath("//th[not(@scope)]"))
    yield from ("style or script inside the page" for _ in tree.xpath("//@style | //script | //style"))
    yield from ("a level without its sign" for one in tree.xpath("//*[contains(@class, 'level')]") if not signed(one))
    if len(tree.xpath("//h1")) != 1 or len(tree.xpath("//title")) != 1:
        yield "one heading and one title"


def signed(level: Any) -> bool:
    return any(sign in "".join(level.itertext()) for sign in "▲◆●○–") or level.text.strip().isdigit()


def text_of(answer: httpx2.Response) -> str:
    return " ".join("".join(etree.fromstring(answer.text, etree.HTMLParser()).itertext()).split())


def stored(daemon: Daemon) -> tuple[object, ...]:
    store = daemon.store
    return store.alerts(), store.every_silence(), store.transitions(TransitionQuery()), store.outbox(OutboxQuery())


async def form(client: httpx2.AsyncClient, path: str, action: str) -> dict[str, str]:
    """Open a page as a browser does, and return the hidden field of its form."""
    tree = parsed(await client.get(path))
    (token,) = tree.xpath(f"//form[@action='{action}']/input[@name='form_token']/@value")
    return {"form_token": token}


# --- looking ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PLACES)
async def test_every_page_is_whole_in_every_language(client: httpx2.AsyncClient, path: str, language: str) -> None:
    answer = await client.get(path, headers={"accept-language": f"de, {language};q=0.8"})

    assert answer.status_code == 200
    tree = parsed(answer)
    assert [*faults(tree)] == []
    assert tree.get("lang") == answer.headers["content-language"] == language
    menu = [one.text for one in tree.xpath("//header//a")]
    assert menu[0] == words(language)("page.portfolio")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PLACES)
async def test_viewer_sees_every_page_and_no_form_that_changes_anything(daemon: Daemon, path: str) -> None:
    users = {"vera": {"hash": bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode(), "role": "viewer"}}
    async with served(daemon, http(users=users), auth=("vera", "secret")) as client:
        answer = await client.get(path)
        refused = await client.post(f"/alerts/{ALERT}/ack", headers=SPOTLESS)

    assert answer.status_code == 200
    assert parsed(answer).xpath("//form[@method='post']") == []
    assert "set-cookie" not in answer.headers
    assert refused.status_code == 403


async def test_nobody_sees_a_page_without_the_login_that_is_set(daemon: Daemon) -> None:
    users = {"vera": {"hash": bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode(), "role": "viewer"}}
    async with served(daemon, http(users=users)) as client:
        answers = [await client.get(path) for path in PLACES]

    assert {one.status_code for one in answers} == {401}
    assert not any("Go-live" in one.text for one in answers)


@pytest.mark.parametrize("kind", [one for one in HOSTILE if one != "a lone surrogate"])
async def test_page_shows_texts_and_makes_nothing_of_them(daemon: Daemon, kind: str) -> None:
    pages: list[list[httpx2.Response]] = []
    async with served(daemon) as client:
        for text in (MARK, HOSTILE[kind]):
            daemon.change(*(hostile(one, text) for one in three_alerts()))
            pages.append([await client.get(path) for path in ("/alerts", f"/alerts/{ALERT}", "/")])

    for harmless, page in zip(*pages, strict=True):
        assert page.status_code == 200
        assert [one.tag for one in parsed(page).iter()] == [one.tag for one in parsed(harmless).iter()]
        assert not HIDDEN.search(page.text)
        assert " ".join(shown_as(HOSTILE[kind]).split()) in text_of(page)


async def test_list_is_filtered_and_the_worst_come_first(client: httpx2.AsyncClient) -> None:
    everything = parsed(await client.get("/alerts"))
    amber = parsed(await client.get("/alerts?level=amber&rule=key-milestone-slip&project=PRJ-042&state=open"))
    none = text_of(await client.get("/alerts?project=other"))

    links = everything.xpath("//tbody//th/a/@href")
    assert links == [f"/alerts/000000000000000{number}" for number in (1, 3, 2)]
    assert amber.xpath("//tbody//th/a/@href") == ["/alerts/0000000000000002"]
    assert "There are no such alerts." in none


async def test_list_goes_on_page_by_page(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.change(*(an_alert(number) for number in range(1, 121)))

    seen: list[str] = []
    link = "/alerts?rule=key-milestone-slip"
    for _ in range(3):
        tree = parsed(await client.get(link))
        seen += tree.xpath("//tbody//th/a/@href")
        link = (tree.xpath("//nav[@class='pages']/a[last()]/@href"))[0]

    assert len(seen) == len(set(seen)) == 120
    assert "page=2" in link  # the last page leads back alone


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts?state=broken", 400),
        ("/alerts?page=0", 400),
        ("/alerts?page=99999999999", 400),
        ("/alerts/ffffffffffffffff", 404),
        ("/alerts/%3Cscript%3E", 404),
        ("/outbox?state=x", 400),
        ("/outbox?after=gone", 400),
    ],
)
async def test_what_is_not_there_is_a_page_in_the_readers_language(
    client: httpx2.AsyncClient, path: str, status: int
) -> None:
    answer = await client.get(path, headers={"accept-language": "fr"})

    assert answer.status_code == status
    assert parsed(answer).get("lang") == "fr"
    assert "Traceback" not in answer.text
    assert "<script" not in answer.text


async def test_daemon_without_a_cycle_shows_what_the_store_has(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    daemon.report = None

    answers = {path: await client.get(path) for path in PLACES}

    assert {one.status_code for one in answers.values()} == {200}
    assert "Go-live" in text_of(answers["/alerts"])
    assert "another daemon leads" in text_of(answers["/status"])


async def test_alert_tells_why_since_when_and_what_happened(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    (one, *_) = three_alerts()
    finding = {"state": "red", "value": 12.0, "unit": "wd", "threshold": "over 10 wd",
               "evidence": {"baseline_finish": "2026-05-01"}}  # fmt: skip
    daemon.store.write(CycleChange(NOW, transitions=[Transition(one, None, Reason.OPENED, NOW, finding)]))

    text = text_of(await client.get(f"/alerts/{ALERT}"))

    assert "baseline finish01/05/2026" in text.replace(" 01", "01")
    assert "12 working days" in text
    assert "opened" in text
    assert "m.rossi" in text or "Rossi" in text


async def test_files_at_fault_are_shown_word_for_word(client: httpx2.AsyncClient) -> None:
    assert "10-schedule.yaml:14:9: 'severty' is not known here" in text_of(await client.get("/rules"))


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("nl-BE,nl;q=0.9,en;q=0.8", "nl"),
        ("en;q=0.1, fr", "fr"),
        ("de, *;q=0.5", "en"),
        ("fr;q=0, nl;q=oops", "en"),
    ],
)
def test_language_is_the_one_the_browser_likes_best(header: str, language: str) -> None:
    assert language_of(header, "en") == language


# --- doing --------------------------------------------------------------------------------------------------------


async def test_operator_acknowledges_from_the_page(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    sent = {**await form(client, f"/alerts/{ALERT}", f"/alerts/{ALERT}/ack"), "until": "2026-06-01", "reason": REASON}

    answer = await client.post(f"/alerts/{ALERT}/ack", data=sent, headers=SPOTLESS)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/alerts/{ALERT}?done=acknowledged")
    assert [one.acknowledged_until for one in daemon.store.alerts()] == [date(2026, 6, 1), None, None]
    (logged,) = daemon.store.transitions(TransitionQuery())
    assert (logged.reason, logged.who) == ("acknowledged", "operator on this machine (page)")
    assert daemon.counted("pmo_watch_acknowledgements_total", via="page") == 1
    assert "Acknowledged, thank you." in text_of(await client.get(answer.headers["location"]))


@pytest.mark.parametrize(
    "wrong",
    [{"until": "soon"}, {"until": "2030-01-01"}, {"reason": "x"}, {"new_date": "2020-01-01"}, {"new_date": "?"}],
)
async def test_form_that_lacks_something_comes_back_with_what_was_typed(
    client: httpx2.AsyncClient, daemon: Daemon, wrong: Mapping[str, str]
) -> None:
    sent = await form(client, f"/alerts/{ALERT}", f"/alerts/{ALERT}/ack")
    before = stored(daemon)

    answer = await client.post(
        f"/alerts/{ALERT}/ack", data={**sent, "until": "2026-06-01", "reason": REASON, **wrong}, headers=SPOTLESS
    )

    assert answer.status_code == 422
    assert [*faults(parsed(answer))] == []
    assert parsed(answer).xpath("//textarea")[0].text.strip() == wrong.get("reason", REASON)
    assert stored(daemon) == before


async def test_closed_alert_is_not_acknowledged(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    sent = {**await form(client, f"/alerts/{ALERT}", f"/alerts/{ALERT}/ack"), "until": "2026-06-01", "reason": REASON}
    daemon.change(replace(three_alerts()[0], closed_at=NOW, close_reason="recovered"))

    answer = await client.post(f"/alerts/{ALERT}/ack", data=sent, headers=SPOTLESS)

    assert answer.status_code == 409
    assert "nothing to acknowledge any more" in text_of(answer)


ACTS = {
    f"/alerts/{ALERT}/ack": (f"/alerts/{ALERT}", {"until": "2026-06-01", "reason": REASON}),
    "/silences": ("/silences", {"until": "2026-06-01", "reason": REASON, "project": "PRJ-042", "do": "set"}),
    "/silences/s1/end": ("/silences", {}),
}


@pytest.mark.parametrize(
    "unlike",
    ["no token", "a token of another form", "a token of another browser", "no cookie", "no origin", "another site"],
)
@pytest.mark.parametrize("action", ACTS)
async def test_form_that_is_not_ours_does_nothing(
    client: httpx2.AsyncClient, daemon: Daemon, action: str, unlike: str
) -> None:
    daemon.store.add_silence(Silence("s1", "ann", "quiet", NOW + timedelta(days=3), NOW, project="PRJ-042"))
    page, fields = ACTS[action]
    token = await form(client, page, action)
    headers = dict(SPOTLESS)
    if unlike == "no token":
        token = {}
    elif unlike == "a token of another form":
        other = next(one for one in ACTS if one != action)
        token = await form(client, ACTS[other][0], other)
    elif unlike == "a token of another browser":
        client.cookies.clear()
        await client.get("/silences")
    elif unlike == "no cookie":
        client.cookies.clear()
    elif unlike == "no origin":
        headers = {}
    else:
        headers = {"origin": "https://evil.test"}
    before = stored(daemon)

    answer = await client.post(action, data={**token, **fields}, headers=headers)

    assert answer.status_code == 403
    assert stored(daemon) == before


@pytest.mark.parametrize("path", [one for one in ACTS if one != "/silences"])
async def test_what_changes_something_cannot_be_opened(client: httpx2.AsyncClient, daemon: Daemon, path: str) -> None:
    before = stored(daemon)

    answers = [await client.request(method, path) for method in ("GET", "HEAD", "PUT", "DELETE")]

    assert {one.status_code for one in answers} == {405}
    assert answers[0].headers["allow"] == "POST"
    assert stored(daemon) == before


async def test_looking_at_every_page_changes_nothing(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    before = stored(daemon)

    for path in PLACES:
        await client.get(f"{path}?done=acknowledged&do=set&reason=abc&project=PRJ-042")
        await client.head(path)

    assert stored(daemon) == before


async def test_silence_is_looked_at_first_then_set_then_ended(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    _, fields = ACTS["/silences"]
    sent = {**await form(client, "/silences", "/silences"), **fields}

    looked = await client.post("/silences", data={**sent, "do": "preview"}, headers=SPOTLESS)

    assert looked.status_code == 200
    assert "Would hide: 3" in text_of(looked)
    assert parsed(looked).xpath("//input[@name='project']/@value") == ["PRJ-042"]
    assert daemon.store.silences() == []

    answer = await client.post("/silences", data=sent, headers=SPOTLESS)

    assert (answer.status_code, answer.headers["location"]) == (303, "/silences?done=silenced")
    (made,) = daemon.store.silences()
    assert (made.project, made.who, made.why) == ("PRJ-042", "operator on this machine", REASON)

    end = f"/silences/{made.id}/end"
    answer = await client.post(end, data=await form(client, "/silences", end), headers=SPOTLESS)

    assert answer.headers["location"] == "/silences?done=ended"
    assert daemon.store.every_silence()[0].ended_by == "operator on this machine"


async def test_silence_over_everything_is_not_set(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    sent = {**await form(client, "/silences", "/silences"), "until": "2026-06-01", "reason": REASON, "do": "set"}

    answer = await client.post("/silences", data=sent, headers=SPOTLESS)

    assert answer.status_code == 422
    assert daemon.store.every_silence() == []


async def test_message_that_did_not_leave_is_sent_again(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    (row,) = daemon.store.lease(NOW, limit=1, seconds=60)
    daemon.store.settle(Settlement(row, OutboxState.REJECTED, NOW, "rejected", "550 <b>no</b>"))
    path = f"/outbox/{row.id}/retry"
    token = await form(client, "/outbox", path)
    assert "550 <b>no</b>" in text_of(await client.get("/outbox"))

    answer = await client.post(path, data=token, headers=SPOTLESS)

    assert (answer.status_code, answer.headers["location"]) == (303, "/outbox?done=retried")
    assert [one.state for one in daemon.store.outbox(OutboxQuery())] == [OutboxState.WAITING]


async def test_cookie_of_forms_is_out_of_reach_for_scripts_and_other_sites(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/silences")

    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_finding_of_now_comes_before_the_one_of_the_last_step(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    (one, *_) = three_alerts()
    daemon.report = a_report(
        findings_of("key-milestone-slip", a_finding(one.subject, value=31.0, unit="wd")), rules=daemon.in_use.rules
    )

    text = text_of(await client.get(f"/alerts/{ALERT}"))
    assert "31 working days" in text


async def test_alert_on_a_single_person_names_nobody(client: httpx2.AsyncClient, daemon: Daemon) -> None:
    personal = an_alert(9, entity="person", subject="person:x", subject_id="x@example.org", subject_name="Xaver Doe")
    daemon.change(personal)
    finding = {"evidence": {"hours": "60"}, "because": "Xaver Doe works too much"}
    daemon.store.write(CycleChange(NOW, transitions=[Transition(personal, None, Reason.OPENED, NOW, finding)]))

    pages = [
        await client.get(path) for path in ("/", "/alerts", f"/alerts/{personal.id}", f"/alerts/{personal.id}?why=all")
    ]

    assert {one.status_code for one in pages} == {200}
    assert not any("Xaver" in one.text or "x@example" in one.text for one in pages)
