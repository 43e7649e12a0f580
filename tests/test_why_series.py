"""`why` and `why-not` over six weeks of a programme: nothing that was told is missed, and everybody has an answer."""

from datetime import timedelta
from pathlib import Path

import pytest
from agreement import every_message_is_found, everybody_has_an_answer
from mail_server import Mailbox, smtp_server
from programme import ABSENT, FRIDAYS, SERIES, at, lay_out, replay_series

pytestmark = pytest.mark.skipif(not SERIES.is_dir(), reason=ABSENT)
AFTER = at(FRIDAYS[-1]) + timedelta(minutes=5)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Replay the series and return the settings file."""
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        made = lay_out(tmp_path_factory.mktemp("series"), port, key="auto")
        replay_series(made, mailbox)
    return made


def test_every_message_is_found_by_why(settings: Path) -> None:
    assert every_message_is_found(settings, AFTER) > 20


def test_everybody_was_told_or_has_a_reason(settings: Path) -> None:
    assert everybody_has_an_answer(settings, AFTER) > 50
