"""docs/grafana.md and what it speaks of: provisioning files, the example for Compose, queries on the views."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboards import SHIPPED
from debian import debian_program
from ruamel.yaml import YAML
from sqlalchemy import text

from pmo_watch.store.dashboards import VIEWS
from pmo_watch.store.database import open_engine, reading, writing

ROOT = Path(__file__).parents[1]
GRAFANA, COMPOSE = ROOT / "deploy" / "grafana", ROOT / "deploy" / "compose"
PAGE = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^```sql\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
# As Grafana's data source fills them in.
MACROS = {
    "$__timeFilter(time)": "time BETWEEN '2026-01-01T00:00:00Z' AND '2027-01-01T00:00:00Z'",
    "${project:sqlstring}": "'HB-017','HB-018'",
}


def loaded(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text(encoding="utf-8"))


SERVICES: dict[str, dict[str, Any]] = loaded(COMPOSE / "compose.yaml")["services"]


# --- the page -----------------------------------------------------------------------------------------------------


def test_page_names_every_dashboard_and_where_it_is() -> None:
    named = dict(re.findall(r"^\| (.+?) \| `/d/([\w-]+)` \|", PAGE, re.MULTILINE))

    assert named == {page["title"]: uid for uid, page in SHIPPED.items()}


def test_page_names_every_view_with_its_columns(sqlite_url: str) -> None:
    named = dict(re.findall(r"^\| `(grafana_\w+)` \| (.+) \|$", PAGE, re.MULTILINE))
    engine = open_engine(sqlite_url)
    with reading(engine) as connection:
        columns = {one: list(connection.execute(text(f"SELECT * FROM {one}")).keys()) for one in VIEWS}
    engine.dispose()

    assert {one: re.sub(r" \([^)]*\)", "", told).split(", ") for one, told in named.items()} == columns


def test_annotation_of_the_page_is_that_of_the_dashboard() -> None:
    (query,) = re.findall(r"^```promql\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)

    assert query == SHIPPED["pmo-project"]["annotations"]["list"][0]["expr"]


@pytest.fixture
def reader(postgres_url: str) -> Iterator[str]:
    """Give a database with the role that Grafana signs in as."""
    engine = open_engine(postgres_url)
    script = "\n".join(
        line for line in (GRAFANA / "grants.sql").read_text(encoding="utf-8").splitlines() if not line.startswith("--")
    )
    with writing(engine) as connection:
        for statement in script.split(";"):
            if statement.strip():
                connection.execute(text(statement))
    yield postgres_url
    with writing(engine) as connection:
        connection.execute(text("DROP OWNED BY grafana_ro"))
        connection.execute(text("DROP ROLE grafana_ro"))
    engine.dispose()


def test_queries_of_the_page_run_as_grafana(reader: str) -> None:
    engine = open_engine(reader)
    with writing(engine) as connection:
        connection.execute(text("SET LOCAL ROLE grafana_ro"))
        for query in QUERIES:
            filled = query
            for macro, value in MACROS.items():
                filled = filled.replace(macro, value)
            assert "$" not in filled
            assert list(connection.exec_driver_sql(filled).keys())
    engine.dispose()
    assert len(QUERIES) == 3


# --- provisioning -------------------------------------------------------------------------------------------------


def test_data_sources_have_the_uids_of_the_contract_and_no_password() -> None:
    sources = loaded(GRAFANA / "provisioning" / "datasources" / "pmo_watch.yaml")["datasources"]

    assert {one["uid"]: one["type"] for one in sources} == {"pmo-prometheus": "prometheus", "pmo-db": "postgres"}
    assert sources[1]["user"] == "grafana_ro"
    assert sources[1]["secureJsonData"] == {"password": "$PMO_DATABASE_PASSWORD"}


def test_every_variable_of_the_data_sources_is_explained_and_set_in_the_example() -> None:
    written = (GRAFANA / "provisioning" / "datasources" / "pmo_watch.yaml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$(PMO_[A-Z_]+[A-Z])", written))

    assert asked
    assert asked <= set(SERVICES["grafana"]["environment"])
    assert all(f"`{name}`" in PAGE for name in asked)


def test_dashboards_are_loaded_from_where_the_example_puts_them() -> None:
    (provider,) = loaded(GRAFANA / "provisioning" / "dashboards" / "pmo_watch.yaml")["providers"]
    path = provider["options"]["path"]

    assert (provider["folder"], provider["type"], provider["allowUiUpdates"]) == ("PMO", "file", False)
    assert f"../grafana/dashboards:{path}:ro" in SERVICES["grafana"]["volumes"]
    assert f"`{path}/`" in PAGE


# --- Compose ------------------------------------------------------------------------------------------------------


def test_every_shipped_file_that_is_mounted_is_there() -> None:
    mounted = [one.split(":")[0] for service in SERVICES.values() for one in service["volumes"] if one.startswith(".")]

    assert len(mounted) >= 7
    assert [one for one in mounted if one not in {"./etc", "./plans"} and not (COMPOSE / one).exists()] == []


def test_nothing_of_the_example_is_reached_from_outside_and_no_image_is_the_latest() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    others = [one["image"] for name, one in SERVICES.items() if name != "pmo-watch"]
    assert all(re.fullmatch(r"[a-z/]+:v?\d[\d.]*", one) for one in others), others


def test_passwords_of_the_example_are_asked_for_and_written_nowhere() -> None:
    text_of = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")

    for name in ("PMO_DB_PASSWORD", "GRAFANA_DB_PASSWORD", "GRAFANA_ADMIN_PASSWORD"):
        assert f"${{{name}:?" in text_of
        assert f"{name}=..." in PAGE


def test_settings_of_the_example_are_good(tmp_path: Path) -> None:
    given = {
        name: value.replace("${PMO_DB_PASSWORD}", "pw") for name, value in SERVICES["pmo-watch"]["environment"].items()
    }
    run = [sys.executable, "-m", "pmo_watch"]
    subprocess.run([*run, "init", str(tmp_path / "etc")], check=True, capture_output=True, timeout=60)
    config = ["--config", str(tmp_path / "etc" / "pmo-watch.yaml")]

    checked = subprocess.run(
        [*run, "check", *config], env={**os.environ, **given}, capture_output=True, text=True, timeout=60, check=False
    )
    open_to_all = {name: value for name, value in given.items() if not name.endswith("INSECURE")}
    refused = subprocess.run(
        [*run, "check", *config], env={**os.environ, **open_to_all}, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip

    assert "listen" not in checked.stderr
    assert "listen" in refused.stderr, "the check sees what the environment sets"
    assert "type: prometheus" in (tmp_path / "etc" / "pmo-watch.yaml").read_text(encoding="utf-8")


@pytest.mark.system
@pytest.mark.timeout(600)
def test_promtool_accepts_the_prometheus_of_the_example(tmp_path: Path) -> None:
    promtool = debian_program("promtool", "prometheus")
    shutil.copy(COMPOSE / "prometheus.yml", tmp_path)
    shutil.copy(ROOT / "deploy" / "prometheus" / "pmo_watch.rules.yml", tmp_path)

    done = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (job,) = loaded(COMPOSE / "prometheus.yml")["scrape_configs"]
    assert job["job_name"] == "pmo_watch", "which the shipped rules ask for"
    (target,) = job["static_configs"][0]["targets"]
    assert target.partition(":")[0] in SERVICES
