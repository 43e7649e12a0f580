"""Pictures inside mails: beside the HTML, shown in place, over a real server."""

from email.message import EmailMessage
from pathlib import Path

from mail_bench import mailer, row
from mail_server import Mailbox

from pmo_watch.alerts import Picture, Rendered
from pmo_watch.demo.counterparts import page_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
PICTURES = (
    Picture("status.0123@pmo-watch", "GEM-01 is worse", PNG),
    Picture("trend.0123@pmo-watch", "Go-live is 12 days later", PNG[::-1]),
)
HTML = '<p>é</p><img src="cid:status.0123@pmo-watch" alt="s"><img src="cid:trend.0123@pmo-watch" alt="t">'


async def sent(port: int, folder: Path, box: Mailbox, rendered: Rendered) -> EmailMessage:
    """Send a mail and return it as the server got it."""
    async with mailer(port, folder, starttls="off") as notifier:
        await notifier.send(row(rendered=rendered))
    (mail,) = box.mails
    return mail


async def test_pictures_lie_beside_the_html_and_are_no_attachments(port: int, tmp_path: Path, box: Mailbox) -> None:
    mail = await sent(port, tmp_path, box, Rendered("Page", "text", HTML, pictures=PICTURES))

    assert mail.get_content_type() == "multipart/alternative"
    text, related = mail.iter_parts()
    assert (text.get_content_type(), related.get_content_type()) == ("text/plain", "multipart/related")
    page, *pictures = related.iter_parts()
    assert page.get_content_type() == "text/html"
    assert [one["Content-ID"] for one in pictures] == ["<status.0123@pmo-watch>", "<trend.0123@pmo-watch>"]
    assert [one.get_content_disposition() for one in pictures] == ["inline", "inline"]
    assert [one.get_filename() for one in pictures] == ["status.png", "trend.png"]
    assert [one.get_content() for one in pictures] == [PNG, PNG[::-1]]
    assert not [one for one in mail.walk() if one.get_content_disposition() == "attachment"]
    assert not mail.defects


async def test_a_mail_without_pictures_has_two_parts(port: int, tmp_path: Path, box: Mailbox) -> None:
    mail = await sent(port, tmp_path, box, Rendered("Page", "text", "<p>html</p>"))

    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


async def test_a_page_of_the_mail_shows_its_pictures_without_the_mail(port: int, tmp_path: Path, box: Mailbox) -> None:
    mail = await sent(port, tmp_path, box, Rendered("Page", "text", HTML, pictures=PICTURES))

    page = page_of(mail)

    assert "cid:" not in page
    assert page.count('src="data:image/png;base64,') == 2
    assert "é" in page
