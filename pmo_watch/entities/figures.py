"""What is collected: indicators and their values, costs, and what sources are."""

from pmo_watch.entities.shared import ORIGIN
from pmo_watch.model import Entity, Field, Kind

INDICATOR = Entity(
    "indicator",
    "An indicator that is collected.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key; never translated.", required=True, csv="indicator"),
        Field("name_en", Kind.TEXT, "Its name in English."),
        Field("name_fr", Kind.TEXT, "Its name in French."),
        Field("name_nl", Kind.TEXT, "Its name in Dutch."),
        Field("unit", Kind.TEXT, "%, pp, h, d, wd, a currency code or any word; null is a plain number."),
        Field("direction", Kind.ENUM, "What is better.", one_of=("higher_better", "lower_better", "target")),
        Field("target", Kind.NUMBER, "Its target."),
        Field("min", Kind.NUMBER, "Least plausible value."),
        Field("max", Kind.NUMBER, "Greatest plausible value."),
        Field("amber", Kind.TEXT, "Threshold for amber, such as `under 90`."),
        Field("red", Kind.TEXT, "Threshold for red."),
        Field("recover", Kind.TEXT, "Condition of recovery."),
        Field("constant", Kind.FLAG, "Whether it is meant to stay the same; null is taken as false."),
        Field(
            "cadence",
            Kind.ENUM,
            "How often it is collected; null means monthly.",
            one_of=("day", "week", "month", "quarter"),
        ),
        Field("cut_off", Kind.TEXT, "When a period's value is due, such as `friday 12:00` or `5 wd after period`."),
        Field("provider", Kind.REF, "Who delivers it; null means the project leader.", refers=("person",)),
        Field("scopes", Kind.LIST, "Projects or programmes that deliver it; null means every executing project."),
        Field("benefit", Kind.FLAG, "Whether it measures a benefit; null is taken as false."),
    ),
    group="indicators",
)

OBSERVATION = Entity(
    "observation",
    "One value of an indicator for one scope and period.",
    (
        *ORIGIN,
        Field("indicator", Kind.REF, "Which indicator.", refers=("indicator",), required=True),
        Field(
            "scope",
            Kind.REF,
            "Which project or programme.",
            refers=("project", "program"),
            required=True,
            csv="project_id",
        ),
        Field("period", Kind.TEXT, "ISO period: 2026-W30, 2026-07, 2026-Q3 or 2026-07-31.", required=True),
        Field("value", Kind.NUMBER, "The value; null was submitted empty and counts as not received."),
        Field("target", Kind.NUMBER, "Target of the period; null means the indicator's."),
        Field("submitted_on", Kind.DATE, "Day it was submitted."),
        Field("submitted_by", Kind.REF, "Who submitted it.", refers=("person",)),
        Field("comment", Kind.TEXT, "Comment."),
        Field("accepted", Kind.FLAG, "False outside the plausible range: not used.", computed=True),
    ),
    group="indicators",
)

KPI = Entity(
    "kpi",
    "One series: an indicator for one scope.",
    (
        *ORIGIN,
        Field("indicator", Kind.REF, "Which indicator.", refers=("indicator",), computed=True),
        Field("scope", Kind.REF, "Which project or programme.", refers=("project", "program"), computed=True),
        Field("project", Kind.REF, "The project of the scope, where it is one.", refers=("project",), computed=True),
        Field("program", Kind.REF, "The programme of the scope.", refers=("program",), computed=True),
        Field("period", Kind.TEXT, "The last period whose cut-off has passed.", computed=True),
    ),
    group="indicators",
)

SUBMISSION = Entity(
    "submission",
    "One expected delivery: an indicator for one scope and period.",
    (
        *ORIGIN,
        Field("indicator", Kind.REF, "Which indicator.", refers=("indicator",), computed=True),
        Field("scope", Kind.REF, "Which project or programme.", refers=("project", "program"), computed=True),
        Field("project", Kind.REF, "The project of the scope, where it is one.", refers=("project",), computed=True),
        Field("program", Kind.REF, "The programme of the scope.", refers=("program",), computed=True),
        Field("period", Kind.TEXT, "Which period.", computed=True),
        Field("provider", Kind.REF, "Who delivers it.", refers=("person",), computed=True),
        Field("due_on", Kind.DATE, "Day it is due.", computed=True),
        Field("received_on", Kind.DATE, "Day the first accepted value arrived.", computed=True),
    ),
    group="indicators",
)

COST_ENTRY = Entity(
    "cost_entry",
    "A cost booked, planned or committed on a day.",
    (
        *ORIGIN,
        Field("project", Kind.REF, "Its project.", refers=("project",), required=True, csv="project_id"),
        Field("task", Kind.REF, "Its row of the plan, where it is split.", refers=("task",), csv="task_id"),
        Field("booked_on", Kind.DATE, "Day it was booked; a month means its last day.", required=True, csv="period"),
        Field("type", Kind.ENUM, "What it is; null is taken as actual.", one_of=("planned", "actual", "committed")),
        Field("amount", Kind.MONEY, "Amount; corrections are negative rows.", required=True),
        Field("currency", Kind.TEXT, "ISO 4217 code; null means the project's."),
    ),
    group="cost",
)

SOURCE = Entity(
    "source",
    "A source of pmo-watch.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its name in the settings.", own=True),
        Field("name", Kind.TEXT, "Its name, as messages show it.", own=True),
        Field("kind", Kind.TEXT, "Its plugin.", own=True),
        Field("last_good_read", Kind.MOMENT, "Last complete reading.", own=True),
        Field("last_error", Kind.TEXT, "What the last failed reading said.", own=True),
        Field("failing_since", Kind.MOMENT, "First failed reading since the last good one.", own=True),
        Field("rows", Kind.COUNT, "Rows of its last good reading.", own=True),
    ),
)
