"""What was asked becomes the rows of a reading; nothing is asked here."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from pmo_watch.api import ENTITIES, SourceContext

from .boards import board_frame, sprint_frame
from .changes import STATUS, TO_NAME
from .columns import frame_of
from .found import Found
from .issues import Site
from .links import link_frame
from .memory import Recalled
from .points import CHOICE, USED, counted_changes, with_points
from .projects import VERSION, program_frame, project_frame, release_frame, version_milestones, with_figures
from .settings import REGISTERS
from .sprint_rows import SprintRows
from .sprints import actual_dates
from .upkeep import gone_keys, listed_keys
from .values import folded, value_of
from .worklogs import timesheet_frame

COUNTED = (
    *("key", "id", "parent", "project", "owner", "done", "active", "forecast_start", "forecast_finish"),
    *("updated_at", "work", "actual_work", "remaining_work", "release"),
)
FIGURES = ("forecast_start", "forecast_finish", "progress", "effort_planned", "effort_actual", "effort_remaining")


class Assembly:
    """The rows of one reading: `frames` by entity, `deleted` and `census` as a summary has them."""

    def __init__(self, found: Found, recalled: Recalled, site: Site, context: SourceContext) -> None:
        self._found, self._recalled, self._site = found, recalled, site
        self._settings, self._zone = site.settings, context.zone
        self._today = context.now.astimezone(context.zone).date()
        frames, gone_items = self._made()
        self.deleted = gone_keys(frames, found, recalled, gone_items)
        self.census = listed_keys(frames, found, recalled, self.deleted)
        self.frames = frames

    def _made(self) -> tuple[dict[str, pl.DataFrame], set[str]]:
        frames = {name: made for name in REGISTERS if (made := self._found.gathered.frame(name)) is not None}
        frames |= self._delivered()
        read, changes, older = self._issues()
        tasks = self._finished(pl.concat([read, self._milestones(frames)], how="diagonal"), frames)
        frames |= {"task": pl.concat([tasks, self._flipped(tasks)], how="diagonal"), "status_change": changes}
        present = self._present(frames["task"])
        frames["assignment"] = self._assignments(tasks)
        frames["dependency"] = link_frame(self._found.gathered.links(), present)
        items = SprintRows(self._found, self._recalled, self._site)
        both = pl.concat([changes, older], how="diagonal")
        frames["sprint_item"] = items.frame(tasks, both, frames.get("sprint", self._none("sprint")), self._zone)
        frames |= self._with_scope(frames, present)
        frames |= self._projects(present)
        frames |= self._timesheets(frames, present)
        frames["person"] = self._site.people.frame()
        return frames, items.gone

    def _none(self, entity: str) -> pl.DataFrame:
        return pl.DataFrame(schema={"key": pl.String(), **ENTITIES[entity].stored_schema()})

    # --- issues ---------------------------------------------------------------------------------------------------

    def _issues(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return the tasks that were read, their changes, and stored changes of those whose own were not asked for."""
        raw = self._found.gathered.frame("task")
        none = self._none("status_change")
        if raw is None:
            return self._none("task"), none, none
        traced = list(self._found.gathered.traced)
        names = {number: known[0] for number, known in self._site.fields.names.items() if known}
        told = with_points(raw, self._site.fields.points, self._found.points, names, self._site.report)
        changes = counted_changes(self._found.gathered.changes(), told).drop(TO_NAME)
        own = pl.col("task").is_in(told["key"].implode()) & ~pl.col("task").is_in(traced)
        older = self._recalled.frame("status_change").filter(own)
        both = pl.concat([changes, older], how="diagonal")
        self._say_unknown(both)
        marked = told.drop(CHOICE, USED).with_columns(pl.col("key").is_in(traced).alias("@traced"))
        dated = actual_dates(marked, both, self._site.vocabulary.categories, self._zone)
        return dated.drop("@traced"), changes, older

    def _say_unknown(self, changes: pl.DataFrame) -> None:
        """Say which statuses of the past the site no longer lists: what had them was neither done nor open."""
        asked = changes.filter(pl.col("field") == STATUS)
        known = self._site.vocabulary.categories
        for number in sorted({*asked["from_value"].drop_nulls(), *asked["to_value"].drop_nulls()} - known.keys()):
            self._site.report.degrade(
                f"the status {number} is no longer listed: issues were neither done nor open in it"
            )

    def _finished(self, tasks: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Return tasks with board, milestones found by a query, and their baseline."""
        if self._found.milestones is not None:
            by_query = pl.col("key").is_in(list(self._found.milestones))
            tasks = tasks.with_columns(pl.col("is_milestone").fill_null(value=False) | by_query)
        tasks = tasks.with_columns(self._board(tasks, frames).alias("board"))
        return self._with_baseline(tasks)

    def _flipped(self, tasks: pl.DataFrame) -> pl.DataFrame:
        """Return stored issues that the query of milestones no longer finds, or finds now."""
        if self._found.milestones is None:
            return self._none("task")
        chosen = self._settings.milestones
        types = [folded(one) for one in chosen.issue_types]
        by_label = pl.col("labels").list.eval(pl.element().is_in(list(chosen.labels))).list.any().fill_null(value=False)
        own = pl.col("issue_type").str.to_lowercase().is_in(types).fill_null(value=False) | by_label
        now = own | pl.col("key").is_in(list(self._found.milestones))
        others = self._recalled.without("task", "key", tasks["key"]).filter(~pl.col("key").str.starts_with(VERSION))
        return others.filter(now != pl.col("is_milestone").fill_null(value=False)).with_columns(
            now.alias("is_milestone")
        )

    def _board(self, tasks: pl.DataFrame, frames: Mapping[str, pl.DataFrame]) -> pl.Expr:
        """Return the only board of the project, else that of the newest sprint."""
        boards = frames.get("board", self._recalled.frame("board")).select("key", "project").explode("project")
        sole = boards.filter(pl.col("project").is_not_null() & ~pl.col("project").is_duplicated())
        sprints = pl.concat(
            [frames[name] for name in ("sprint",) if name in frames] + [self._recalled.frame("sprint")], how="diagonal"
        )
        homes = sprints.select("key", "board").unique("key", keep="first")
        by_project = pl.col("project").replace_strict(
            sole["project"], sole["key"], default=None, return_dtype=pl.String
        )
        if "sprint" not in tasks.columns:
            return by_project
        newest = pl.col("sprint").list.last()
        by_sprint = newest.replace_strict(homes["key"], homes["board"], default=None, return_dtype=pl.String)
        return pl.coalesce(by_project, by_sprint)

    def _with_baseline(self, tasks: pl.DataFrame) -> pl.DataFrame:
        """Return tasks with their first dates as baseline, where that is set and no other is known."""
        absent = [one for one in ("baseline_start", "baseline_finish", "forecast_start") if one not in tasks.columns]
        tasks = tasks.with_columns(pl.lit(None, pl.Date).alias(one) for one in absent)
        if tasks["baseline_finish"].count():
            self._site.report.decide("target dates used as baseline")
        if self._settings.baseline != "first_snapshot":
            return tasks
        self._site.report.decide("baseline = first snapshot")
        kept = self._recalled.frame("task").select("key", "baseline_start", "baseline_finish")
        known = tasks.join(kept, on="key", how="left", suffix="@kept", maintain_order="left")
        is_first = pl.col("baseline_finish").is_null() & pl.col("baseline_finish@kept").is_null()
        start = pl.coalesce("baseline_start", "baseline_start@kept", pl.when(is_first).then("forecast_start"))
        finish = pl.coalesce("baseline_finish", "baseline_finish@kept", "forecast_finish")
        return known.with_columns(start.alias("baseline_start"), finish.alias("baseline_finish")).select(tasks.columns)

    def _present(self, tasks: pl.DataFrame) -> pl.DataFrame:
        """Return every task that there is now, stored or read, as far as sums need it."""
        read = self._found.gathered.ids
        stored = self._recalled.without("task", "key", {*tasks["key"], *read})
        if self._found.census is not None:
            is_there = pl.col("key").is_in(self._found.census)
            stored = stored.filter(is_there | pl.col("key").str.starts_with(VERSION))
        return pl.concat([stored.select(COUNTED), self._shaped("task", tasks).select(COUNTED)])

    def _shaped(self, entity: str, frame: pl.DataFrame) -> pl.DataFrame:
        schema = ENTITIES[entity].stored_schema()
        absent = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in frame.columns]
        return frame.with_columns(absent)

    def _assignments(self, tasks: pl.DataFrame) -> pl.DataFrame:
        issues = self._shaped("task", tasks).filter(
            pl.col("owner").is_not_null() & ~pl.col("key").str.starts_with(VERSION)
        )
        return issues.select(
            "key",
            pl.col("key").alias("task"),
            "project",
            pl.col("owner").alias("person"),
            pl.lit(100).cast(ENTITIES["assignment"].stored_schema()["units"]).alias("units"),
            "remaining_work",
        )

    # --- boards, sprints, releases --------------------------------------------------------------------------------

    def _delivered(self) -> dict[str, pl.DataFrame]:
        frames = {}
        if self._found.versions is not None:
            frames["release"] = release_frame(self._found.versions, self._site.report, self._zone)
        delivery = self._found.delivery
        if delivery is not None:
            frames["sprint"] = sprint_frame(delivery.sprints.values(), self._site.report, self._zone)
            if self._found.refreshed:
                frames["board"] = board_frame(delivery.boards.values(), self._site.vocabulary)
        return frames

    def _milestones(self, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        if self._found.versions is None or not self._settings.milestones.versions:
            return self._none("task").select("key", "is_milestone")
        return version_milestones(
            self._found.versions, frames["release"]["release_date"].to_list(), self._project_keys(), self._settings
        )

    def _project_keys(self) -> dict[str, str]:
        known = dict(self._recalled.frame("project").select("key", "code").iter_rows())
        raw = [*self._site.projects.values(), *(self._found.projects or ())]
        return known | {str(one["id"]): str(one["key"]) for one in raw if one.get("key")}

    def _with_scope(self, frames: Mapping[str, pl.DataFrame], present: pl.DataFrame) -> dict[str, pl.DataFrame]:
        """Return releases with the number of items they were first seen with, and on which day."""
        releases = frames.get("release")
        if releases is None:
            return {}
        counts = present.filter(pl.col("active").fill_null(value=True)).explode("release")
        now = counts.drop_nulls("release").group_by("release").agg(pl.len().alias("@now"))
        kept = self._recalled.frame("release").select("key", "scope_baseline", "scope_baseline_on")
        joined = releases.join(kept, on="key", how="left", maintain_order="left").join(
            now, left_on="key", right_on="release", how="left", maintain_order="left"
        )
        first = pl.col("@now").fill_null(0).cast(ENTITIES["release"].stored_schema()["scope_baseline"])
        day = pl.coalesce("scope_baseline_on", pl.lit(self._today))
        scoped = joined.with_columns(
            pl.coalesce("scope_baseline", first).alias("scope_baseline"), day.alias("scope_baseline_on")
        )
        return {"release": scoped.drop("@now")}

    # --- projects -------------------------------------------------------------------------------------------------

    def _projects(self, present: pl.DataFrame) -> dict[str, pl.DataFrame]:
        stored = self._recalled.frame("project")
        raw = self._found.projects
        if raw is None:
            raw = [one for number, one in self._site.projects.items() if number not in set(stored["key"])]
        named = project_frame(raw, self._site.people, self._today)
        others = stored.filter(~pl.col("key").is_in(named["key"].implode())).with_columns(
            status_date=pl.lit(self._today)
        )
        plain = pl.concat([self._with_words(named, stored), others.drop(*FIGURES, "updated_at")], how="diagonal")
        plain = self._told_by_issues(plain.filter(pl.col("key").is_in(present["project"].unique().implode())))
        return {"project": with_figures(plain, present), "program": program_frame(self._found.projects or ())}

    def _mapped(self) -> list[str]:
        names = (one for one in self._site.fields.mapped if one.startswith("project."))
        return [one.removeprefix("project.") for one in names]

    def _with_words(self, named: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
        """Keep what issues said of projects before."""
        mapped = [one for one in self._mapped() if one not in FIGURES]
        if self._found.full or not mapped:
            return named
        kept = stored.select("key", *(pl.col(one).alias(f"@{one}") for one in mapped))
        joined = named.join(kept, on="key", how="left", maintain_order="left")
        return joined.with_columns(pl.col(f"@{one}").alias(one) for one in mapped).drop(f"@{one}" for one in mapped)

    def _told_by_issues(self, projects: pl.DataFrame) -> pl.DataFrame:
        """Set fields of projects to what the issue changed last says of them."""
        for name, said in self._found.gathered.of_projects().items():
            field = name.removeprefix("project.")
            newest = {project: value for project, _, value in sorted(said, key=lambda one: one[1])}
            told = frame_of(
                "project", {"key": list(newest), field: [self._value(field, one) for one in newest.values()]}
            )
            before = pl.col(field) if field in projects.columns else pl.lit(None, told.schema[field]).alias(field)
            joined = projects.join(told, on="key", how="left", suffix="@new", maintain_order="left")
            new = f"{field}@new" if field in projects.columns else field
            projects = joined.with_columns(pl.coalesce(new, before).alias(field)).select(
                *projects.columns, *({field} - {*projects.columns})
            )
        return projects

    def _value(self, field: str, raw: Any) -> Any:
        kind = ENTITIES["project"].field(field)
        assert kind is not None, field
        words = self._settings.maps.fields.get(f"project.{field}", {})
        try:
            return value_of(kind.kind, raw, words, self._zone)
        except ValueError as fault:
            self._site.report.value("what issues say of projects", f"project.{field}", raw, str(fault))
            return None

    # --- work logs ------------------------------------------------------------------------------------------------

    def _timesheets(self, frames: Mapping[str, pl.DataFrame], present: pl.DataFrame) -> dict[str, pl.DataFrame]:
        if self._found.worklogs is None:
            return {}
        projects = dict(present.select("key", "project").iter_rows())
        for name in REGISTERS:
            for frame in (self._recalled.frame(name), frames.get(name, self._none(name))):
                projects |= dict(frame.select("key", "project").iter_rows())
        logs = self._found.worklogs
        return {"timesheet": timesheet_frame(logs, projects, self._site.people, self._site.report, self._zone)}
