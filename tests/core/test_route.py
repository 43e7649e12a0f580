"""Who is told what, over which channel and when: at once, merged, silenced, in threads, to the end."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from factories import MONDAY, a_rule
from postroom import AUDIENCES, PostRoom, a_person, mail, said

from pmo_watch.alerts import Message, StandIn
from pmo_watch.flow import Outcome
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.rules import Audience, Escalation, Reminder, RuleSet, Span

EVENING = MONDAY.replace(hour=19)
LEADER = a_rule()


def rule(**tell: str) -> object:
    """Return the rule with other audiences by level."""
    return a_rule(tell={level: tuple(names.split()) for level, names in tell.items()})


def one(messages: list[Message]) -> Message:
    """Return the only message."""
    (only,) = messages
    return only


# --- at once ------------------------------------------------------------------------------------------------------


def test_an_opening_goes_to_the_role_once() -> None:
    room = PostRoom()

    assert said(room.cycle(M1="amber")) == [("ann", ["M1 opened amber"])]
    assert room.cycle(M1="amber") == []


def test_a_message_holds_the_facts_of_the_alert() -> None:
    message = one(PostRoom().cycle(M1="red"))
    (item,) = message.items

    assert (message.kind, message.notifier, message.address) == ("alert", "mail", "ann@example.org")
    assert (item.subject_name, item.project_code, item.project_name, item.program_name) == (
        "Step M1",
        "A",
        "Atlas",
        "Nova",
    )
    assert (item.why_me, item.rule.id, item.finding["value"]) == ("project_leader", "slip", 12.0)
    assert item.finding["evidence"] == {"baseline_finish": "2026-11-02"}
    assert message.data_basis == (("plans", MONDAY.date(), False),)


def test_a_message_says_why_it_came_by_the_role_whatever_the_audience_is_called() -> None:
    room = PostRoom(a_rule(tell={"amber": ("leaders",)}))
    room.audience("leaders", role="project_leader", deliver={"amber": "at once"})

    assert [item.why_me for item in one(room.cycle(M1="amber")).items] == ["project_leader"]


def test_one_recipient_gets_one_message_per_cycle_grouped_by_project_worst_first() -> None:
    messages = PostRoom().cycle(M1="amber", M2="red", B1="amber", M3="amber")

    assert said(messages) == [("ann", ["M2 opened red", "M1 opened amber", "M3 opened amber", "B1 opened amber"])]


def test_a_person_who_holds_several_audiences_gets_each_alert_once() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader", "programme_manager")}))
    room.program["manager"] = mail("ann")

    assert said(room.cycle(M1="red")) == [("ann", ["M1 opened red"])]


def test_delivery_is_per_audience_and_level() -> None:
    room = PostRoom(a_rule(tell={"amber": ("programme_manager", "channel"), "red": ("programme_manager", "channel")}))

    assert room.cycle(hours=25, M1="amber") == []  # Tuesday: weekly and never
    assert said(room.cycle(M1="red")) == [("cleo", ["M1 worsened red"]), ("teams", ["M1 worsened red"])]


def test_a_role_of_nobody_goes_to_the_pmo_and_is_counted() -> None:
    room = PostRoom()
    room.projects["A"]["leader"] = None

    message = room.cycle(M1="red")[0]

    assert said([message]) == [("pmo", ["M1 opened red"])]
    assert message.stands_in == (StandIn(role="project_leader"),)
    assert [item.why_me for item in message.items] == ["pmo"]
    assert room.last.unresolved == {"project_leader": 1}


def test_an_improvement_is_told_by_digests_only() -> None:
    room = PostRoom()
    room.cycle(M1="red")

    assert room.cycle(M1="amber") == []


def test_a_worsening_is_told_with_the_level_before() -> None:
    room = PostRoom()
    room.cycle(M1="amber")

    (item,) = one(room.cycle(M1="red")).items

    assert (item.reason, item.before, item.level) == ("worsened", "amber", "red")


def test_the_language_is_the_persons_then_the_projects_then_the_organisations() -> None:
    room = PostRoom()
    room.projects["A"]["language"] = "nl"

    assert one(room.cycle(M1="red")).language == "nl"
    assert one(room.cycle(B1="red")).language == "en"
    assert one(room.cycle(M2="red", B2="red")).language == "en"
    room.people[0]["language"] = "fr"
    assert one(room.cycle(M3="red")).language == "fr"


def test_the_id_is_stable_and_another_for_each_recipient() -> None:
    rules = a_rule(tell={"red": ("project_leader", "channel")})

    first, again = (PostRoom(rules).cycle(M1="red") for _ in range(2))

    assert [one.id for one in first] == [one.id for one in again]
    assert len({one.id for one in first}) == 2
    assert len(first[0].id) == 32


def test_a_channel_is_asked_to_call_the_leaders_of_what_is_newly_red() -> None:
    room = PostRoom(a_rule(tell={"red": ("channel",)}))

    assert one(room.cycle(M1="red")).mentions == (("Ann", "ann@example.org"),)
    assert one(room.cycle(M1="green")).mentions == ()


# --- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("state", "ends"), [("green", "recovered"), ("na", "out_of_scope"), ("gone", "entity_gone")])
def test_whoever_was_told_of_the_beginning_is_told_of_the_end(state: str, ends: str) -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader", "channel")}))
    room.cycle(M1="red")

    if state == "gone":
        del room.states["M1"]
        messages = room.cycle()
    else:
        messages = room.cycle(M1=state)

    assert said(messages) == [("ann", [f"M1 {ends} green"]), ("teams", [f"M1 {ends} green"])]
    assert room.kept.told == []


def test_the_end_goes_to_who_was_told_and_not_to_who_holds_the_role_now() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.projects["A"]["leader"] = mail("bob")

    assert said(room.cycle(M1="green")) == [("ann", ["M1 recovered green"])]


def test_the_end_reaches_somebody_who_has_left_the_model() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.people = [a_person("bob")]
    room.projects["A"]["leader"] = room.projects["B"]["leader"] = mail("bob")

    assert one(room.cycle(M1="green")).address == "ann@example.org"


def test_the_end_comes_with_the_name_of_a_row_that_is_gone() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    del room.states["M1"]

    (item,) = one(room.cycle()).items

    assert (item.subject_name, item.project_code) == ("Step M1", "A")


def test_a_removed_rule_closes_to_everybody_told_and_sums_up_to_its_owner() -> None:
    room = PostRoom()
    room.cycle(M1="red", M2="amber")
    room.former, room.rules = room.rules, replace(room.rules, rules={})

    end, summary = room.cycle()

    assert said([end]) == [("ann", ["M1 rule_removed green", "M2 rule_removed green"])]
    assert end.items[0].rule.name["fr"] == "Jalon en glissement"
    assert (summary.kind, summary.address) == ("notice", "pmo@example.org")
    assert summary.title == "Rule slip was removed or disabled"
    assert summary.lines == ("Number of open alerts closed with it: 2.",)


# --- silences -----------------------------------------------------------------------------------------------------


def test_a_silence_holds_back_and_its_end_says_what_is_open() -> None:
    room = PostRoom()
    room.cycle(M1="amber")
    room.silence(hours=60, project="A")

    assert said(room.cycle(M2="red", M3="red", B1="red")) == [("ann", ["B1 opened red"])]
    assert room.last.held == {"silenced": 2}
    assert room.cycle(M1="red", M3="green") == []
    assert said(room.cycle()) == [("ann", ["M1 worsened red", "M2 open red"])]
    assert room.kept.silences == []
    assert room.cycle() == []


def test_a_silence_holds_back_what_waits_for_the_morning_and_says_it_at_its_end() -> None:
    room = PostRoom(now=EVENING)
    room.cycle(hours=1, M1="red", B1="red")
    room.silence(hours=40, project="A")

    assert said(room.cycle(hours=1)) == [("ann", ["B1 opened red"])]
    room.cycle(hours=12)
    assert said(room.sent) == [("ann", ["B1 opened red"])]
    assert [one.alert for one in room.kept.told] == [room.sent[0].items[0].alert.id]
    assert said(room.cycle(hours=27)) == [("ann", ["M1 open red"])]


def test_the_end_of_a_silence_tells_who_knew_of_amber_that_it_is_red_by_now() -> None:
    room = PostRoom()
    room.cycle(1, M1="amber")
    room.silence(hours=24, rule="slip")
    room.cycle(1, M1="red")

    assert said(room.cycle()) == [("ann", ["M1 worsened red"])]


def test_a_worsening_that_a_silence_held_back_while_it_waited_is_told_as_one_at_its_end() -> None:
    room = PostRoom()
    room.cycle(1, M1="amber")
    room.cycle(10, M1="red")
    room.silence(hours=14, rule="slip")
    assert said(room.cycle(1)) == []

    assert said(room.cycle(14)) == [("ann", ["M1 worsened red"])]


def test_who_heard_of_no_worsening_hears_of_no_improvement_in_a_digest() -> None:
    room = PostRoom(a_rule(tell={"amber": ("project_leader", "leaders"), "red": ("project_leader", "leaders")}))
    room.audience("leaders", role="project_leader", deliver={"amber": "daily", "red": "daily"})
    room.cycle(1, M1="amber")
    room.cycle(10, M1="red")
    room.cycle(1, M1="amber")

    assert said(room.cycle(12)) == [("ann", ["M1 open amber"])]


def test_what_waits_and_ends_in_a_silence_is_told_to_nobody_who_did_not_know() -> None:
    room = PostRoom()
    room.cycle(hours=1, B1="amber")
    room.now = EVENING
    room.cycle(hours=1, M1="red", B1="red")
    room.silence(hours=40, rule="slip")

    room.cycle(hours=1)
    room.cycle(hours=1, M1="green", B1="green")
    room.cycle(hours=12)

    assert said(room.sent) == [("ann", ["B1 opened amber"]), ("ann", ["B1 recovered green"])]
    assert room.kept.told == []


def test_an_end_goes_through_a_silence() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.silence(hours=100, rule="slip")

    assert said(room.cycle(M1="green")) == [("ann", ["M1 recovered green"])]


def test_what_recovers_in_a_silence_before_anyone_was_told_is_told_to_nobody() -> None:
    room = PostRoom()
    room.silence(hours=100, rule="slip")
    room.cycle(M1="red")

    assert room.cycle(M1="green") == []
    assert [room.cycle() for _ in range(4)] == [[], [], [], []]


def test_what_is_acknowledged_is_not_said_again_at_the_end_of_a_silence() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.acknowledge(days=30)
    room.silence(hours=20, rule="slip")

    assert room.cycle() == []
    assert room.last.held == {"acknowledged": 1}


# --- hours --------------------------------------------------------------------------------------------------------


def test_at_night_a_message_waits_for_the_morning() -> None:
    room = PostRoom(now=EVENING)

    message = one(room.cycle(hours=1, M1="red"))

    assert message.not_before == datetime(2026, 11, 17, 7, 30, tzinfo=UTC)
    assert room.last.held == {"send_window": 1}
    assert room.sent == []
    room.cycle(hours=12)
    assert said(room.sent) == [("ann", ["M1 opened red"])]


def test_what_changes_meanwhile_is_merged_into_one_message() -> None:
    room = PostRoom(now=EVENING)
    room.cycle(hours=1, M1="amber", B1="red")

    merged = one(room.cycle(hours=1, M1="red", M2="amber"))
    room.cycle(hours=12)

    assert said([merged]) == [("ann", ["M1 opened red", "M2 opened amber", "B1 opened red"])]
    assert said(room.sent) == said([merged])


def test_what_is_over_before_the_morning_is_told_to_nobody() -> None:
    room = PostRoom(now=EVENING)
    room.cycle(hours=1, M1="amber", M2="red")

    assert said(room.cycle(hours=1, M1="green")) == [("ann", ["M2 opened red"])]
    assert room.cycle(hours=1, M2="green") == []
    assert len(room.last.replaces) == 1
    room.cycle(hours=12)
    assert room.sent == []
    assert room.kept.told == []


def test_an_end_at_night_is_kept_for_whoever_knew() -> None:
    room = PostRoom()
    room.cycle(hours=1, M1="amber")
    room.cycle(hours=10, M1="red")

    room.cycle(hours=1, M1="green")
    room.cycle(hours=12)

    assert said(room.sent) == [("ann", ["M1 opened amber"]), ("ann", ["M1 recovered green"])]


def test_a_worsening_that_is_undone_before_the_morning_is_not_told() -> None:
    room = PostRoom()
    room.cycle(hours=1, M1="amber")
    room.cycle(hours=10, M1="red")

    assert room.cycle(hours=1, M1="amber") == []
    assert room.outbox == {}


def test_an_opening_that_improves_before_the_morning_says_so() -> None:
    room = PostRoom(now=EVENING)
    room.cycle(hours=1, M1="red")

    assert said(room.cycle(hours=1, M1="amber")) == [("ann", ["M1 opened amber"])]


def test_a_message_that_is_about_to_leave_is_left_alone() -> None:
    room = PostRoom(now=EVENING)
    room.cycle(hours=1, M1="red")
    room.now = datetime(2026, 11, 17, 7, 25, tzinfo=UTC)

    room.cycle(hours=0, M1="green")
    room.cycle(hours=1)

    assert said(room.sent) == [("ann", ["M1 opened red"]), ("ann", ["M1 recovered green"])]


# --- reminders, escalation, acknowledgements ----------------------------------------------------------------------


def test_escalation_goes_to_the_audience_of_its_step_which_then_hears_of_the_end() -> None:
    room = PostRoom(a_rule(escalate=(Escalation(Span(1, "wd"), "red", ("programme_manager",)),)))
    room.cycle(M1="red")

    assert said(room.cycle()) == [("cleo", ["M1 escalated red"])]
    assert said(room.cycle(M1="green")) == [("ann", ["M1 recovered green"]), ("cleo", ["M1 recovered green"])]


def test_a_reminder_goes_to_whoever_was_told() -> None:
    room = PostRoom(a_rule(remind=Reminder(every=Span(1, "wd"))))
    room.cycle(M1="red")

    assert said(room.cycle()) == [("ann", ["M1 reminded red"])]


def test_a_reminder_leaves_out_whoever_holds_the_role_no_more() -> None:
    room = PostRoom(a_rule(remind=Reminder(every=Span(1, "wd"))))
    room.cycle(M1="red")
    room.projects["A"]["leader"] = mail("bob")

    assert said(room.cycle()) == [("bob", ["M1 open red"])]
    assert said(room.cycle()) == [("bob", ["M1 reminded red"])]


def test_a_reminder_may_name_its_audience() -> None:
    room = PostRoom(a_rule(remind=Reminder(every=Span(1, "wd"), to=("programme_manager",))))
    room.cycle(M1="red")

    assert said(room.cycle()) == [("cleo", ["M1 reminded red"])]


def test_the_end_of_an_acknowledgement_is_told() -> None:
    room = PostRoom()
    room.cycle(M1="red")
    room.acknowledge(days=1)

    assert room.cycle() == []
    assert said(room.cycle()) == [("ann", ["M1 acknowledgement_ended red"])]


# --- threads ------------------------------------------------------------------------------------------------------


def test_a_thread_lasts_until_everything_told_in_it_is_closed() -> None:
    room = PostRoom()
    first = one(room.cycle(M1="red"))
    second = one(room.cycle(M2="amber"))
    third = one(room.cycle(M1="green"))
    last = one(room.cycle(M2="green"))
    again = one(room.cycle(M1="red"))

    assert len(first.thread) == 16
    assert first.thread == second.thread == third.thread == last.thread
    assert (first.thread_subject, second.thread_subject) == ("", "subject of 1")
    assert again.thread not in {"", first.thread}
    assert again.thread_subject == ""


def test_threads_are_named_as_the_specification_says() -> None:
    import hashlib

    message = one(PostRoom().cycle(M1="red"))

    name = "mail\0person:ann@example.org\0project:a\x001"
    assert message.thread == hashlib.sha256(name.encode()).hexdigest()[:16]


def test_messages_about_several_projects_and_to_channels_are_not_threaded() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader", "channel")}))

    messages = room.cycle(M1="red", B1="red")

    assert [one.thread for one in messages] == ["", ""]
    assert room.last.threads == ()


# --- notices ------------------------------------------------------------------------------------------------------


def test_a_held_reading_is_told_once_with_the_remedy() -> None:
    room = PostRoom()
    room.rules = replace(room.rules, audiences={**AUDIENCES, "ict": Audience("ict", email="ict@example.org")})
    room.source = replace(room.source, outcome=Outcome.HELD, held="7 rows are gone: 'pmo-watch sources accept'")

    message = one(room.cycle())

    assert (message.address, message.title) == ("ict@example.org", "The last reading of plans is held back")
    assert message.lines[0] == "7 rows are gone: 'pmo-watch sources accept'"
    assert room.cycle() == []
    room.source = replace(room.source, outcome=Outcome.COMPLETE, held="")
    room.cycle()
    room.source = replace(room.source, outcome=Outcome.HELD, held="7 rows are gone: 'pmo-watch sources accept'")
    assert len(room.cycle()) == 1


def test_without_an_ict_audience_the_pmo_is_told_of_a_held_reading() -> None:
    room = PostRoom()
    room.source = replace(room.source, held="7 rows are gone")

    assert one(room.cycle()).address == "pmo@example.org"


def test_what_cannot_be_assessed_is_one_message_per_source_to_the_owner_of_the_data() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader",), "grey": ("project_leader",)}))
    room.cycle(M1="red", M2="red", B1="red")

    message = one(room.cycle(M1="grey", M2="grey", B1="grey"))

    assert (message.kind, message.address) == ("notice", "ann@example.org")
    assert message.title == "plans: alerts that cannot be assessed"
    assert message.lines[0] == "Number of open alerts that cannot be assessed: 3."
    assert [(item.subject_id, item.level) for item in message.items] == [("M1", "grey"), ("M2", "grey"), ("B1", "grey")]
    assert room.cycle() == []


def test_a_row_that_is_missing_for_the_first_time_is_not_spoken_of() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader",), "grey": ("project_leader",)}))
    room.cycle(M1="red")
    room.missing = {"M1"}

    assert room.cycle() == []
    assert room.kept.alerts[0].unknown_since is not None


def test_what_cannot_be_assessed_waits_for_a_digest_that_says_it() -> None:
    room = PostRoom()
    room.cycle(hours=1, M1="red")  # the PMO hears of grey daily

    assert room.cycle(hours=1, M1="grey") == []


def test_a_source_that_fails_is_told_when_its_grace_is_over() -> None:
    room = PostRoom(a_rule(tell={"red": ("project_leader",), "grey": ("project_leader",)}), SOURCE_FAILING)
    room.cycle(hours=1, M1="red")
    room.source = replace(room.source, outcome=Outcome.FAILED, failing_since=room.now)

    assert room.cycle(hours=1) == []
    told = room.cycle(hours=4)

    assert said(told) == [("pmo", ["plans opened red"]), ("ann", ["M1 unknown grey"])]
    assert told[1].kind == "notice"
    assert said(room.cycle(hours=1)) == []


def test_a_stale_rule_file_is_told_to_its_owner_with_the_text_of_check() -> None:
    room = PostRoom()
    fault = "10.yaml:3:1: 'ambr' is not known here\n    ambr: over 5 wd\n    ^"
    room.rules = replace(room.rules, stale_files={"10.yaml": fault}, owners={"10.yaml": "owner@example.org"})

    message = one(room.cycle())

    assert (message.address, message.title) == (
        "owner@example.org",
        "10.yaml has faults: its last good version stays in force",
    )
    assert message.lines[:3] == tuple(fault.splitlines())
    assert room.cycle() == []


def test_a_rule_that_goes_on_and_off_is_told_to_its_owner_once() -> None:
    room = PostRoom()
    notices = []
    for state in ("red", "green") * 5:
        notices += [one for one in room.cycle(M1=state) if one.kind == "notice"]

    assert [(one.address, one.title) for one in notices] == [("pmo@example.org", "Rule slip goes on and off")]
    assert "Step M1" in notices[0].lines[0]


def test_notices_are_in_the_language_of_the_reader() -> None:
    room = PostRoom()
    room.people.append(a_person("pmo", language="nl"))
    room.source = replace(room.source, held="x")

    assert one(room.cycle()).title == "De laatste lezing van plans wordt tegengehouden"


def test_nothing_new_gives_nothing() -> None:
    room = PostRoom()
    room.rules = RuleSet()

    assert room.cycle() == []
    assert (room.last.told_added, room.last.marks, room.last.threads) == ((), {}, ())
