"""The conformance kit notices what it is there for: each test breaks one point of the contract."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
from made_measures import measure
from polars.testing import assert_frame_equal
from pydantic import Field
from rows import NOW, records, tasks

from pmo_watch.contracts import (
    Columns,
    Cursor,
    Measure,
    Namespace,
    NoParams,
    PluginSettings,
    SourceContext,
    SourceType,
    Unfit,
    View,
)
from pmo_watch.errors import DeliveryDeferred, DeliveryRejected
from pmo_watch.flow import Organisation, Records, Summary
from pmo_watch.rules import Terms, Unit
from pmo_watch.testing import check_answers, check_measure, check_plugin, check_source
from pmo_watch.testing_rows import generated_snapshot

FEW = 1_000
MODULE = '''"""Coffee: how strong it is."""

from pydantic import Field
from pmo_watch.api import PluginSettings, SourceType, hookimpl


class Settings(PluginSettings):
    """Where the machine stands."""

    path: str = Field(description="Its path.")
    cups: int = Field(6, description="How many at a time.")


@hookimpl
def pmo_watch_sources():
    """Return the machine."""
    return [SourceType("NAME", Settings, lambda settings, context: None)]
'''
SAMPLE = """\
sources:
  kitchen:
    type: NAME
    path: kitchen.csv

    # cups: 6          # at a time
"""
README = """\
# Coffee

Reads how strong it is.

## Settings

```yaml
{sample}```

## What it reads

Cups.

## Limits

One machine.

## Sources

- Manual of the machine, 2026.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """Return a plugin's folder, under a name of its own, that keeps the contract."""
    name = f"coffee_{abs(hash(request.node.nodeid))}"
    made = tmp_path / name
    made.mkdir()
    sample = SAMPLE.replace("NAME", name)
    (made / "__init__.py").write_text(MODULE.replace("NAME", name), encoding="utf-8")
    (made / "sample.yaml").write_text(sample, encoding="utf-8")
    (made / "README.md").write_text(README.format(sample=sample), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return made


def test_folder_that_keeps_the_contract_has_no_fault(folder: Path) -> None:
    assert check_plugin(folder) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("__init__.py", '"""Coffee: how strong it is."""', "", "its module has no docstring: the first line is what"),
        ("__init__.py", 'Field(6, description="How many at a time.")', "6", "setting 'cups' has no description"),
        ("__init__.py", "path: str", "api_key: str = Field('', description='x')\n    path: str", "is a secret"),
        ("__init__.py", "cups: int", "timeout: int = Field(1, description='x')\n    cups: int", "must end in its unit"),
        ("sample.yaml", "# cups: 6 ", "# cups: 12 ", "sample.yaml: 'cups: 12' is not the default"),
        ("sample.yaml", "# cups: 6 ", "# mugs: 6 ", "sample.yaml: there is no setting 'mugs'"),
        ("sample.yaml", "    path: kitchen.csv\n", "", "path: Field required"),
        ("README.md", "# Coffee", "Coffee", "README.md: the first line must be"),
        ("README.md", "## Limits", "## Remarks", "README.md: the part '## Limits' is missing"),
        ("README.md", ", 2026", "", "README.md: '## Sources' must say from when"),
        ("README.md", "# cups: 6 ", "# cups: 7 ", "must show sample.yaml exactly"),
    ],
)
def test_what_a_folder_lacks_is_named(folder: Path, file: str, old: str, new: str, fault: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")

    assert any(fault in one for one in check_plugin(folder)), check_plugin(folder)


def test_files_that_are_missing_are_named(folder: Path) -> None:
    (folder / "README.md").unlink()
    (folder / "sample.yaml").unlink()

    assert check_plugin(folder) == ["there is no README.md", "there is no sample.yaml"]


def test_folder_that_cannot_be_loaded_says_why(folder: Path) -> None:
    (folder / "__init__.py").write_text("import a_library_that_nobody_has\n", encoding="utf-8")

    assert check_plugin(folder) == [
        "it is left out: the library 'a_library_that_nobody_has' is not installed: install it beside pmo-watch"
    ]


def test_name_of_a_folder_must_be_importable(tmp_path: Path) -> None:
    assert check_plugin(tmp_path / "two-words") == ["the folder's name 'two-words' is no Python identifier"]


def test_name_of_a_source_is_that_of_its_folder(folder: Path) -> None:
    moved = folder.with_name(f"{folder.name}_too")
    shutil.copytree(folder, moved)

    assert f"its source '{folder.name}' must be called '{moved.name}', like its folder" in check_plugin(moved)


# --- measures -----------------------------------------------------------------------------------------------------


def whole(**more: Any) -> Any:
    return measure(**{"text": "Story points.", **more})


def test_measure_that_keeps_the_contract_has_no_fault() -> None:
    assert check_measure(whole(), rows=FEW) == []


@pytest.mark.parametrize(("name", "is_one"), [("sizes.points", True), ("risk.points", False), ("points", False)])
def test_a_measure_may_be_named_after_its_topic_but_not_after_another_entity(name: str, is_one: bool) -> None:
    faults = check_measure(replace(whole(), name=name), rows=FEW)

    assert any("then a word for the figure" in one for one in faults) is not is_one


def raises(_: NoParams, __: View) -> Columns:
    raise KeyError("cups")


class Asks(PluginSettings):
    """A parameter that nobody can guess."""

    cups: int = Field(description="How many.")


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (whole(text=""), "it has no `text` for the catalogue"),
        (whole(needs=("mood",)), "it needs 'mood', which is no field"),
        (whole(needs=()), "it names no field that it needs"),
        (whole(clock="noon"), "its clock 'noon' is neither as_of nor today"),
        (whole(dimension="taste"), "dimension 'taste' does not exist"),
        (whole(amber="over 5 wd"), "its own thresholds make no rule"),
        (whole(also_for=("mood",)), "there are no rules for each 'mood'"),
        (whole(also_for=("program",)), "what it needs must bear a prefix"),
        (whole(also_for=("program",), needs=("task.story_points",)), "on a portfolio without history: "),
        (whole(value=pl.lit(1), needs=("story_points",)), "rows have a value where nothing is known to make it from"),
        (whole(value=pl.col("mood"), needs=("story_points",)), "on a portfolio without history: "),
    ],
)
def test_what_a_measure_lacks_is_named(made: Any, fault: str) -> None:
    assert any(fault in one for one in check_measure(made, rows=FEW))


def test_measure_that_raises_and_one_that_takes_too_long_are_named() -> None:
    assert any("KeyError: 'cups'" in one for one in check_measure(_with(raises), rows=FEW))
    assert any("s is the limit" in one for one in check_measure(whole(), rows=FEW, longest_seconds=0))


def test_parameter_that_must_be_given_is_named() -> None:
    found = check_measure(_with(raises, params=Asks), rows=FEW)

    assert found == [
        "task.points: a parameter without default is no text and shows no example: the kit cannot make one up"
    ]


class Defined(PluginSettings):
    """A field to measure."""

    field: str = Field(examples=["task.story_points"])
    unit: Literal["count", "h"] = Field(examples=["count"])


def defined(needs: str, *wrong: str) -> Any:
    """Return a measure of the field that its parameter names; what is wrong with it, and what it says it needs."""

    def terms(params: Defined, names: Namespace) -> tuple[Terms, list[Unfit]]:
        unit = Unit(params.unit)
        return Terms(unit, (needs,) if needs else ()), [Unfit("field", text) for text in wrong]

    def function(params: Defined, _: View) -> Columns:
        return Columns(pl.col(params.field.removeprefix("task.")))

    return Measure("task.any", "task", Unit.DECLARED, Defined, (), function, text="Any field.", terms=terms)


def test_measure_that_its_parameters_define_is_tried_with_their_examples() -> None:
    assert check_measure(defined("task.story_points"), rows=FEW) == []
    assert check_measure(defined(""), rows=FEW) == [
        "task.any: its example names no field that it needs for each task",
    ]
    assert check_measure(defined("task.story_points", "no such field"), rows=FEW) == [
        "task.any: its example is not understood for each task: no such field"
    ]


def _with(function: Any, params: Any = NoParams) -> Any:
    return Measure("task.points", "task", Unit.COUNT, params, ("story_points",), function, text="Points.")


def test_answer_that_changes_is_named() -> None:
    turns = iter(range(1_000))

    def fickle(_: NoParams, __: View) -> Columns:
        return Columns(pl.col("story_points") + next(turns))

    assert "task.points: the same rows gave another answer the second time" in check_measure(_with(fickle), rows=FEW)


def test_made_up_rows_are_the_same_each_time() -> None:
    one, two = generated_snapshot(FEW), generated_snapshot(FEW)

    for name, frame in one.frames.items():
        assert_frame_equal(frame, two.frames[name])
        assert frame["uid"].is_unique().all()
    assert generated_snapshot(0).frame("task").is_empty()
    assert one.frame("task").filter("countable", "is_milestone").height > FEW // 2


# --- sources and notifiers ----------------------------------------------------------------------------------------


class Scripted:
    """A source that yields what it was given, whatever happens."""

    def __init__(self, pieces: list[Records | Summary]) -> None:
        self._pieces = pieces

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield the pieces."""
        del since
        yield from self._pieces

    def close(self) -> None:
        """Nothing is held."""


def read_from(*pieces: Records | Summary, again: list[Records | Summary] | None = None) -> list[str]:
    turns = iter([list(pieces), again or list(pieces), list(pieces), list(pieces)])
    kind = SourceType("scripted", NoParams, lambda _, __: Scripted(next(turns)))
    return check_source(kind, {}, SourceContext("it", Path(), NOW, UTC, Organisation(), {}))


TASKS = tasks("one", "two")


@pytest.mark.parametrize(
    ("pieces", "fault"),
    [
        ([TASKS], "it must yield one summary, last"),
        ([Summary(), TASKS], "it must yield one summary, last"),
        ([Records("mood", TASKS.frame), Summary()], "there is no entity 'mood'"),
        ([Records("task", TASKS.frame.with_columns(mood=1)), Summary()], "task.mood is no field that a source"),
        ([Records("task", TASKS.frame.with_columns(name=1)), Summary()], "task.name is Int32, and must be String"),
        ([Records("task", TASKS.frame.drop("key")), Summary()], "task: each row must have a key"),
        ([TASKS, tasks("three", part="b.xml"), Summary()], "it went on to other parts after it was closed"),
        ([TASKS, Summary(cursor={"at": NOW})], "its cursor must be JSON"),
        ([TASKS, Summary(cursor={"seen": "x" * 70_000})], "its cursor has 70012 bytes, and may have 65536"),
        ([TASKS, Summary(census={"mood": ["a"]})], "census: there is no entity 'mood'"),
        ([TASKS, Summary(deleted={"task": [1]})], "deleted: the keys of task must be texts"),  # type: ignore[list-item]
        ([TASKS, Summary(census={"task": ["one"]})], "census: task lacks rows that were sent, such as 'two'"),
    ],
)
def test_what_a_source_does_wrong_is_named(pieces: list[Records | Summary], fault: str) -> None:
    assert any(fault in one for one in read_from(*pieces))


class Remembering(Scripted):
    """A source that sends all when it knows nothing, else what it was given for then."""

    def __init__(self, pieces: list[Records | Summary], later: list[Records | Summary]) -> None:
        super().__init__(pieces)
        self._later = later

    def recall(self, rows: Mapping[str, pl.DataFrame]) -> None:
        """Send the later pieces to whoever knows the first."""
        if rows and rows["task"]["key"].to_list() == ["one", "two"]:
            self._pieces = self._later


@pytest.mark.parametrize(
    ("later", "faults"),
    [
        ([Summary(listed=False)], []),
        ([Summary(listed=False), TASKS], ["read on from its own cursor: it must yield one summary, last"]),
    ],
    ids=["kept", "broken"],
)
def test_source_that_remembers_is_read_on(later: list[Records | Summary], faults: list[str]) -> None:
    kind = SourceType("scripted", NoParams, lambda _, __: Remembering([TASKS, Summary(cursor={"at": 1})], later))

    assert check_source(kind, {}, SourceContext("it", Path(), NOW, UTC, Organisation(), {})) == faults


def test_source_that_keeps_the_contract_has_no_fault() -> None:
    assert read_from(TASKS, Summary()) == []


def test_source_that_answers_otherwise_the_second_time_is_named() -> None:
    other = records("task", {"key": "one", "project": "ATL", "name": "other"})

    assert read_from(TASKS, Summary(), again=[other, Summary()]) == [
        "the same input gave other records the second time"
    ]


async def test_answers_that_are_understood_wrongly_are_named() -> None:
    async def send(status: int) -> str:
        if status == 429:
            raise DeliveryRejected("https://example.org/secret", "")
        if status == 404:
            return "thanks"
        raise DeliveryDeferred("later", "") if status in {408, 500, 502, 503, 504} else DeliveryRejected("never", "")

    assert await check_answers(send) == [
        "HTTP 429 must be DeliveryDeferred, not DeliveryRejected",
        "HTTP 429: the error shows an address: DeliveryRejected",
        "HTTP 404 must be DeliveryRejected, and counted as sent",
    ]
