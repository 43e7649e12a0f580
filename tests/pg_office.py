"""Offices whose daemons share one PostgreSQL database."""

from datetime import datetime

from mail_server import free_port
from office import NOW, Office
from running import Running

TAKEOVER_SECONDS = 3

TAKEN: set[int] = set()  # the system may give one twice while nobody listens on it


def _other_port() -> int:
    while (port := free_port()) in TAKEN:
        continue
    TAKEN.add(port)
    return port


class Twin:
    """A second machine: the settings and rules of an office with an address of its own, the same plans and database."""

    def __init__(self, office: Office, name: str) -> None:
        self.http = _other_port()
        self.folder = office.folder / name
        self.folder.mkdir()
        self.config = self.folder / "pmo-watch.yaml"
        text = office.config.read_text(encoding="utf-8").replace(f"127.0.0.1:{office.http}", f"127.0.0.1:{self.http}")
        for part in ("plans", "people.csv", "rules.d"):
            (self.folder / part).symlink_to(office.folder / part)
        self.config.write_text(text, encoding="utf-8")

    def run(self, moment: datetime | None = NOW) -> Running:
        """Start its daemon."""
        return Running(self.config, self.http, moment)


def share(office: Office, url: str) -> None:
    """Let the office keep its state in a database that others may use too."""
    text = office.config.read_text(encoding="utf-8").replace("sqlite:///pmo-watch.db", url)
    office.config.write_text(f"{text}ha: {{takeover: {TAKEOVER_SECONDS}s}}\n", encoding="utf-8")
