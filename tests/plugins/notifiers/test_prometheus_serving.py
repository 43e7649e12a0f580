"""Portfolio metrics over HTTP: formats, packing, methods."""

import gzip
from typing import Any

import pytest
from exporter_bench import (
    Noted,
    an_exporter,
)
from metric_tables import read
from pmo_watch_plugins.notifiers.prometheus import Settings
from served import Daemon, served

from pmo_watch.store import open_store

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


@pytest.mark.parametrize(
    ("accept", "served_as"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        (PROTOBUF, TEXT),
        ("application/json", TEXT),
        ("application/openmetrics-text", OPENMETRICS),
        ("application/openmetrics-text; version=1.0.0", OPENMETRICS),
        ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
        ("APPLICATION/OpenMetrics-Text;Version=1.0.0", OPENMETRICS),
        ("application/openmetrics-text; version=0.0.1", TEXT),
        ("application/openmetrics-text; version=2.0.0", TEXT),
        ("application/openmetrics-text; q=0", TEXT),
        ("application/openmetrics-text; q=high", TEXT),
        ("application/openmetrics-text; q=nan", TEXT),
        ("application/openmetrics-text; q=0.5, text/plain; q=0.5", OPENMETRICS),
        ("application/openmetrics-text; q=0.5, text/plain; q=0.6", TEXT),
        ("application/openmetrics-text; q=0.5, text/*", TEXT),
        ("application/openmetrics-text; q=0.5, */*", OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (f"{PROTOBUF};q=0.6,{PROMETHEUS_3}", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1;q=0.9, application/openmetrics-text;q=0.1", OPENMETRICS),
        (";;;,,,=;q", TEXT),
    ],
)
async def test_format_is_the_one_asked_for(sqlite_url: str, accept: str, served_as: str) -> None:
    async with metrics(sqlite_url) as client:
        answer = await client.get("/metrics", headers={"accept": accept})

    assert (answer.status_code, answer.headers["content-type"]) == (200, served_as)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.endswith("# EOF\n") is (served_as == OPENMETRICS)
    found = read(answer.content, openmetrics=served_as == OPENMETRICS)
    assert {"pmo_project_info", "pmo_watch_leader"} <= set(found)


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", True),
        ("gzip;q=0.001", True),
        ("deflate, GZIP;q=1.0", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("*", False),
        ("", False),
    ],
)
async def test_answer_is_packed_where_that_is_accepted(sqlite_url: str, encoding: str, packed: bool) -> None:
    async with metrics(sqlite_url) as client:
        plain = (await client.get("/metrics", headers={"accept-encoding": "identity"})).content
        async with client.stream("GET", "/metrics", headers={"accept-encoding": encoding}) as answer:
            raw = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert int(answer.headers["content-length"]) == len(raw)
    assert (gzip.decompress(raw) if packed else raw) == plain
    assert raw.count(b"\x1f\x8b\x08") == packed, "one gzip member"


async def test_head_says_what_get_would_and_other_methods_are_not_served(sqlite_url: str) -> None:
    async with metrics(sqlite_url) as client:
        head, get = await client.head("/metrics"), await client.get("/metrics")
        others = [await client.request(method, "/metrics") for method in ("POST", "PUT", "DELETE", "OPTIONS")]

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["content-type"] == get.headers["content-type"]
    assert [(one.status_code, one.headers["allow"]) for one in others] == [(405, "GET, HEAD")] * 4


async def test_before_the_first_cycle_the_daemon_s_part_is_served(sqlite_url: str) -> None:
    async with metrics(sqlite_url, rendered=False) as client:
        for accept, openmetrics in ((TEXT, False), (OPENMETRICS, True)):
            answer = await client.get("/metrics", headers={"accept": accept})
            assert set(read(answer.content, openmetrics=openmetrics)) == {"pmo_watch_leader"}


def metrics(url: str, *, rendered: bool = True) -> Any:
    """Serve an exporter's metrics."""
    from pmo_watch_plugins.notifiers.prometheus import Exporter

    noted = Noted()
    exporter = an_exporter(metrics=noted) if rendered else Exporter(Settings(), noted)
    return served(Daemon(open_store(url), mounts=exporter.mounts()))
