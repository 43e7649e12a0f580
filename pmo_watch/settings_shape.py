"""The daemon's own settings, part by part, with their defaults; what plugins add is checked by their own models."""

from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, model_validator

from pmo_watch.entities import ENTITIES
from pmo_watch.figures import is_cut_off
from pmo_watch.flow import Organisation
from pmo_watch.model import Kind
from pmo_watch.rules import Span
from pmo_watch.settings_http import Http, Section, WebAddress
from pmo_watch.settings_values import (
    Clock,
    Country,
    Currency,
    Duration,
    InPercent,
    InSteps,
    InWorkingDays,
    LocalFolder,
    LocalPath,
    Name,
    Share,
    WorkingDays,
    WorkingSpan,
    Zone,
)

POLLED_GRACE, FILE_GRACE = Span(4, "h"), Span(1, "wd")  # spec alerts, "Failed and suspicious readings"

Group = Literal[
    "register",
    "schedule",
    "baseline",
    "cost",
    "effort",
    "delivery",
    "raid",
    "documents",
    "status",
    "people",
    "indicators",
]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Phase = Literal["initiating", "planning", "executing", "closing"]


def _database(value: SecretStr, info: ValidationInfo) -> SecretStr:
    url = value.get_secret_value()
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return value
    if not url.startswith("sqlite:///"):
        raise ValueError("should begin with sqlite:/// or postgresql+psycopg://")
    path = url.removeprefix("sqlite:///")
    folder: Path = info.context["folder"] if info.context else Path()
    return SecretStr(f"sqlite:///{Path(folder, path).absolute()}") if path else value


def _cut_off(value: str) -> str:
    if not is_cut_off(value):
        raise ValueError("write it as in '5 wd after period' or 'friday 12:00'")
    return value


class TimeTolerance(Section):
    """How late a project may be."""

    amber: InWorkingDays | None = Field(None, description="Working days before amber.")
    red: InWorkingDays | None = Field(None, description="Working days before red.")


class ShareTolerance(Section):
    """How far a project may be off."""

    amber: InPercent | None = Field(None, description="Percent before amber.")
    red: InPercent | None = Field(None, description="Percent before red.")


class RiskTolerance(Section):
    """How high a risk may be."""

    amber: InSteps | None = Field(None, description="Steps before amber.")
    red: InSteps | None = Field(None, description="Steps before red.")


class Tolerances(Section):
    """What is tolerated where neither project, programme nor portfolio says."""

    time: TimeTolerance = Field(default_factory=TimeTolerance, description="In working days.")
    cost: ShareTolerance = Field(default_factory=ShareTolerance, description="In percent.")
    scope: ShareTolerance = Field(default_factory=ShareTolerance, description="In percent.")
    quality: ShareTolerance = Field(default_factory=ShareTolerance, description="In percent.")
    benefit: ShareTolerance = Field(default_factory=ShareTolerance, description="In percent.")
    risk: RiskTolerance = Field(default_factory=RiskTolerance, description="In steps.")

    def as_values(self) -> dict[str, Decimal]:
        """Return those that are set, such as time_amber -> 5."""
        every = {
            f"{dimension}_{level}": getattr(getattr(self, dimension), level)
            for dimension in type(self).model_fields
            for level in ("amber", "red")
        }
        return {name: value for name, value in every.items() if value is not None}


class StatusReports(Section):
    """When projects report; a report that does not come is then late."""

    every: Literal["week", "month", "quarter"] | None = Field(
        None, description="How often each project reports; without it only announced reports are expected."
    )
    due: Annotated[str, AfterValidator(_cut_off)] = Field(
        "5 wd after period", description="When the report of a period is due: `5 wd after period`, or `friday 12:00`."
    )


class OrganisationSettings(Section):
    """What holds unless a project, programme or person says otherwise."""

    name: str = Field("ICT unit", description="Shown in messages.")
    timezone: Zone = Field("Europe/Brussels", description="Civil dates are taken in it.")
    calendar: str = Field("be", description="Working days: an entry of `calendars`, or a country's two letters.")
    language: Literal["en", "fr", "nl"] = Field("en", description="Where neither person nor project has one.")
    currency: Currency = Field("EUR", description="Where a project has none.")
    decimal: Literal["comma", "point"] | None = Field(None, description="Decimal mark in sheets that do not show it.")
    dates: Literal["dmy", "mdy", "ymd"] | None = Field(None, description="Order of dates in sheets, likewise.")
    status_date_max_age: WorkingDays = Field(20, description="Working days after which a status date is too old.")
    commit_order: tuple[Literal["baseline_finish", "deadline", "forecast_finish"], ...] = Field(
        ("baseline_finish", "deadline", "forecast_finish"),
        description="First filled one: the date people committed to.",
    )
    min_sample: int = Field(5, ge=0, description="With fewer rows a percentage is amber at worst.")
    tolerances: Tolerances = Field(default_factory=Tolerances, description="Where a project has none.")
    document_sets: dict[str, dict[Phase, tuple[str, ...]]] = Field(
        default_factory=dict, description="Size class -> phase -> artefacts that a project must have."
    )
    status_reports: StatusReports = Field(default_factory=StatusReports, description="When projects report.")

    def as_values(self) -> Organisation:
        """Return what the pure steps read of it."""
        return Organisation(
            name=self.name,
            timezone=self.timezone,
            calendar=self.calendar,
            language=self.language,
            currency=self.currency,
            status_date_max_age=self.status_date_max_age,
            commit_order=self.commit_order,
            tolerances=self.tolerances.as_values(),
            document_sets={
                size: {str(phase): artefacts for phase, artefacts in phases.items()}
                for size, phases in self.document_sets.items()
            },
            min_sample=self.min_sample,
            report_every=self.status_reports.every,
            report_due=self.status_reports.due,
        )


class Database(Section):
    """Where history, alerts and the outbox are kept."""

    url: Annotated[SecretStr, AfterValidator(_database)] = Field(
        SecretStr("sqlite:///pmo-watch.db"),
        description="sqlite:///file, or postgresql+psycopg://user:password@host/name.",
        validate_default=True,
    )


class HighAvailability(Section):
    """How daemons that share a PostgreSQL database follow each other."""

    takeover: Duration = Field(
        timedelta(seconds=15),
        ge=timedelta(seconds=3),
        description="How soon another daemon leads after the leader has died; the same in all of them.",
    )


class Grafana(Section):
    """Where dashboards are, for links in messages."""

    url: WebAddress = Field("", description="Its address; without it messages hold no dashboard link.")


class Limits(Section):
    """What is too strange to be believed or too much to be done without a person."""

    shrink: Share = Field(0.2, description="Share of a source's rows that may be gone before the reading is held.")
    rejects: Share = Field(0.2, description="Share of the records left out before a reading counts as failed.")
    renamed: Share = Field(0.3, description="Share of the keys with another name before the reading is held.")
    least_rows: int = Field(5, ge=1, description="Fewer rows than this never hold or fail a reading.")
    source_grace: WorkingSpan | None = Field(
        None, description="How long a source may fail before the ICT unit is told: 4h for polled ones, 1 wd for files."
    )
    mass_change: int = Field(50, ge=1, description="A reload that opens or closes more alerts waits for approval ...")
    mass_change_share: Share = Field(0.2, description="... when they are also more than this share of the open ones.")

    def grace(self, *, files: bool) -> Span:
        """Return how long a source of files, or one that is polled, may fail in silence."""
        return self.source_grace or (FILE_GRACE if files else POLLED_GRACE)


class Delivery(Section):
    """When messages leave, and how long they are tried."""

    expires: Duration = Field(timedelta(days=3), description="How long a message is tried before it is a dead letter.")
    send_from: Clock = Field(time(8, 30), description="Messages leave from this time of a working day on ...")
    send_until: Clock = Field(time(17, 30), description="... until this one, in the recipient's zone and calendar.")
    once_a_day: bool = Field(
        default=True, description="One message a day to a person; more only for what is newly red. false: as it comes."
    )

    @model_validator(mode="after")
    def _in_order(self) -> "Delivery":
        if self.send_from >= self.send_until:
            raise ValueError(f"send_from {self.send_from:%H:%M} must be before send_until {self.send_until:%H:%M}")
        return self


class Conflicts(Section):
    """By how much two sources must differ on one fact before they contradict each other."""

    dates: WorkingDays = Field(5, description="Working days between two dates.")
    numbers: Share = Field(0.05, description="Share of the number that counts; of percentages, points.")


class People(Section):
    """Who has which role, language and channel."""

    source: str = Field(
        "",
        description="The source that is believed first about persons and roles; an address that no source lists"
        " is then nobody.",
    )
    results: bool = Field(
        default=False,
        description="Whether rules may look at single persons; leaders of their projects and line managers are told.",
    )


class CalendarSettings(Section):
    """Which days are worked: of a country, of a file, or of a week alone; then the days of your own."""

    country: Country | None = Field(None, description="Its public holidays.")
    subdivision: str | None = Field(None, description="A part of the country that has holidays of its own.")
    file: LocalPath | None = Field(None, description="An .ics or .yaml file with days off.")
    week: tuple[Weekday, ...] | None = Field(None, description="Working weekdays; else the country's or file's.")
    extra_days: tuple[date, ...] = Field((), description="Further days off, such as bridge days.")
    removed_days: tuple[date, ...] = Field((), description="Days that are worked all the same.")
    minutes_per_day: int = Field(480, ge=1, le=1440, description="Working minutes of a day.")

    @model_validator(mode="after")
    def _one_origin(self) -> "CalendarSettings":
        if self.country and self.file:
            raise ValueError("has country and file: give one of them, and days of your own as extra_days")
        if not (self.country or self.file or self.week):
            raise ValueError("needs a country, a file or a week")
        if self.subdivision and not self.country:
            raise ValueError("has a subdivision without its country")
        if both := sorted(set(self.extra_days) & set(self.removed_days)):
            raise ValueError(f"{both[0]} is in extra_days and in removed_days: is it worked or not?")
        return self


def _matched(value: str) -> str:
    fields = [one.name for one in ENTITIES["project"].stored() if one.kind == Kind.TEXT]
    if value not in fields:
        raise ValueError(f"'{value}' is no text field of a project; there is {', '.join(fields)}")
    return value


class MatchOn(Section):
    """By which field a thing is recognised in several sources."""

    project: Annotated[str, AfterValidator(_matched)] = Field("code", description="Field of a project.")


class Shape(Section):
    """The whole file; `sources` and `notifiers` are checked by what their `type` names."""

    organisation: OrganisationSettings = Field(
        default_factory=OrganisationSettings, description="What holds by default."
    )
    database: Database = Field(default_factory=Database, description="Where everything is kept.")
    ha: HighAvailability = Field(default_factory=HighAvailability, description="Several daemons on one PostgreSQL.")
    rules: LocalFolder = Field(Path("rules.d"), description="Folder of the rule files.", validate_default=True)
    templates: LocalPath = Field(
        Path("templates"),
        description="Folder of templates that stand in for ours; none is needed.",
        validate_default=True,
    )
    plugins_dir: LocalFolder | None = Field(None, description="Folder with plugins of your own, one `*.py` each.")
    secrets_dir: LocalFolder | None = Field(None, description="Folder with one file per secret, named like it.")
    http: Http = Field(default_factory=Http, description="The daemon's web server.")
    grafana: Grafana = Field(default_factory=Grafana, description="For links.")
    limits: Limits = Field(default_factory=Limits, description="Guards against strange readings and mass changes.")
    delivery: Delivery = Field(default_factory=Delivery, description="When messages leave.")
    retention: Duration = Field(timedelta(days=1825), description="How long history is kept whole; then weekly.")
    calendars: dict[Name, CalendarSettings] = Field(default_factory=dict, description="Name -> which days are worked.")
    people: People = Field(default_factory=People, description="Where persons come from.")
    merge: dict[Group, tuple[str, ...]] = Field(
        default_factory=dict, description="Field group -> sources, the one to believe first before the others."
    )
    conflict_over: Conflicts = Field(
        default_factory=Conflicts, description="How far two sources may differ: more is a contradiction."
    )
    match_on: MatchOn = Field(default_factory=MatchOn, description="How things are recognised across sources.")
    aliases: dict[str, str] = Field(
        default_factory=dict,
        description="What a source writes -> e-mail address of the person, or code of the project.",
    )
    sources: dict[Name, dict[str, Any]] = Field(default_factory=dict, description="Name -> what to read, and how.")
    notifiers: dict[Name, dict[str, Any]] = Field(default_factory=dict, description="Name -> how to tell.")
