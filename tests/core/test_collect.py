"""Step 1: one source's trouble is one failed reading, and never the others'."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from rows import NOW, known, records, tasks
from structlog.testing import capture_logs

from pmo_watch.api import HttpSettings, PluginSettings
from pmo_watch.collect import Asked, collect, let_go, longest_seconds
from pmo_watch.entities import ENTITIES
from pmo_watch.errors import SourceDataError, SourceRefused, SourceUnavailable
from pmo_watch.flow import Outcome, Records, Rejected, Summary
from pmo_watch.normalise import Limits


class Scripted:
    """A source that yields what it is told, or raises."""

    def __init__(self, *pieces: Records | Summary | BaseException, until: threading.Event | None = None) -> None:
        self._pieces = pieces
        self._until = until

    def read(self, since: object) -> Iterator[Records | Summary]:
        for piece in self._pieces:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
        if self._until:
            self._until.wait(10)
            yield Summary()

    def close(self) -> None:
        if self._until:
            self._until.set()


def ask(name: str, source: Scripted) -> Asked:
    return Asked(name, source, {})


def test_sources_are_read_and_answered_in_order() -> None:
    good = Scripted(tasks("a"), Summary())
    bad = Scripted(SourceUnavailable("host x: 503, tried 5 times"))

    first, second = collect([ask("good", good), ask("bad", bad)], NOW, Limits())

    assert (first.outcome, first.frames["task"].height) == (Outcome.COMPLETE, 1)
    assert (second.outcome, second.error) == (Outcome.FAILED, "host x: 503, tried 5 times")


@pytest.mark.parametrize(
    ("error", "refused"),
    [(SourceRefused("no right"), True), (SourceDataError("no XML"), False)],
    ids=["refused", "data"],
)
def test_an_error_keeps_its_class(error: Exception, refused: bool) -> None:
    (reading,) = collect([ask("s", Scripted(tasks("a"), error))], NOW, Limits())

    assert reading.outcome == Outcome.FAILED
    assert reading.refused is refused
    assert not reading.frames


def test_a_plugins_own_defect_costs_its_source_and_shows_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    (reading,) = collect([ask("s", Scripted(KeyError("secret")))], NOW, Limits())

    assert reading.error == "the plugin failed; the log holds the details: please report it to its author"


@pytest.mark.parametrize("fault", [pl.exceptions.PanicException("index out of bounds"), SystemExit(1)])
def test_a_panic_in_a_plugin_costs_its_source_and_no_other(fault: BaseException) -> None:
    defects: list[str] = []
    bad = replace(ask("bad", Scripted(fault)), defect=lambda: defects.append("bad"))

    first, second = collect([bad, ask("good", Scripted(tasks("a"), Summary()))], NOW, Limits())

    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.COMPLETE)
    assert first.error.startswith("the plugin failed")
    assert defects == ["bad"]


def test_a_source_without_summary_is_a_defect() -> None:
    (reading,) = collect([ask("s", Scripted(tasks("a")))], NOW, Limits())

    assert reading.outcome == Outcome.FAILED


@pytest.mark.parametrize("named", ["census", "deleted"])
def test_a_summary_that_names_rows_by_no_text_is_a_defect(named: str) -> None:
    numbers = Summary(**{named: {"task": [1, 2]}})  # type: ignore[arg-type]

    (reading,) = collect([ask("s", Scripted(tasks("a"), numbers))], NOW, Limits())

    assert reading.outcome == Outcome.FAILED


def test_records_left_out_make_it_partial() -> None:
    summary = Summary(rejected=(Rejected("a.csv:line 3", "key", "", "no key"),), lost_records=1)

    (reading,) = collect([ask("s", Scripted(tasks("a", "b"), summary))], NOW, Limits())

    assert reading.outcome == Outcome.PARTIAL
    assert reading.error == "1 records left out. First: a.csv:line 3: no key"


def test_too_many_left_out_are_a_changed_format_and_no_thin_month() -> None:
    summary = Summary(rejected=(Rejected("a.csv:line 3", "key", "", "no key"),), lost_records=6)

    (reading,) = collect([ask("s", Scripted(tasks(*"abcdefghij"), summary))], NOW, Limits())

    assert reading.outcome == Outcome.FAILED
    assert reading.error == "6 of 16 records were left out: has the format changed? First: a.csv:line 3: no key"


def test_a_source_that_never_ends_is_given_up_and_closed() -> None:
    until = threading.Event()

    (reading,) = collect([replace(ask("slow", Scripted(until=until)), longest_seconds=0.05)], NOW, Limits())

    assert reading.outcome == Outcome.FAILED
    assert reading.error == "not read to its end within 0 s"
    assert until.wait(5), "its close was called"


@pytest.mark.parametrize("kept", [{"since": object()}, {"share": float("nan")}, {"day": NOW}])
def test_a_cursor_that_cannot_be_kept_costs_its_source_alone(kept: dict[str, Any]) -> None:
    seen: list[str] = []
    strange = Asked("strange", Scripted(tasks("a"), Summary(cursor=kept)), {}, defect=lambda: seen.append("strange"))

    bad, good = collect([strange, ask("good", Scripted(tasks("a"), Summary()))], NOW, Limits())

    assert (bad.outcome, good.outcome, seen) == (Outcome.FAILED, Outcome.COMPLETE, ["strange"])


def test_a_source_that_hangs_when_it_is_closed_holds_up_nobody() -> None:
    ever, closed = threading.Event(), threading.Event()

    class Hanging(Scripted):
        def close(self) -> None:
            ever.wait(10)

    class Closing(Scripted):
        def close(self) -> None:
            closed.set()

    began = time.monotonic()
    let_go([ask("hangs", Hanging()), ask("closes", Closing())], wait_seconds=0.1)

    assert closed.wait(5)
    assert time.monotonic() - began < 5
    ever.set()


def test_daemon_threads_read_so_that_a_source_that_hangs_keeps_no_process_alive() -> None:
    seen: list[bool] = []

    class Looking(Scripted):
        def read(self, since: object) -> Iterator[Records | Summary]:
            seen.append(threading.current_thread().daemon)
            yield Summary()

    collect([ask("s", Looking())], NOW, Limits())

    assert seen == [True]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (SourceUnavailable("busy", retry_after=1200), 1200),
        (SourceUnavailable("gone"), 0),
        (Summary(whole=False, error="busy", retry_after=60), 60),
    ],
    ids=["failed", "unknown", "partial"],
)
def test_how_long_a_system_asks_to_be_left_alone_is_kept(said: Exception | Summary, seconds: float) -> None:
    (reading,) = collect([ask("s", Scripted(tasks("a"), said))], NOW, Limits())

    assert reading.retry_after == seconds


def test_source_that_remembers_is_told_its_present_rows_by_native_key() -> None:
    before = known("s", tasks("a:1", "b"), records("person", {"key": "p", "name": "P"}))
    rows = {**before.rows, "person": before.rows["person"].with_columns(pl.lit(1, pl.Int64).alias("@missing"))}
    told: list[dict[str, pl.DataFrame]] = []

    class Remembering(Scripted):
        def recall(self, rows: dict[str, pl.DataFrame]) -> None:
            told.append(rows)

    collect([replace(ask("s", Remembering(Summary())), rows=rows)], NOW, Limits())

    ((name, frame),) = told[0].items()
    assert (name, frame["key"].to_list(), frame["name"].to_list()) == ("task", ["a:1", "b"], ["a:1", "b"])
    assert frame.columns == ["key", *ENTITIES["task"].stored_schema()]


def test_live_source_has_its_own_limit_and_time_to_say_what_it_has() -> None:
    class Files(PluginSettings):
        path: str

    assert longest_seconds(HttpSettings(timeout_reading_minutes=5, timeout_read_seconds=30)) == 5 * 60 + 30 + 120
    assert longest_seconds(Files(path="a")) == 1800


def test_live_reading_is_a_line_in_the_log_with_its_cost() -> None:
    cost = {"requests": 3, "retries": 1, "bytes": 512, "seconds": 0.5}
    with capture_logs() as logs:
        collect(
            [ask("live", Scripted(tasks("a"), Summary(cost=cost))), ask("file", Scripted(Summary()))], NOW, Limits()
        )

    assert logs == [
        {"event": "source read", "log_level": "info", "source": "live", "outcome": "complete", "rows": 1, **cost}
    ]
