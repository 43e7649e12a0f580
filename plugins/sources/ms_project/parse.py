"""Reads Project XML as a stream: rows are taken and cut off as they end, so that memory does not grow with the file.

Nothing of a file is given out before its last byte was read: what breaks off gives nothing (spec sources 4.1).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, ClassVar

from lxml import etree

from pmo_watch.api import SourceDataError, SourceUnavailable

from .calendars import CalendarEntry, read_calendar
from .custom_fields import CustomFields
from .elements import local_name, named, texts_of
from .openings import ROOT_MARK, UNSAFE, marked, strange_format, strange_root
from .phases import Phase, phases_of
from .tables import (
    LINK_LAYOUT,
    RESOURCE_LAYOUT,
    Fault,
    Known,
    Scales,
    Shape,
    Table,
    assignment_layout,
    baseline_layout,
    task_layout,
)

CHUNK_BYTES, HEADER_BYTES = 1 << 16, 1 << 12
DEEPEST = 64
MINUTES_OF_A_DAY = 1440
LONGEST_TEXT_BYTES = 1 << 20
TOO_DEEP = etree.XPath("boolean(/" + "/".join("*" * (DEEPEST + 1)) + ")")
DEFINITIONS = frozenset({"ExtendedAttributes", "OutlineCodes"})
MARKS = frozenset({"SaveVersion", "Name", "Title", "Tasks"})  # one of them tells a plan from a build file
DETAILS, ATTRIBUTES = frozenset({"Baseline", "PredecessorLink"}), frozenset({"ExtendedAttribute", "OutlineCode"})
VALUE_SHAPE = Shape(("FieldID", "Value", "ValueID", "ValueGUID"))


@dataclass(frozen=True, slots=True)
class Wish:
    """What to read besides what is always read: custom fields by alias or name, and hours over time."""

    words: frozenset[str] = frozenset()
    timephased: bool = False
    cost_scale: Decimal = Decimal(100)
    header_only: bool = False  # stop where the rows begin, or behind the first one where its custom fields are wished


class NotWellFormed(SourceDataError):
    """The file is not well-formed XML: some of that can be repaired."""


class _HasInstructions(Exception):
    """Processing instructions stand in the plan, which the parser has to leave out."""


class Plan:
    """One project as it stands in the file: texts of its header, rows as columns, nothing filled in or left out."""

    def __init__(self, wish: Wish) -> None:
        self.scales = Scales(wish.cost_scale)
        self.known = Known()
        self.header: dict[str, str] = {}
        self.calendars: dict[str, CalendarEntry] = {}
        self.fields = CustomFields()
        self.attributes: dict[str, dict[int, str]] = {}  # FieldID -> row of the task -> value
        self.tasks = Table(task_layout(self.scales), self.known)
        self.baselines = Table(baseline_layout(self.scales), self.known)
        self.links = Table(LINK_LAYOUT, self.known)
        self.resources = Table(RESOURCE_LAYOUT, self.known)
        self.assignments = Table(assignment_layout(self.scales), self.known)
        self.phases: dict[int, list[Phase]] = {}  # row of the assignment
        self.inserted: dict[int, Plan] = {}  # row of the task that holds another project
        self.calendar_faults: list[Fault] = []

    def small_number(self, name: str, most: int) -> int:
        """Return a number of the header; 0 when it is none, or more than `most`."""
        text = self.header.get(name, "")
        return int(text) if re.fullmatch(r"[0-9]{1,4}", text) and int(text) <= most else 0

    @property
    def tables(self) -> tuple[Table, ...]:
        """Every table of the plan."""
        return self.tasks, self.baselines, self.links, self.resources, self.assignments


@dataclass(slots=True, eq=False)
class _Open:
    """A project being read; `wanted`: the custom fields to keep, known once its first task comes."""

    plan: Plan
    element: etree._Element
    wanted: frozenset[str] | None = None


def read_plan(file: BinaryIO, part: str, wish: Wish, is_closed: Callable[[], bool] = lambda: False) -> Plan:
    """Read one file from its first to its last byte.

    Raises:
        SourceDataError: it is no plan, not well formed, breaks off or is not safe; the text names line and column.
        SourceUnavailable: the reading was ended from outside.
    """
    try:
        return _read(file, part, wish, is_closed, with_mark=True)
    except _HasInstructions:
        file.seek(0)
        return _read(file, part, wish, is_closed, with_mark=False)


def _read(file: BinaryIO, part: str, wish: Wish, is_closed: Callable[[], bool], *, with_mark: bool) -> Plan:
    reader: _Reader | None = None
    for chunk in _chunks(file, part, HEADER_BYTES if wish.header_only else CHUNK_BYTES):
        if is_closed():
            raise SourceUnavailable(f"{part}: the reading was ended from outside")
        ready = marked(chunk) if with_mark and reader is None else chunk
        reader = reader or _Reader(part, wish, is_marked=ready is not chunk)
        if reader.feed(ready):
            return reader.plan
    return (reader or _Reader(part, wish, is_marked=False)).finish()


def _chunks(file: BinaryIO, part: str, size: int) -> Iterator[bytes]:
    """Yield the file piece by piece, having looked at its beginning and at the length of its texts."""
    chunk = file.read(size)
    if strange := strange_format(chunk):
        raise SourceDataError(f"{part} {strange}" if not strange.startswith(UNSAFE) else f"{part}: {strange}")
    read, tag_at = 0, 0
    while chunk:
        begin = chunk.find(b"<")
        if (read + begin if begin >= 0 else read + len(chunk)) - tag_at > LONGEST_TEXT_BYTES:
            raise SourceDataError(f"{part}: {UNSAFE}a text of more than 1 MB")
        if begin >= 0:
            tag_at = read + chunk.rfind(b"<")
        read += len(chunk)
        yield chunk
        chunk = file.read(size)


class _Reader:
    """Turns the tree into a plan while it grows: what is complete is taken and cut off after each piece of the file.

    Asking the parser for an event at each row instead takes a third longer. `is_marked`: a mark in the first piece
    shows where the root is; without it the parser has to be asked.
    """

    def __init__(self, part: str, wish: Wish, *, is_marked: bool) -> None:
        self.plan = Plan(wish)
        self._part = part
        self._wish = wish
        self._root: _Open | None = None
        self._inserted: dict[etree._Element, _Open] = {}  # by the task that holds the project
        self._locals: dict[object, str] = {}
        self._parser = etree.XMLPullParser(
            events=("pi",) if is_marked else ("start",),
            tag=None if is_marked else "{*}Project",
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_blank_text=True,
            remove_comments=True,
            remove_pis=not is_marked,
            collect_ids=False,
        )

    def feed(self, chunk: bytes) -> bool:
        """Take in a piece of the file; say whether all that was wished for has been read."""
        try:
            self._parser.feed(chunk)
        except etree.XMLSyntaxError as fault:
            raise self._broken(fault) from None
        for event, element in self._parser.read_events():
            self._find_root(event, element)
        if self._root is None:
            return False
        self._check_depth(self._root.element)
        self._sweep(self._root, complete=False)
        if not self._wish.header_only or not self._has_header(self._root):
            return False
        self.plan.tasks.flush()
        return True

    def _find_root(self, event: str, element: etree._Element) -> None:
        """Note the project that begins; the parser of a marked file reports instructions only, and the mark is one."""
        project = element
        if event == "pi":
            above = element.getparent()
            if above is None:  # in front of the root, or behind it
                return
            if self._root is not None or element.target != ROOT_MARK:  # type: ignore[attr-defined]
                raise _HasInstructions
            above.remove(element)
            project = above
        self._root = self._root or _Open(self.plan, self._checked_root(project))

    def _has_header(self, root: _Open) -> bool:
        """Say whether what a plan is called has been read."""
        if self.plan.fields.numbers(self._wish.words):
            return len(self.plan.tasks) > 0
        return any(self._local(section.tag) in self._TAKERS for section in root.element)

    def finish(self) -> Plan:
        """Return the plan after the last byte."""
        try:
            root = self._checked_root(self._parser.close())
        except etree.XMLSyntaxError as fault:
            raise self._broken(fault) from None
        self._check_depth(root)
        self._sweep(self._root or _Open(self.plan, root), complete=True)
        if not MARKS & {*self.plan.header, *(named(one) for one in root)}:
            marks = ", ".join(sorted(MARKS))
            raise SourceDataError(f"{self._part} is not Project XML: its <Project> has none of {marks}")
        return self.plan

    def _broken(self, fault: etree.XMLSyntaxError) -> SourceDataError:
        # The first entry is the cause, the others follow from it; warnings are no cause.
        first = next((one for one in self._parser.feed_error_log if one.level_name == "FATAL"), None)
        line, column = (first.line, first.column) if first else fault.position
        reason = (first.message if first else str(fault.msg)).strip()
        if "Excessive depth" in reason:
            return self._unsafe(f"nested deeper than {DEEPEST}")
        return NotWellFormed(
            f"{self._part}:{line}:{column}: not well-formed XML: {reason}; nothing of the file is used"
        )

    def _unsafe(self, why: str) -> SourceDataError:
        return SourceDataError(f"{self._part}: {UNSAFE}{why}")

    def _checked_root(self, element: etree._Element) -> etree._Element:
        root = element.getroottree().getroot()
        if root.getroottree().docinfo.internalDTD is not None:
            raise self._unsafe("it has a document type declaration, which no plan needs")
        if named(root) != "Project":
            raise SourceDataError(f"{self._part} {strange_root(named(root))}")
        return root

    def _check_depth(self, root: etree._Element) -> None:
        if TOO_DEEP(root):
            raise self._unsafe(f"nested deeper than {DEEPEST}")

    def _local(self, tag: object) -> str:
        name = self._locals.get(tag)
        if name is None:
            name = self._locals[tag] = local_name(str(tag))
        return name

    # --- projects and their sections ------------------------------------------------------------------------------

    def _sweep(self, now: _Open, *, complete: bool) -> None:
        """Take what is complete of a project, and cut it off."""
        sections = list(now.element)
        growing = None if complete or not sections else sections[-1]
        for section in sections:
            name = self._local(section.tag)
            if name in self._TAKERS:
                self._sweep_rows(now, section, name, growing=section is growing)
            elif section is growing:
                self._prune(section, name)
            else:
                self._take_header(now, section, name)
        if complete:
            for table in now.plan.tables:
                table.flush()

    def _sweep_rows(self, now: _Open, section: etree._Element, name: str, *, growing: bool) -> None:
        take, wanted = self._TAKERS[name], name.removesuffix("s")
        done = len(section) - growing
        for row in section[:done]:
            if row.tag == wanted or self._local(row.tag) == wanted:
                take(self, row, now)
        del section[:done]
        if growing and len(section) and name == "Tasks":
            self._sweep_inserted(section[0])

    def _sweep_inserted(self, task: etree._Element) -> None:
        """Take what is complete of a project inside a task that is not."""
        last = task[-1] if len(task) else None
        if last is not None and self._local(last.tag) == "Project":
            self._sweep(self._inserted.setdefault(task, _Open(Plan(self._wish), last)), complete=False)

    def _take_header(self, now: _Open, section: etree._Element, name: str) -> None:
        """Take what the project says of itself, and let go of sections nobody reads."""
        plan = now.plan
        if name in DEFINITIONS:
            plan.fields.define(section)
        elif section.text and section.text.strip():
            plan.header.setdefault(name, section.text.strip())
        now.element.remove(section)
        if name == "MinutesPerDay":
            plan.scales.minutes_per_day = plan.small_number(name, MINUTES_OF_A_DAY) or plan.scales.minutes_per_day

    @staticmethod
    def _prune(section: etree._Element, name: str) -> None:
        """Forget what has been read of a long section that nobody reads: views, reports, forms."""
        if name not in DEFINITIONS:
            del section[:-1]

    # --- rows -----------------------------------------------------------------------------------------------------

    def _take_task(self, element: etree._Element, now: _Open) -> None:
        plan = now.plan
        if now.wanted is None:
            now.wanted = plan.fields.numbers(self._wish.words)
        number = len(plan.tasks)
        row, parts = self._row(element, plan.tasks.shape, "Task")
        for one in parts:
            name = self._local(one.tag)
            if name in DETAILS:
                table = plan.baselines if name == "Baseline" else plan.links
                table.parents.append(number)
                table.add(self._row(one, table.shape, name)[0])
            elif name in ATTRIBUTES and now.wanted:
                self._take_attribute(one, plan, now.wanted, number)
            elif name == "Project":
                plan.inserted[number] = self._inserted_plan(element, one)
        plan.tasks.add(row)

    def _inserted_plan(self, task: etree._Element, project: etree._Element) -> Plan:
        inserted = self._inserted.pop(task, None) or _Open(Plan(self._wish), project)
        self._sweep(inserted, complete=True)
        return inserted.plan

    def _row(
        self, element: etree._Element, shape: Shape, name: str
    ) -> tuple[dict[str, str | None], list[etree._Element]]:
        """Return the texts of the children by name, all names of the shape among them; and the children without text.

        Leaving out children costs more than taking them, unless most are TimephasedData.
        """
        row, parts = shape.blank.copy(), []
        for one in element.iterchildren(*shape.tags) if len(element) > shape.many else element:
            text = one.text
            if text is None:
                parts.append(one)
            else:
                row[one.tag] = text  # type: ignore[index]  # a tag that was read is text
        if element.tag != name:  # in a namespace
            row |= {self._local(tag): text for tag, text in row.items()}
        if not row.keys().isdisjoint(shape.parts):  # blanks count in this file
            parts = list(element.iterchildren(*shape.part_tags))
        return row, parts

    def _take_attribute(self, element: etree._Element, plan: Plan, wanted: frozenset[str], number: int) -> None:
        texts, _ = self._row(element, VALUE_SHAPE, self._local(element.tag))
        field_id = texts["FieldID"] or ""
        if field_id in wanted and (value := plan.fields.value(texts)):
            plan.attributes.setdefault(field_id, {})[number] = value

    def _take_resource(self, element: etree._Element, now: _Open) -> None:
        now.plan.resources.add(self._row(element, now.plan.resources.shape, "Resource")[0])

    def _take_assignment(self, element: etree._Element, now: _Open) -> None:
        plan = now.plan
        if self._wish.timephased and (phases := list(phases_of(element, plan.scales, plan.assignments))):
            plan.phases[len(plan.assignments)] = phases
        plan.assignments.add(self._row(element, plan.assignments.shape, "Assignment")[0])

    def _take_calendar(self, element: etree._Element, now: _Open) -> None:
        if self._wish.header_only:
            return
        uid = texts_of(element).get("UID", "")
        try:
            now.plan.calendars[uid] = read_calendar(element)
        except ValueError as fault:
            now.plan.calendar_faults.append(Fault("Calendar", len(now.plan.calendars), uid, str(fault)))

    # Functions, not the methods of one reader: holding its own, it would live until somebody looks for circles.
    _TAKERS: ClassVar[Mapping[str, Callable[["_Reader", etree._Element, _Open], None]]] = {
        "Tasks": _take_task,
        "Resources": _take_resource,
        "Assignments": _take_assignment,
        "Calendars": _take_calendar,
    }
