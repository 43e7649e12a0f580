"""What surrounds a scenario: a source that delivers its rows, notifiers that take every message, the rules it names.

All else is what is in force: organisation, calendars, hours, audiences, digests, templates.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import polars as pl

from pmo_watch.alerts import OutboxRow
from pmo_watch.contracts import Cursor, PluginSettings, SourceContext, SourceType
from pmo_watch.entities import MATCHED_ON
from pmo_watch.errors import SourceUnavailable
from pmo_watch.example_portfolio import records_of
from pmo_watch.flow import Records, Summary
from pmo_watch.in_force import InForce
from pmo_watch.own_rules import SOURCE_FAILING
from pmo_watch.references import identify
from pmo_watch.rule_names import Catalogue
from pmo_watch.scenario import Answers, Moment, Named, Row, Scenario
from pmo_watch.scenario_file import Surroundings
from pmo_watch.settings_entries import NotifierEntry, SourceEntry
from pmo_watch.telling import NotifierContext, NotifierType

SOURCE = "scenario"
MAIL = "mail"  # the notifier of a test where the settings have none that writes to persons


class _NoSettings(PluginSettings):
    """Nothing can be set."""


@dataclass(slots=True)
class Script:
    """The source of a scenario: what it delivers now, and whether it answers. The only hand on it is the test's."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)  # entity -> uid of the test -> row
    answers: Answers = "back"

    def read(self, since: Cursor | None) -> Iterator[Records | Summary]:
        """Yield all rows that there are now.

        Raises:
            SourceUnavailable: the test says that it is down.
        """
        del since
        if self.answers == "down":
            raise SourceUnavailable("it is down, as the test says")
        yield from records_of(self.rows)
        whole = self.answers == "back"
        yield Summary(whole=whole, error="" if whole else "it was read in part, as the test says")

    def close(self) -> None:
        """Hold nothing, let go of nothing."""

    def add(self, some: Sequence[Named]) -> None:
        """Deliver these rows too from now on."""
        for one in some:
            self.rows.setdefault(one.entity, {})[one.uid] = dict(one.row)

    def take_up(self, moment: Moment) -> None:
        """Deliver what the source has at this entry of the test."""
        self.answers = moment.source
        self.add(moment.added)
        for entity, rows in self.rows.items():
            for change in moment.changes:
                if change.uid in rows:
                    rows[change.uid] = {**rows[change.uid], **change.values}
            self.rows[entity] = {uid: row for uid, row in rows.items() if uid not in moment.removed}


class Taking:
    """A notifier that takes every message and sends none."""

    async def send(self, row: OutboxRow) -> str:
        """Take the message."""
        return f"taken in a test: {row.id}"

    async def close(self) -> None:
        """Hold nothing, let go of nothing."""


def surroundings(in_force: InForce) -> Surroundings:
    """Return what a test may name."""
    told = frozenset(in_force.notifiers())
    catalogue = Catalogue(in_force.plugins.measures, told, calendars=in_force.calendars)
    staged = _notifiers(in_force)
    language = in_force.organisation.language
    return Surroundings(in_force.rules, catalogue, tuple(staged), language, {SOURCE_FAILING.id: SOURCE_FAILING})


def staged(in_force: InForce, scenario: Scenario, script: Script) -> InForce:
    """Return what is in force while the scenario is played."""
    base, settings = in_force.base, in_force.settings
    organisation = settings.organisation
    if scenario.calendar:
        organisation = organisation.model_copy(update={"calendar": scenario.calendar})
    one = SourceEntry(SOURCE, SOURCE, _NoSettings(), timedelta(minutes=15), accept_shrink=True)
    changed = replace(
        settings,
        organisation=organisation,
        sources={SOURCE: one},
        merge={"people": (SOURCE,)} if settings.people.source else {},
        aliases={},
        notifiers={**settings.notifiers, **_notifiers(in_force)},
    )

    def opened(_: _NoSettings, __: SourceContext) -> Script:
        return script

    plugins = replace(
        base.plugins,
        sources={SOURCE: SourceType(SOURCE, _NoSettings, opened)},
        notifiers={**base.plugins.notifiers, SOURCE: NotifierType(SOURCE, _NoSettings, _take)},
    )
    rules = {name: rule for name, rule in in_force.rules.rules.items() if name in scenario.rules}
    loaded = replace(in_force.loaded, rules=replace(in_force.rules, rules=rules))
    return replace(in_force, base=replace(base, settings=changed, plugins=plugins), loaded=loaded)


def _take(_: _NoSettings, __: NotifierContext) -> Taking:
    return Taking()


def _notifiers(in_force: InForce) -> dict[str, NotifierEntry]:
    """Return the notifiers of the settings, with one that writes to persons where none of them does."""
    kinds, found = in_force.plugins.notifiers, in_force.notifiers()
    if any(kinds[one.type].addresses for one in found.values()):
        return found
    return {**found, MAIL: NotifierEntry(MAIL, SOURCE, _NoSettings())}


def uids(scenario: Scenario, in_force: InForce) -> Mapping[str, str]:
    """Return the uid of the model for each uid of the test, as identity over sources gives it."""
    found: dict[str, str] = {}
    named = scenario.named().values()
    match_on = MATCHED_ON | {"project": in_force.settings.match_on.project}
    for entity in dict.fromkeys(one.entity for one in named):
        (records,) = records_of({entity: {one.uid: one.row for one in named if one.entity == entity}})
        own = pl.format("{}:{}:{}", pl.lit(SOURCE), pl.lit(entity), pl.col("@native"))
        rows = records.frame.rename({"key": "@native"}).with_columns(uid=own)
        known = identify(entity, rows, {}, match_on)
        found |= dict(known.select("@native", "uid").iter_rows())
    return found
