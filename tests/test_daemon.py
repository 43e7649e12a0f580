"""Files in, e-mail out: `pmo-watch run` in a process of its own, over a real SMTP server and a real channel."""

import re
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mail_server import Mailbox, free_port, silent_server, smtp_server
from office import CALENDAR, NOW, SLIP, Office, Reach
from running import Running, pmo_watch, until
from workflows_trigger import workflows_trigger

from pmo_watch.demo.folder import Counterparts, write_folder
from pmo_watch.demo.sheets import write_week
from pmo_watch.store import TransitionQuery

WEEK_3 = datetime(2026, 10, 9, 8, tzinfo=UTC)
STALE = "pmo_watch_rule_file_stale"
MISSPELT = SLIP.replace("for_each", "for_eech").format(amber="over 5 wd", red="over 10 wd", room="")


@pytest.fixture
def mailbox() -> Mailbox:
    """Return what takes the mails."""
    return Mailbox()


@pytest.fixture
def smtp(mailbox: Mailbox) -> Iterator[int]:
    """Give the port of the SMTP server."""
    with smtp_server(mailbox) as port:
        yield port


@pytest.fixture
def office(tmp_path: Path, smtp: int) -> Office:
    """Return an office whose mail works."""
    return Office(tmp_path, Reach(smtp))


def subjects(mailbox: Mailbox) -> list[str]:
    return [str(mail["Subject"]) for mail in mailbox.mails]


def mailed(mailbox: Mailbox, words: str) -> Callable[[], bool]:
    """Return whether these words stand in a mail's subject, so that it can be waited for."""
    return lambda: any(words in subject for subject in subjects(mailbox))


@pytest.fixture(autouse=True)
def mails_shown(mailbox: Mailbox) -> Iterator[None]:
    """Print what came, for whoever looks at a failure."""
    yield
    print("\n".join(subjects(mailbox)))


def running(office: Office) -> Running:
    return Running(office.config, office.http)


def reasons(office: Office, code: str) -> list[str]:
    """Return what became of a project's alert, oldest first."""
    store = office.open()
    try:
        found = store.transitions(TransitionQuery(project=f"project:{code.lower()}"))
    finally:
        store.close()
    return [one.reason for one in reversed(found)]


# --- files in, messages out ---------------------------------------------------------------------------------------


def test_demo_folder_is_watched(tmp_path: Path, mailbox: Mailbox, smtp: int) -> None:
    http = free_port()
    with workflows_trigger() as trigger:
        beside = Counterparts(smtp, trigger.port, http, "https://127.0.0.1:1", "http://127.0.0.1:1")
        settings = write_folder(tmp_path, beside)
        text = settings.read_text(encoding="utf-8")
        text = text.replace("type: email", "type: email\n    subjects: state")
        text = re.sub(r"type: (dynamics|jira)", r"type: \1\n    enabled: false", text)
        settings.write_text(text, encoding="utf-8")
        (tmp_path / "secrets" / "teams_url").write_text(trigger.url("ok"), encoding="utf-8")
        write_week(tmp_path, 1, CALENDAR)
        with Running(settings, http, WEEK_3) as daemon:
            daemon.ready()
            until(mailed(mailbox, "[ROUGE] GEM-01"), "the mail on the state it finds")

            write_week(tmp_path, 2, CALENDAR)

            until(mailed(mailbox, "Clôture"), "the mail on the changed plan")
            until(lambda: trigger.requests, "the card")
            until(lambda: accepted(daemon, "teams"), "the metric")
            assert daemon.metric("pmo_project_rag_level", project="GEM-01", dimension="overall") == 2

    assert {str(mail["Content-Language"]) for mail in mailbox.mails} == {"en", "fr", "nl"}


def accepted(daemon: Running, notifier: str) -> float:
    return daemon.metric("pmo_watch_deliveries_total", notifier=notifier, outcome="accepted") or 0


def test_edited_plan_is_mailed_within_seconds_and_so_is_its_end(office: Office, mailbox: Mailbox) -> None:
    with running(office) as daemon:
        daemon.ready()
        assert subjects(mailbox) == []

        office.save("P01", 12)
        until(mailed(mailbox, "[RED] P01"), "the alert", 15)
        office.save("P01", 0)
        until(mailed(mailbox, "[RECOVERED] P01"), "its end", 15)

    assert [one.rcpt_tos for one in mailbox.envelopes] == [["leader-p01@pmo.test"]] * 2
    begun, ended = mailbox.mails
    assert begun["In-Reply-To"]
    assert ended["In-Reply-To"] == begun["In-Reply-To"]


def test_half_written_plan_is_never_a_reading(office: Office, mailbox: Mailbox, smtp: int) -> None:
    office.settings(Reach(smtp), settle=1)
    office.save("P01", 12)
    with running(office) as daemon:
        daemon.ready()
        until(mailed(mailbox, "[RED] P01"), "the alert")

        office.save_slowly("P01", 14, seconds=3)
        office.save("P02", 12)
        until(mailed(mailbox, "[RED] P02"), "the alert of the plan that was saved after it")
        until(lambda: "14 wd" in alerts(daemon) or "14.0" in alerts(daemon), "the new state of the slow plan")

    assert reasons(office, "P01") == ["opened"]


def alerts(daemon: Running) -> str:
    return daemon.ask("/api/v1/alerts")[1]


def test_plan_saved_while_the_last_one_is_read_is_read_too(office: Office, mailbox: Mailbox, smtp: int) -> None:
    office.settings(Reach(smtp), settle=2)
    with running(office) as daemon:
        # The first cycle waits for the plans to settle; this one is saved meanwhile.
        until(lambda: daemon.ask("/-/healthy")[0] == 200, "answers")
        office.save("P01", 12)

        until(mailed(mailbox, "[RED] P01"), "the alert")


# --- rules and settings -------------------------------------------------------------------------------------------


def test_edited_rule_file_is_taken_up(office: Office, mailbox: Mailbox) -> None:
    office.save("P01", 4)
    with running(office) as daemon:
        daemon.ready()

        office.slip_rule(amber="over 3 wd")

        until(mailed(mailbox, "[AMBER] P01"), "the alert by the new threshold")
        assert daemon.metric("pmo_watch_config_last_reload_successful") == 1


def test_faulty_rule_file_keeps_its_last_good_version_across_a_restart(office: Office, mailbox: Mailbox) -> None:
    with running(office) as daemon:
        daemon.ready()
        assert daemon.metric(STALE, file="10-slip.yaml") == 0
        office.rules("10-slip.yaml", MISSPELT)
        until(mailed(mailbox, "10-slip.yaml"), "the mail to the owner of the file")
        assert daemon.metric(STALE, file="10-slip.yaml") == 1
        assert daemon.metric("pmo_watch_config_last_reload_successful") == 0
        status, answer = daemon.reload()
        assert status == 422
        assert "10-slip.yaml:6:5: 'for_eech' is not known here, did you mean 'for_each'?" in str(answer)
        daemon.stop()

    with running(office) as daemon:
        daemon.ready()
        assert daemon.metric(STALE, file="10-slip.yaml") == 1
        office.save("P01", 12)
        until(mailed(mailbox, "[RED] P01"), "an alert by the last good version")
        office.slip_rule()
        until(lambda: daemon.metric(STALE, file="10-slip.yaml") == 0, "the mended file")

        until(mailed(mailbox, "10-slip.yaml has no faults any more"), "the mail on its end")

    assert [one.rcpt_tos for one in mailbox.envelopes] == [
        ["owner@pmo.test"],
        ["leader-p01@pmo.test"],
        ["owner@pmo.test"],
    ]


def test_new_rule_file_with_faults_is_told_to_its_owner_and_so_is_its_end(office: Office, mailbox: Mailbox) -> None:
    new = MISSPELT.replace("owner@pmo.test", "ann@pmo.test").replace("milestone-slip", "other-slip")
    with running(office) as daemon:
        daemon.ready()
        office.rules("20-new.yaml", new)
        until(mailed(mailbox, "20-new.yaml has faults: nothing of it is in force"), "the mail to its owner")
        office.rules("20-new.yaml", new.replace("for_eech", "for_each"))
        until(mailed(mailbox, "20-new.yaml has no faults any more"), "the mail on its end")

    assert [one.rcpt_tos for one in mailbox.envelopes] == [["ann@pmo.test"]] * 2
    assert "did you mean 'for_each'?" in str(mailbox.mails[0].get_body(("plain",)))


def test_mass_change_waits_for_approval(tmp_path: Path, mailbox: Mailbox, smtp: int) -> None:
    office = Office(tmp_path, Reach(smtp), projects=4, mass_change=2)
    for code in office.codes:
        office.save(code, 4)
    with running(office) as daemon:
        daemon.ready()
        office.slip_rule(amber="over 3 wd")
        until(lambda: daemon.metric("pmo_watch_reload_waiting_approval") == 1, "the reload waits")
        status, answer = daemon.reload()
        assert (status, subjects(mailbox)) == (202, [])
        assert "would open 4 and close 0 alerts, more than 2" in answer["message"]

        assert pmo_watch(office.config, "alerts", "approve", "--who", "ann").returncode == 0
        assert daemon.reload()[0] == 200

        until(lambda: len(mailbox.mails) == 4, "the alerts that were approved")
        until(lambda: daemon.metric("pmo_watch_reload_waiting_approval") == 0, "nothing waits any more")
        (office.folder / "rules.d" / "10-slip.yaml").unlink()
        until(lambda: daemon.metric("pmo_watch_reload_waiting_approval") == 1, "an approval is for one reload")


def test_mass_change_while_nothing_ran_waits_at_the_start(tmp_path: Path, mailbox: Mailbox, smtp: int) -> None:
    office = Office(tmp_path, Reach(smtp), projects=4, mass_change=2)
    for code in office.codes:
        office.save(code, 4)
    with running(office) as daemon:
        daemon.ready().stop()
    office.slip_rule(amber="over 3 wd")

    with running(office) as daemon:
        daemon.ready()
        assert daemon.metric("pmo_watch_reload_waiting_approval") == 1
        assert "would open 4 and close 0 alerts, more than 2" in daemon.reload()[1]["message"]
        assert (alerts(daemon), subjects(mailbox)) == ("[]", [])

        assert pmo_watch(office.config, "alerts", "approve", "--who", "ann").returncode == 0
        assert daemon.reload()[0] == 200
        until(lambda: len(mailbox.mails) == 4, "the alerts that were approved")


def test_small_change_while_nothing_ran_is_taken_up_at_the_start(office: Office, mailbox: Mailbox) -> None:
    office.save("P01", 4)
    with running(office) as daemon:
        daemon.ready().stop()
    office.slip_rule(amber="over 3 wd")

    with running(office) as daemon:
        daemon.ready()
        assert daemon.metric("pmo_watch_reload_waiting_approval") == 0
        until(mailed(mailbox, "[AMBER] P01"), "the alert by the new threshold")


def test_hangup_reloads(office: Office, mailbox: Mailbox) -> None:
    office.save("P01", 4)
    with running(office) as daemon:
        daemon.ready()
        before = daemon.metric("pmo_watch_config_last_reload_success_timestamp_seconds") or 0

        daemon.process.send_signal(signal.SIGHUP)

        until(
            lambda: (daemon.metric("pmo_watch_config_last_reload_success_timestamp_seconds") or 0) > before,
            "reloaded",
        )
        assert daemon.stop() < 5
        assert daemon.process.returncode == 0


def test_faulty_settings_change_nothing(office: Office, mailbox: Mailbox) -> None:
    with running(office) as daemon:
        daemon.ready()
        office.config.write_text(office.config.read_text(encoding="utf-8").replace("sources:", "sauces:"))

        status, answer = daemon.reload()

        assert status == 422
        assert "'sauces' is not known here, did you mean 'sources'?" in str(answer)
        office.save("P01", 12)
        until(mailed(mailbox, "[RED] P01"), "the alert by the old settings")


# --- its life -----------------------------------------------------------------------------------------------------


def test_plain_command_starts_and_stops(office: Office) -> None:
    with Running(office.config, office.http, moment=None) as daemon:
        daemon.ready()
        status, answer = daemon.reload()

        assert (status, answer["message"]) == (200, "everything is in force")
        assert daemon.stop() < 5
        assert daemon.process.returncode == 0
    assert "Traceback" not in daemon.log.read_text(encoding="utf-8")


def test_second_daemon_on_the_same_port_says_so(office: Office) -> None:
    with running(office) as daemon:
        daemon.ready()

        second = pmo_watch(office.config, "run")

        assert second.returncode == 2
        assert f"http.listen: 127.0.0.1:{office.http} cannot be bound: Address already in use" in second.stderr
        assert "Traceback" not in second.stderr
        assert daemon.ask("/-/ready")[0] == 200


def test_stops_in_time_while_a_delivery_hangs(tmp_path: Path) -> None:
    with silent_server() as (port, connected):
        office = Office(tmp_path, Reach(port))
        office.save("P01", 12)
        with running(office) as daemon:
            daemon.ready()
            until(connected.is_set, "the delivery")

            assert daemon.stop() < 5
            assert daemon.process.returncode == 0

    store = office.open()
    assert [one.notifier for one in store.lease(NOW.replace(hour=10), limit=9, seconds=60)] == ["mail"]
    store.close()


def test_what_was_under_way_at_a_kill_leaves_right_after_the_start(tmp_path: Path, mailbox: Mailbox) -> None:
    with silent_server() as (port, connected):
        office = Office(tmp_path, Reach(port))
        office.save("P01", 12)
        with running(office) as daemon:
            daemon.ready()
            until(connected.is_set, "the delivery")
            daemon.process.kill()
            daemon.process.wait()

    with smtp_server(mailbox, port=port), running(office) as daemon:
        until(mailed(mailbox, "[RED] P01"), "the alert, long before its lease runs out")


def test_stops_in_time_while_a_reading_hangs(tmp_path: Path) -> None:
    office = Office(tmp_path, settle=600)  # the first cycle waits for the plans to settle
    with running(office) as daemon:
        until(lambda: daemon.ask("/-/healthy")[0] == 200, "answers")

        assert daemon.stop() < 5
        assert daemon.process.returncode == 0
    assert "Traceback" not in daemon.log.read_text(encoding="utf-8")
