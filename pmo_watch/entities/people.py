"""Who: persons, their absences, their roles."""

from pmo_watch.entities.shared import LANGUAGES, ORIGIN, ROLES
from pmo_watch.model import Entity, Field, Kind

PERSON = Entity(
    "person",
    "A person who has a role, a task or figures to deliver.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Key in the source."),
        Field("name", Kind.TEXT, "Name; shown as e-mail when missing."),
        Field("email", Kind.TEXT, "Address, lower case; without it the person cannot be told."),
        Field("aliases", Kind.LIST, "Other names and accounts of the same person."),
        Field("organisation", Kind.TEXT, "Employer; null means the own organisation."),
        Field("external", Kind.FLAG, "Whether the person is external."),
        Field("language", Kind.ENUM, "Language of messages to the person.", one_of=LANGUAGES),
        Field("timezone", Kind.TEXT, "IANA zone of the person; null means the organisation's."),
        Field("calendar", Kind.TEXT, "The configured calendar of the person's working days."),
        Field("manager", Kind.REF, "Line manager.", refers=("person",)),
        Field("deputy", Kind.REF, "Who is told in the person's place while the person is away.", refers=("person",)),
        Field("max_units", Kind.PERCENT, "Share of full time; null is taken as 100."),
        Field("active", Kind.FLAG, "Whether the person is active; null is taken as true."),
        Field(
            "channels",
            Kind.LIST,
            "Notifiers that reach the person, first choice first; null means the first e-mail notifier.",
        ),
    ),
    group="people",
)

ABSENCE = Entity(
    "absence",
    "Days a person is away.",
    (
        *ORIGIN,
        Field("person", Kind.REF, "Who.", refers=("person",), required=True, csv="email"),
        Field("from", Kind.DATE, "First day.", required=True),
        Field("to", Kind.DATE, "Last day.", required=True),
    ),
    group="people",
)

TIMESHEET = Entity(
    "timesheet",
    "Hours that a person booked on a project in a week.",
    (
        *ORIGIN,
        Field("person", Kind.REF, "Who.", refers=("person",), required=True, csv="email"),
        Field("week", Kind.TEXT, "ISO week, such as 2026-W30.", required=True),
        Field("project", Kind.REF, "Its project; null is on none.", refers=("project",), csv="project_id"),
        Field("hours", Kind.HOURS, "Hours booked.", required=True),
        Field(
            "status",
            Kind.ENUM,
            "Where the booking stands; null is taken as approved.",
            one_of=("draft", "submitted", "approved", "rejected"),
        ),
    ),
    group="effort",
)

ROLE = Entity(
    "role",
    "A person's role in a project, programme or portfolio.",
    (
        *ORIGIN,
        Field("scope", Kind.REF, "Where; null means the organisation.", refers=("project", "program", "portfolio")),
        Field("code", Kind.ENUM, "Which role.", one_of=ROLES, required=True, csv="role"),
        Field("person", Kind.REF, "Who; null is vacant.", refers=("person",), csv="email"),
        Field(
            "deputy",
            Kind.REF,
            "Who is told in place of the absent holder; null means the deputy of the person.",
            refers=("person",),
        ),
        Field("from", Kind.DATE, "First day; null is open."),
        Field("until", Kind.DATE, "Last day; null is open."),
        Field(
            "mandatory",
            Kind.FLAG,
            "Whether it must be filled; null is true for `project_leader` and `project_owner`, else false.",
        ),
    ),
    group="people",
)
