"""Updates of a project are one conversation of a mail client, from its first alert to its last end (channels 2.4)."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from mail_bench import settings
from office import NOW, Office

from pmo_watch.acknowledgements import Wanted
from pmo_watch.cycle import Engine
from pmo_watch.mails import mail
from pmo_watch.operations import acknowledge_alerts
from pmo_watch.store import OutboxState, Settlement, Store

DAY = timedelta(days=1)
REMINDING = """\
version: 1
rules:
  - id: milestone-slip
    name: Milestone slips
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    tell: {amber: [project_leader], red: [project_leader]}
    remind: every 5 wd
"""


def conversations(mails: Iterable[EmailMessage]) -> list[list[EmailMessage]]:
    """Group mails as clients do: by the ids that they name (RFC 5256, REFERENCES), then apart where a subject differs.

    The first id of `References` is the root; a mail that names none is a root itself.
    """
    found: dict[tuple[str, str], list[EmailMessage]] = {}
    for one in mails:
        references = str(one.get("References") or one.get("In-Reply-To") or one["Message-ID"]).split()
        found.setdefault((references[0], str(one["Subject"])), []).append(one)
    return list(found.values())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Return an office whose rule reminds."""
    made = Office(tmp_path)
    made.rules("10-slip.yaml", REMINDING)
    return made


@pytest.fixture
def store(office: Office) -> Iterator[Store]:
    """Give its store."""
    opened = office.open()
    yield opened
    opened.close()


def leaves(store: Store, now: datetime) -> Iterator[EmailMessage]:
    """Yield the mails that leave now, as the channel writes them."""
    for row in store.lease(now, limit=100, seconds=60):
        yield mail(row, settings(25))
        store.settle(Settlement(row, OutboxState.ACCEPTED, now, answer="250"))


def lived(office: Office, store: Store) -> list[EmailMessage]:
    """Let P01 slip, get worse, be acknowledged, be reminded of, recover and slip again; P02 slips beside it."""
    days: Sequence[tuple[int, dict[str, int]]] = (
        (0, {"P01": 7, "P02": 0}),
        (1, {"P01": 12}),
        (4, {"P02": 7}),
        (12, {}),
        (14, {"P01": 0}),
        (17, {"P01": 7}),
        (18, {"P01": 0, "P02": 0}),
    )
    engine = Engine(store, office.load())
    mails: list[EmailMessage] = []
    for after, late in days:
        for code, wd in late.items():
            office.save(code, wd)
        now = NOW + after * DAY
        engine.cycle(now, ["plans", "people"])
        mails += leaves(store, now)
        if after == 4:
            (red,) = [one.id for one in store.alerts() if one.level == "red"]
            acknowledge_alerts(store, [red], Wanted((now + DAY).date(), "ann", "seen"), now, office.load().zone)
    return mails


def test_updates_of_a_project_are_one_conversation_until_it_is_over(office: Office, store: Store) -> None:
    mails = lived(office, store)

    found = {
        (str(some[0]["To"]).partition("leader-")[2][:3], number): [one["X-PMO-Watch-Reason"] for one in some]
        for number, some in enumerate(conversations(mails))
    }
    assert list(found.values()) == [
        ["opened", "worsened", "acknowledgement_ended", "recovered"],
        ["opened", "reminded", "recovered"],
        ["opened", "recovered"],
    ]
    assert [project for project, _ in found] == ["p01", "p02", "p01"]


def test_no_mail_is_needed_to_find_the_conversation_of_another(office: Office, store: Store) -> None:
    mails = lived(office, store)
    whole = conversations(mails)

    for lost in mails:
        left = conversations(reversed([one for one in mails if one is not lost]))
        assert sorted(map(len, left), reverse=True) == sorted(
            (number for some in whole if (number := len([one for one in some if one is not lost]))), reverse=True
        )
    roots = {str(one["References"]) for one in mails}
    assert not roots & {str(one["Message-ID"]) for one in mails}
    assert all(one["References"] == one["In-Reply-To"] for one in mails)
