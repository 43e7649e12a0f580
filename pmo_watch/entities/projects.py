"""What is steered: portfolios, programmes, projects."""

from pmo_watch.entities.shared import LANGUAGES, ORIGIN, RAG, STATES, TOLERANCES
from pmo_watch.model import Entity, Field, Kind

PORTFOLIO = Entity(
    "portfolio",
    "A group of programmes and projects.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key in the register.", required=True, csv="portfolio_id"),
        Field("name", Kind.TEXT, "Its name; shown as `id` when missing."),
        Field("manager", Kind.REF, "Who answers for it.", refers=("person",)),
        Field("language", Kind.ENUM, "Language of messages about it; null means the organisation's.", one_of=LANGUAGES),
        Field("currency", Kind.TEXT, "ISO 4217 code; null means the organisation's."),
        *TOLERANCES,
    ),
    group="register",
)

PROGRAM = Entity(
    "program",
    "A programme.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key in the register.", required=True, csv="program_id"),
        Field("name", Kind.TEXT, "Its name; shown as `id` when missing."),
        Field("portfolio", Kind.REF, "The portfolio it belongs to.", refers=("portfolio",)),
        Field("state", Kind.ENUM, "Where it stands; null is taken as executing, and said.", one_of=STATES),
        Field("manager", Kind.REF, "The programme manager.", refers=("person",)),
        Field("language", Kind.ENUM, "Language of messages about it.", one_of=LANGUAGES),
        Field("currency", Kind.TEXT, "ISO 4217 code."),
        *TOLERANCES,
    ),
    group="register",
)

PROJECT = Entity(
    "project",
    "A project, merged from every source that names it.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key in the source.", csv="project_id"),
        Field("code", Kind.TEXT, "What people call it; matched across sources.", group="register"),
        Field("name", Kind.TEXT, "Its name; shown as `code` when missing.", group="register"),
        Field("program", Kind.REF, "The programme it belongs to.", refers=("program",), group="register"),
        Field(
            "portfolio",
            Kind.REF,
            "The portfolio it belongs to without a programme.",
            refers=("portfolio",),
            group="register",
        ),
        Field("state", Kind.ENUM, "Where it stands; null is unknown.", one_of=STATES, group="register"),
        Field(
            "phase",
            Kind.ENUM,
            "PM² phase; derived from `state` when missing.",
            one_of=("initiating", "planning", "executing", "closing"),
            group="register",
        ),
        Field("delivery", Kind.ENUM, "How it is delivered.", one_of=("waterfall", "agile", "hybrid"), group="register"),
        Field("size_class", Kind.TEXT, "Selects the mandatory documents.", group="register"),
        Field("strategic", Kind.FLAG, "Whether it is strategic; null is taken as false.", group="register"),
        Field("owner", Kind.REF, "The project owner.", refers=("person",), group="register"),
        Field("leader", Kind.REF, "The project leader.", refers=("person",), group="register", csv="project_leader"),
        Field("contractor", Kind.TEXT, "The contractor.", group="register"),
        Field(
            "language",
            Kind.ENUM,
            "Language of messages about it; null means inherited.",
            one_of=LANGUAGES,
            group="register",
        ),
        Field(
            "calendar",
            Kind.TEXT,
            "The configured calendar that counts its working days; null means the organisation's.",
            group="register",
        ),
        Field(
            "plan_calendar", Kind.TEXT, "The plan's own calendar: for snapping, slack and durations.", group="schedule"
        ),
        Field(
            "minutes_per_day",
            Kind.COUNT,
            "Working minutes per day of the plan's calendar; null means 480.",
            group="schedule",
        ),
        Field("currency", Kind.TEXT, "ISO 4217 code; null means inherited, and said.", group="cost"),
        Field("status_date", Kind.DATE, "The day the plan describes; null means assumed.", group="schedule"),
        Field("baseline_start", Kind.DATE, "Baseline start.", group="baseline"),
        Field("baseline_finish", Kind.DATE, "Baseline finish.", group="baseline"),
        Field("baseline_set_on", Kind.DATE, "When the baseline was set.", group="baseline"),
        Field("forecast_start", Kind.DATE, "Day it is now expected to start.", group="schedule"),
        Field("forecast_finish", Kind.DATE, "Day it is now expected to end.", group="schedule"),
        Field("actual_start", Kind.DATE, "Day it started.", group="schedule"),
        Field("actual_finish", Kind.DATE, "Day it ended.", group="schedule"),
        Field("deadline", Kind.DATE, "The agreed last day.", group="schedule"),
        Field("progress", Kind.PERCENT, "Share done.", group="schedule"),
        Field("budget", Kind.MONEY, "The approved envelope.", group="register"),
        Field(
            "budget_status",
            Kind.ENUM,
            "Where the budget's approval stands.",
            one_of=("draft", "submitted", "approved", "rejected"),
            group="register",
        ),
        Field("contingency", Kind.MONEY, "Reserve for contingencies.", group="register"),
        Field("contingency_used", Kind.MONEY, "Reserve already used.", group="register"),
        Field("baseline_cost", Kind.MONEY, "Cost in the baseline.", group="baseline"),
        Field("planned_cost", Kind.MONEY, "Cost in the current plan.", group="cost"),
        Field("actual_cost", Kind.MONEY, "Cost so far; null is unknown, not 0.", group="cost"),
        Field("actual_cost_as_of", Kind.DATE, "Day of `actual_cost`; null means the status date.", group="cost"),
        Field("remaining_cost", Kind.MONEY, "Cost still expected.", group="cost"),
        Field("committed_cost", Kind.MONEY, "Orders not yet invoiced.", group="cost"),
        Field("declared_eac", Kind.MONEY, "Estimate at completion as declared.", group="cost"),
        Field("effort_baseline", Kind.HOURS, "Effort in the baseline.", group="effort"),
        Field("effort_planned", Kind.HOURS, "Effort in the current plan.", group="effort"),
        Field("effort_actual", Kind.HOURS, "Effort so far.", group="effort"),
        Field("effort_remaining", Kind.HOURS, "Effort still expected.", group="effort"),
        Field("declared_rag", Kind.ENUM, "Colour declared by the project.", one_of=RAG, group="status"),
        Field("declared_rag_schedule", Kind.ENUM, "Declared colour of the schedule.", one_of=RAG, group="status"),
        Field("declared_rag_cost", Kind.ENUM, "Declared colour of the cost.", one_of=RAG, group="status"),
        Field("declared_rag_scope", Kind.ENUM, "Declared colour of the scope.", one_of=RAG, group="status"),
        Field("declared_rag_risk", Kind.ENUM, "Declared colour of the risks.", one_of=RAG, group="status"),
        Field("declared_rag_resources", Kind.ENUM, "Declared colour of the resources.", one_of=RAG, group="status"),
        Field("declared_rag_quality", Kind.ENUM, "Declared colour of the quality.", one_of=RAG, group="status"),
        Field("declared_on", Kind.DATE, "Day the colour was declared.", group="status"),
        Field("declared_comment", Kind.TEXT, "Comment with the declared colour.", group="status"),
        Field(
            "delivery_confidence", Kind.COUNT, "5 highly likely to 1 unachievable; set by a reviewer.", group="status"
        ),
        Field(
            "critical_path_test", Kind.ENUM, "Attested critical path test.", one_of=("passed", "failed"), group="status"
        ),
        Field("critical_path_test_on", Kind.DATE, "Day of that attestation.", group="status"),
        *TOLERANCES,
        Field(
            "on_hold_since",
            Kind.DATE,
            "Since when it is on hold; from history when the source does not say.",
            group="register",
        ),
    ),
)
