"""Searches page by page: by token on Cloud, by offset on Data Center (spec sources 2.3, 2.4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pmo_watch.api import Answer, SourceDataError, SourceRefused

from .client import Client, said

EMPTY_PAGES = 3
ALLOWANCE = 50  # pages beyond what the number of issues explains
IDS_AT_ONCE = 5_000
LOST_SIGHT = "does not exist"


class TokenLost(Exception):
    """The server no longer knows the token of the next page."""


@dataclass(slots=True, eq=False)
class Page:
    """Issues as they came; `names`: what the fields are called; `warnings` of the server."""

    issues: list[Any]
    names: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched; the same over all its pages."""

    jql: str
    fields: Sequence[str]
    page_size: int
    expand: Sequence[str] = ()


def search(client: Client, query: Query) -> Iterator[Page]:
    """Yield the pages of a search.

    Raises:
        SourceRefused: with the server's own sentence and the query.
        SourceDataError: an answer that is no page, or pages without end.
        TokenLost: on a later page.
        SourceUnavailable
    """
    return _by_token(client, query) if client.is_cloud else _by_offset(client, query)


def ids(client: Client, jql: str) -> list[str]:
    """Return the ids of all issues of a query."""
    query = Query(jql, ("id",), IDS_AT_ONCE)
    found = [str(one["id"]) for page in search(client, query) for one in page.issues if _has_id(one)]
    return list(dict.fromkeys(found))


def count(client: Client, jql: str) -> int:
    """Return about how many issues a query finds."""
    if client.is_cloud:
        got = client.try_asking(f"{client.api}/search/approximate-count", {"jql": jql})
        number = _answered(got, jql, client).get("count")
    else:
        got = client.try_asking(f"{client.api}/search", _offset_body(Query(jql, ("id",), 0), 0))
        number = _answered(got, jql, client).get("total")
    return number if isinstance(number, int) else 0


def _has_id(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("id"), str | int)


# --- Cloud --------------------------------------------------------------------------------------------------------


def _by_token(client: Client, query: Query) -> Iterator[Page]:
    token, empty, number, most = "", 0, 0, ALLOWANCE
    while True:
        number += 1
        if number > most:
            most = count(client, query.jql) // min(50, query.page_size) + ALLOWANCE
        if number > most:
            raise SourceDataError(f"rest/api/3/search/jql: more than {most} pages: the search does not end")
        answer = _page_of(client, query, token)
        page = Page(_issues(answer, "rest/api/3/search/jql"))
        empty = 0 if page.issues else empty + 1
        yield page
        following = answer.get("nextPageToken")
        if answer.get("isLast") is True or not isinstance(following, str) or not following:
            return
        if following == token or empty >= EMPTY_PAGES:
            raise SourceDataError("rest/api/3/search/jql: the next page is this page again: the search does not end")
        token = following


def _page_of(client: Client, query: Query, token: str) -> Mapping[str, Any]:
    body: dict[str, Any] = {"jql": query.jql, "maxResults": query.page_size, "fields": list(query.fields)}
    if query.expand:
        body["expand"] = ",".join(query.expand)
    if token:
        body["nextPageToken"] = token
    got = client.try_asking(f"{client.api}/search/jql", body)
    if got.status == 400 and token:
        raise TokenLost
    if got.status == 404:
        raise SourceRefused("there is no search for Jira Cloud at this address: set 'flavour: datacenter'")
    return _answered(got, query.jql, client)


# --- Data Center --------------------------------------------------------------------------------------------------


def _by_offset(client: Client, query: Query) -> Iterator[Page]:
    """Advance by what came; when issues left the list meanwhile, go back by so many: the rest moved up."""
    start, known = 0, -1
    while True:
        got = client.try_asking(f"{client.api}/search", _offset_body(query, start))
        answer = _answered(got, query.jql, client)
        issues, total = _issues(answer, "rest/api/2/search"), answer.get("total")
        if not isinstance(total, int):
            raise SourceDataError("rest/api/2/search: its answer has no number 'total'")
        yield Page(issues, _mapping(answer.get("names")), _texts(answer.get("warningMessages")))
        start += len(issues)
        if 0 <= total < known:
            start = max(start - (known - total), 0)
        elif not issues:
            return
        known = total
        if start >= total:
            return


def _offset_body(query: Query, start: int) -> dict[str, Any]:
    body: dict[str, Any] = {"jql": query.jql, "startAt": start, "maxResults": query.page_size}
    body |= {"fields": list(query.fields), "validateQuery": True}
    return {**body, "expand": list(query.expand)} if query.expand else body


# --- answers ------------------------------------------------------------------------------------------------------


def _answered(got: Answer, jql: str, client: Client) -> Mapping[str, Any]:
    if got.status == 400:
        words = said(got).rstrip(".") or "no reason given"
        alike = ". What is not there and what the account may not see look alike" if LOST_SIGHT in words else ""
        raise SourceRefused(f"Jira refuses the query: {words}{alike}. Check 'jql' and 'fields': {jql}")
    if got.status == 404:
        raise SourceRefused(f"no search below {client.settings.url}: is the context path right? ('url', 'flavour')")
    data = client.expected(got, "search")
    if not isinstance(data, dict):
        raise SourceDataError("search: its answer is no object")
    return data


def _issues(answer: Mapping[str, Any], path: str) -> list[Any]:
    issues = answer.get("issues")
    if not isinstance(issues, list):
        raise SourceDataError(f"{path}: its answer has no list 'issues'")
    return issues


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
