"""What a made-up Jira site looks like as JSON, as Cloud and as Data Center write it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from pmo_watch.demo.jira_site import STATUSES, JiraSite, Json, Person, SprintPlan, Ticket, Version

CATEGORIES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
LOGGED = {"due": "duedate", "versions": "Fix Version", "status": "status"}  # what a changelog calls a field


class Beans:
    """Writes the objects of a site. `stamps`: the zone in which moments are written."""

    def __init__(self, site: JiraSite, url: str, stamps: tzinfo, *, cloud: bool) -> None:
        self.site, self.url, self.cloud, self._stamps = site, url, cloud, stamps
        self._api = f"{url}/rest/api/{3 if cloud else 2}"
        self._blocked_by: dict[str, list[Ticket]] | None = None

    def moment(self, at: datetime) -> str:
        """Return a moment as fields hold it: with an offset that has no colon."""
        local = at.astimezone(self._stamps)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03}{local:%z}"

    def _avatars(self, what: str) -> Json:
        """Return addresses of pictures, which real answers are full of."""
        sizes = ("48x48", "24x24", "16x16", "32x32")
        return {"avatarUrls": {size: f"{self.url}/secure/{what}avatar?size={size}" for size in sizes}}

    def person(self, one: Person) -> Json:
        """Return somebody; on Cloud the address is hidden."""
        zone = {"displayName": one.name, "active": True, "timeZone": "Europe/Brussels"}
        if self.cloud:
            own = f"{self._api}/user?accountId={one.account}"
            return {"self": own, "accountId": one.account, **self._avatars("user"), **zone, "accountType": "atlassian"}
        own = f"{self._api}/user?username={one.account}"
        names = {"name": one.account, "key": one.account, "emailAddress": one.email}
        return {"self": own, **names, **self._avatars("user"), **zone}

    def status(self, name: str) -> Json:
        """Return a status with its category."""
        number, group = STATUSES[name]
        own = {"self": f"{self._api}/status/{number}", "description": "", "iconUrl": f"{self.url}/images/{number}.png"}
        shown = {"self": f"{self._api}/statuscategory/{number}", "key": group, "colorName": "grey"}
        return {**own, "name": name, "id": number, "statusCategory": {**shown, "name": CATEGORIES[group]}}

    def project(self, key: str) -> Json:
        """Return a project."""
        number, name = self.site.projects[key]
        own = {"self": f"{self._api}/project/{number}", "id": str(number), "key": key, "name": name}
        lead = {"lead": self.person(self.site.persons[0])}
        return {**own, "projectTypeKey": "software", "simplified": False, **self._avatars("project"), **lead}

    def version(self, one: Version) -> Json:
        """Return a version."""
        shown: Json = {"id": str(one.id), "name": one.name, "archived": one.archived, "released": one.released}
        if one.release is not None:
            shown["releaseDate"] = one.release.isoformat()
        return {**shown, "projectId": self.site.projects[one.project][0]}

    def sprint(self, one: SprintPlan) -> Json:
        """Return a sprint as a board lists it; nobody knows the dates of one that is not started."""
        shown: Json = {"id": one.id, "name": one.name, "state": one.state, "originBoardId": one.board, "goal": ""}
        if one.state != "future":
            shown |= {"startDate": self._utc(one.start), "endDate": self._utc(one.end)}
        return shown if one.completed is None else {**shown, "completeDate": self._utc(one.completed)}

    @staticmethod
    def _utc(at: datetime) -> str:
        return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"

    def _sprint_in_issue(self, one: SprintPlan) -> Any:
        shown = self.sprint(one)
        home = shown.pop("originBoardId")
        if self.cloud:
            return {**shown, "boardId": home}
        members = {"id": one.id, "rapidViewId": home, **shown, "state": one.state.upper(), "sequence": one.id}
        text = ",".join(f"{name}={'<null>' if value == '' else value}" for name, value in members.items())
        return f"com.atlassian.greenhopper.service.sprint.Sprint@7c1f[{text}]"

    # --- issues ---------------------------------------------------------------------------------------------------

    def issue(self, one: Ticket, wanted: list[str], *, changelog: bool) -> Json:
        """Return a ticket with the fields that are wanted."""
        if wanted == ["id"]:
            return {"id": str(one.id)}
        values = {**self._own(one), **self._custom(one)}
        own = {"expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields", "id": str(one.id)}
        own |= {"self": f"{self._api}/issue/{one.id}", "key": one.key}
        shown: Json = {**own, "fields": {name: values.get(name) for name in wanted}}
        if changelog:
            histories = [self.change(one, number) for number in reversed(range(len(one.past)))]
            shown["changelog"] = {"startAt": 0, "total": len(histories), "histories": histories}
        return shown

    def _own(self, one: Ticket) -> Json:
        owner, due, resolved = one.get("owner"), one.get("due"), one.get("resolved")
        return {
            "summary": one.summary,
            "description": self._text(one.get("description")),
            "status": self.status(one.get("status")),
            "issuetype": self._type(one.type),
            "priority": self._priority(one.get("priority")) if one.get("priority") else None,
            "assignee": self.person(owner) if owner else None,
            "project": {name: value for name, value in self.project(one.project).items() if name != "lead"},
            "parent": self._stub(one.get("parent")) if self.cloud or one.type == "Sub-task" else None,
            "labels": list(one.get("labels") or ()),
            "created": self.moment(one.created),
            "updated": self.moment(one.updated),
            "duedate": due.isoformat() if due else None,
            "resolution": {"name": one.get("resolution") or "Done"} if resolved else None,
            "resolutiondate": self.moment(resolved) if resolved else None,
            "fixVersions": [self.version(self.site.versions[number]) for number in one.get("versions") or ()],
            "issuelinks": [*self._links(one)],
            "timeoriginalestimate": one.get("estimate"),
            "timeestimate": one.get("left"),
            "timespent": one.get("spent"),
        }

    def _type(self, name: str) -> Json:
        own = {"self": f"{self._api}/issuetype/1{len(name)}", "id": f"1{len(name)}", "description": f"A {name}."}
        return {**own, "iconUrl": f"{self.url}/images/type.svg", "name": name, "subtask": name == "Sub-task"}

    def _priority(self, name: str) -> Json:
        return {"self": f"{self._api}/priority/{name}", "iconUrl": f"{self.url}/images/{name}.svg", "name": name}

    def _text(self, text: str | None) -> Any:
        if text is None or not self.cloud:
            return text
        lines = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in text.splitlines()]
        return {"type": "doc", "version": 1, "content": lines}

    def _stub(self, key: str | None) -> Json | None:
        return None if key is None else {"id": str(self.site.find(key).id), "key": self.site.find(key).key}

    def _links(self, one: Ticket) -> Iterator[Json]:
        kind = {"name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
        for key in one.get("blocks") or ():
            other = self.site.find(key)
            yield {"id": f"{one.id}{other.id}", "type": kind, "outwardIssue": self._stub(key)}
        for other in self._blockers(one.key):
            yield {"id": f"{other.id}{one.id}", "type": kind, "inwardIssue": self._stub(other.key)}

    def _blockers(self, key: str) -> list[Ticket]:
        if self._blocked_by is None:
            self._blocked_by = {}
            for ticket in self.site.tickets.values():
                for blocked in ticket.get("blocks") or ():
                    self._blocked_by.setdefault(blocked, []).append(ticket)
        return self._blocked_by.get(key, [])

    def _custom(self, one: Ticket) -> Json:
        shown: Json = {}
        for name, known in self.site.fields.items():
            value = one.get(name)
            if name == "sprints":
                plans = [self._sprint_in_issue(self.site.sprints[number]) for number in value or ()]
                shown[known.id] = plans or None
            elif name == "epic":
                shown[known.id] = None if self.cloud else one.get("parent")
            else:
                shown[known.id] = value.isoformat() if isinstance(value, date) else value
        return shown

    # --- changes --------------------------------------------------------------------------------------------------

    def change(self, one: Ticket, number: int, *, epoch: bool = False) -> Json:
        """Return one change of a ticket; the bulk list writes moments as numbers."""
        at, name, before, after = one.past[number]
        created = round(at.timestamp() * 1000) if epoch else self.moment(at)
        items = [*self._items(name, before, after)]
        return {
            "id": f"{one.id}{number:03}",
            "author": self.person(self.site.persons[0]),
            "created": created,
            "items": items,
        }

    def _items(self, name: str, before: Any, after: Any) -> Iterator[Json]:
        known = self.site.fields.get(name)
        label = known.name if known else LOGGED.get(name, name)
        number = known.id if known else {"versions": "fixVersions", "due": "duedate"}.get(name, name)
        pairs = [(before, after)]
        if name == "versions":
            gone, new = set(before or ()) - set(after or ()), set(after or ()) - set(before or ())
            pairs = [*((one, None) for one in sorted(gone)), *((None, one) for one in sorted(new))]
        for old, fresh in pairs:
            item: Json = {"field": label, "fieldtype": "custom" if known else "jira"}
            if self.cloud:
                item["fieldId"] = number
            item["from"], item["fromString"] = _logged(name, old)
            item["to"], item["toString"] = _logged(name, fresh)
            yield item


def _logged(name: str, value: Any) -> tuple[str | None, str | None]:
    """Return a value as a changelog writes it: id, and text."""
    if name == "sprints":
        return ", ".join(map(str, value or ())), ", ".join(f"Sprint {one}" for one in value or ())
    if value is None:
        return None, None
    if name == "status":
        return STATUSES[value][0], value
    if name == "versions" or isinstance(value, date):
        return str(value), str(value)
    return None, str(value)
