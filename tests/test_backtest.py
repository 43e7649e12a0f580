"""A backtest of stored weeks is what the daemon did when it lived them, on both databases; see `make quarter`, too."""

import asyncio
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lived_quarter import FIRST, Quarter, compare, live_quarter
from typer.testing import CliRunner

from pmo_watch.alerts import CLOSING
from pmo_watch.cli import app
from pmo_watch.errors import ConfigError
from pmo_watch.store import TransitionQuery, open_store

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Quarter]:
    """Give the folder of five weeks that were lived, and what came of them."""
    folder = tmp_path_factory.mktemp("weeks")
    store = open_store(f"sqlite:///{folder / 'quarter.db'}")
    quarter = asyncio.run(live_quarter(folder, store, FIRST, date(2026, 2, 8)))
    store.close()
    return folder, quarter


def test_weeks_replayed_are_the_weeks_that_were_lived(lived: tuple[Path, Quarter]) -> None:
    folder, quarter = lived
    store = open_store(f"sqlite:///{folder / 'quarter.db'}")

    compare(quarter, store)

    assert store.transitions(TransitionQuery(reason="acknowledged"))  # what people did is in it
    store.close()
    assert {one.reason.value for one in quarter.steps} >= {"opened", "worsened", "recovered"}
    assert {one.kind for _, one in quarter.sent} >= {"alert", "digest"}
    assert len(quarter.sent) > 20


def test_weeks_on_postgresql_are_replayed_as_they_were_lived(tmp_path: Path, postgres_url: str) -> None:
    store = open_store(postgres_url)
    quarter = asyncio.run(live_quarter(tmp_path, store, date(2026, 1, 19), date(2026, 2, 2)))

    compare(quarter, store)

    assert len(quarter.sent) > 5
    store.close()


# --- the commands -------------------------------------------------------------------------------------------------

WHEN = ("--since", "2026-01-05", "--until", "2026-02-08T23:00")


def run(folder: Path, *words: str) -> Any:
    """Run a command with the settings of the folder."""
    return CliRunner().invoke(app, [*words, "--config", str(folder / "pmo-watch.yaml")], catch_exceptions=False)


def test_backtest_counts_what_the_daemon_did(lived: tuple[Path, Quarter]) -> None:
    folder, quarter = lived
    before = (folder / "quarter.db").read_bytes()

    result = run(folder, "backtest", *WHEN, "--format", "json", "--max-messages-per-week", "1")

    assert result.exit_code == 1
    assert "pmo@example.org would get " in result.stderr
    document = json.loads(result.stdout)
    opened = Counter(one.alert.rule for one in quarter.steps if one.reason == "opened")
    counted = {one["rule"]: one["amber"] + one["red"] for one in document["rules"]}
    assert counted == {"slip": 0, "overdue": 0, "risk": 0} | opened
    closed = Counter(one.reason.value for one in quarter.steps if one.reason in CLOSING)
    assert sum((Counter(one["closed"]) for one in document["rules"]), Counter()) == closed
    readers = document["messages_per_person_and_week"]["readers"]
    sent = Counter(message.address for _, message in quarter.sent)
    assert {one["reader"]: one["messages"] for one in readers} == sent
    assert document["messages_per_person_and_week"]["max"] == max(one["most"] for one in readers)
    assert "a partial reading counts as if it had shown every row" in document["not_stored"]
    assert (folder / "quarter.db").read_bytes() == before  # nothing is written


def test_two_sets_of_rules_are_set_side_by_side(lived: tuple[Path, Quarter]) -> None:
    folder, _ = lived

    words = ("backtest", *WHEN, "--rule", "slip", "--against", str(folder / "stricter"))
    result = run(folder, *words, "--format", "json", "--max-messages-per-week", "50")

    assert result.exit_code == 0
    document = json.loads(result.stdout)
    (slip,) = [one for one in document["rules"] if one["rule"] == "slip"]
    opened = [one for one in document["alerts"] if one["rule"] == "slip"]
    missed = [one for one in opened if (one["closed"] or "2026-02-08")[:10] > one["due"]]
    assert len(missed) == slip["missed"] == len(slip["leads"])
    found = document["against"]["differences"]
    assert {one["rule"] for one in found} == {"slip"}
    assert any(one["here"] is None for one in found)  # it opens alerts that these rules never open
    assert any(one["days"] is not None and one["days"] < 0 for one in found)  # and others earlier


def test_rules_that_do_not_exist_are_refused(lived: tuple[Path, Quarter]) -> None:
    folder, _ = lived

    assert "there is no rule 'slipp', did you mean 'slip'?" in str(refused(folder, "backtest", "--rule", "slipp"))
    assert "is no folder of rules" in str(refused(folder, "backtest", "--against", "/nowhere"))
    assert "there is no rule 'slipp'" in str(refused(folder, "suggest", "slipp"))


def refused(folder: Path, *words: str) -> ConfigError:
    """Run a command and return why it was refused."""
    with pytest.raises(ConfigError) as fault:
        run(folder, *words)
    return fault.value


def test_suggest_says_what_each_threshold_would_have_meant(lived: tuple[Path, Quarter]) -> None:
    folder, _ = lived

    (found,) = json.loads(run(folder, "suggest", "slip", *WHEN, "--format", "json").stdout)

    assert found["unit"] == "wd"
    assert found["weeks"] == 5  # four Sundays, and the evening at which it ends
    assert sum(one["count"] for one in found["bars"]) == found["values"]
    shares = [one["share"] for one in found["candidates"]]
    assert shares == sorted(shares, reverse=True)  # ever fewer rows are beyond
    amber, red = found["present"]
    assert (amber["threshold"], red["threshold"]) == ("amber: over 3 wd", "red: over 8 wd")
    (same,) = [one for one in found["candidates"] if one["threshold"] == "over 8 wd"]
    assert same["share"] == red["share"] > 0
    table = run(folder, "suggest", "slip", *WHEN).stdout
    assert "milestone.slip: " in table
    assert "over 8 wd" in table
