"""What several entities share: origin, tolerances, closed lists of words."""

from pmo_watch.model import Field, Kind

STATES = ("proposed", "initiating", "planning", "executing", "closing", "closed", "on_hold", "cancelled")
ROLES = (
    "project_leader",
    "contractor_pm",
    "programme_manager",
    "pmo",
    "project_owner",
    "business_manager",
    "steering_member",
    "management_committee",
    "indicator_provider",
    "line_manager",
)
RAG = ("green", "amber", "red")
LANGUAGES = ("en", "fr", "nl")
DIMENSIONS = ("time", "cost", "scope", "quality", "benefit", "risk")

ORIGIN = (
    Field("uid", Kind.TEXT, "Stable identity `<source>:<entity>:<key>`; never shown.", own=True, readable=False),
    Field("source", Kind.TEXT, "The source it comes from.", own=True, readable=False),
    Field("vanished_on", Kind.DATE, "Day it was found to be gone; null is present.", own=True),
    Field("updated_at", Kind.MOMENT, "Last change in the source."),
)
TOLERANCES = tuple(
    Field(
        f"tolerance_{dimension}_{level}",
        Kind.NUMBER,
        f"Tolerance of {dimension} before {level}; null means inherited.",
        group="register",
    )
    for dimension in DIMENSIONS
    for level in ("amber", "red")
)
