"""Alerts pushed by a running `once` and daemon: when, to whom, and what is said where nobody takes them."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from alertmanager_rig import Member, member
from debian import debian_program
from mail_server import Mailbox, free_port, smtp_server
from office import Office, Reach
from running import Running, pmo_watch, until

NOW = "2026-10-02T10:00"


def office_with(folder: Path, *urls: str, smtp: int = 1, **parts: str) -> Office:
    """Return an office with one late project whose alerts are pushed there."""
    office = Office(folder, Reach(smtp), projects=2)
    office.save("P01", 12)
    told = {"urls": json.dumps(list(urls)), **parts}
    entry = ", ".join(f"{name}: {text}" for name, text in told.items())
    text = office.config.read_text(encoding="utf-8")
    office.config.write_text(f"{text}  am: {{type: alertmanager, {entry}}}\n", encoding="utf-8")
    return office


@pytest.fixture
def am() -> Iterator[Member]:
    with member() as running:
        yield running


def test_once_pushes_once_and_says_who_took_it(tmp_path: Path, am: Member) -> None:
    nobody = free_port()
    office = office_with(tmp_path, am.url, f"http://localhost:{nobody}")

    done = pmo_watch(office.config, "once", "--now", NOW)

    assert f"am: localhost:{am.port}: accepted" in done.stderr
    assert f"am: localhost:{nobody}: connect: ConnectError" in done.stderr
    ((alert,),) = am.posts
    assert alert["labels"]["alertname"] == "milestone-slip"
    assert alert["labels"]["project"] == "P01"
    assert alert["endsAt"] == "2026-10-02T08:03:00.000Z"
    assert 'Milestone "Go-live" slips' in alert["annotations"]["summary"]
    assert alert["annotations"]["summary"].replace("\u00a0", " ").endswith("12 working days")
    assert pmo_watch(office.config, "once", "--now", NOW, "--dry-run").returncode == 0
    assert len(am.posts) == 1


def test_once_tells_the_end_of_what_an_earlier_one_told(tmp_path: Path, am: Member) -> None:
    office = office_with(tmp_path, am.url, every="15m")
    pmo_watch(office.config, "once", "--now", NOW)
    office.save("P01", 0)
    pmo_watch(office.config, "once", "--now", "2026-10-02T10:15")

    (opened,), (ended,) = am.posts
    assert opened["labels"] == ended["labels"]
    assert (opened["endsAt"], ended["endsAt"]) == ("2026-10-02T08:45:00.000Z", "2026-10-02T08:15:00.000Z")


def test_check_online_and_send_test_reach_every_member(tmp_path: Path, am: Member) -> None:
    office = office_with(tmp_path, am.url)

    checked = pmo_watch(office.config, "check", "--online")
    sent = pmo_watch(office.config, "send-test", "am")
    am.status = 403
    refused = pmo_watch(office.config, "send-test", "am")

    assert f"notifier am: localhost:{am.port}: answers" in checked.stderr
    assert sent.stderr.splitlines()[-1] == f"am: localhost:{am.port}: accepted"
    assert [[one["labels"]["alertname"] for one in post] for post in am.posts] == [[], ["PmoWatchTest"]]
    assert (refused.returncode, refused.stderr.splitlines()[-1]) == (3, f"am: localhost:{am.port}: auth: 403")


def test_certificates_that_cannot_be_read_are_named_without_a_traceback(tmp_path: Path) -> None:
    office = office_with(tmp_path, "https://am.example.org", ca_file="none.pem")

    checked = pmo_watch(office.config, "check", "--online")
    done = pmo_watch(office.config, "once", "--now", NOW)

    said = f"settings: config: ca_file {tmp_path / 'none.pem'}: No such file or directory"
    assert f"notifier am: {said}" in checked.stderr
    assert f"am: {said}" in done.stderr
    assert "Traceback" not in checked.stderr + done.stderr


def test_daemon_pushes_when_alerts_change_and_ends_what_recovered(tmp_path: Path, am: Member) -> None:
    office = office_with(tmp_path, am.url, every="1h", heartbeat_alert="true")
    with Running(office.config, office.http) as daemon:
        daemon.ready()
        until(lambda: ("milestone-slip", "red", "LIVE") in am.alerts, "the alert is pushed")
        office.save("P01", 0)
        until(lambda: ended(am, "milestone-slip"), "its end is pushed")
        assert daemon.metric("pmo_watch_notifier_healthy", notifier="am") == 1
        assert (daemon.metric("pmo_watch_deliveries_total", notifier="am", outcome="accepted") or 0) >= 2
        assert daemon.stop() < 5

    assert {one["labels"]["alertname"] for one in am.posts[-1]} == {"milestone-slip", "PmoWatchHeartbeat"}
    assert "generatorURL" not in am.alerts["milestone-slip", "red", "LIVE"]  # nobody said where we can be reached


def ended(am: Member, name: str) -> bool:
    """Say whether the last push of an alert ended it at the moment of the push."""
    found = [one for post in am.posts[-1:] for one in post if one["labels"]["alertname"] == name]
    return bool(found) and "annotations" in found[0] and not found[0]["annotations"]


def test_daemon_says_once_of_each_member_that_it_is_down_and_pushes_on(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    urls = [f"http://localhost:{one}" for one in (first, second)]
    office = office_with(tmp_path, *urls, every="1s")
    with member(port=first) as am, Running(office.config, office.http) as daemon:
        daemon.ready()
        until(lambda: len(am.posts) >= 3, "three pushes")
        healthy = daemon.metric("pmo_watch_notifier_healthy", notifier="am")
        failures = daemon.metric("pmo_watch_delivery_failures_total", notifier="am", reason="connect")
        log = daemon.log.read_text(encoding="utf-8")

    assert healthy == 1  # one member is enough
    assert failures is not None
    assert failures >= 2
    assert len(re.findall(r"member does not take what is pushed", log)) == 1
    assert f"localhost:{second}" in log


def test_wrong_password_is_told_over_another_notifier_and_so_is_its_end(tmp_path: Path) -> None:
    mailbox = Mailbox()
    with member(status=401) as am, smtp_server(mailbox) as smtp:
        office = office_with(tmp_path, am.url, smtp=smtp, every="1s")
        with Running(office.config, office.http) as daemon:
            daemon.ready()
            until(lambda: daemon.metric("pmo_watch_notifier_healthy", notifier="am") == 0, "it is unhealthy")
            office.save("P02", 12)  # a cycle comes, and with it the notice
            until(lambda: told_of(mailbox, "ict@pmo.test", "am"), "the ICT unit is told")
            am.status = 200
            until(lambda: daemon.metric("pmo_watch_notifier_healthy", notifier="am") == 1, "it is healthy again")
        with closing(office.open()) as store:
            assert "am" not in store.circuits()

    assert len([one for one in mailbox.envelopes if one.rcpt_tos == ["ict@pmo.test"]]) == 1


def told_of(mailbox: Mailbox, address: str, name: str) -> bool:
    """Say whether somebody got a mail on a channel."""
    said = f"Channel {name}".encode()
    return any(one.rcpt_tos == [address] and said in bytes(one.original_content or b"") for one in mailbox.envelopes)


def test_pusher_comes_and_goes_with_a_reload(tmp_path: Path, am: Member) -> None:
    office = office_with(tmp_path, am.url, every="1s")
    with Running(office.config, office.http) as daemon, member() as other:
        daemon.ready()
        until(lambda: am.posts, "the first member is pushed to")
        text = office.config.read_text(encoding="utf-8")
        office.config.write_text(text.replace(am.url, other.url), encoding="utf-8")
        daemon.reload()
        until(lambda: other.alerts, "the other member is pushed to")
        office.config.write_text(text.replace("type: alertmanager,", "type: alertmanager, enabled: false,"))
        daemon.reload()
        assert daemon.metric("pmo_watch_notifier_healthy", notifier="am") is None


# --- the real one -------------------------------------------------------------------------------------------------


@contextmanager
def alertmanager(folder: Path) -> Iterator[str]:
    """Run a real Alertmanager and give its address."""
    program = debian_program("prometheus-alertmanager", "prometheus-alertmanager")
    (folder / "am.yml").write_text("route: {receiver: none}\nreceivers: [{name: none}]\n")
    port = free_port()
    process = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'am.yml'}",
            f"--storage.path={folder / 'am'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        stderr=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        until(lambda: asked(f"{base}/-/ready") is not None, "alertmanager is ready")
        yield base
    finally:
        process.terminate()
        process.wait()


def asked(url: str) -> bytes | None:
    """Return what is answered; None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            body: bytes = answer.read()
            return body
    except OSError:
        return None


def active(base: str) -> dict[str, str]:
    """Return name and level of the alerts that Alertmanager holds to be active, with their summaries."""
    found = json.loads(asked(f"{base}/api/v2/alerts?silenced=false") or b"[]")
    return {
        f"{one['labels']['alertname']} {one['labels'].get('level', '')}": one["annotations"]["summary"] for one in found
    }


@pytest.mark.system
def test_real_alertmanager_takes_repeats_changes_and_ends(tmp_path: Path) -> None:
    with alertmanager(tmp_path) as base:
        office = office_with(tmp_path, base, every="2s", heartbeat_alert="true")
        with Running(office.config, office.http, None) as daemon:
            daemon.ready()
            until(lambda: "milestone-slip red" in active(base), "the alert is active")
            assert set(active(base)) == {"milestone-slip red", "PmoWatchHeartbeat "}
            office.save("P01", 7)
            until(lambda: set(active(base)) == {"milestone-slip amber", "PmoWatchHeartbeat "}, "its level changes")
            office.save("P01", 0)
            until(lambda: set(active(base)) == {"PmoWatchHeartbeat "}, "it ends")
            office.save("P01", 12)
            until(lambda: "milestone-slip red" in active(base), "it opens again")
            assert daemon.metric("pmo_watch_notifier_healthy", notifier="am") == 1
        until(lambda: active(base) == {}, "a daemon that was killed shows: its alerts end by themselves", 60)
