"""Grafana's dashboards: made from the generator, whole, and about metrics that are served."""

import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dashboards import FOLDER, SHIPPED, Asked, metrics_of, queries, variables
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from metric_tables import contract
from pmo_watch_plugins.notifiers.prometheus.families import HELP

from pmo_watch.telemetry import Telemetry

ROOT = Path(__file__).parents[1]
UIDS = {"pmo-portfolio", "pmo-programme", "pmo-project", "pmo-milestones", "pmo-kpis", "pmo-alerts", "pmo-daemon"}
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
OF_PROJECTS = ("pmo-portfolio", "pmo-programme", "pmo-project", "pmo-milestones", "pmo-kpis")
LATER = "pmo_watch_next_evaluation_timestamp_seconds"  # it is served once it is known


def served() -> dict[str, frozenset[str]]:
    """Return every metric that is served; of the daemon's own with the labels it has."""
    telemetry = Telemetry()
    own = {
        name: frozenset(collector._labelnames)
        for name, collector in telemetry.registry._names_to_collectors.items()
        if hasattr(collector, "_labelnames")
    }
    plain = re.findall(r"^# HELP (\w+)", telemetry.render(openmetrics=False).decode(), re.M)
    nothing: frozenset[str] = frozenset()
    return {**dict.fromkeys((*HELP, *plain, LATER), nothing), **own}


SERVED = served()


@pytest.fixture(params=sorted(SHIPPED))
def page(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return each dashboard in turn."""
    return SHIPPED[request.param]


def test_committed_dashboards_are_what_the_generator_writes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.grafana.generator", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)

    written = {file.name: file.read_text(encoding="utf-8") for file in tmp_path.iterdir()}
    committed = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.iterdir()}

    assert written == committed, "run 'make dashboards'"


def test_there_is_a_dashboard_for_each_question() -> None:
    assert {page["uid"] for page in SHIPPED.values()} == set(SHIPPED) == UIDS
    assert max(map(len, UIDS)) <= 40


def test_grafana_s_own_model_reads_a_dashboard_without_loss(page: dict[str, Any]) -> None:
    again = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(page))

    assert json.loads(again) == page
    assert page["schemaVersion"] == 42
    assert not page["editable"]


def test_panels_have_ids_and_places_of_their_own(page: dict[str, Any]) -> None:
    places = [panel["gridPos"] for panel in page["panels"]]
    ids = [panel["id"] for panel in page["panels"]]

    assert len(set(ids)) == len(ids)
    for one in places:
        assert min(one["x"], one["y"]) >= 0
        assert min(one["w"], one["h"]) > 0
        assert one["x"] + one["w"] <= 24
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)


def test_rows_are_full(page: dict[str, Any]) -> None:
    """A hole in a dashboard looks like something that failed to load."""
    tops = {panel["gridPos"]["y"] for panel in page["panels"]}

    for top in tops:
        assert sum(panel["gridPos"]["w"] for panel in page["panels"] if panel["gridPos"]["y"] == top) == 24


def test_everything_comes_from_the_chosen_data_source(page: dict[str, Any]) -> None:
    named = list(sources_in(page))

    assert len(named) > len(page["panels"])
    assert all(one == DATASOURCE for one in named)
    assert page["templating"]["list"][0] | {"type": "datasource", "name": "datasource"} == page["templating"]["list"][0]


def sources_in(part: Any) -> Iterator[Any]:
    """Yield whatever is given as a data source, at any depth."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "datasource":
                yield value
            yield from sources_in(value)
    elif isinstance(part, list):
        for one in part:
            yield from sources_in(one)


def test_every_panel_asks_something_and_says_what_it_shows(page: dict[str, Any]) -> None:
    for panel in page["panels"]:
        refs = [target["refId"] for target in panel["targets"]]
        assert refs
        assert len(set(refs)) == len(refs)
        assert panel["description"].endswith(".")


@pytest.mark.parametrize("asked", [*queries()], ids=lambda one: one.name)
def test_query_names_metrics_that_are_served(asked: Asked) -> None:
    bare = {re.sub(r"_(bucket|sum|count)$", "", one) if one not in SERVED else one for one in asked.metrics()}

    assert bare
    assert bare <= set(SERVED)


def test_metrics_are_those_of_the_contract() -> None:
    listed = {*contract("4.5"), *contract("4.6")}
    named = {re.sub(r"_(bucket|sum|count)$", "", one) for asked in queries() for one in asked.metrics()}
    named |= {one for page in SHIPPED.values() for query in variables(page).values() for one in metrics_of(query)}

    assert {one for one in named if one.startswith("pmo_")} <= listed


@pytest.mark.parametrize("asked", [*queries()], ids=lambda one: one.name)
def test_query_asks_only_for_what_is_chosen(asked: Asked) -> None:
    """A variable that has no effect on a panel would show somebody else's figures under the chosen name."""
    chosen = variables(SHIPPED[asked.uid])

    for name in chosen:
        carried = f'{name}=~"${name}"' in asked.expr
        assert carried or not concerns(asked, name), f"${name} is not in {asked.expr}"


def concerns(asked: Asked, name: str) -> bool:
    """Say whether what is asked can be narrowed: all of projects is, of the service what has the label."""
    if asked.uid in OF_PROJECTS:
        return True
    of_rules = name == "rule" and any(one.startswith("pmo_rule_") for one in asked.metrics())
    return of_rules or any(name in SERVED.get(one, ()) for one in asked.metrics())


def test_variables_find_their_values_and_mean_everything_at_first(page: dict[str, Any]) -> None:
    wanted = variables(page)

    for name, query in wanted.items():
        assert re.fullmatch(rf"label_values\(.+, {name}\)", query)
        assert metrics_of(query) <= set(SERVED)
    for one in page["templating"]["list"][1:]:
        assert (one["multi"], one["includeAll"], one["allValue"]) == (True, True, ".*")
        assert one["current"]["value"] == "$__all"


def test_numbers_that_mean_something_have_a_word_and_a_colour(page: dict[str, Any]) -> None:
    for result in mapped(page):
        assert result["text"]
        assert result["color"]


def mapped(part: Any) -> Iterator[dict[str, Any]]:
    """Yield what values are mapped to, in panels and in single columns."""
    if isinstance(part, dict):
        if part.get("type") == "value" and "options" in part:
            yield from part["options"].values()
        if part.get("type") == "special":
            yield part["options"]["result"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from mapped(one)


def test_levels_are_never_shown_as_bare_numbers(page: dict[str, Any]) -> None:
    for panel in page["panels"]:
        levels = [one for one in panel["targets"] if re.match(r"pmo_project_(declared_)?rag_level", one["expr"])]
        if levels:
            words = {one["text"].partition(":")[0] for one in mapped(panel["fieldConfig"])}
            assert words == {"green", "amber", "red", "grey"}


def test_links_of_messages_lead_to_the_project() -> None:
    """`grafana.url`/d/pmo-project?var-project=CODE is what mails and cards hold."""
    assert "project" in variables(SHIPPED["pmo-project"])
    shown = json.dumps(SHIPPED["pmo-portfolio"])
    assert "/d/pmo-project?var-project=${__field.labels.project}" in shown


def test_openings_of_alerts_are_marked_on_the_project() -> None:
    (marks,) = SHIPPED["pmo-project"]["annotations"]["list"]

    assert marks["expr"] == 'pmo_alert_since_timestamp_seconds{project=~"$project"} * 1000'
    assert marks["useValueForTime"]
