"""kill -9 right before and right after every commit."""

from collections import Counter
from pathlib import Path

import pytest
from commit_deaths import committing_functions, is_as, lived
from databases import fresh_database


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]  # a function that yields URLs
    """Give a function that makes a database without tables for a life in a folder."""
    if request.param == "sqlite":
        return lambda folder: f"sqlite:///{folder / 'pmo-watch.db'}"
    server = request.getfixturevalue("postgres_server")
    return lambda _: fresh_database(server, "template0")


@pytest.mark.timeout(3600)
def test_death_at_every_commit_changes_nothing(tmp_path: Path, places, book) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "undisturbed"
    folder.mkdir()
    undisturbed, commits = lived(folder, places(folder))
    assert set(commits) >= committing_functions()
    print(
        f"\n{len(commits)} commits:", *[f"{name} x {number}" for name, number in Counter(commits).items()], sep="\n  "
    )

    twice = 0
    for number, name in enumerate(commits, 1):
        for before in (True, False):
            print(f"{'before' if before else 'after'} commit {number}: {name}", flush=True)
            life = tmp_path / f"{number}-{before}"
            life.mkdir()
            end, _ = lived(life, places(life), number, before=before)
            is_as(end, undisturbed)
            twice += sum(count > 1 for count in end.arrived.values())
    book.note(
        f"kill -9 before and after each of {len(commits)} commits of {len(set(commits))} functions",
        2 * len(commits),
        "the same transitions, alerts and messages as undisturbed; every message arrived; "
        f"{twice} mails twice under one id; no traceback",
    )
