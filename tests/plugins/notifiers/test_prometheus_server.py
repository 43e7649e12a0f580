"""The metrics before the programs that read them: promtool, and a Prometheus that scrapes the running server."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest
from debian import debian_program
from exporter_bench import a_report, an_exporter
from metric_tables import read
from prometheus_rig import prometheus
from served import Daemon, http, served

from pmo_watch.store import open_store
from pmo_watch.telemetry import Names

RULES = Path(__file__).parents[3] / "deploy" / "prometheus" / "pmo_watch.rules.yml"
NAMES = Names(["key-milestone-slip"], ["10.yaml"], {"plans": 3600.0}, ["mail"], ["pmo"], [("email", "1", "notifier")])
JOIN = 'pmo_project_rag_level{dimension="overall"} * on (project) group_left (name, portfolio) pmo_project_info'
USERS = {"prometheus": {"hash": bcrypt.hashpw(b"scrape me", bcrypt.gensalt(rounds=4)).decode()}}

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture
def daemon(sqlite_url: str) -> Iterator[Daemon]:
    """Give a daemon that has finished a cycle."""
    store = open_store(sqlite_url)
    daemon = Daemon(store, names=NAMES)
    daemon.mounts = an_exporter(a_report(), daemon.telemetry).mounts()
    daemon.telemetry.leader.set(1)
    daemon.telemetry.set_moment(daemon.telemetry.last_evaluation, daemon.now)
    yield daemon
    store.close()


async def test_promtool_finds_nothing_to_criticise(daemon: Daemon) -> None:
    promtool = debian_program("promtool", "prometheus")
    async with served(daemon) as client:
        body = (await client.get("/metrics")).content

    checked = await asyncio.to_thread(promtool_says, promtool, body)

    assert (checked.stdout + checked.stderr, checked.returncode) == (b"", 0)


def promtool_says(promtool: str, body: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)


async def test_prometheus_scrapes_every_sample_and_joins_them(daemon: Daemon, tmp_path: Path) -> None:
    async with served(daemon, http(users=USERS)) as client:
        body = (await client.get("/metrics", auth=("prometheus", "scrape me"))).content
        login = "basic_auth: {username: prometheus, password: 'scrape me'}"
        target = f"127.0.0.1:{client.base_url.port}"
        async with prometheus(tmp_path, target, login, RULES) as server:
            await server.wait_for("up == 1")
            scraped = await server.wait_for("scrape_samples_scraped > 0")
            joined = await server.wait_for(JOIN)
            red = await server.wait_for("portfolio:pmo_project_red:count")
            alerts = await server.wait_for('ALERTS{alertname="PmoWatchWatchdog", alertstate="firing"}')
            buckets = await server.ask('pmo_watch_cycle_duration_seconds_bucket{le="0.5"}')

    samples = sum(len(one.samples) for one in read(body, openmetrics=False).values())
    # The requests of the scrapes themselves are among the daemon's own samples, which were there from zero on.
    assert [value for _, value in scraped] == [samples]
    assert [(one["project"], one["name"], one["portfolio"], value) for one, value in joined] == [
        ("HB-017", "Harbour Bridge", "infrastructure", 2.0)
    ]
    assert [(one["portfolio"], value) for one, value in red] == [("infrastructure", 1.0)]
    assert len(alerts) == len(buckets) == 1


async def test_prometheus_without_the_password_gets_nothing(daemon: Daemon, tmp_path: Path) -> None:
    async with served(daemon, http(users=USERS)) as client:
        target = f"127.0.0.1:{client.base_url.port}"
        async with prometheus(tmp_path, target, "scheme: http", RULES) as server:
            found = await server.wait_for("up")

    assert [value for _, value in found] == [0.0]
