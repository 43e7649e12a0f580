"""The views that dashboards read: their columns, what they say, and who may read them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dashboard_views import Views
from databases import database
from exporter_bench import COLOURS, a_report, an_exporter
from messages import NOW, a_message, an_alert
from metric_tables import read
from office import NOW as FRIDAY
from office import Office, cycle
from sqlalchemy import Connection, make_url, text

from pmo_watch.alerts import Rendered, state_of
from pmo_watch.cycle import Engine
from pmo_watch.errors import StoreError
from pmo_watch.shown import Showing, shown_of
from pmo_watch.store import CycleChange, OutboxState, Settlement, Store, migrations, open_store, upgrade_schema
from pmo_watch.store.dashboards import VIEWS, create_views, drop_views
from pmo_watch.store.database import open_engine, reading, writing
from pmo_watch.store.tables import metadata
from pmo_watch.store.upgrade import _migrate
from pmo_watch.telemetry import Telemetry
from pmo_watch.web_api import alert_row

GRANTS = Path(__file__).parents[2] / "deploy" / "grafana" / "grants.sql"
# The interface: columns are only added, at the end.
COLUMNS = {
    "grafana_alert_annotations": "time timeend text tags project rule level",
    "grafana_alerts": (
        "id rule project project_name entity entity_name level state opened_at closed_at close_reason unknown_since "
        "acknowledged_until value unit"
    ),
    "grafana_rag_history": "time project dimension basis rag rag_level",
    "grafana_milestones": "project milestone name kind baseline_finish forecast_finish done slip_wd",
    "grafana_kpi_history": "time scope kpi value unit target",
    "grafana_messages": "time notifier outcome reason attempts delay_seconds",
}
LATER = NOW + timedelta(days=7)
LATER_ON = FRIDAY + timedelta(hours=2)


@pytest.fixture
def views(store_url: str) -> Iterator[Views]:
    """Give the views of the store's database."""
    found = Views(store_url)
    yield found
    found.close()


def a_cycle(store: Store, at: datetime = NOW, **parts: Any) -> None:
    """Let a cycle be over that knew the portfolio of the metrics' tests."""
    report = a_report()
    showing = Showing(parts.pop("silenced", ()), shown_of(parts.pop("snapshot", report.snapshot)))
    store.write(CycleChange(at, showing=showing, **{"colours": report.colours, **parts}))


def series(name: str) -> dict[tuple[str, ...], float]:
    """Return what the metrics say of that portfolio: values by the values of their labels, in the labels' order."""
    exporter = an_exporter(a_report(), Telemetry())
    found = read(exporter._renderings[False].body, openmetrics=False)[name]
    return {tuple(label for _, label in sorted(one.labels.items())): one.value for one in found.samples}


def test_views_have_the_columns_of_the_contract(views: Views) -> None:
    assert {name: " ".join(views.columns(name)) for name in VIEWS} == COLUMNS


def test_milestones_are_those_of_the_metrics(store: Store, views: Views) -> None:
    a_cycle(store)

    rows = views.rows("grafana_milestones")

    assert {(one["milestone"], one["project"]) for one in rows} == {
        labels[:2] for labels in series("pmo_milestone_completed")
    }
    assert {(one["milestone"], one["project"]): float(one["done"]) for one in rows} == series("pmo_milestone_completed")
    assert [one for one in rows if one["milestone"] == "M1"] == [
        {
            "project": "HB-017",
            "milestone": "M1",
            "name": "Go-live",
            "kind": "key",
            "baseline_finish": "2026-05-01",
            "forecast_finish": "2026-05-19",
            "done": False,
            "slip_wd": 11.0,
        }
    ]
    assert {one["milestone"]: one["slip_wd"] for one in rows} == {"M1": 11.0, "M2": 1.0, "M3": None}


def test_what_changes_is_changed_and_what_is_gone_goes(store: Store, views: Views) -> None:
    a_cycle(store)
    snapshot = a_report().snapshot
    tasks = snapshot.frames["task"].filter(pl.col("uid") != "plans:task:M3")
    moved = tasks.with_columns(
        forecast_finish=pl.when(pl.col("uid") == "plans:task:M1").then(date(2026, 5, 1)).otherwise("forecast_finish")
    )
    a_cycle(store, LATER, snapshot=replace(snapshot, frames={**snapshot.frames, "task": moved}))

    rows = views.rows("grafana_milestones")

    assert {one["milestone"]: one["slip_wd"] for one in rows} == {"M1": 0.0, "M2": 1.0}


def test_a_daemon_writes_only_what_changed_and_comes_to_the_same(tmp_path: Path) -> None:
    """What it has written itself it need not read again; a new one reads it, and finds nothing to change."""
    office = Office(tmp_path, projects=2)
    store = office.open()
    views = Views(office.load().settings.database.url.get_secret_value())
    engine = Engine(store, office.load())
    cycle(engine)
    office.save("P01", 12)
    cycle(engine, LATER_ON)
    by_one = views.rows("grafana_milestones")
    first = Engine(store, office.load()).preview(LATER_ON, []).change.showing
    store.write(CycleChange(LATER_ON, showing=first))

    assert first is not None
    assert first.before is None
    assert views.rows("grafana_milestones") == by_one
    assert {one["project"]: one["slip_wd"] for one in by_one} == {"P01": 12.0, "P02": 0.0}
    views.close()
    store.close()


def test_indicators_have_their_history_and_the_metrics_the_last_of_it(store: Store, views: Views) -> None:
    a_cycle(store)

    rows = views.rows("grafana_kpi_history")

    assert sorted((one["time"], one["scope"], one["value"], one["unit"]) for one in rows) == [
        (datetime(2026, 3, 30, 22, tzinfo=UTC), "HB", 90.0, "t"),
        (datetime(2026, 3, 30, 22, tzinfo=UTC), "HB-017", 40.0, "t"),
        (datetime(2026, 4, 29, 22, tzinfo=UTC), "HB-017", 42.5, "t"),
    ]
    last = {one["scope"]: one["value"] for one in sorted(rows, key=lambda one: one["time"])}
    assert sorted(last.values()) == sorted(series("pmo_kpi_value").values())


def test_colours_of_now_are_those_of_the_metrics(store: Store, views: Views) -> None:
    a_cycle(store)

    rows = views.rows("grafana_rag_history")
    levels = {
        basis: {(one["dimension"], one["project"]): one["rag_level"] for one in rows if one["basis"] == basis}
        for basis in ("computed", "declared")
    }

    known = {name: level for name, level in levels["computed"].items() if level is not None}
    assert known == series("pmo_project_rag_level")
    assert levels["declared"] == series("pmo_project_declared_rag_level")
    assert {(one["dimension"], one["rag"]) for one in rows if one["basis"] == "computed"} == set(COLOURS)
    assert {one["time"] for one in rows} == {NOW}


def test_colour_that_ends_leaves_a_gap_and_one_that_changes_does_not(store: Store, views: Views) -> None:
    a_cycle(store)
    colours = a_report().colours
    turned = colours.filter(pl.col("dimension") != "cost").with_columns(
        state=pl.when(pl.col("dimension") == "overall").then(pl.lit("green")).otherwise("state")
    )
    a_cycle(store, LATER, colours=turned)

    rows = [one for one in views.rows("grafana_rag_history") if one["basis"] == "computed" and one["time"] == LATER]

    assert sorted((one["dimension"], one["rag"], one["rag_level"]) for one in rows) == [
        ("cost", None, None),
        ("overall", "green", 0),
    ]


def test_alerts_say_what_the_api_says(store: Store, views: Views) -> None:
    alerts = [
        an_alert(1, subject_id="M1", subject_name="Go-live", project="project:p1", project_code="old", value=12.0),
        an_alert(2, subject_id="M2", level=None, opened_at=None, seen="red", project_code="X"),
        an_alert(3, subject_id="M3", acknowledged_until=date(2026, 6, 1), level="amber"),
        an_alert(4, subject_id="M4", unknown_since=NOW),
        an_alert(5, subject_id="M5"),
        an_alert(6, subject_id="M6", closed_at=NOW, close_reason="recovered"),
        an_alert(7, entity="person", subject="person:ann", subject_id="ann@example.org", subject_name="Ann Smith"),
    ]
    a_cycle(store, alerts=alerts, silenced=[alerts[4].id])

    rows = {one["id"]: one for one in views.rows("grafana_alerts")}

    for alert in alerts:
        row, told = rows[alert.id], alert_row(alert, silenced=alert is alerts[4])
        assert row["state"] == state_of(alert, silenced=alert is alerts[4]) == told["state"]
        assert (row["entity"] or "", row["entity_name"] or "") == (told["entity"], told["name"])
        for name in ("rule", "opened_at", "closed_at", "close_reason", "unknown_since", "value", "unit"):
            assert row[name] == told[name]
        assert row["level"] == (told["level"] or "red")
    assert rows[alerts[0].id]["project"] == "HB-017", "as it is called now"
    assert rows[alerts[0].id]["project_name"] == "Harbour Bridge"
    assert rows[alerts[1].id]["project"] == "X", "as it was called"
    assert rows[alerts[2].id]["acknowledged_until"] == "2026-06-01"


def test_silences_that_end_are_taken_back(store: Store, views: Views) -> None:
    alert = an_alert(1)
    a_cycle(store, alerts=[alert], silenced=[alert.id])
    store.write(CycleChange(LATER, showing=Showing(())))

    assert [one["state"] for one in views.rows("grafana_alerts")] == ["open"]


def test_annotations_span_the_life_of_an_alert(store: Store, views: Views) -> None:
    shown = {"subject_id": "M1", "subject_name": "Go-live", "project_code": "A,B"}
    a_cycle(store, alerts=[an_alert(1, **shown), an_alert(2, closed_at=NOW), an_alert(3, level=None, opened_at=None)])

    rows = sorted(views.rows("grafana_alert_annotations"), key=lambda one: str(one["timeend"]))

    assert [(one["time"], one["timeend"]) for one in rows] == [
        (NOW - timedelta(days=1), NOW),
        (NOW - timedelta(days=1), None),
    ]
    assert (rows[1]["text"], rows[1]["tags"]) == ("key-milestone-slip: M1 Go-live", "red,key-milestone-slip,A B")


def test_messages_say_how_late_they_were_and_hold_neither_address_nor_words(store: Store, views: Views) -> None:
    message = a_message(address="ann@example.org")
    store.write(CycleChange(NOW, messages=[(message, Rendered("Subject", "a secret text"))]))
    (leased,) = store.lease(NOW, limit=1, seconds=60)
    store.settle(Settlement(leased, OutboxState.ACCEPTED, NOW + timedelta(seconds=90.5)))

    (row,) = views.rows("grafana_messages")

    assert row == {
        "time": NOW + timedelta(seconds=90.5),
        "notifier": message.notifier,
        "outcome": "accepted",
        "reason": None,
        "attempts": 1,
        "delay_seconds": 90.5,
    }


def test_no_view_holds_an_address_a_text_or_a_token(store: Store, views: Views) -> None:
    message = a_message(address="ann@example.org")
    alert = an_alert(7, entity="person", subject="person:ann@example.org", subject_name="Ann Smith")
    a_cycle(store, alerts=[alert], messages=[(message, Rendered("Subject", "a secret text", "<p>secret</p>"))])

    held = str([views.rows(name) for name in VIEWS])

    for word in ("@", "secret", "Subject", "Ann"):
        assert word not in held


def test_moments_are_rfc_3339_where_the_database_knows_no_zones(store: Store, store_url: str, views: Views) -> None:
    a_cycle(store, alerts=[an_alert(1)])
    schema = "pmo_watch." if "postgresql" in store_url else ""

    found = views.raw(f"SELECT opened_at FROM {schema}grafana_alerts")

    if "postgresql" in store_url:
        assert found == NOW - timedelta(days=1)
        assert found.tzinfo is not None
    else:
        assert found == (NOW - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


# --- who may read ------------------------------------------------------------------------------------------------


@pytest.fixture
def granted(postgres_url: str) -> Iterator[str]:
    """Give a database in which the shipped grants were made; roles belong to the server, so it goes afterwards."""
    engine = open_engine(postgres_url)
    with writing(engine) as connection:
        run(connection, GRANTS.read_text(encoding="utf-8"))
    yield postgres_url
    with writing(engine) as connection:
        run(connection, "DROP OWNED BY grafana_ro; DROP ROLE grafana_ro;")
    engine.dispose()


@contextmanager
def role(server: str, name: str, rights: str = "") -> Iterator[None]:
    """Let the server know a role; it goes when the databases that it has something in are gone."""
    engine = open_engine(server)
    with writing(engine) as connection:
        run(connection, f"CREATE ROLE {name} LOGIN {rights}")
    yield
    with writing(engine) as connection:
        run(connection, f"DROP ROLE {name}")
    engine.dispose()


def run(connection: Connection, script: str) -> None:
    bare = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    for statement in bare.split(";"):
        if statement.strip():
            connection.execute(text(statement))


def may_read(url: str, name: str) -> bool:
    """Say whether the role of Grafana may read a table or view."""
    engine = open_engine(url)
    try:
        with writing(engine) as connection:
            connection.execute(text("SET LOCAL ROLE grafana_ro"))
            connection.execute(text(f"SELECT * FROM {name}"))
    except StoreError as fault:
        if "permission denied" not in str(fault):
            raise
        return False
    finally:
        engine.dispose()
    return True


def test_grafana_reads_every_view_and_no_table(granted: str) -> None:
    assert [name for name in VIEWS if not may_read(granted, f"pmo_watch.{name}")] == []
    tables = [*metadata.tables, "alembic_version"]
    assert [name for name in tables if may_read(granted, name)] == []


def test_whoever_was_let_in_stays_so_when_views_are_made_again(granted: str) -> None:
    engine = open_engine(granted)
    with writing(engine) as connection:
        run(connection, 'CREATE ROLE "Other One"; GRANT SELECT ON pmo_watch.grafana_alerts TO PUBLIC, "Other One"')
        query = text("SELECT relname, relacl::text FROM pg_class WHERE relname LIKE 'grafana%' ORDER BY 1")
        before = connection.execute(query).all()
        create_views(connection, drop_views(connection))
        after = connection.execute(query).all()
        run(connection, 'DROP OWNED BY "Other One"; DROP ROLE "Other One"')
    engine.dispose()

    assert len(before) == len(VIEWS)
    assert [(name, rights_in(rights)) for name, rights in after] == [(name, rights_in(one)) for name, one in before]
    assert [name for name in VIEWS if not may_read(granted, f"pmo_watch.{name}")] == []


def rights_in(written: str) -> set[str]:
    """Return who may do what, in any order."""
    return set(written.strip("{}").split(","))


# --- upgrade ------------------------------------------------------------------------------------------------------


def test_views_know_what_older_tables_held(empty_url: str) -> None:
    engine = open_engine(empty_url)
    with writing(engine) as connection:
        _migrate(connection, "0010")
    engine.dispose()
    insert_old(empty_url)

    assert upgrade_schema(empty_url) == ("0010", migrations.NEWEST)
    opened, views = open_store(empty_url), Views(empty_url)
    (colour,) = views.rows("grafana_rag_history")
    a_cycle(opened, LATER)

    assert (colour["project"], colour["rag"], colour["time"]) == ("HB-016", "amber", NOW)
    assert {one["milestone"] for one in views.rows("grafana_milestones")} == {"M1", "M2", "M3"}
    views.close()
    opened.close()


def insert_old(url: str) -> None:
    """Leave a project that is gone, and its colour, in tables of the version before."""
    engine = open_engine(url)
    moment = NOW.strftime("%Y-%m-%d %H:%M:%S.%f") if engine.dialect.name == "sqlite" else NOW
    with writing(engine) as connection:
        connection.execute(
            text("INSERT INTO project_version (uid, source, part, known_from, known_to, code, name) "
                 "VALUES ('project:p0', 'plans', '', :at, :at, 'HB-016', 'Harbour Road')"), {"at": moment}
        )  # fmt: skip
        connection.execute(
            text("INSERT INTO colour (project, dimension, state, known_from) "
                 "VALUES ('project:p0', 'overall', 'amber', :at)"), {"at": moment}
        )  # fmt: skip
    engine.dispose()


def test_role_with_the_name_of_the_schema_keeps_its_tables_together(postgres_server: str) -> None:
    """PostgreSQL would put later tables of a role called pmo_watch into the schema of that name."""
    with role(postgres_server, "pmo_watch", "SUPERUSER"), database(postgres_server, "template0") as url:
        admin = open_engine(url)
        own = url.replace("//pmo@", "//pmo_watch@")
        engine = open_engine(own)
        with writing(engine) as connection:
            _migrate(connection, "0010")
            run(connection, "CREATE SCHEMA pmo_watch")
        engine.dispose()
        upgrade_schema(own)
        opened = open_store(own)
        a_cycle(opened)
        assert opened.answers()
        opened.close()
        with reading(admin) as connection:
            places = connection.execute(
                text("SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname IN ('public', 'pmo_watch')")
            ).scalars().all()  # fmt: skip
        admin.dispose()

    assert places == ["public"]


def test_user_who_may_make_no_schema_is_told_which_right_is_missing(postgres_server: str) -> None:
    with role(postgres_server, "modest"), database(postgres_server, "template0") as url:
        admin = open_engine(url)
        with writing(admin) as connection:
            run(connection, "GRANT CREATE, USAGE ON SCHEMA public TO modest")
        own = url.replace("//pmo@", "//modest@")

        with pytest.raises(StoreError, match=r"permission denied for database .*CREATE on the database"):
            upgrade_schema(own)

        with writing(admin) as connection:
            connection.execute(text(f"GRANT CREATE ON DATABASE {make_url(url).database} TO modest"))
        before, _ = upgrade_schema(own)
        admin.dispose()

    assert before is None, "the refused upgrade had left nothing behind"
