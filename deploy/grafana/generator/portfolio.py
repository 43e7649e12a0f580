"""The portfolio and the programme: the same questions, asked of more or of fewer projects."""

from .dashboards import PORTFOLIO as BY_PORTFOLIO
from .dashboards import PROGRAM_OF_PORTFOLIO, Page
from .panels import BY_WORD, RAG, Panel, Query

FOUR_WEEKS = 28 * 86400
OVERALL = 'pmo_project_rag_level{dimension="overall"}'
LEVELS = {"green": 0, "amber": 1, "red": 2}
IN_PORTFOLIO = 'pmo_project_info{portfolio=~"$portfolio"}'
IN_PROGRAMME = 'pmo_project_info{portfolio=~"$portfolio", program=~"$program"}'


def of(facts: str, figure: str, *names: str) -> str:
    """Return a figure of the projects that these facts choose, with labels of theirs."""
    return f"{figure} * on (project) group_left ({', '.join(names)}) {facts}"


def due_soon(facts: str) -> str:
    """Return the days, in milliseconds since 1970, of open milestones that fall into the next four weeks."""
    day = "pmo_milestone_forecast_timestamp_seconds"
    soon = f"({day} > time() < time() + {FOUR_WEEKS}) and on (project, milestone) (pmo_milestone_completed == 0)"
    named = f"(({soon}) * 1000) * on (project, milestone) group_left (name) pmo_milestone_info"
    return f"{named} and on (project) {facts}"


def counted_by_colour(facts: str) -> list[Query]:
    """Return how many projects have each colour; those without one are grey."""
    some = [
        Query(f"count({OVERALL} == {level} and on (project) {facts}) or vector(0)", word)
        for word, level in LEVELS.items()
    ]
    return [*some, Query(f"count({facts} unless on (project) {OVERALL}) or vector(0)", "grey")]


def over_time(facts: str) -> Panel:
    """Return the colours of projects as they were."""
    return Panel(
        "Colour over time",
        "timeline",
        [Query(of(facts, OVERALL, "name"), "{{project}} {{name}}")],
        24,
        "The computed overall colour of each project. A gap is grey: it could not be assessed.",
        10,
        words=RAG,
        to_project=True,
    )


def figures(facts: str) -> list[Panel]:
    """Return what else is asked of some projects."""
    alerts = of(facts, "pmo_alerts")
    return [
        over_time(facts),
        Panel(
            "Alerts by level and state",
            "areas",
            [Query(f"sum by (level, state) ({alerts}) or vector(0)", "{{level}} {{state}}")],
            12,
            "Alerts on these projects that are not closed. Pending ones are not confirmed yet.",
        ),
        Panel(
            "Milestones due in the next four weeks",
            "table",
            [Query(f"sort({due_soon(facts)})")],
            12,
            "Open milestones by the day they are forecast for.",
            columns={"project": "Project", "milestone": "Milestone", "name": "Name", "Value": "Forecast"},
            units={"Value": "dateTimeAsIso"},
            empty="none",
            to_project=True,
        ),
        _index("SPI", "pmo_project_schedule_performance_ratio", "Earned value divided by planned value", facts),
        _index("CPI", "pmo_project_cost_performance_ratio", "Earned value divided by actual cost", facts),
        Panel(
            "Age of the data",
            "bars",
            [
                Query(
                    f"sort_desc(max by (source) (time() - ({of(facts, 'pmo_project_snapshot_timestamp_seconds')})))",
                    "{{source}}",
                )
            ],
            24,
            "How old the oldest data are that each source gave about one of these projects.",
            6,
            "s",
        ),
    ]


def _index(name: str, metric: str, meaning: str, facts: str) -> Panel:
    says = f"{meaning}: 1 is as planned, less is worse."
    return Panel(name, "lines", [Query(of(facts, metric, "name"), "{{project}} {{name}}")], 12, says, to_project=True)


def _due_count(facts: str) -> Panel:
    says = "Open milestones that are forecast for the next four weeks."
    return Panel("Due in four weeks", "stat", [Query(f"count({due_soon(facts)}) or vector(0)")], 6, says, 5)


PORTFOLIO = Page(
    "pmo-portfolio",
    "PMO portfolio",
    "How the projects of a portfolio stand, as of the last evaluation.",
    [BY_PORTFOLIO],
    [
        Panel(
            "Projects by colour",
            "stat",
            [Query('sum by (rag) (pmo_projects{dimension="overall", portfolio=~"$portfolio"})', "{{rag}}")],
            18,
            "Projects by their computed overall colour.",
            5,
            colours=BY_WORD,
        ),
        _due_count(IN_PORTFOLIO),
        *figures(IN_PORTFOLIO),
    ],
)
PROGRAMME = Page(
    "pmo-programme",
    "PMO programme",
    "How the projects of a programme stand, as of the last evaluation.",
    [BY_PORTFOLIO, PROGRAM_OF_PORTFOLIO],
    [
        Panel(
            "Projects by colour",
            "stat",
            counted_by_colour(IN_PROGRAMME),
            18,
            "Projects by their computed overall colour.",
            5,
            colours=BY_WORD,
        ),
        _due_count(IN_PROGRAMME),
        *figures(IN_PROGRAMME),
    ],
)
