"""Dynamics 365 and Dataverse as others have them: recorded answers, published columns, another counterpart."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from environment import NOW, Installation, environment, new_certificate
from lxml import etree
from pmo_watch_plugins.sources.dynamics.maps import plain_name
from pmo_watch_plugins.sources.dynamics.presets import PRESETS

from pmo_watch.flow import Outcome

SHARED = Path(__file__).parents[3].parent / "shared"
SERIES = SHARED / "data" / "programme-series"
METADATA = SHARED / "spec" / "files" / "dataverse" / "pmo_dataverse_subset.edmx"
SIMULATOR = SHARED / "tools" / "dataverse_sim" / "dataverse_sim.py"
BRUSSELS = ZoneInfo("Europe/Brussels")

needs_series = pytest.mark.skipif(not SERIES.is_dir(), reason=f"{SERIES} is not there")
needs_metadata = pytest.mark.skipif(not METADATA.is_file(), reason=f"{METADATA} is not there")
needs_simulator = pytest.mark.skipif(not SIMULATOR.is_file(), reason=f"{SIMULATOR} is not there")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def there(tmp_path: Path, certificate: Path) -> Iterator[Installation]:
    with environment(tmp_path, certificate) as found:
        yield found


def fill(there: Installation, week: Path) -> None:
    """Let the environment hold what was recorded in one week."""
    for table in there.site.rows.tables.values():
        for path in sorted(week.glob(f"{table.set}*.json")):
            for row in json.loads(path.read_text(encoding="utf-8"))["value"]:
                empty: dict[str, Any] = dict.fromkeys(column.reads for column in table.columns.values())
                known = {name: value for name, value in row.items() if name in empty}
                table.rows[row[table.key]] = {**empty, "statecode": 0, "statuscode": 1, **known, "@version": 1}


@needs_series
@pytest.mark.parametrize(("number", "folder"), [(2, "2026-09-11"), (5, "2026-10-02")])
def test_a_recorded_plan_becomes_the_plan_that_it_was(there: Installation, number: int, folder: str) -> None:
    projects = json.loads((SERIES / "expected.json").read_text(encoding="utf-8"))["projects"]
    (week,) = [one for one in projects["NOV-02"]["weeks"] if one["week"] == number]
    there.settings |= {"preset": "planner_premium"}
    fill(there, SERIES / folder / "dataverse")

    there.read()

    assert there.state.outcome is Outcome.COMPLETE
    assert there.state.rejected == 0
    (project,) = there.rows("project")
    assert project["forecast_finish"] == date.fromisoformat(week["project_finish"])
    found = {
        row["name"]: (row["forecast_start"].isoformat(), row["forecast_finish"].isoformat(), row["is_milestone"])
        for row in there.rows("task")
    }
    expected = {one["name"]: (one["start"], one["finish"], one["milestone"]) for one in week["tasks"].values()}
    assert found == expected
    assert {row["name"]: float(row["progress"]) for row in there.rows("task")} == {
        one["name"]: float(one["percent"]) for one in week["tasks"].values()
    }


@needs_metadata
def test_every_column_of_the_current_product_is_one_that_exists() -> None:
    root = etree.parse(str(METADATA)).getroot()
    known = {
        entity.get("Name"): {name.get("Name") for name in entity.iter("{*}Property", "{*}NavigationProperty")}
        for entity in root.iter("{*}EntityType")
    }
    known = {name: columns for name, columns in known.items() if len(columns) > 20}  # the others are excerpts

    unknown = [
        f"{table.table}.{column.columns[0]}"
        for table in PRESETS["project_operations"].values()
        if table.table in known
        for column in table.columns
        if column.columns and not {*column.columns, *map(plain_name, column.columns)} & known[table.table]
    ]

    assert unknown == ["msdyn_projecttask.msdyn_wbsid"], "the older product had it, and plans still carry it"


def simulator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dataverse_sim", SIMULATOR)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["dataverse_sim"] = found
    spec.loader.exec_module(found)
    return found


def local_day(text: str | None) -> date | None:
    return datetime.fromisoformat(text).astimezone(BRUSSELS).date() if text else None


@pytest.fixture
def simulated(tmp_path: Path, certificate: Path) -> Iterator[tuple[Any, Installation]]:
    sim = simulator()
    (tmp_path / "dataverse.pem").write_bytes(certificate.read_bytes())
    with sim.serve(sim.Settings(projects=3, tasks=40), cert=str(certificate)) as site:
        signing = {"tenant": site.settings.tenant, "client_id": site.settings.client_id}
        address = {"url": site.url, "authority": site.url, "client_secret": site.settings.client_secret}
        yield site, Installation(site, tmp_path, {**signing, **address})


@needs_simulator
def test_a_counterpart_of_somebody_else_is_read_as_it_says_that_it_is(simulated: tuple[Any, Installation]) -> None:
    site, there = simulated

    there.read()

    held = site.tables["msdyn_projecttasks"].rows
    found = {row["key"]: row for row in there.rows("task")}
    assert there.state.outcome is Outcome.COMPLETE
    assert found.keys() == held.keys()
    for key, row in held.items():
        assert found[key].get("forecast_finish") == local_day(row["msdyn_finish"])
        assert found[key]["progress"] == Decimal(str(row["msdyn_progress"])) * 100
        assert found[key].get("parent") == row["_msdyn_parenttask_value"]
    baseline = {
        row["msdyn_projecttaskid"]: local_day(row["msdyn_taskfinishdate"])
        for row in site.tables["msdyn_projectbaselinetaskdatas"].rows.values()
    }
    assert {key: row["baseline_finish"] for key, row in found.items() if "baseline_finish" in row} == baseline
    assert len(there.rows("cost_entry")) == len(site.tables["msdyn_actuals"].rows)


@needs_simulator
def test_a_counterpart_of_somebody_else_is_kept_in_step_with(simulated: tuple[Any, Installation]) -> None:
    site, there = simulated
    there.read()
    keys = list(site.tables["msdyn_projecttasks"].rows)
    for key in keys[:10]:
        site.edit("msdyn_projecttasks", key, msdyn_finish="2026-12-18T16:00:00Z")
    site.delete("msdyn_projecttasks", keys[10])

    there.read(NOW + timedelta(minutes=30))
    asked = len(site.requests)
    site.expire()
    there.read(NOW + timedelta(minutes=60))

    finishes = [row.get("forecast_finish") for row in there.rows("task")]
    assert finishes.count(date(2026, 12, 18)) == 10
    assert len(finishes) == len(keys) - 1
    assert asked <= 11, "two to sign in, one for each table, one to see that anything is shown"
    assert there.state.outcome is Outcome.COMPLETE
