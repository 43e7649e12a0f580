"""The files that are watched under the settings in force: what people write, and what sources read."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import structlog

from pmo_watch.schedule import Watch

LOG = structlog.get_logger("pmo_watch.daemon")


class Watches:
    """All of them, renewed together."""

    def __init__(self) -> None:
        self._open: list[Watch] = []

    def renew(
        self,
        written: Sequence[Path],
        edited: Callable[[], None],
        read: Mapping[str, Sequence[Path]],
        changed: Callable[[str], None],
    ) -> None:
        """Watch these; what was watched before is let go of after that, so that no change is missed.

        `edited` is called after a change of what people write, `changed` with the name of the source that reads it.
        """
        wanted: list[tuple[Sequence[Path], Callable[[], None]]] = [(written, edited)]
        wanted += [(paths, partial(changed, name)) for name, paths in read.items()]
        fresh: list[Watch] = []
        for paths, tell in wanted:
            try:
                fresh.append(Watch(paths, tell))
            except OSError as fault:
                # Often fs.inotify.max_user_watches or max_user_instances is too low.
                LOG.warning("cannot watch, only read on time", paths=[str(one) for one in paths], error=fault.strerror)
        self._take_up(fresh)

    def close(self) -> None:
        """Let go of all."""
        self._take_up([])

    def _take_up(self, fresh: list[Watch]) -> None:
        before, self._open = self._open, fresh
        for watch in before:
            watch.close()
