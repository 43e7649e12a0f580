"""The charts of a mail as pictures inside it, where they can be made; a table stands in their place where not."""

from dataclasses import replace

import structlog

from pmo_watch import typesetting
from pmo_watch.alerts import Picture
from pmo_watch.telling import ChartView, MessageView

LOG = structlog.get_logger("pmo_watch.pictures")
MOST_BYTES = 200_000  # spec channels 2.5


def with_pictures(view: MessageView, *, wanted: bool) -> tuple[MessageView, tuple[Picture, ...]]:
    """Return the view with its charts as pictures, and these; as it is where none are wanted, or can be made."""
    if not (wanted and view.charts and typesetting.is_there()):
        return view, ()
    made = {one.name: picture for one in view.charts if (picture := _picture(one, view.id)) is not None}
    charts = tuple(replace(one, picture=made[one.name].name) if one.name in made else one for one in view.charts)
    return replace(view, charts=charts), tuple(made.values())


def _picture(chart: ChartView, message_id: str) -> Picture | None:
    """Return the picture of a chart; None where it cannot be made, or is too large for a mail."""
    try:
        png = typesetting.png_of(chart.svg, chart.width, chart.height)
    except Exception:  # the message leaves without a picture rather than not at all
        LOG.exception("chart cannot be made a picture", chart=chart.name)
        return None
    if len(png) > MOST_BYTES:
        return None
    return Picture(f"{chart.name}.{message_id[:16]}@pmo-watch", chart.finding, png)
