"""What holds of every database: whatever was told, `why` finds; whoever was not told, `why-not` gives a reason."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

from pmo_watch.in_force import load
from pmo_watch.inquiry import World, look
from pmo_watch.store import AlertQuery, Store, open_to_read
from pmo_watch.why_asked import ask_why
from pmo_watch.why_not_asked import Scope, ask_why_not

ALWAYS = datetime.fromisoformat("2000-01-01T00:00+00:00")


def look_into(config: Path, now: datetime) -> tuple[Store, World]:
    """Open the database of these settings to read, and what it knows."""
    in_force = load(config)
    store = open_to_read(in_force.settings.database.url.get_secret_value())
    assert store is not None
    return store, look(store, in_force, now)


def every_message_is_found(config: Path, now: datetime) -> int:
    """Ask why of every alert that anything was said of, and return how many messages were compared."""
    store, world = look_into(config, now)
    with closing(store):
        said = store.messages_about([one.id for one in store.find_alerts(AlertQuery(limit=10_000))])
        for alert, messages in said.items():
            (rule,) = ask_why(store, world, alert).rules
            assert alert in {*rule.earlier, rule.alert.id if rule.alert else ""}
            if alert not in rule.earlier:
                assert [one.id for one in rule.messages] == [one.id for one in messages]
        return sum(map(len, said.values()))


def everybody_has_an_answer(config: Path, now: datetime) -> int:
    """Ask why not of everybody, and return how many answers were looked at."""
    store, world = look_into(config, now)
    with closing(store):
        messages = store.messages_about([one.id for one in store.find_alerts(AlertQuery(limit=10_000))])
        addresses = [one.email for one in world.rules.audiences.values() if one.email]
        people = [*world.snapshot.frame("person")["email"].drop_nulls(), *addresses]
        answers = 0
        for person in dict.fromkeys(people):
            answer = ask_why_not(store, world, person, Scope(since=ALWAYS))
            for one in answer.alerts:
                mine = [each.id for each in messages.get(one.alert.id, ()) if each.recipient == answer.person.uid]
                assert one.because, (person, one.alert)
                assert all(each.text for each in one.because), (person, one.alert)
                assert [each.id for each in one.messages] == mine, (person, one.alert)
            answers += len(answer.alerts)
        return answers
