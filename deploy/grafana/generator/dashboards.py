"""A whole dashboard: its variables, its panels in their places, and its JSON."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from .panels import DATASOURCE, Panel, built


@dataclass(frozen=True, slots=True)
class Variable:
    """What can be chosen at the head of a dashboard; `query` says where its values come from."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard. `since`: how far back it looks at first. `annotated`: marks where alerts opened."""

    uid: str
    title: str
    says: str
    variables: Sequence[Variable]
    panels: Sequence[Panel]
    since: str = "now-30d"
    annotated: bool = False


PORTFOLIO = Variable("portfolio", "Portfolio", "label_values(pmo_project_info, portfolio)")
PROGRAM = Variable("program", "Programme", "label_values(pmo_project_info, program)")
PROGRAM_OF_PORTFOLIO = Variable(
    "program", "Programme", 'label_values(pmo_project_info{portfolio=~"$portfolio"}, program)'
)
PROJECT = Variable("project", "Project", "label_values(pmo_project_info, project)")
PROJECT_OF_PROGRAM = Variable("project", "Project", 'label_values(pmo_project_info{program=~"$program"}, project)')
KPI = Variable("kpi", "Indicator", "label_values(pmo_kpi_value, kpi)")
RULE = Variable("rule", "Rule", "label_values(pmo_rule_alerts, rule)")
NOTIFIER = Variable("notifier", "Channel", "label_values(pmo_watch_notifier_healthy, notifier)")
SOURCE = Variable("source", "Source", "label_values(pmo_watch_source_max_age_seconds, source)")


def written(page: Page) -> str:
    """Return the dashboard as Grafana loads it from a file."""
    return JSONEncoder(sort_keys=True, indent=2).encode(_built(page)) + "\n"


def _built(page: Page) -> dashboard.Dashboard:
    made = build.Dashboard(page.title).uid(page.uid).description(page.says).tags(["pmo_watch"]).readonly()
    made = made.refresh("5m").time(page.since, "now").timezone("browser")
    made = made.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).link(_others())
    made = made.with_variable(build.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    for variable in page.variables:
        made = made.with_variable(_chosen(variable))
    if page.annotated:
        made = made.annotation(_openings())
    for number, panel in enumerate(page.panels, 1):
        made = made.with_panel(built(panel, number))
    return made.build()


def _chosen(variable: Variable) -> build.QueryVariable:
    made = build.QueryVariable(variable.name).label(variable.label).datasource(DATASOURCE).query(variable.query)
    made = made.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    everything = dashboard.VariableOption(text="All", value="$__all", selected=True)
    return made.multi(True).include_all(True).all_value(".*").current(everything)


def _others() -> build.DashboardLink:
    link = build.DashboardLink("PMO").type(dashboard.DashboardLinkType.DASHBOARDS).tags(["pmo_watch"])
    return link.as_dropdown(True).include_vars(True).keep_time(True)


def _openings() -> build.AnnotationQuery:
    """Mark the moment at which each alert opened: it is the value of its series."""
    made = build.AnnotationQuery().name("Alerts opened").datasource(DATASOURCE).enable(True).icon_color("red")
    made = made.expr('pmo_alert_since_timestamp_seconds{project=~"$project"} * 1000').use_value_for_time(True)
    return made.title_format("{{rule}}").text_format("{{project}} {{entity}}").tag_keys("rule,project").step("5m")
