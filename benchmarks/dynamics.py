"""Reading Dataverse beside a bare loop of httpx2 over its pages: python benchmarks/dynamics.py [PROJECTS [TASKS]].

The floor fetches every page that the source fetches, over the same TLS, parses its JSON and looks at nothing. The
made-up environment answers from a process of its own. Two figures: by the clock on the wall, against a server that
works each answer out; and the reader's own processor time, against answers that were made beforehand, which is what
exact numbers and columns cost beside throwing everything away.
"""

import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
from pmo_watch_plugins.sources.dynamics import DYNAMICS
from pmo_watch_plugins.sources.dynamics.source import Environment

from pmo_watch.api import Organisation, SourceContext, Summary
from pmo_watch.demo.dataverse_answers import Said
from pmo_watch.demo.fake_dataverse import CLIENT, SECRET, TENANT, FakeDataverse, self_signed, serving

sys.path.insert(0, str(Path(__file__).parent))
from mspdi import Figure, in_turn

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED, FORGET = "/asked", "/forget"
AIM = 1.5  # times the bare loop
START, FINISH = "2026-01-05T07:00:00Z", "2026-01-09T16:00:00Z"


class Telling(FakeDataverse):
    """An environment that tells what it was asked; `once`: it works each answer out only once."""

    def __init__(self, *, once: bool) -> None:
        super().__init__(NOW)
        self._once = once
        self._made: dict[tuple[str, str], Said] = {}
        self._heard: list[tuple[str, str]] = []

    def answer(self, path: str, headers: Mapping[str, str], form: str) -> Said:
        """Return the answer, that of last time where there was one; signing in is never recorded."""
        if path in {ASKED, FORGET}:
            heard = list(self._heard)
            self._heard.clear()
            return Said(200, heard)
        if "/api/data/" not in path:
            return super().answer(path, headers, form)
        asked = path, headers.get("prefer", "")
        self._heard.append(asked)
        if asked in self._made:
            return self._made[asked]
        said = super().answer(path, headers, form)
        if self._once:
            self._made[asked] = Said(said.status, json.dumps(said.body), said.headers)
        return said


def portfolio(site: FakeDataverse, projects: int, tasks: int) -> None:
    """Fill an environment: tasks with links, baselines and assignments."""
    add = site.rows.add
    who = [add("bookableresource", name=f"Person {one}", resourcetype=3) for one in range(20)]
    for number in range(projects):
        owner = add("msdyn_project", msdyn_subject=f"Project {number}", msdyn_scheduledstart=START, msdyn_finish=FINISH)
        before = ""
        for one in range(tasks):
            key = add("msdyn_projecttask", **task(owner, one))
            if before:
                ends = {"msdyn_predecessortask": before, "msdyn_successortask": key}
                lag = {"msdyn_projecttaskdependencylinklaginseconds": 28800, "msdyn_projecttaskdependencylinktype": 1}
                add("msdyn_projecttaskdependency", msdyn_project=owner, **ends, **lag)
            whose = {"msdyn_taskid": key, "msdyn_projectid": owner, "msdyn_bookableresourceid": who[one % 20]}
            add("msdyn_resourceassignment", msdyn_effort=40.0, msdyn_start=START, msdyn_finish=FINISH, **whose)
            before = key


def task(owner: str, number: int) -> dict[str, Any]:
    """Return the columns of a task as Project Operations fills them."""
    return {
        "msdyn_subject": f"Task {number}: of a name as long as people write them",
        "msdyn_project": owner,
        "msdyn_outlinelevel": 1,
        "msdyn_displaysequence": float(number),
        "msdyn_start": START,
        "msdyn_finish": FINISH,
        "msdyn_duration": 5.0,
        "msdyn_effort": 40.0,
        "msdyn_effortcompleted": 20.0,
        "msdyn_effortremaining": 20.0,
        "msdyn_progress": 0.5,
        "msdyn_ismilestone": number % 10 == 9,
        "msdyn_iscritical": number % 3 == 0,
        "msdyn_ismanual": False,
        "msdyn_priority": 5,
        "msdyn_plannedcost": 2400.5,
        "msdyn_actualcost": 1300.25,
    }


def serve(folder: Path, size: tuple[int, int], once: bool, said: Connection) -> None:
    """Serve an environment until the process is ended."""
    site = Telling(once=once)
    portfolio(site, *size)
    with serving(site, folder / "dataverse.pem"):
        said.send(site.url)
        said.recv()


@contextmanager
def environment(folder: Path, size: tuple[int, int], *, once: bool) -> Iterator[str]:
    """Give the address of an environment of so many projects and tasks in each that another process serves."""
    self_signed(folder)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    arguments = (folder, size, once, theirs)
    process = multiprocessing.get_context("spawn").Process(target=serve, args=arguments, daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join(10)


def read(folder: Path, url: str) -> int:
    """Read the environment with the plugin; return the number of rows."""
    given = {"url": url, "authority": url, "tenant": TENANT, "client_id": CLIENT, "client_secret": SECRET}
    settings = DYNAMICS.settings.model_validate({**given, "verify": "dataverse.pem"})
    context = SourceContext("projops", folder, NOW, ZoneInfo("Europe/Brussels"), Organisation(), {})
    source = Environment(settings, context)
    rows = 0
    try:
        for piece in source.read(None):
            if isinstance(piece, Summary):
                assert piece.whole, piece.error
            else:
                rows += piece.frame.height
    finally:
        source.close()
    return rows


@contextmanager
def bare_client(folder: Path, url: str) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Give what fetches and parses every answer that the reading before it fetched; returns what it asked for."""
    with httpx2.Client(base_url=url, verify=str(folder / "dataverse.pem")) as client:
        form = {"client_id": CLIENT, "client_secret": SECRET, "scope": f"{url}/.default"}
        token = client.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.get(FORGET)
        read(folder, url)
        asked = [(path, prefer) for path, prefer in client.get(ASKED).json()]

        def fetch() -> list[tuple[str, str]]:
            for path, prefer in asked:
                json.loads(client.get(path, headers={"Prefer": prefer} if prefer else {}).content)
            return asked

        yield fetch


def by_the_clock(folder: Path, projects: int = 50, tasks: int = 400) -> tuple[int, float, float]:
    """Return the rows of a first reading, its seconds, and those of the bare loop, medians of three in turn."""
    with environment(folder, (projects, tasks), once=False) as url, bare_client(folder, url) as fetch:
        taken: dict[str, list[float]] = {"bare": [], "read": []}
        rows = 0
        for _ in range(3):
            taken["bare"].append(_seconds(fetch))
            begun = time.perf_counter()
            rows = read(folder, url)
            taken["read"].append(time.perf_counter() - begun)
        return rows, median(taken["read"]), median(taken["bare"])


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def reading(folder: Path, projects: int = 50, tasks: int = 400) -> list[Figure]:
    """Measure a first reading beside the bare loop."""
    rows, whole, floor = by_the_clock(folder, projects, tasks)
    figures = [Figure("bare loop, by the clock", floor), Figure(f"read, {rows:,} rows, by the clock", whole, floor)]
    with environment(folder, (projects, tasks), once=True) as url, bare_client(folder, url) as fetch:
        pages = len(fetch())
        taken = in_turn(
            {f"bare loop, {pages} answers, processor": fetch, "read, processor": lambda: read(folder, url)}, 3
        )
        bare = next(iter(taken.values()))
        figures += [Figure(name, one, None if one is bare else bare) for name, one in taken.items()]
        return [*figures, *(_memory(folder, url, how) for how in ("bare", "read"))]


def _memory(folder: Path, url: str, how: str) -> Figure:
    """Return the greatest resident memory of a process of its own, in MB where a figure says seconds."""
    command = [sys.executable, __file__, "--peak", how, str(folder), url]
    peak = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Figure(f"peak memory in MB, {how}", peak)


def _peak(how: str, folder: Path, url: str) -> None:
    if how == "read":
        read(folder, url)
    else:
        with bare_client_alone(folder, url) as fetch:
            fetch()
    # Not getrusage: its peak is handed on through fork and exec, and would be that of this program.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(next(int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM")))


@contextmanager
def bare_client_alone(folder: Path, url: str) -> Iterator[Callable[[], None]]:
    """Give a loop over the pages of tasks alone, for the memory that any reader needs."""
    with httpx2.Client(base_url=url, verify=str(folder / "dataverse.pem")) as client:
        form = {"client_id": CLIENT, "client_secret": SECRET, "scope": f"{url}/.default"}
        token = client.post(f"/{TENANT}/oauth2/v2.0/token", data=form).json()["access_token"]

        def fetch() -> None:
            link = "/api/data/v9.2/msdyn_projecttasks?$select=msdyn_projecttaskid,msdyn_subject"
            headers = {"Authorization": f"Bearer {token}", "Prefer": "odata.maxpagesize=500"}
            while link:
                link = json.loads(client.get(link, headers=headers).content).get("@odata.nextLink", "")

        yield fetch


def main() -> None:
    """Print the figures."""
    if sys.argv[1:2] == ["--peak"]:
        _peak(sys.argv[2], Path(sys.argv[3]), sys.argv[4])
        return
    with tempfile.TemporaryDirectory(prefix="pmo-bench-") as folder:
        for figure in reading(Path(folder), *(int(one) for one in sys.argv[1:])):
            print(figure)
    print(f"aim: {AIM} x bare")


if __name__ == "__main__":
    main()
