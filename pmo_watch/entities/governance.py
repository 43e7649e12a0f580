"""What is agreed and decided: documents, reports, gates, meetings."""

from pmo_watch.entities.shared import ORIGIN, RAG
from pmo_watch.model import Entity, Field, Kind

DOCUMENT = Entity(
    "document",
    "A document of a project.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="document_id"),
        Field("project", Kind.REF, "Its project.", refers=("project",), required=True, csv="project_id"),
        Field("artefact", Kind.TEXT, "PM² artefact.", required=True),
        Field(
            "mandatory_for",
            Kind.ENUM,
            "Phase for which it is mandatory; null means from the document set.",
            one_of=("initiating", "planning", "executing", "closing"),
        ),
        Field("tailored_out", Kind.TEXT, "Reason why it is not needed; null is needed."),
        Field(
            "status",
            Kind.ENUM,
            "Where it stands; null is taken as missing.",
            one_of=("missing", "draft", "in_review", "approved", "obsolete"),
        ),
        Field("status_since", Kind.DATE, "Since when; from history when the source does not say."),
        Field("version", Kind.TEXT, "Its version."),
        Field("owner", Kind.REF, "Who answers for it.", refers=("person",)),
        Field("updated_on", Kind.DATE, "Day it was last changed."),
        Field("review_due", Kind.DATE, "Day of its next review."),
        Field("url", Kind.TEXT, "Where it is."),
        Field(
            "living",
            Kind.ENUM,
            "How often it must be brought up to date; null means by its artefact.",
            one_of=("log", "plan", "none"),
        ),
    ),
    group="documents",
)

STATUS_REPORT = Entity(
    "status_report",
    "A status report of a project.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key."),
        Field("project", Kind.REF, "Its project.", refers=("project",), required=True, csv="project_id"),
        Field("period", Kind.TEXT, "ISO period.", required=True),
        Field("kind", Kind.ENUM, "Who reports; null is taken as project.", one_of=("project", "contractor")),
        Field("due_on", Kind.DATE, "Day it is due."),
        Field("submitted_on", Kind.DATE, "Day it was submitted."),
        Field("rag", Kind.ENUM, "Colour it declares.", one_of=RAG),
        Field("highlights", Kind.TEXT, "What was achieved."),
        Field("next_steps", Kind.TEXT, "What comes next."),
        Field("author", Kind.REF, "Who wrote it.", refers=("person",)),
    ),
    group="status",
)

GATE = Entity(
    "gate",
    "A phase gate of a project.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="gate_id"),
        Field("project", Kind.REF, "Its project.", refers=("project",), required=True, csv="project_id"),
        Field("name", Kind.TEXT, "Its name; of the milestone that stands for it.", computed=True),
        Field("code", Kind.ENUM, "Which gate.", one_of=("rfp", "rfe", "rfc")),
        Field("planned_on", Kind.DATE, "Day it is planned."),
        Field("passed_on", Kind.DATE, "Day it was passed."),
        Field("tailored_out", Kind.FLAG, "Whether it is not needed; null is taken as false."),
        Field("decision", Kind.ENUM, "What was decided.", one_of=("go", "conditional", "no_go")),
        Field("passed", Kind.FLAG, "Whether it was passed.", computed=True),
        Field("days_left", Kind.COUNT, "Working days from today to `planned_on`.", computed=True),
    ),
    group="register",
)

MEETING = Entity(
    "meeting",
    "A meeting of a committee.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its key.", csv="meeting_id"),
        Field("kind", Kind.ENUM, "Which body.", one_of=("steering_committee", "management_committee", "other")),
        Field("scope", Kind.REF, "Of what; null means the organisation.", refers=("project", "program", "portfolio")),
        Field("planned_on", Kind.DATE, "Day it is planned."),
        Field("held_on", Kind.DATE, "Day it was held."),
        Field("cancelled", Kind.FLAG, "Whether it was cancelled; null is taken as false."),
        Field("minutes_on", Kind.DATE, "Day the minutes were published."),
    ),
    group="register",
)
