"""`make quarter`: a backtest of a stored quarter is, alert by alert, what the daemon did when it lived that quarter."""

import asyncio
from pathlib import Path

import pytest
from lived_quarter import compare, live_quarter

from pmo_watch.store import Store


@pytest.mark.timeout(900)
def test_quarter_replayed_is_the_quarter_that_was_lived(tmp_path: Path, store: Store) -> None:
    quarter = asyncio.run(live_quarter(tmp_path, store))

    compare(quarter, store)

    reasons = {one.reason.value for one in quarter.steps}
    assert reasons >= {"opened", "worsened", "recovered", "entity_done", "entity_gone", "escalated", "reminded"}
    assert reasons >= {"unknown", "known_again"}
    assert len(quarter.sent) > 100
