"""kill -9 at some commits; `make faults` does it at all of them."""

from pathlib import Path

from commit_deaths import committing_functions, is_as, lived


def test_death_at_a_commit_changes_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("undisturbed", "before", "after")]
    for folder in folders:
        folder.mkdir()
    urls = [f"sqlite:///{folder / 'pmo-watch.db'}" for folder in folders]

    undisturbed, commits = lived(folders[0], urls[0])

    assert set(commits) >= committing_functions()
    assert set(undisturbed.arrived.values()) == {1}
    is_as(lived(folders[1], urls[1], commits.index("write") + 1)[0], undisturbed)
    again, _ = lived(folders[2], urls[2], commits.index("lease") + 1, before=False)
    is_as(again, undisturbed)
