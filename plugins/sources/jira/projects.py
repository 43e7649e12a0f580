"""Projects, what follows for them from their issues, and their versions (spec sources 2.6, model 2.3, 2.11)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, tzinfo
from typing import Any

import polars as pl

from pmo_watch.api import ENTITIES, SourceDataError

from .client import Client, Refusal
from .columns import frame_of
from .people import People
from .report import Report
from .settings import Settings
from .values import day_of

VERSION = "version:"  # begins the key of a task that stands for a version
WITHHELD = frozenset({403, 404})
EFFORTS = {"effort_planned": "work", "effort_actual": "actual_work", "effort_remaining": "remaining_work"}
Raw = Mapping[str, Any]


def list_projects(client: Client) -> list[dict[str, Any]]:
    """Return all projects that the account may see.

    Raises:
        SourceDataError: no list of projects.
    """
    if client.is_cloud:
        return list(client.pages(f"{client.api}/project/search", {"expand": "lead"}))
    found = client.get(f"{client.api}/project", {"expand": "lead"})
    if not isinstance(found, list):
        raise SourceDataError(f"{client.api}/project: its answer is no list")
    return [one for one in found if isinstance(one, dict)]


def project_frame(projects: Iterable[Raw], people: People, today: date) -> pl.DataFrame:
    """Return projects as rows, without what follows from their issues."""
    rows = [one for one in projects if one.get("id")]
    category = [one.get("projectCategory") for one in rows]
    return frame_of(
        "project",
        {
            "key": [str(one["id"]) for one in rows],
            "id": [str(one["id"]) for one in rows],
            "code": [_text(one.get("key")) for one in rows],
            "name": [_text(one.get("name")) for one in rows],
            "program": [_member(one, "id") for one in category],
            "state": ["closed" if one.get("archived") is True else None for one in rows],
            "leader": people.keys([one.get("lead") for one in rows]),
            "status_date": [today] * len(rows),
        },
    )


def program_frame(projects: Iterable[Raw]) -> pl.DataFrame:
    """Return the categories of projects as programmes."""
    categories = [one for raw in projects if isinstance(one := raw.get("projectCategory"), dict)]
    found = {key: one for one in categories if (key := _member(one, "id"))}
    keys = sorted(found)
    return frame_of("program", {"key": keys, "id": keys, "name": [_text(found[one].get("name")) for one in keys]})


def with_figures(projects: pl.DataFrame, tasks: pl.DataFrame) -> pl.DataFrame:
    """Add what follows from the issues: first start, last finish, share done, effort, last change.

    Progress counts issues without children; what was given up counts nowhere.
    """
    own = tasks.lazy().filter(~pl.col("key").str.starts_with(VERSION) & pl.col("active").fill_null(value=True))
    above = pl.concat([tasks["parent"].drop_nulls(), pl.Series("parent", [], pl.String)]).unique().implode()
    is_leaf = ~pl.col("key").is_in(above) & ~pl.col("id").is_in(above)
    done = (is_leaf & pl.col("done").fill_null(value=False)).sum()
    share = pl.when(is_leaf.sum() > 0).then((done * 100_000_000 / is_leaf.sum()).round(0))
    sums = [pl.when(pl.col(one).count() > 0).then(pl.col(one).sum()).alias(name) for name, one in EFFORTS.items()]
    told = own.group_by("project").agg(
        pl.col("forecast_start").min(),
        pl.col("forecast_finish").max(),
        share.cast(pl.Int64).alias("progress"),
        pl.col("updated_at").max(),
        *sums,
    )
    schema = ENTITIES["project"].stored_schema()
    joined = projects.lazy().join(told, left_on="key", right_on="project", how="left", maintain_order="left")
    exact = (pl.col("progress").cast(pl.Decimal(38, 0)) * pl.lit("0.000001").cast(pl.Decimal(7, 6))).cast(
        schema["progress"]
    )
    return joined.with_columns(exact, *(pl.col(name).cast(schema[name]) for name in EFFORTS)).collect()


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _member(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return str(found) if found is not None else None


# --- versions -----------------------------------------------------------------------------------------------------


def list_versions(client: Client, projects: Mapping[str, str], report: Report) -> tuple[list[dict[str, Any]], bool]:
    """Return the versions of projects (id -> key), and whether all of them could be read."""
    found: list[dict[str, Any]] = []
    whole = True
    for number, key in projects.items():
        try:
            versions = client.pages(f"{client.api}/project/{number}/version")
            found += [{**one, "projectId": one.get("projectId") or number} for one in versions if one.get("id")]
        except Refusal as fault:
            if fault.status not in WITHHELD:
                raise
            whole = False
            report.degrade(f"versions of {key} cannot be read: {fault}")
    return found, whole


def release_frame(versions: Sequence[Raw], report: Report, zone: tzinfo) -> pl.DataFrame:
    """Return versions as releases."""
    keys = [str(one["id"]) for one in versions]
    return frame_of(
        "release",
        {
            "key": keys,
            "id": keys,
            "name": [_text(one.get("name")) for one in versions],
            "project": [str(one["projectId"]) for one in versions],
            "release_date": [_release_day(one, report, zone) for one in versions],
            "released": [found if isinstance(found := one.get("released"), bool) else None for one in versions],
        },
    )


def version_milestones(
    versions: Sequence[Raw], days: Sequence[date | None], keys: Mapping[str, str], settings: Settings
) -> pl.DataFrame:
    """Return versions as milestones. `days`: their release dates; `keys`: id -> key of their projects."""
    out = [one.get("released") is True for one in versions]
    return frame_of(
        "task",
        {
            "key": [f"{VERSION}{one['id']}" for one in versions],
            "id": [_called(one, keys) for one in versions],
            "name": [_text(one.get("name")) for one in versions],
            "project": [str(one["projectId"]) for one in versions],
            "is_milestone": [True] * len(versions),
            "active": [one.get("archived") is not True for one in versions],
            "status_category": ["done" if one else "todo" for one in out],
            "done": out,
            "forecast_finish": days,
            "actual_finish": [day if one else None for day, one in zip(days, out, strict=True)],
            "url": [_address(one, keys, settings) for one in versions],
        },
    )


def _called(version: Raw, keys: Mapping[str, str]) -> str:
    """Return the name with the project's key: every project may have an R1."""
    return f"{keys.get(str(version['projectId']), '')} {_text(version.get('name')) or version['id']}".strip()


def _address(version: Raw, keys: Mapping[str, str], settings: Settings) -> str | None:
    key = keys.get(str(version["projectId"]))
    return f"{settings.url}/projects/{key}/versions/{version['id']}" if key else None


def _release_day(version: Raw, report: Report, zone: tzinfo) -> date | None:
    value = version.get("releaseDate")
    try:
        return None if value in (None, "") else day_of(value, zone)
    except ValueError as fault:
        report.value(f"version {version.get('name') or version['id']}", "releaseDate", value, str(fault))
        return None
