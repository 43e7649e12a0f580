"""When a period's value is due (spec measures Q-01, model 2.13)."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from pmo_watch.figures import cut_off_of, due_on
from pmo_watch.workdays import Calendar

ZONE = ZoneInfo("Europe/Brussels")
BE = Calendar("be", closed=frozenset({date(2026, 5, 1), date(2026, 5, 14)}))


@pytest.mark.parametrize(
    ("period", "text", "moment"),
    [
        ("2026-W18", "friday 12:00", datetime(2026, 5, 1, 12, tzinfo=ZONE)),
        ("2026-W18", "Friday", datetime(2026, 5, 1, 23, 59, tzinfo=ZONE)),
        ("2026-W18", None, datetime(2026, 5, 3, 23, 59, tzinfo=ZONE)),
        ("2026-04", "5 wd after period", datetime(2026, 5, 8, 23, 59, tzinfo=ZONE)),
        ("2026-04", "1 wd after period 10:00", datetime(2026, 5, 4, 10, tzinfo=ZONE)),
        ("2026-Q1", None, datetime(2026, 3, 31, 23, 59, tzinfo=ZONE)),
        ("2026-02", "monday 09:30", datetime(2026, 2, 23, 9, 30, tzinfo=ZONE)),
    ],
)
def test_cut_off_is_read_from_its_words(period: str, text: str | None, moment: datetime) -> None:
    assert cut_off_of(period, text, BE, ZONE) == moment


def test_a_due_day_that_is_not_worked_moves_to_the_working_day_before() -> None:
    assert due_on(datetime(2026, 5, 1, 12, tzinfo=ZONE), BE) == date(2026, 4, 30)
