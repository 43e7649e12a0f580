"""What a reload leaves as it is, and what it takes away, without a process of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import bcrypt
import httpx2
import pytest
import structlog
from mail_server import free_port
from office import NOW, Office, Reach, cycle

from pmo_watch.clock import FixedClock
from pmo_watch.cycle import Engine
from pmo_watch.daemon import Daemon
from pmo_watch.errors import StoreError
from pmo_watch.log import set_up_logging
from pmo_watch.pruning import Pruning


class Unwatched(Daemon):
    """A daemon that looks at no file by itself."""

    def _watch_files(self, loop: object) -> None:
        self.looked = True


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path, every="30m")


@pytest.fixture
def daemon(office: Office) -> Iterator[Daemon]:
    store = office.open()
    yield Unwatched(office.load(), store, FixedClock(NOW))
    store.close()


async def test_a_source_that_refused_goes_on_waiting(office: Office, daemon: Daemon) -> None:
    daemon._timetable.asked(["plans", "people"], NOW)
    daemon._timetable.refused("people", NOW, 6)
    office.slip_rule(red="over 9 wd")

    assert (await daemon.reload()).status == 200

    assert daemon._timetable.due(NOW) == []


async def test_a_source_with_other_settings_is_due_at_once(office: Office, daemon: Daemon) -> None:
    daemon._timetable.asked(["plans", "people"], NOW)
    office.config.write_text(office.config.read_text(encoding="utf-8").replace("30m", "45m"), encoding="utf-8")

    assert (await daemon.reload()).status == 200

    assert daemon._timetable.due(NOW) == ["plans", "people"]


@asynccontextmanager
async def served(daemon: Daemon) -> AsyncIterator[httpx2.AsyncClient]:
    """Let the daemon run until the block ends; signals stay the test's."""
    async with asyncio.timeout(30):
        run = asyncio.create_task(daemon.run())
        try:
            async with httpx2.AsyncClient(base_url=f"http://{daemon._http.listen}") as client:
                while not await is_ready(client):
                    assert not run.done(), run
                    await asyncio.sleep(0.05)
                yield client
        finally:
            daemon.stop()
            await run


async def is_ready(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/-/ready")).status_code == 200
    except httpx2.TransportError:
        return False


def replace(office: Office, old: str, new: str) -> None:
    """Change the settings."""
    text = office.config.read_text(encoding="utf-8")
    assert text.count(old) == 1
    office.config.write_text(text.replace(old, new), encoding="utf-8")


def user(password: str) -> str:
    """Return a user as the settings name one."""
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
    return f'users: {{ann: {{hash: "{hashed}", role: operator}}}}'


async def test_metrics_come_and_go_with_a_reload(office: Office, daemon: Daemon) -> None:
    async with served(daemon) as client:
        assert (await client.get("/metrics")).status_code == 200

        replace(office, "{type: prometheus}", "{type: prometheus, enabled: false}")
        await client.post("/-/reload")
        assert (await client.get("/metrics")).status_code == 404

        replace(office, "{type: prometheus, enabled: false}", "{type: prometheus}")
        await client.post("/-/reload")
        answer = await client.get("/metrics")

    assert answer.status_code == 200
    assert 'pmo_project_info{project="P01"' in answer.text  # at once, not after the next cycle


async def test_users_of_a_reload_are_asked_for_their_password(office: Office, daemon: Daemon) -> None:
    listen = f'listen: "127.0.0.1:{office.http}"'
    async with served(daemon) as client:
        replace(office, listen, f"{listen}, {user('first')}")
        assert (await client.post("/-/reload")).json()["message"] == "everything is in force"

        assert (await client.get("/api/v1/alerts")).status_code == 401
        assert (await client.get("/api/v1/alerts", auth=("ann", "first"))).status_code == 200
        text = office.config.read_text(encoding="utf-8")
        office.config.write_text(text.replace(text[text.index("users: {ann") : text.index("}}}")], user("other")[:-2]))
        assert (await client.post("/-/reload", auth=("ann", "first"))).status_code == 200

        assert (await client.get("/api/v1/alerts", auth=("ann", "first"))).status_code == 401
        assert (await client.get("/api/v1/alerts", auth=("ann", "other"))).status_code == 200


async def test_another_address_waits_for_a_start_and_the_reload_says_so(office: Office, daemon: Daemon) -> None:
    async with served(daemon) as client:
        replace(office, f"127.0.0.1:{office.http}", f"127.0.0.1:{free_port()}")

        first, again = [(await client.post("/-/reload")).json()["message"] for _ in range(2)]

    assert first == again == "everything is in force; http.listen: taken up when the service is started again"


async def test_address_open_to_others_keeps_its_login_until_the_service_is_started_again(
    tmp_path: Path, office: Office
) -> None:
    listen, tls = f'"127.0.0.1:{office.http}"', f'"0.0.0.0:{office.http}", proxy: {{from: [127.0.0.1/32]}}'
    replace(office, listen, tls)
    store = office.open()
    daemon = Unwatched(office.load(), store, FixedClock(NOW))
    replace(office, tls, listen)

    reloaded = await daemon.reload()

    assert reloaded.text.endswith("; http.listen, http.proxy: taken up when the service is started again")
    assert daemon._http.proxy is not None
    store.close()


async def test_new_secret_of_a_reload_stays_out_of_the_log(
    office: Office, daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logging("INFO")
    key = "correct-horse-battery-staple-0123456789"
    listen = f'listen: "127.0.0.1:{office.http}"'
    replace(office, listen, f'{listen}, ack: {{keys: [{{id: k1, key: "{key}"}}]}}')

    assert (await daemon.reload()).status == 200
    structlog.get_logger("pmo_watch.test").warning("said", answer=f"refused {key}")

    assert '"answer": "refused ***"' in capsys.readouterr().err


async def test_fault_of_a_channel_is_shown_after_a_start(tmp_path: Path) -> None:
    office = Office(tmp_path, Reach(mail="starttls: off, ca_file: none.pem"))
    office.save("P01", 12)
    store = office.open()
    cycle(Engine(store, office.load()))
    first = Unwatched(office.load(), store, FixedClock(NOW + timedelta(minutes=1)))
    await first._mailroom.drain()
    assert store.circuits()["mail"].fault_since is not None
    second = Unwatched(office.load(), store, FixedClock(NOW + timedelta(minutes=1)))

    async with served(second) as client:
        text = (await client.get("/metrics")).text

    assert 'pmo_watch_notifier_healthy{notifier="mail"} 0.0' in text
    store.close()


async def test_pruning_that_fails_is_said_and_tried_again_in_an_hour(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    store = office.open()
    tried: list[datetime] = []

    def prune(before: datetime, zone: tzinfo) -> int:
        tried.append(before)
        if len(tried) == 1:
            raise StoreError("the disk is full")
        return 0

    store.retention = prune  # type: ignore[method-assign]
    pruning, kept = Pruning(store), office.load().settings.retention
    set_up_logging("WARNING")
    for hours in (0, 0.5, 1, 2, 24, 25):
        await pruning.after_cycle(NOW + timedelta(hours=hours), kept, UTC)

    assert [one + kept - NOW for one in tried] == [timedelta(hours=one) for one in (0, 1, 25)]
    assert "old history not pruned, tried again in an hour" in capsys.readouterr().err
    store.close()
