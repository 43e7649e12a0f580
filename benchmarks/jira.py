"""Reading a Jira, beside a bare loop over the same answers: python benchmarks/jira.py [ISSUES [cloud|datacenter]].

The floor asks the same questions with httpx2 and parses the JSON, and looks at nothing. The site answers from another
process, each question from memory. The processor's time counts: on a machine that does other things as well, the clock
on the wall says little.
"""

import http.server
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import httpx2
import polars as pl
from pmo_watch_plugins.sources.jira import JIRA

from pmo_watch.api import Organisation, Records, SourceContext, Summary
from pmo_watch.demo.fake_jira import TOKEN, USER, FakeJira
from pmo_watch.demo.jira_site import JiraSite, Person

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TYPES = "com.atlassian.jira.plugin.system.customfieldtypes"
AGILE = "com.pyxis.greenhopper.jira"
SPRINTS = 12
TIMES = 3
MEGABYTE = 1_000_000
AIM = 1.5  # times the bare loop


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number beside its floor, where there is one."""

    name: str
    value: float
    unit: str = "s"
    floor: float | None = None

    def __str__(self) -> str:
        beside = "" if self.floor is None else f"   {self.value / self.floor:5.2f} x bare"
        return f"{self.name:44} {self.value:10.3f} {self.unit}{beside}"


# --- the site, in a process of its own ----------------------------------------------------------------------------


def site_of(number: int) -> JiraSite:
    """Return a site with so many tickets: sprints, versions, links, and some changes of each."""
    site = JiraSite(NOW - timedelta(hours=1))
    site.persons = [Person(f"account{one}", f"Person {one}", f"p{one}@example.org") for one in range(50)]
    for key in ("ATL", "BOR", "CER"):
        site.add_project(key, f"Project {key}")
    site.add_field("sprints", "Sprint", "array", f"{AGILE}:gh-sprint")
    site.add_field("points", "Story Points", "number", f"{TYPES}:float")
    site.add_field("begins", "Start date", "date", f"{TYPES}:datepicker")
    site.add_field("flag", "Flagged", "array", f"{TYPES}:multicheckboxes")
    for count in range(SPRINTS):
        sprint = site.add_sprint(1 + count % 3, f"Sprint {count}", NOW - timedelta(days=14 * (SPRINTS - count)))
        site.start(sprint)
        if count < SPRINTS - 3:
            site.close(sprint)
    for count in range(number):
        _add(site, count)
    return site


def _add(site: JiraSite, count: int) -> None:
    made = NOW - timedelta(days=150, seconds=-count * 600)
    key = ("ATL", "BOR", "CER")[count % 3]
    given = {"owner": site.persons[count % 50], "points": count % 13 + 1, "estimate": 28_800, "left": 14_400}
    given |= {"due": (NOW + timedelta(days=count % 90)).date(), "labels": ["vendor", "gdpr"], "priority": "Medium"}
    ticket = site.add(key, "Story", f"Prepare the cut-over of archive {count}", made, **given)
    sprint = 30 + count % SPRINTS
    site.edit(ticket.key, made + timedelta(hours=1), sprints=[sprint])
    site.edit(ticket.key, made + timedelta(days=2), status="In Progress", points=count % 8 + 1)
    if count % 5:
        site.edit(ticket.key, made + timedelta(days=6), status="Done")
    if count % 10 == 9:
        site.edit(ticket.key, made + timedelta(days=7), blocks=[f"{key}-1"])


def serve(number: int, flavour: str) -> None:
    """Answer on a free port, which is printed, until the process is ended; every question is worked out once."""
    jira = FakeJira(site_of(number), cloud=flavour == "cloud")
    known: dict[tuple[str, str, bytes], bytes] = {}

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = (self.command, self.path, body)
            if self.path == "/log":
                said = json.dumps([[method, path, sent.decode()] for method, path, sent in known]).encode()
            else:
                said = known.get(asked) or known.setdefault(asked, self._worked_out(body))
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815  # the library names it

        def _worked_out(self, body: bytes) -> bytes:
            parts = urlsplit(self.path)
            given = {**dict(parse_qsl(parts.query)), **(json.loads(body) if body else {})}
            headers = {name.lower(): value for name, value in self.headers.items()}
            return json.dumps(jira.answer(self.command, parts.path, given, headers, "")).encode()

        def log_message(self, *_: Any) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def served(number: int, flavour: str) -> Iterator[str]:
    """Serve a site in another process; give its address."""
    command = [sys.executable, __file__, "--serve", str(number), flavour]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


# --- reading it ---------------------------------------------------------------------------------------------------


def read_site(url: str, flavour: str) -> tuple[int, int]:
    """Read everything with the plugin; return the number of issues and the bytes of all columns."""
    context = SourceContext("tickets", Path(), NOW, ZoneInfo("Europe/Brussels"), Organisation(), {})
    user = USER if flavour == "cloud" else ""
    given = {"url": url, "user": user, "token": TOKEN, "jql": "project in (ATL, BOR, CER)", "flavour": flavour}
    issues, size = 0, 0
    with closing(JIRA.open(JIRA.settings.model_validate(given), context)) as source:
        for piece in source.read(None):
            if isinstance(piece, Summary):
                assert piece.whole, piece.error
            elif isinstance(piece, Records):
                issues += piece.frame.height if piece.entity == "task" else 0
                size += int(piece.frame.estimated_size())
    return issues, size


def bare_loop(url: str, log: list[list[str]], flavour: str) -> None:
    """Ask the same questions and parse what comes."""
    auth = httpx2.BasicAuth(USER, TOKEN) if flavour == "cloud" else None
    headers = {"Content-Type": "application/json", **({} if auth else {"Authorization": f"Bearer {TOKEN}"})}
    with httpx2.Client(auth=auth, headers=headers, timeout=60) as client:
        for method, path, body in log:
            answer = client.request(method, f"{url}{path}", content=body or None)
            json.loads(answer.content)


def in_turn(runs: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median processor time of each, run in turn so that all meet the same state of the machine."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(TIMES):
        for name, run in runs.items():
            start = process_time()
            run()
            taken[name].append(process_time() - start)
    return {name: median(times) for name, times in taken.items()}


def measure_jira(number: int = 20_000, flavour: str = "cloud") -> tuple[float, float, int]:
    """Return the processor's seconds of a reading and of the bare loop, and the number of issues."""
    with served(number, flavour) as url:
        issues, _ = read_site(url, flavour)
        log = json.loads(httpx2.get(f"{url}/log", timeout=60).content)
        taken = in_turn({"bare": lambda: bare_loop(url, log, flavour), "read": lambda: read_site(url, flavour)})
    return taken["read"], taken["bare"], issues


def peak_megabytes(number: int, flavour: str) -> tuple[float, float]:
    """Return the greatest resident memory of a process that reads, beyond what it has before, and the columns' size."""
    with served(number, flavour) as url:
        read_site(url, flavour)
        command = [sys.executable, __file__, "--peak", url, flavour]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(said[0]), float(said[1])


def status_line(name: str) -> float:
    """Return a line of this process's own account, in megabytes."""
    # Not getrusage: its peak is handed on through fork and exec, and would be that of the program that started it.
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name)) * 1024 / MEGABYTE


def main() -> None:
    """Print the figures."""
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]), sys.argv[3])
        return
    if sys.argv[1:2] == ["--peak"]:
        pl.DataFrame({"a": [1]}).lazy().select(pl.col("a").sum()).collect()
        before = status_line("VmRSS")
        columns = read_site(sys.argv[2], sys.argv[3])[1]
        print(status_line("VmHWM") - before, columns / MEGABYTE)
        return
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    flavour = sys.argv[2] if len(sys.argv) > 2 else "cloud"
    print(f"{number:,} issues of a {flavour} site, {os.cpu_count()} processors\n")
    read, bare, issues = measure_jira(number, flavour)
    print(Figure(f"bare loop, {issues:,} issues", bare))
    print(Figure("read", read, floor=bare))
    print(Figure("issues per second", issues / read, ""))
    for some in (number // 4, number):
        peak, size = peak_megabytes(some, flavour)
        print(Figure(f"peak memory, {some:,} issues", peak, "MB"))
        print(Figure("   of which columns of the result", size, "MB"))
    print(f"aim: {AIM} x bare")


if __name__ == "__main__":
    main()
