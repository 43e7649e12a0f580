"""A quarter of a hundred projects, replayed with problems put in: who hears what, when, and how often.

`make bench` replays the whole year; see `year_replay.py` for how, `year_problems.py` for what goes wrong.
"""

from datetime import date

import pytest
from year_claims import CLAIMS, Claim
from year_problems import problems
from year_replay import Replay, Year

# With Easter Monday, Labour Day, Ascension and Whit Monday; one problem of each kind begins and ends in it.
FIRST, LAST = date(2024, 4, 1), date(2024, 6, 30)

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Year:
    """Give what came of the quarter."""
    return Replay(tmp_path_factory.mktemp("year"), FIRST, LAST, problems()).run()


def test_every_kind_of_problem_happens(quarter: Year) -> None:
    assert {one.kind for one in quarter.problems} == {one.kind for one in problems()}
    assert len(quarter.problems) > 50
    assert len(quarter.unfit) >= 4  # lists that could not be read for a while


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda one: one.__name__)
def test_quarter_keeps_its_promise(quarter: Year, claim: Claim) -> None:
    assert claim(quarter) == []


def test_most_of_what_tools_send_is_not_sent(quarter: Year) -> None:
    sent, moved, shown = len(quarter.sent), sum(quarter.moved.values()), sum(quarter.shown.values())

    assert sent < moved < shown / 5
