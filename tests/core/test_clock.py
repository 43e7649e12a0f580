"""The clock tells aware moments in UTC; one that stands still stays where it was set."""

from datetime import UTC, datetime, timedelta

from pmo_watch.clock import Clock, FixedClock


def test_moment_is_aware_and_in_utc() -> None:
    before, now = datetime.now(UTC), Clock().now()

    assert now.utcoffset() == timedelta(0)
    assert before <= now <= datetime.now(UTC)


def test_fixed_clock_stands_still() -> None:
    clock = FixedClock(datetime(2026, 10, 2, 8, tzinfo=UTC))

    assert clock.now() is clock.now()
