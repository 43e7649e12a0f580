"""Every panel of every dashboard before a real Prometheus that has scraped the demo."""

import asyncio
import contextlib
import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from dashboard_views import Views
from dashboards import SHIPPED, filled_in, queries, variables
from mail_server import free_port
from metric_tables import read
from prometheus_client.metrics_core import Metric
from prometheus_rig import Prometheus, prometheus

from pmo_watch.clock import FixedClock
from pmo_watch.daemon import Daemon
from pmo_watch.demo.replay import END, replayed
from pmo_watch.in_force import InForce
from pmo_watch.store import Store

RULES = Path(__file__).parents[1] / "deploy" / "prometheus" / "pmo_watch.rules.yml"
TOLD_BEFORE = "the demo's messages left while it was replayed; the daemon that is scraped sends none"
LATER = timedelta(hours=2)
BASES = {"computed": "pmo_project_rag_level", "declared": "pmo_project_declared_rag_level"}
# Empty in the demo, and why. Whatever else is empty is a fault.
MAY_BE_EMPTY = {
    "pmo-portfolio: Milestones due in the next four weeks A": "the demo's days are those of autumn 2026, not of today",
    "pmo-programme: Milestones due in the next four weeks A": "the demo's days are those of autumn 2026, not of today",
    "pmo-milestones: Due in the next four weeks A": "the demo's days are those of autumn 2026, not of today",
    "pmo-alerts: Failures by reason A": TOLD_BEFORE,
    "pmo-alerts: Delay A": TOLD_BEFORE,
    "pmo-alerts: Duration of an attempt A": TOLD_BEFORE,
    "pmo-alerts: Longest wait A": TOLD_BEFORE,
    "pmo-alerts: Transitions A": "no alert changes while the demo is only looked at",
    "pmo-daemon: Failed readings A": "every source of the demo answers",
}

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[InForce, Store, int]]:
    """Replay the demo once; its systems go on answering."""
    port = free_port()
    with replayed(tmp_path_factory.mktemp("demo") / "out", port) as (in_force, store, _):
        yield in_force, store, port


async def test_every_panel_shows_something_of_the_demo(demo: tuple[InForce, Store, int], tmp_path: Path) -> None:
    in_force, store, port = demo
    clock = FixedClock(END)
    daemon = Daemon(in_force, store, clock)
    running = asyncio.create_task(daemon.run())
    try:
        async with prometheus(tmp_path, f"127.0.0.1:{port}", "scheme: http", RULES) as server:
            await server.wait_for('pmo_watch_cycles_total{result="success"} > 0')
            clock.moment += LATER  # so that something is read while Prometheus looks
            await daemon.cycle()
            await server.wait_for('increase(pmo_watch_cycles_total{result="success"}[5m]) > 0')
            await server.wait_for('sum(increase(pmo_watch_source_readings_total{result="complete"}[5m])) > 0')
            found = {one.name: await server.ask(one.for_prometheus()) for one in queries()}
            marks = SHIPPED["pmo-project"]["annotations"]["list"]
            opened = [await server.ask(filled_in(one["expr"])) for one in marks]
            chosen = {f"{uid} ${name}": await values(server, query) for uid, page in SHIPPED.items()
                      for name, query in variables(page).items()}  # fmt: skip
    finally:
        daemon.stop()
        await running

    empty = {name for name, series in found.items() if all(math.isnan(value) for _, value in series)}
    for name in sorted(empty):
        print(f"empty: {name}: {MAY_BE_EMPTY.get(name, '?')}")
    assert empty <= set(MAY_BE_EMPTY)
    assert opened
    assert all(opened)
    assert set(MAY_BE_EMPTY) <= set(found), "a panel that is not there any more"
    # Its one programme belongs to no portfolio: "All" is all there is to choose.
    assert {name for name, found in chosen.items() if not found} == {
        "pmo-portfolio $portfolio",
        "pmo-programme $portfolio",
    }


async def values(server: Prometheus, query: str) -> list[str]:
    """Return what a variable lets choose."""
    metric, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
    filled = metric.replace("$portfolio", ".*").replace("$program", ".*")
    return sorted({labels[label] for labels, _ in await server.ask(filled) if label in labels})


async def test_views_of_the_demo_say_what_the_api_and_the_metrics_say(demo: tuple[InForce, Store, int]) -> None:
    in_force, store, port = demo
    clock = FixedClock(END + 2 * LATER)
    daemon = Daemon(in_force, store, clock)
    running = asyncio.create_task(daemon.run())
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            alerts, metrics = await told(client, running)
    finally:
        daemon.stop()
        await running
    served = read(metrics, openmetrics=False)
    views = Views(in_force.settings.database.url.get_secret_value())
    rows = {name: views.rows(name) for name in ("grafana_alerts", "grafana_milestones", "grafana_kpi_history")}
    history = views.rows("grafana_rag_history")
    views.close()

    said = {(one["id"], one["rule"], one["project"] or None, one["state"], one["value"]) for one in alerts}
    assert said == {
        (one["id"], one["rule"], one["project"], one["state"], one["value"]) for one in rows["grafana_alerts"]
    }
    assert len(said) > 20
    assert {(one["milestone"], one["project"]): float(one["done"]) for one in rows["grafana_milestones"]} == labelled(
        served, "pmo_milestone_completed"
    )
    last: dict[tuple[str, ...], float] = {}
    for one in sorted(rows["grafana_kpi_history"], key=lambda one: str(one["time"])):
        last[one["kpi"], one["scope"], one["unit"]] = one["value"]
    assert last
    assert last == labelled(served, "pmo_kpi_value")
    for basis, family in BASES.items():
        now: dict[tuple[str, ...], float] = {}
        for one in sorted(history, key=lambda one: str(one["time"])):
            if one["basis"] == basis:
                now[one["dimension"], one["project"]] = one["rag_level"]
        assert {name: level for name, level in now.items() if level is not None} == labelled(served, family)


async def told(client: httpx2.AsyncClient, running: "asyncio.Task[None]") -> tuple[list[dict[str, Any]], bytes]:
    """Return every alert and all metrics, once a first cycle is over."""
    async with asyncio.timeout(60):
        while True:
            assert not running.done(), running
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get("/-/ready")).status_code == 200:
                    break
            await asyncio.sleep(0.1)
    alerts: list[dict[str, Any]] = []
    address: str | None = "/api/v1/alerts?limit=1000"
    while address:
        answer = await client.get(address)
        alerts += answer.json()
        address = answer.links.get("next", {}).get("url")
    return alerts, (await client.get("/metrics")).content


def labelled(served: dict[str, Metric], family: str) -> dict[tuple[str, ...], float]:
    """Return the series of a family by the values of their labels, in the labels' order."""
    return {tuple(value for _, value in sorted(one.labels.items())): one.value for one in served[family].samples}
