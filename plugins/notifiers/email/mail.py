"""One outbox row as a mail: headers, conversation, and the two parts (spec channels 2.3, 2.4)."""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime

from pmo_watch_plugins.notifiers.email.settings import Settings, is_address

from pmo_watch.api import OutboxRow, plain, shorten

LONGEST_SUBJECT = 120
LONGEST_NAME = 200


def mail(row: OutboxRow, settings: Settings) -> EmailMessage:
    """Return the mail for a row; at every attempt the same but for its date.

    Raises:
        ValueError, email.errors.MessageError: the recipient's address is none.
    """
    if not is_address(row.address):
        raise ValueError(f"{row.address!r} is no address")
    message = EmailMessage(policy=SMTP)
    message["From"] = settings.sender
    name = plain(row.recipient_name, LONGEST_NAME)
    message["To"] = Address(display_name="" if name == row.address else name, addr_spec=row.address)
    message["Date"] = localtime()
    message["Message-ID"] = f"<m.{short_id(row)}@{settings.domain}>"
    message["Subject"] = _subject(row, settings)
    # Quoted-printable, because a line of HTML may be longer than SMTP allows.
    message.set_content(row.rendered.text, charset="utf-8", cte="quoted-printable")
    if row.rendered.html:
        message.add_alternative(row.rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
    for name, value in _headers(row, settings).items():  # last: Content-Language would go into the text part
        message[name] = value
    return message


def short_id(row: OutboxRow) -> str:
    """Return the part of the outbox id that servers and recipients see."""
    return row.id[:20]


def _subject(row: OutboxRow, settings: Settings) -> str:
    shown = row.rendered.headers.get("thread-subject", "") if settings.subjects == "thread" else ""
    return shorten(f"{settings.subject_prefix} {shown or row.rendered.subject}".strip(), LONGEST_SUBJECT)


def _headers(row: OutboxRow, settings: Settings) -> dict[str, str]:
    own = {name: value for name, value in row.rendered.headers.items() if not name.startswith("thread")}
    digest = row.kind == "digest"
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<digest.{settings.domain}>" if digest else f'"PMO alerts" <alerts.{settings.domain}>',
        **own,
    }
    # The root is never the id of a real message, so neither order of arrival nor a lost first message matters.
    if thread := row.rendered.headers.get("thread"):
        root = f"<t.{thread}@{settings.domain}>"
        headers |= {"In-Reply-To": root, "References": root}
    return headers
