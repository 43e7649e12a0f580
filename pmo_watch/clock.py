"""The only reader of the wall clock; everything else takes `now` as an argument."""

from datetime import UTC, datetime


class Clock:
    """Tells the present moment."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock(Clock):
    """Stands still where it was set: `once --now`, the demo's replay and tests."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment it was set to."""
        return self.moment
