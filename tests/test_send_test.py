"""A test message to a person whom the sources know."""

from contextlib import closing
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from small_portfolio import Portfolio, at

from pmo_watch.errors import ConfigError
from pmo_watch.in_force import load
from pmo_watch.send_test import send_test

PEOPLE = """\
email,name,language,active
bob@example.org,Bob Baker,nl,
finn@example.org,Finn Falk,en,no
"""


@pytest.fixture
def portfolio(tmp_path: Path) -> Portfolio:
    made = Portfolio(tmp_path)
    made.write("people.csv", PEOPLE)
    made.once(at("02"), deliver=False)
    return made


async def sent(portfolio: Portfolio, target: str) -> list[str]:
    with closing(portfolio.store()) as store:
        return list((await send_test(load(portfolio.config), store, target, at("02", "11:00"))).lines)


@pytest.mark.parametrize("called", ["Bob Baker", "BOB@example.org", "person:bob@example.org"])
async def test_a_person_is_written_to_by_any_name_and_in_their_language(portfolio: Portfolio, called: str) -> None:
    (line,) = await sent(portfolio, called)

    (mail,) = (portfolio.folder / "mails").glob("*.eml")
    read = message_from_bytes(mail.read_bytes(), policy=default)
    assert line.startswith("mail: bob@example.org: accepted")
    assert (read["To"], read["Content-Language"]) == ("Bob Baker <bob@example.org>", "nl")


async def test_somebody_who_is_not_active_is_not_written_to(portfolio: Portfolio) -> None:
    with pytest.raises(ConfigError, match="'Finn Falk' cannot be told: without an address, or not active"):
        await sent(portfolio, "Finn Falk")
