"""What `check --online` sees of a Jira (spec sources 2.2): who we are, what is asked for, what is withheld."""

from collections.abc import Callable, Iterator

from pmo_watch.api import Sight, SourceContext, SourceRefused

from .boards import AGILE
from .changes import Changes, Meanings, embedded, fetch
from .client import Client, Refusal
from .fields import Fields, find_fields
from .projects import list_projects
from .queries import bracketed, in_order
from .report import Report
from .search import Query, count, search
from .settings import Settings
from .values import text_of

CUSTOM = "customfield_"


def look(client: Client, settings: Settings, context: SourceContext) -> Iterator[Sight]:
    """Yield what was seen, one line each.

    Raises:
        SourceUnavailable, SourceRefused, SourceDataError: what ends the look.
    """
    try:
        account = client.begin()
    except SourceRefused as fault:
        raise SourceRefused(f"{fault}{_gateway_hint(client, settings)}") from None
    server = client.server()
    which = "Jira Cloud" if client.is_cloud else f"Jira Data Center {server.get('version') or ''}".rstrip()
    yield Sight(True, f"{which}, signed in as {text_of(account.get('displayName')) or 'somebody without a name'}")
    if warning := settings.token_warning(context.now.astimezone(context.zone).date()):
        yield Sight(False, warning)
    fields, faults = find_fields(client.get(f"{client.api}/field"), settings)
    yield from _fields(fields, faults)
    yield from _issues(client, settings, fields)
    for seen in (_boards, _work_logs):
        yield from _allowed(lambda seen=seen: seen(client, settings))  # type: ignore[misc]


def _gateway_hint(client: Client, settings: Settings) -> str:
    """Say which setting a token with scopes needs, where the site tells its id."""
    if settings.cloud_id or not client.refused_sign_in or client.flavour == "datacenter":
        return ""
    found = client.cloud_id_found()
    return f". A token with scopes works through the gateway only: set 'cloud_id: {found}'" if found else ""


def _fields(fields: Fields, faults: list[str]) -> Iterator[Sight]:
    for fault in faults:
        yield Sight(False, fault)
    own = {"sprint": fields.sprint, "story points": " or ".join(fields.points), **fields.mapped}
    for register, mapped in fields.registers.items():
        own |= {f"{register}.{name}": number for name, number in mapped.items()}
    read = [f"{name} from {_called(fields, number)}" for name, number in own.items() if CUSTOM in number]
    yield Sight(True, f"custom fields: {', '.join(read) or 'none'}")


def _called(fields: Fields, number: str) -> str:
    names = fields.names.get(number)
    return f"'{names[0]}' ({number})" if names else number


def _issues(client: Client, settings: Settings, fields: Fields) -> Iterator[Sight]:
    jql = bracketed(settings.jql)
    number = count(client, jql)
    yield Sight(number > 0, f"the query finds {'about ' if client.is_cloud else ''}{number} issues")
    expand = () if client.is_cloud else ("changelog",)
    query = Query(in_order(jql, "updated DESC"), fields.asked(), settings.page_size, expand)
    page = next(search(client, query), None)
    issues = [one for one in (page.issues if page else ()) if isinstance(one, dict)]
    if issues:
        yield from _changes(client, fields, issues[0])


def _changes(client: Client, fields: Fields, issue: dict[str, object]) -> Iterator[Sight]:
    report = Report()
    changes = Changes(Meanings.of(fields), report)
    if client.is_cloud:
        fetch(client, [str(issue.get("id"))], fields, changes)
    else:
        embedded(issue, changes)
    for text in report.degraded:
        yield Sight(False, text)
    if not report.degraded:
        yield Sight(True, f"changes of {issue.get('key')}: {changes.frame().height} of those that are read")


def _allowed(seen: Callable[[], Iterator[Sight]]) -> Iterator[Sight]:
    """Yield what is seen; what is withheld is a line of its own, and the look goes on."""
    try:
        yield from seen()
    except Refusal as fault:
        yield Sight(False, str(fault))


def _boards(client: Client, settings: Settings) -> Iterator[Sight]:
    projects = list_projects(client)
    yield Sight(bool(projects), f"{len(projects)} projects: {', '.join(str(one.get('key')) for one in projects[:5])}")
    if settings.boards == "none" or not projects:
        return
    if isinstance(settings.boards, tuple):
        names = [str(client.get(f"{AGILE}/board/{number}").get("name")) for number in settings.boards]
    else:
        key = str(projects[0].get("key"))
        names = [str(one.get("name")) for one in client.pages(f"{AGILE}/board", {"projectKeyOrId": key})]
    yield Sight(True, f"{len(names)} boards: {', '.join(names[:5]) or 'none'}")


def _work_logs(client: Client, settings: Settings) -> Iterator[Sight]:
    if settings.timesheets:
        client.get(f"{client.api}/worklog/updated", {"since": "4102444800000"})  # 2100: whether we may, not what
        yield Sight(True, "work logs can be read")
