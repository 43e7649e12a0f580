"""Open alerts pushed to members of a cluster over real sockets: which, under which labels, and what answers mean."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from alertmanager_rig import Member, key_of, member
from exporter_bench import READ
from hypothesis import given
from hypothesis import strategies as st
from pmo_watch_plugins.notifiers.alertmanager.batches import fault, pushed
from pusher_bench import MINUTE, SLIP, pusher, red, report, step

from pmo_watch.alerts import Reason


@pytest.fixture
def am() -> Iterator[Member]:
    with member() as running:
        yield running


# --- what is pushed -----------------------------------------------------------------------------------------------


async def test_open_alert_is_pushed_as_the_contract_says(am: Member) -> None:
    async with pusher(am.url) as opened:
        opened.cycle_finished(
            report(red(since=READ - timedelta(days=3)), headline=lambda one, language: f"{one.id} {language}")
        )
        took = await opened.push()

    assert took == {am.url.removeprefix("http://"): None}
    assert am.posts == [
        [
            {
                "labels": {
                    "alertname": SLIP,
                    "severity": "critical",
                    "level": "red",
                    "project": "HB-017",
                    "portfolio": "infrastructure",
                    "entity": "M1",
                    "source": "pmo_watch",
                },
                "annotations": {
                    "summary": "0000000000000001 en",
                    "state": "open",
                    "data_as_of": "2026-05-11T21:59:59.000Z",
                },
                "startsAt": "2026-05-10T06:30:00.000Z",
                "endsAt": "2026-05-13T06:33:00.000Z",
                "generatorURL": "https://pmo.example.org/alerts/0000000000000001",
            }
        ]
    ]
    assert "Authorization" not in am.headers[0]


async def test_every_push_moves_the_end_and_nothing_that_tells_alerts_apart(am: Member) -> None:
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(red(value=12.0)))
        await opened.push()
        opened.now = READ + MINUTE
        opened.cycle_finished(report(red(value=13.0), at=READ + MINUTE))
        await opened.push()

    (first,), (second,) = am.posts
    assert first["labels"] == second["labels"]
    assert (first["startsAt"], second["endsAt"]) == (second["startsAt"], "2026-05-13T06:34:00.000Z")


async def test_pending_silenced_and_personal_alerts_are_never_pushed(am: Member) -> None:
    kept_back = (
        red(1, level=None),
        red(2),
        red(3, entity="person", subject="person:ann", subject_id="Ann Smith"),
        red(4, entity="role", subject="role:x"),
    )
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(*kept_back, red(5), silenced=frozenset({f"{2:016x}"})))
        await opened.push()

    assert [key_of(one)[2] for one in am.posts[0]] == ["M5"]
    assert "Ann" not in str(am.posts)


async def test_unknown_and_acknowledged_alerts_say_so_beside_their_labels(am: Member) -> None:
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(red(1, unknown_since=READ), red(2, acknowledged_until=READ.date())))
        await opened.push()

    assert [one["annotations"]["state"] for one in am.posts[0]] == ["unknown", "acknowledged"]


async def test_change_of_level_ends_the_old_alert_and_starts_a_new_one(am: Member) -> None:
    before, after = red(level="amber"), red(since=READ)
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(before, at=READ - MINUTE))
        await opened.push()
        opened.cycle_finished(report(after, transitions=(step(before, after, Reason.WORSENED),)))
        await opened.push()

    (new, old) = am.posts[1]
    assert (key_of(new), new["endsAt"]) == ((SLIP, "red", "M1"), "2026-05-13T06:33:00.000Z")
    assert (key_of(old), old["endsAt"]) == ((SLIP, "amber", "M1"), "2026-05-13T06:30:00.000Z")
    assert {old["labels"]["severity"], new["labels"]["severity"]} == {"warning", "critical"}
    assert new["startsAt"] == "2026-05-13T06:30:00.000Z"


async def test_level_that_comes_back_is_not_pushed_as_ended(am: Member) -> None:
    async with pusher(am.url) as opened:
        for level in ("red", "amber", "red"):
            opened.cycle_finished(report(red(level=level)))
            await opened.push()

    assert sorted((key_of(one)[1], one["endsAt"][14:16]) for one in am.posts[2]) == [("amber", "30"), ("red", "33")]


async def test_end_is_repeated_for_a_quarter_of_an_hour(am: Member) -> None:
    closed = red(closed_at=READ, close_reason="recovered")
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(red(), at=READ - MINUTE))
        opened.cycle_finished(report(transitions=(step(red(), closed, Reason.RECOVERED),)))
        await opened.push()
        for minutes in (14, 16):
            opened.now = READ + minutes * MINUTE
            opened.cycle_finished(report(at=opened.now))
            await opened.push()

    assert [[one["endsAt"] for one in post] for post in am.posts] == [["2026-05-13T06:30:00.000Z"]] * 2 + [[]]


async def test_once_tells_the_end_of_what_an_earlier_process_told(am: Member) -> None:
    closed, worse = red(1, closed_at=READ), red(2)
    steps = (step(red(1), closed, Reason.RECOVERED), step(red(2, level="amber"), worse, Reason.WORSENED))
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(worse, transitions=steps))
        await opened.push()

    ends = {key_of(one)[1:]: one["endsAt"] for one in am.posts[0]}
    now, later = "2026-05-13T06:30:00.000Z", "2026-05-13T06:33:00.000Z"
    assert ends == {("red", "M1"): now, ("amber", "M2"): now, ("red", "M2"): later}


async def test_end_of_a_silenced_alert_is_kept_back_too(am: Member) -> None:
    closed = red(closed_at=READ)
    async with pusher(am.url) as opened:
        opened.cycle_finished(
            report(transitions=(step(red(), closed, Reason.RECOVERED),), silenced=frozenset({closed.id}))
        )
        await opened.push()

    assert am.posts == [[]]


async def test_two_subjects_of_one_name_are_told_apart_and_keep_their_names(am: Member) -> None:
    first, second = (red(number, subject_id="Review", subject=f"task:{number}") for number in (1, 2))
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(second))
        opened.cycle_finished(report(first, second))
        await opened.push()
        opened.cycle_finished(report(first))
        await opened.push()

    names = {one["generatorURL"][-1]: one["labels"]["entity"] for one in am.posts[0]}
    assert names["2"] == "Review"  # it was there first
    assert re.fullmatch(r"Review~[0-9a-f]{8}", names["1"])
    assert [one["labels"]["entity"] for one in am.posts[1] if "generatorURL" in one] == [names["1"]]


async def test_alert_of_no_project_has_no_empty_label(am: Member) -> None:
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(red(project="", project_code="", subject_id="x" * 300)))
        await opened.push()

    labels = am.posts[0][0]["labels"]
    assert {"project", "portfolio"} & set(labels) == set()
    assert len(labels["entity"].encode()) == 128


async def test_five_hundred_alerts_in_a_request(am: Member) -> None:
    async with pusher(am.url) as opened:
        opened.cycle_finished(report(*(red(number) for number in range(1, 1102))))
        await opened.push()

    assert [len(post) for post in am.posts] == [500, 500, 101]
    assert len(am.alerts) == 1101


async def test_heartbeat_is_pushed_whatever_is_open_and_lives_three_intervals(am: Member) -> None:
    async with pusher(am.url, heartbeat_alert=True, every="5m") as opened:
        opened.cycle_finished(report())
        await opened.push()

    ((heartbeat,),) = am.posts
    assert heartbeat["labels"] == {"alertname": "PmoWatchHeartbeat", "severity": "none", "source": "pmo_watch"}
    assert heartbeat["endsAt"] == "2026-05-13T06:45:00.000Z"


async def test_nothing_is_pushed_before_anything_is_known(am: Member) -> None:
    async with pusher(am.url, heartbeat_alert=True) as opened:
        assert await opened.push() == {}

    assert am.posts == []


async def test_probe_pushes_no_alert_and_a_test_says_that_it_is_one(am: Member) -> None:
    async with pusher(am.url) as opened:
        await opened.probe()
        await opened.push_test()

    nothing, (test,) = am.posts
    assert nothing == []
    assert test["labels"]["alertname"] == "PmoWatchTest"
    assert test["annotations"]["summary"].startswith("A test of pmo-watch")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4))
def test_what_would_be_refused_is_noticed(labels: dict[str, str]) -> None:
    alert = pushed(tuple(labels.items()), READ, READ, {})

    good = bool(labels.get("alertname")) and all(
        re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) and value.strip() and "\x00" not in value
        for name, value in labels.items()
    )
    assert (fault(alert) == "") == good


def test_alert_never_ends_before_it_starts() -> None:
    alert = pushed((("alertname", "x"),), READ, READ - MINUTE, {})

    assert alert["endsAt"] == alert["startsAt"]
