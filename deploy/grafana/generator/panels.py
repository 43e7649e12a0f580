"""One panel of a dashboard: what it asks Prometheus, and how Grafana draws the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from grafana_foundation_sdk.builders import bargauge, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as look
from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
KINDS: Mapping[str, Any] = {
    "timeline": statetimeline.Panel,
    "lines": timeseries.Panel,
    "areas": timeseries.Panel,
    "stat": stat.Panel,
    "bars": bargauge.Panel,
    "table": table.Panel,
}
OF_NOW = frozenset({"stat", "bars", "table"})
# A colour never stands alone: whoever does not see it reads the word.
GREEN, AMBER, RED, GREY = "green", "orange", "red", "text"
BY_WORD = {"green": GREEN, "amber": AMBER, "red": RED, "grey": GREY}


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus. `legend`: what each series is called, from its labels."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    """What numbers mean, as words with a colour; `nothing`: what the absence of a number means."""

    by_value: Mapping[str, tuple[str, str]]  # value -> word, colour
    nothing: tuple[str, str] | None = None


RAG = Words({"0": ("green", GREEN), "1": ("amber", AMBER), "2": ("red", RED)}, ("grey: cannot be assessed", GREY))
DONE = Words({"0": ("open", "blue"), "1": ("done", GREEN)})


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: `width` of 24 columns, `height` in rows of 30 pixels; `says` is shown beside its title.

    `columns`: of a table, the columns in their order and what each is called; `units`, `words_of`: of some of them.
    `colours`: of series that are named by a word. `empty`: what stands there when there is nothing to show.
    `to_project`: a click leads to the project.
    """

    title: str
    kind: str
    queries: Sequence[Query]
    width: int
    says: str
    height: int = 8
    unit: str = "none"
    words: Words | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    words_of: Mapping[str, Words] = field(default_factory=dict)
    colours: Mapping[str, str] = field(default_factory=dict)
    empty: str = ""
    to_project: bool = False


def built(panel: Panel, number: int) -> Any:
    """Return the panel as the dashboard takes it; its number is unique within the dashboard."""
    made = KINDS[panel.kind]().id(number).title(panel.title).description(panel.says).datasource(DATASOURCE)
    made = made.span(panel.width).height(panel.height).unit(panel.unit)
    for letter, query in zip(ascii_uppercase, panel.queries, strict=False):
        made = made.with_target(_target(query, letter, panel.kind))
    if panel.words:
        made = made.mappings(_mappings(panel.words))
    if panel.empty:
        made = made.no_value(panel.empty)
    for word, colour in panel.colours.items():
        made = made.override_by_name(word, [_fixed(colour)])
    if panel.to_project:
        made = made.data_links([_to_project(panel.kind)])
    return _DRAWN[panel.kind](made, panel)


def _target(query: Query, letter: str, kind: str) -> Dataquery:
    asked = Dataquery().expr(query.expr).ref_id(letter).datasource(DATASOURCE)
    if query.legend:
        asked = asked.legend_format(query.legend)
    asked = asked.format(PromQueryFormat.TABLE if kind == "table" else PromQueryFormat.TIME_SERIES)
    return asked.instant() if kind in OF_NOW else asked.range()


def _mappings(words: Words) -> list[dashboard.ValueMapping]:
    shown = {
        value: dashboard.ValueMappingResult(text=word, color=colour, index=place)
        for place, (value, (word, colour)) in enumerate(words.by_value.items())
    }
    found: list[dashboard.ValueMapping] = [dashboard.ValueMap(options=shown)]
    if words.nothing:
        word, colour = words.nothing
        result = dashboard.ValueMappingResult(text=word, color=colour, index=len(shown))
        match = dashboard.SpecialValueMatch.NULL_AND_NAN
        options = dashboard.DashboardSpecialValueMapOptions(match=match, result=result)
        found.append(dashboard.SpecialValueMap(options=options))
    return found


def _fixed(colour: str) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _to_project(kind: str) -> build.DashboardLink:
    label = "${__data.fields.project}" if kind == "table" else "${__field.labels.project}"
    return build.DashboardLink("The project").url(f"/d/pmo-project?var-project={label}&${{datasource:queryparam}}")


# --- how each kind is drawn -------------------------------------------------------------------------------------------


def _timeline(made: Any, _: Panel) -> Any:
    return made.merge_values(True).show_value(common.VisibilityMode.AUTO).row_height(0.8)


def _lines(made: Any, _: Panel) -> Any:
    legend = look.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST)
    return made.legend(legend.placement(common.LegendPlacement.BOTTOM)).show_points(common.VisibilityMode.AUTO)


def _areas(made: Any, panel: Panel) -> Any:
    stacked = look.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    return _lines(made, panel).stacking(stacked).fill_opacity(30)


def _stat(made: Any, _: Panel) -> Any:
    return made.reduce_options(_last()).color_mode(common.BigValueColorMode.VALUE)


def _bars(made: Any, _: Panel) -> Any:
    return made.reduce_options(_last()).orientation(common.VizOrientation.HORIZONTAL)


def _last() -> look.ReduceDataOptions:
    return look.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _table(made: Any, panel: Panel) -> Any:
    """Show one line per series, with the values of all queries side by side, under names that people know."""
    if len(panel.queries) > 1:
        made = made.with_transformation(dashboard.DataTransformerConfig("merge", options={}))
    made = made.with_transformation(dashboard.DataTransformerConfig("filterFieldsByName", options=_kept(panel)))
    order = {name: place for place, name in enumerate(panel.columns)}
    options = {"indexByName": order, "renameByName": dict(panel.columns), "excludeByName": {}}
    made = made.with_transformation(dashboard.DataTransformerConfig("organize", options=options))
    for column, unit in panel.units.items():
        made = made.override_by_name(panel.columns[column], [_in(unit)])
    for column, words in panel.words_of.items():
        meant = dashboard.DynamicConfigValue("mappings", _mappings(words))
        made = made.override_by_name(panel.columns[column], [meant])
    return made.filterable(True)


def _kept(panel: Panel) -> dict[str, object]:
    return {"include": {"names": list(panel.columns)}}


def _in(unit: str) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue("unit", unit)


_DRAWN = {
    "timeline": _timeline,
    "lines": _lines,
    "areas": _areas,
    "stat": _stat,
    "bars": _bars,
    "table": _table,
}
