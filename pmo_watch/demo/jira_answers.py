"""What a made-up Jira answers to a request, as Cloud or as Data Center, and what goes wrong with it on demand."""

import base64
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any

from pmo_watch.demo.jira_beans import Beans
from pmo_watch.demo.jira_site import BadQuery, JiraSite, Json

USER, TOKEN, SCOPED, CLOUD_ID = "pmo@example.org", "a-good-token", "a-scoped-token", "0b1c2d3e-site"
FOR_EVER = -1
MOST_PER_PAGE, MOST_IDS = 100, 5_000


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next requests whose path holds `path`, after `skip` of them went well.

    `kind`: status, html, cut, drop, half, empty, same_token, no_end, short_page, no_list. `times` -1 is for ever.
    """

    kind: str
    path: str = ""
    skip: int = 0
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)


class No(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status, self.headers = status, headers or {}
        self.body: Any = {"errorMessages": [text], "errors": {}}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: method, path below the base, parameters of query and body together."""

    method: str
    path: str
    given: Json
    fault: str = ""

    def number(self, name: str, default: int) -> int:
        """Return a parameter that is a number."""
        return int(self.given.get(name) or default)


class FakeJira:
    """A site that answers.

    `site` is the truth, changed by its methods. `requests` is what was asked for; `faults` what goes wrong next;
    `meanwhile` what happens while somebody reads. `page` is the most issues of a page; `names`: whether Data Center
    names the fields.
    """

    def __init__(self, site: JiraSite, *, cloud: bool = True, context: str = "", stamps: tzinfo = UTC) -> None:
        self.site, self.cloud, self.context = site, cloud, context
        self.url, self.page, self.version = "", MOST_PER_PAGE, "9.12.4"
        self.profile_zone, self.names, self.signed_in = "Europe/Brussels", True, True
        self.requests: list[str] = []
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.meanwhile: list[tuple[str, int, Callable[[], object]]] = []  # part of a path, after so many, what happens
        self.broken: dict[str, Any] = {}  # key -> what stands in an answer instead of that ticket
        self.lock = threading.RLock()
        self._stamps = stamps
        self._tokens: dict[str, tuple[str, Any]] = {}

    def forget_pages(self) -> None:
        """Let every token of a next page be unknown."""
        self._tokens.clear()

    def count(self, part: str) -> int:
        """Return how many requests had this in their path."""
        return sum(part in one for one in self.requests)

    # --- answering ------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, given: Json, headers: Mapping[str, str], fault: str) -> Any:
        """Return the JSON that a request gets.

        Raises:
            No
        """
        prefix, signed = f"/ex/jira/{CLOUD_ID}", TOKEN
        if path.startswith(prefix):
            path, signed = path.removeprefix(prefix), SCOPED
        elif not path.startswith(f"{self.context}/"):
            raise No(404, "nothing here")
        path = path.removeprefix(self.context)
        if path == "/_edge/tenant_info" and self.cloud:
            return {"cloudId": CLOUD_ID}
        self._check(headers.get("authorization", ""), signed)
        asked = Asked(method, path, given, fault)
        self.asked.append(asked)
        for pattern, handle in ROUTES:
            if found := re.fullmatch(pattern, path):
                beans = Beans(self.site, self.url, self._stamps, cloud=self.cloud)
                return handle(self, asked, beans, *found.groups())
        raise No(404, f"null for uri: {path}")

    def _check(self, said: str, token: str) -> None:
        basic = "Basic " + base64.b64encode(f"{USER}:{token}".encode()).decode()
        good = {basic} if self.cloud else {f"Bearer {token}", basic}
        if self.signed_in and said not in good:
            raise No(401, "You are not authenticated.", {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})

    def strike(self, path: str) -> Fault | None:
        """Return the fault that spoils this request, counted down."""
        for fault in self.faults:
            if fault.path in path and fault.times:
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= fault.times != FOR_EVER
                return fault
        return None

    def happen(self, path: str) -> None:
        """Let happen what was to happen after this request."""
        for number, (part, after, action) in enumerate(self.meanwhile):
            if part in path:
                self.meanwhile[number] = (part, after - 1, action)
                if after == 1:
                    action()

    # --- searches -------------------------------------------------------------------------------------------------

    def found(self, asked: Asked) -> list[Any]:
        """Return the tickets of a search.

        Raises:
            No
        """
        try:
            found = self.site.search(str(asked.given.get("jql") or ""))
        except BadQuery as fault:
            raise No(400, str(fault)) from None
        return [] if asked.fault == "empty" or not self.signed_in else found

    def by_token(self, asked: Asked, beans: Beans) -> Json:
        """Answer as Cloud does: the next page begins behind the last issue of this one, in the order of that moment."""
        jql, token = str(asked.given.get("jql")), str(asked.given.get("nextPageToken") or "")
        wanted = list(asked.given.get("fields") or ["id"])
        rows = self.found(asked)
        if token and self._tokens.get(token, ("", None))[0] != jql:
            raise No(400, "The provided next page token is invalid or expired.")
        order = "updated" if "ORDER BY updated" in jql else "key"
        if token:
            last = self._tokens[token][1]
            rows = [one for one in rows if _place(one, order) > last]
        most = min(asked.number("maxResults", 50), MOST_IDS if wanted == ["id"] else self.page)
        most = max(most // 2, 1) if asked.fault == "short_page" else most
        page = rows[:most]
        issues = [self.broken.get(one.key) or beans.issue(one, wanted, changelog=False) for one in page]
        shown: Json = {"issues": issues, "isLast": True}
        if len(rows) > most:
            following = token if asked.fault == "same_token" and token else f"token{len(self._tokens) + 1}"
            self._tokens.setdefault(following, (jql, _place(page[-1], order)))
            shown |= {"isLast": False, "nextPageToken": following}
        return _bent(shown, asked.fault)

    def by_offset(self, asked: Asked, beans: Beans) -> Json:
        """Answer as Data Center does: from a place in a list that goes on changing."""
        rows, start = self.found(asked), asked.number("startAt", 0)
        most = min(int(asked.given.get("maxResults", 50)), self.page)
        most = max(most // 2, 1) if asked.fault == "short_page" else most
        wanted, expand = list(asked.given.get("fields") or []), asked.given.get("expand") or []
        page = [beans.issue(one, wanted, changelog="changelog" in expand) for one in rows[start : start + most]]
        shown: Json = {"startAt": start, "maxResults": most, "total": len(rows), "issues": page}
        if "names" in expand and self.names:
            shown["names"] = {known.id: known.name for known in self.site.fields.values()}
        return _bent(shown, asked.fault)

    def changelogs(self, asked: Asked, beans: Beans) -> Json:
        """Answer with the changes of many tickets."""
        only = set(asked.given["fieldIds"])
        logs = []
        for number in asked.given["issueIdsOrKeys"]:
            ticket = self.site.tickets.get(int(number))
            past = [beans.change(ticket, place, epoch=True) for place in range(len(ticket.past))] if ticket else []
            kept = [{**one, "items": [i for i in one["items"] if i["fieldId"] in only]} for one in past]
            logs.append({"issueId": str(number), "changeHistories": [one for one in kept if one["items"]]})
        return {"issueChangeLogs": logs}

    # --- lists ----------------------------------------------------------------------------------------------------

    def listed(self, asked: Asked, rows: list[Json], *, total: bool = True) -> Json:
        """Answer with a page of a list."""
        start, most = asked.number("startAt", 0), min(asked.number("maxResults", 50), 50)
        page: Json = {"startAt": start, "maxResults": most, "isLast": start + most >= len(rows)}
        return {**page, **({"total": len(rows)} if total else {}), "values": rows[start : start + most]}

    def project_key(self, name: str) -> str:
        """Return the key of a project that is seen, by its key or id."""
        for key, (number, _) in self.site.projects.items():
            if name in {key, str(number)} and key not in self.site.hidden:
                return key
        raise No(404, f"No project could be found with key '{name}'.")

    def board(self, number: str) -> tuple[str, str]:
        """Return project and type of a board."""
        project, kind = self.site.boards.get(int(number), ("", ""))
        if not project or project in self.site.hidden:
            raise No(404, "The requested board cannot be viewed.")
        return project, kind


def _place(ticket: Any, order: str) -> Any:
    if order == "updated":
        return ticket.updated.timestamp(), ticket.id
    return ticket.project, int(ticket.key.rpartition("-")[2])


def _bent(shown: Json, fault: str) -> Json:
    if fault == "no_end":
        shown.pop("isLast", None)
    if fault == "no_list":
        shown["issues"] = "none"
    return shown


# --- the endpoints ------------------------------------------------------------------------------------------------


def _server(jira: FakeJira, asked: Asked, beans: Beans) -> Json:
    kind, version = ("Cloud", "1001.0.0-SNAPSHOT") if jira.cloud else ("Server", jira.version)
    return {"baseUrl": jira.url, "version": version, "deploymentType": kind}


def _myself(jira: FakeJira, asked: Asked, beans: Beans) -> Json:
    if not jira.signed_in:
        return {}
    return {**beans.person(jira.site.persons[0]), "timeZone": jira.profile_zone, "locale": "fr_BE"}


def _fields(jira: FakeJira, asked: Asked, beans: Beans) -> list[Json]:
    own = [{"id": name, "name": name, "custom": False, "schema": {"system": name}} for name in ("duedate", "summary")]
    return own + [
        {"id": one.id, "name": one.name, "custom": True, "schema": {"type": one.type, "custom": one.custom}}
        for one in jira.site.fields.values()
    ]


def _projects(jira: FakeJira, asked: Asked, beans: Beans) -> Any:
    rows = [beans.project(key) for key in jira.site.projects if key not in jira.site.hidden]
    return jira.listed(asked, rows) if jira.cloud else rows


def _versions(jira: FakeJira, asked: Asked, beans: Beans, name: str) -> Json:
    key = jira.project_key(name)
    return jira.listed(asked, [beans.version(one) for one in jira.site.versions.values() if one.project == key])


def _boards(jira: FakeJira, asked: Asked, beans: Beans) -> Json:
    wanted = jira.project_key(str(asked.given.get("projectKeyOrId")))
    found = [(number, kind) for number, (key, kind) in jira.site.boards.items() if key == wanted]
    return jira.listed(asked, [{"id": number, "name": f"{wanted} board", "type": kind} for number, kind in found])


def _board(jira: FakeJira, asked: Asked, beans: Beans, number: str) -> Json:
    project, kind = jira.board(number)
    home = {"projectId": jira.site.projects[project][0]}
    return {"id": int(number), "name": f"{project} board", "type": kind, "location": home}


def _configuration(jira: FakeJira, asked: Asked, beans: Beans, number: str) -> Json:
    jira.board(number)
    points = jira.site.fields.get("points")
    columns = [{"name": "Doing", "statuses": [{"id": "3"}], "max": 4}, {"name": "Done", "statuses": [{"id": "5"}]}]
    shown: Json = {"id": int(number), "columnConfig": {"columns": columns}}
    return {**shown, "estimation": {"type": "field", "field": {"fieldId": points.id}}} if points else shown


def _sprints(jira: FakeJira, asked: Asked, beans: Beans, number: str) -> Json:
    _, kind = jira.board(number)
    if kind == "kanban":
        raise No(400, "The board does not support sprints")
    rows = [beans.sprint(one) for one in jira.site.sprints.values() if one.board == int(number)]
    order = {"closed": 0, "active": 1, "future": 2}
    return jira.listed(asked, sorted(rows, key=lambda one: order[one["state"]]), total=False)


def _worklogs(jira: FakeJira, asked: Asked, beans: Beans, what: str) -> Json:
    since = asked.number("since", 0)
    logs = {number: one.updated for number, one in jira.site.worklogs.items()}
    moments = logs if what == "updated" else jira.site.deleted_worklogs
    rows = sorted((round(at.timestamp() * 1000), number) for number, at in moments.items())
    later = [(at, number) for at, number in rows if at > since]
    page = [{"worklogId": number, "updatedTime": at} for at, number in later[:2]]
    until = page[-1]["updatedTime"] if page else since
    return {"values": page, "since": since, "until": until, "lastPage": len(later) <= 2}


def _worklog_list(jira: FakeJira, asked: Asked, beans: Beans) -> list[Json]:
    found = [jira.site.worklogs[number] for number in asked.given["ids"] if number in jira.site.worklogs]
    return [
        {
            "id": str(one.id),
            "issueId": str(one.ticket),
            "author": beans.person(one.person),
            "started": beans.moment(one.started),
            "timeSpentSeconds": one.seconds,
        }
        for one in found
    ]


def _search_jql(jira: FakeJira, asked: Asked, beans: Beans) -> Json:
    if not jira.cloud:
        raise No(404, "null for uri")
    return jira.by_token(asked, beans)


def _search(jira: FakeJira, asked: Asked, beans: Beans) -> Json:
    if jira.cloud:
        raise No(410, "The requested API has been removed.")
    return jira.by_offset(asked, beans)


API = r"/rest/api/[23]"
ROUTES: list[tuple[str, Callable[..., Any]]] = [
    (rf"{API}/serverInfo", _server),
    (rf"{API}/myself", _myself),
    (rf"{API}/field", _fields),
    (rf"{API}/status", lambda jira, asked, beans: [beans.status(name) for name in jira.site.statuses]),
    (rf"{API}/project(?:/search)?", _projects),
    (rf"{API}/project/([^/]+)/version", _versions),
    (rf"{API}/search/jql", _search_jql),
    (rf"{API}/search/approximate-count", lambda jira, asked, beans: {"count": len(jira.found(asked))}),
    (rf"{API}/search", _search),
    (rf"{API}/changelog/bulkfetch", lambda jira, asked, beans: jira.changelogs(asked, beans)),
    (rf"{API}/worklog/(updated|deleted)", _worklogs),
    (rf"{API}/worklog/list", _worklog_list),
    (r"/rest/agile/1\.0/board", _boards),
    (r"/rest/agile/1\.0/board/(\d+)", _board),
    (r"/rest/agile/1\.0/board/(\d+)/configuration", _configuration),
    (r"/rest/agile/1\.0/board/(\d+)/sprint", _sprints),
]
