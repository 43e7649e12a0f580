"""The page behind an acknowledge link, as a browser has it."""

import re
from datetime import date
from html import unescape
from typing import Any

import httpx2
from served import Daemon

from pmo_watch.store import Store

REASON = "Supplier is late, new plan on Friday"


class Page:
    """The page as a reader sees it, and its form filled in."""

    def __init__(self, client: httpx2.AsyncClient, link: str, answer: httpx2.Response) -> None:
        self.client, self.link, self.status = client, link, answer.status_code
        self.html = answer.text
        body = re.sub(r"<(title|style).*?</\1>", "", self.html, flags=re.DOTALL)
        self.text = " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())

    def field(self, name: str) -> str:
        """Return the value of an input."""
        found = re.search(rf'<input[^>]* name="{name}"[^>]* value="([^"]*)"', self.html)
        assert found, name
        return unescape(found[1])

    @property
    def ticked(self) -> list[str]:
        """The alerts whose box is ticked."""
        return re.findall(r'<input type="checkbox" name="alert" value="(\w+)" id="a\d+" checked>', self.html)

    async def send(self, **typed: Any) -> "Page":
        """Send the form as a browser does."""
        filled = {"confirm": self.field("confirm"), "alert": self.ticked, "until": self.field("until"),
                  "reason": REASON}  # fmt: skip
        answer = await self.client.post(self.link, data={**filled, **typed})
        self.location = answer.headers.get("location", "")
        return Page(self.client, self.link, answer)


async def opened(client: httpx2.AsyncClient, link: str) -> Page:
    return Page(client, link, await client.get(link))


def acknowledged(store: Store) -> dict[str, date]:
    return {one.id[-1]: one.acknowledged_until for one in store.alerts() if one.acknowledged_until}


def refused(daemon: Daemon) -> dict[str, float]:
    """Return how many links were refused, by reason."""
    reasons = ("malformed", "signature", "expired", "closed", "confirm")
    counted = {one: daemon.counted("pmo_watch_ack_links_refused_total", reason=one) or 0 for one in reasons}
    return {reason: number for reason, number in counted.items() if number}
