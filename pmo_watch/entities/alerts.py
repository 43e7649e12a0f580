"""What pmo-watch itself has raised, as rules may look at it."""

from pmo_watch.entities.shared import ORIGIN
from pmo_watch.model import Entity, Field, Kind

ALERT = Entity(
    "alert",
    "An alert that is open, or that has just ended. Alerts of rules about alerts are not among them.",
    (
        *ORIGIN,
        Field("id", Kind.TEXT, "Its number.", own=True),
        Field("name", Kind.TEXT, "Its rule and what it is about.", own=True),
        Field("name_en", Kind.TEXT, "The same in English.", own=True),
        Field("name_fr", Kind.TEXT, "The same in French.", own=True),
        Field("name_nl", Kind.TEXT, "The same in Dutch.", own=True),
        Field("rule", Kind.TEXT, "The id of its rule.", own=True),
        Field("about", Kind.TEXT, "What kind of thing it is about, such as milestone.", own=True),
        Field("subject", Kind.TEXT, "What it is about, as people call it.", own=True),
        Field("project", Kind.REF, "The project of what it is about.", refers=("project",), own=True),
        Field("program", Kind.REF, "The programme of what it is about.", refers=("program",), own=True),
        Field("portfolio", Kind.REF, "The portfolio of what it is about.", refers=("portfolio",), own=True),
        Field("level", Kind.ENUM, "Its level; null means that it has ended.", one_of=("amber", "red"), own=True),
        Field("opened_on", Kind.DATE, "Day it was opened.", own=True),
        Field("since", Kind.DATE, "Since when it has its level.", own=True),
        Field("unknown_since", Kind.DATE, "Since when its state is unknown; null is known.", own=True),
        Field("told_on", Kind.DATE, "Day the first message of its level was accepted; null means nobody.", own=True),
        Field("acknowledged_on", Kind.DATE, "Day it was acknowledged; null means not.", own=True),
        Field("acknowledged_until", Kind.DATE, "Last day of the acknowledgement.", own=True),
        Field("acknowledged_by", Kind.REF, "Who acknowledged it, if known.", refers=("person",), own=True),
        Field("escalated_on", Kind.DATE, "Day of its last escalation; null means none.", own=True),
        Field("escalated_to", Kind.TEXT, "The role or committee that it was escalated to last.", own=True),
        Field("escalation_step", Kind.COUNT, "Number of the last step of escalation; 0 is none.", own=True),
        Field(
            "action",
            Kind.REF,
            "The action, issue or decision that names it; null means that there is no plan.",
            refers=("action", "issue", "decision"),
            own=True,
        ),
    ),
)
