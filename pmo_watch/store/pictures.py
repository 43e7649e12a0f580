"""The pictures of mails, kept until the mail was accepted: nobody sends it again, and they are the most of its size."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select

from pmo_watch.alerts import Picture, Rendered
from pmo_watch.store.rows import upsert
from pmo_watch.store.tables import OUTBOX_PICTURE as PICTURE

Pictures = tuple[Picture, ...]


def write_pictures(connection: Connection, messages: Iterable[tuple[str, Rendered]]) -> None:
    """Keep the pictures of messages, given with their ids; what is there already stays as it is."""
    rows = [
        {"message": message_id, "name": one.name, "alt": one.alt, "png": one.png}
        for message_id, rendered in messages
        for one in rendered.pictures
    ]
    upsert(connection, PICTURE, rows, kept=None)


def read_pictures(connection: Connection, ids: Sequence[str]) -> dict[str, Pictures]:
    """Return the pictures of these messages, by message."""
    found: dict[str, Pictures] = {}
    for row in connection.execute(select(PICTURE).where(PICTURE.c.message.in_(ids)).order_by(PICTURE.c.name)):
        found[row.message] = (*found.get(row.message, ()), Picture(row.name, row.alt, row.png))
    return found


def forget_pictures(connection: Connection, message_id: str) -> None:
    """Delete the pictures of a message."""
    connection.execute(delete(PICTURE).where(PICTURE.c.message == message_id))
