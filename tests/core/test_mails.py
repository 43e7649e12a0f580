"""Mails whose headers others have written a part of: read back, they say what was meant and nothing more."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from hostile import HIDDEN, HOSTILE
from hypothesis import given
from hypothesis import strategies as st
from mail_bench import row, settings

from pmo_watch.alerts import Rendered
from pmo_watch.mails import mail
from pmo_watch.plain import plain

FULL = "Rossi, Maria Antonia of the Department for Roads, Bridges (ICT), Brussels"
HEAD = settings(25)
ROW = row()
TEXTS = st.one_of(
    st.text(max_size=250),
    st.text('abc é漢🔴 ,<>@"\\()[]:;.=?_…', max_size=250),
    st.sampled_from(
        [*HOSTILE.values(), FULL, "Rossi, Maria", "a.b. c" * 20, "x@evil.test, " * 8, "=?utf-8?q?x?= " * 9]
    ),
)


def read_back(name: str, subject: str) -> EmailMessage:
    rendered = Rendered(plain(subject, 500), "text")  # as every subject is, before it comes here
    written = mail(replace(ROW, recipient_name=name, rendered=rendered), HEAD)
    return message_from_bytes(written.as_bytes(), policy=default)


@given(name=TEXTS, subject=TEXTS)
def test_name_and_subject_add_no_recipient_and_no_header(name: str, subject: str) -> None:
    mail = read_back(name, subject)

    assert [one.addr_spec for one in mail["To"].addresses] == ["m.rossi@pmo.test"]
    assert [key for key, _ in mail.items()] == [key for key, _ in read_back("Ann", "s").items()]
    assert not mail.defects
    assert not HIDDEN.search(mail["To"] + mail["Subject"])
    assert len(mail["Subject"]) <= 120


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Rossi, Maria", "Rossi, Maria"),
        ('Zoë "Z" Müller', 'Zoë "Z" Müller'),
        (FULL, "Rossi Maria Antonia of the Department for Roads Bridges ICT Brussels"),
        ("m.rossi@pmo.test", ""),
    ],
)
def test_name_is_shown_as_it_is_where_it_fits_on_a_line(name: str, shown: str) -> None:
    assert [one.display_name for one in read_back(name, "s")["To"].addresses] == [shown]
