"""A webhook as people use it: the receiver that its page shows, `once`, `check --online` and `send-test`."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from hook_bench import FOLDER, NEW_SECRET, OLD_SECRET, SCHEMA, failure, hook, row, shown
from mail_server import free_port
from messages import NOW
from office import Office, Reach
from running import pmo_watch, until
from workflows_trigger import Trigger, workflows_trigger

from pmo_watch.store import OutboxQuery, OutboxState


@pytest.fixture
def receiver() -> Iterator[Trigger]:
    with workflows_trigger() as running:
        yield running


# --- the receiver of the README -----------------------------------------------------------------------------------


@contextmanager
def shown_receiver(folder: Path) -> Iterator[int]:
    """Run the receiver of the README with the old key, and give its port; what it prints is in `printed`."""
    found = re.search(r"^```python receiver\.py\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.M | re.S)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line]) <= 15
    (folder / "receiver.py").write_text(found[1])
    port = free_port()
    environment = {**os.environ, "WEBHOOK_KEY": OLD_SECRET, "PORT": str(port)}
    command = [sys.executable, str(folder / "receiver.py")]
    with (folder / "printed").open("w") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.DEVNULL)
        try:
            until(lambda: answers(port), "the receiver is up")
            yield port
        finally:
            process.kill()
            process.wait()


def answers(port: int) -> bool:
    """Say whether anybody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_receiver_that_is_shown_takes_what_we_sign_and_nothing_else(tmp_path: Path) -> None:
    with shown_receiver(tmp_path) as port:
        url = f"http://127.0.0.1:{port}/"
        async with hook(url, at=datetime.now(UTC), secrets=[NEW_SECRET, OLD_SECRET]) as opened:
            answer = await opened.send(row())
        stranger = await failure(url, at=datetime.now(UTC), secrets=[NEW_SECRET])
        late = await failure(url, at=NOW)

    assert answer == "204 No Content"
    assert [shown(one) for one in (stranger, late)] == [("rejected", "auth", True)] * 2
    (line,) = (tmp_path / "printed").read_text().splitlines()
    assert line.startswith('opened 0000000000000001 PRJ-042 Key milestone "Go-live" slips')


# --- the command --------------------------------------------------------------------------------------------------


@pytest.fixture
def office(tmp_path: Path, receiver: Trigger) -> Office:
    """Return an office with a late project, whose reds are posted to a receiver that is busy."""
    office = Office(tmp_path, Reach(teams=receiver.url("broken")))
    office.save("P01", 12)
    text = office.config.read_text(encoding="utf-8")
    entry = "type: webhook, secrets: [{secret: webhook_key}], url: {secret: webhook_url}"
    text = re.sub(r"type: teams, url: \"[^\"]*\"", entry, text).replace(
        "rules: rules.d", "secrets_dir: .\nrules: rules.d"
    )
    office.config.write_text(text, encoding="utf-8")
    (tmp_path / "webhook_key").write_text(OLD_SECRET)
    (tmp_path / "webhook_url").write_text(receiver.url("broken"))
    return office


def test_once_posts_and_posts_again_under_the_same_id(office: Office, receiver: Trigger) -> None:
    first = pmo_watch(office.config, "once", "--now", "2026-10-02T10:00")
    (office.folder / "webhook_url").write_text(receiver.url("ok"))
    second = pmo_watch(office.config, "once", "--now", "2026-10-02T10:30")

    busy, taken = receiver.requests
    assert (busy["mode"], taken["mode"]) == ("broken", "ok")
    assert busy["headers"]["webhook-id"] == taken["headers"]["webhook-id"]
    assert busy["body"] == taken["body"]
    body = json.loads(taken["body"])
    jsonschema.validate(body, SCHEMA)
    assert (body["recipient"]["id"], body["items"][0]["project"]) == ("teams", "P01")
    assert "sig=" not in first.stdout + first.stderr + second.stdout + second.stderr
    with closing(office.open()) as store:
        (sent,) = store.outbox(OutboxQuery(notifier="teams"))
    assert (sent.state, sent.answer) == (OutboxState.ACCEPTED, "202 Accepted")


def test_check_online_and_send_test_reach_the_receiver(office: Office, receiver: Trigger) -> None:
    (office.folder / "webhook_url").write_text(receiver.url("ok"))

    checked = pmo_watch(office.config, "check", "--online")
    sent = pmo_watch(office.config, "send-test", "teams")

    assert "notifier teams: answers" in checked.stderr
    assert sent.stderr.splitlines()[-1] == "teams: teams: accepted, 202 Accepted"
    (request,) = receiver.requests
    assert json.loads(request["body"])["type"] == "message.test"
    jsonschema.validate(json.loads(request["body"]), SCHEMA)
