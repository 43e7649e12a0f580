"""One outbox row as a mail: headers, conversation, and the two parts (spec channels 2.3, 2.4)."""

import base64
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from typing import Protocol

from pmo_watch.alerts import OutboxRow, Rendered
from pmo_watch.plain import NAME, TITLE, plain, shorten

# Dots only between signs, and no quotation marks, comments or routes: readers differ in what those stand for.
_ATOM, _LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[^\W_]([\w-]*[^\W_])?"
_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@({_LABEL}(\.{_LABEL})*|\[[\d.]+\])")

_ONE_LINE = 50  # characters of a name; `To:`, its marks and a fold fit beside it on a line of 78
_PUNCTUATION = re.compile(r"[^\w\s'…-]+")


class Letterhead(Protocol):
    """What a notifier that writes mails has set: who writes, and how subjects look."""

    @property
    def sender(self) -> Address:
        """Who writes."""
        ...

    @property
    def domain(self) -> str:
        """The domain of message ids."""
        ...

    @property
    def subject_prefix(self) -> str:
        """What stands before every subject; may be empty."""
        ...

    @property
    def subjects(self) -> str:
        """`thread`: messages on a project share a subject. `state`: each says level and value."""
        ...


def is_address(text: str) -> bool:
    """Say whether the text has the form of a mail address."""
    return _ADDRESS.fullmatch(text) is not None


def mail(row: OutboxRow, head: Letterhead) -> EmailMessage:
    """Return the mail for a row; at every attempt the same but for its date.

    Raises:
        ValueError, email.errors.MessageError: the recipient's address is none.
    """
    if not is_address(row.address):
        raise ValueError(f"{row.address!r} is no address")
    message = EmailMessage(policy=SMTP)
    message["From"] = head.sender
    name = plain(row.recipient_name, NAME)
    local, _, domain = row.address.rpartition("@")  # `addr_spec` takes no letter beyond ASCII, which some servers do
    message["To"] = Address("" if name == row.address else _named(name), local, domain)
    message["Date"] = localtime()
    message["Message-ID"] = f"<m.{short_id(row)}@{head.domain}>"
    message["Subject"] = _subject(row, head)
    # Quoted-printable, because a line of HTML may be longer than SMTP allows.
    message.set_content(row.rendered.text, charset="utf-8", cte="quoted-printable")
    if row.rendered.html:
        message.add_alternative(row.rendered.html, subtype="html", charset="utf-8", cte="quoted-printable")
        _add_pictures(message, row)
    for name, value in _headers(row, head).items():  # last: Content-Language would go into the text part
        message[name] = value
    return message


def _named(name: str) -> str:
    """Return a name as a header holds it: a long one without punctuation.

    Python's library takes the quotation marks away from a name that it spreads over several lines, and what was a comma
    in a name then divides two recipients.
    """
    return name if len(name) <= _ONE_LINE else " ".join(_PUNCTUATION.sub(" ", name).split())


def short_id(row: OutboxRow) -> str:
    """Return the part of the outbox id that servers and recipients see."""
    return row.id[:20]


def _subject(row: OutboxRow, head: Letterhead) -> str:
    shown = row.rendered.headers.get("thread-subject", "") if head.subjects == "thread" else ""
    return shorten(f"{head.subject_prefix} {shown or row.rendered.subject}".strip(), TITLE)


def _headers(row: OutboxRow, head: Letterhead) -> dict[str, str]:
    own = {name: value for name, value in row.rendered.headers.items() if not name.startswith("thread")}
    digest = row.kind == "digest"
    headers = {
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"<digest.{head.domain}>" if digest else f'"PMO alerts" <alerts.{head.domain}>',
        **own,
    }
    # The root is never the id of a real message, so neither order of arrival nor a lost first message matters.
    if thread := row.rendered.headers.get("thread"):
        root = f"<t.{thread}@{head.domain}>"
        headers |= {"In-Reply-To": root, "References": root}
    return headers


def browser_page(rendered: Rendered) -> str:
    """Return the HTML of a mail with its pictures inside: a browser knows no other part of it; empty without HTML."""
    page = rendered.html
    for one in rendered.pictures:
        picture = base64.b64encode(one.png).decode()
        page = page.replace(f"cid:{one.name}", f"data:image/png;base64,{picture}")
    return page


def _add_pictures(message: EmailMessage, row: OutboxRow) -> None:
    """Put the pictures beside the HTML, in one part with it: so mail programs show them in place, and list no file."""
    *_, html = message.iter_parts()
    for one in row.rendered.pictures:
        file = f"{one.name.partition('.')[0]}.png"
        html.add_related(one.png, "image", "png", cid=f"<{one.name}>", disposition="inline", filename=file)
