"""`check`: everything that can be known without reading a source; with --online, also who answers."""

import asyncio
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from pmo_watch.cli_options import FAULTY, GATE, UNREACHED, Config, configured
from pmo_watch.contracts import Probes, Source
from pmo_watch.errors import DeliveryError, SourceError
from pmo_watch.faults import Fault, Faults
from pmo_watch.flow import Records
from pmo_watch.in_force import InForce, open_notifiers, open_source
from pmo_watch.lint import remarks, run_examples
from pmo_watch.memory import Known, seen
from pmo_watch.outgoing import channels
from pmo_watch.output import counted, said
from pmo_watch.pushing import try_out
from pmo_watch.rule_files import Readable, list_rule_files, load_rules, rules_from_texts
from pmo_watch.rule_names import Catalogue
from pmo_watch.rules import RuleSet
from pmo_watch.scenario_checks import check_tests
from pmo_watch.store import open_to_read
from pmo_watch.telling import Probed
from pmo_watch.template_checks import template_remarks
from pmo_watch.templates import text_fault
from pmo_watch.unreachable import Reach
from pmo_watch.yaml_faults import read_text


def check(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Rule files or folders; else those in the settings.")
    ] = None,
    online: Annotated[bool, typer.Option("--online", help="Also open each source and notifier.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count too: exit code 1.")] = False,
    config: Config = None,
) -> None:
    """Check settings, rules, audiences, templates, calendars, and the examples in rules."""
    in_force = configured(config)
    faults, warnings = _faults(in_force, paths or [])
    of_tests, unshown = check_tests(in_force)
    faults += [fault.shown() for fault in of_tests]
    for fault in faults:
        said(fault)
    for warning in warnings:
        said(f"warning: {warning}")
    rules = in_force.rules.rules.values()
    examples = sum(len(one.examples) for one in rules)
    said(
        f"{counted(len(rules), 'rule')} with {counted(examples, 'example')}, "
        f"{counted(len(in_force.settings.sources), 'source')}, "
        f"{counted(len(in_force.settings.notifiers), 'notifier')}: {_verdict(len(faults), len(warnings))}"
    )
    if unshown:
        said(f"{counted(len(unshown), 'rule')} without example and without test: {', '.join(unshown)}")
    unreached = asyncio.run(_online(in_force)) if online else 0
    for warning in (not_told := _not_told(in_force) if online else []):
        said(f"warning: {warning}")
    if faults:
        raise typer.Exit(FAULTY)
    if unreached:
        raise typer.Exit(UNREACHED)
    if strict and (warnings or not_told):
        raise typer.Exit(GATE)


def _verdict(faults: int, warnings: int) -> str:
    if faults:
        return counted(faults, "fault")
    return f"no fault, {counted(warnings, 'warning')}" if warnings else "no fault"


def _faults(in_force: InForce, paths: list[Path]) -> tuple[list[str], list[str]]:
    """Return the faults, each with its line shown, and the warnings."""
    today = datetime.now(UTC).astimezone(in_force.zone).date()
    found: list[Fault] = list(in_force.loaded.faults)
    rules = in_force.rules
    measures, organisation = in_force.plugins.measures, in_force.organisation
    found += run_examples(rules, measures, in_force.calendars, organisation, today)
    for path in paths:
        faults, further = _loaded(in_force, path)
        faults += run_examples(further, measures, in_force.calendars, organisation, today)
        found += [one for one in faults if str(one) not in {str(other) for other in found}]
    shown = [fault.shown() for fault in found]
    for rule in rules.rules.values():
        for texts in (rule.message, rule.advice):
            shown += [
                f"{rule.file}:{rule.line}: {rule.id}: {wrong}" for text in texts.values() if (wrong := text_fault(text))
            ]
    found_odd = [*remarks(rules, in_force.calendars, today), *template_remarks(in_force.templates)]
    return shown, [str(one) for one in found_odd]


def _loaded(in_force: InForce, path: Path) -> tuple[list[Fault], RuleSet]:
    """Return the faults and rules of a folder, or of one file among those of the settings, whose names it may use."""
    persons = in_force.settings.people.results
    catalogue = Catalogue(
        in_force.plugins.measures, frozenset(in_force.notifiers()), persons=persons, calendars=in_force.calendars
    )
    folder, file = in_force.settings.rules, path.resolve()
    if not path.is_file():
        loaded = load_rules(path, catalogue)
        return list(loaded.faults), loaded.rules
    if file.is_relative_to(folder.resolve()):
        return [], RuleSet()  # it was checked with the settings
    try:
        texts = {**list_rule_files(folder).texts, str(file): read_text(file)}
    except Faults as unreadable:
        return list(unreadable.faults), RuleSet()
    loaded = rules_from_texts(folder, Readable(texts), catalogue)
    own = {name: rule for name, rule in loaded.rules.rules.items() if rule.file == str(file)}
    return [one for one in loaded.faults if one.path == file], RuleSet(own)


def _not_told(in_force: InForce) -> list[str]:
    """Return who would not be told, by what was read last: check itself takes nothing in."""
    now = datetime.now(UTC)
    store = open_to_read(in_force.settings.database.url.get_secret_value())
    with closing(store) if store else nullcontext():
        known = Known.stored(store) if store else Known({}, {})
    if not known.rows:
        said("people: nothing has been read yet; 'pmo-watch once' reads")
        return []
    found = Reach(in_force.rules, seen(known, in_force, now, {}), channels(in_force)).findings()
    said(f"people: {counted(len(found), 'finding')} in what was read last")
    return found


async def _online(in_force: InForce) -> int:
    """Open each source and notifier and say what answers; return how many do not."""
    unreached = 0
    now = datetime.now(UTC)
    for name in in_force.sources():
        try:
            with closing(open_source(in_force, name, now, partial(_going_on, name))) as source:
                unreached += _seen(name, source)
        except SourceError as fault:
            unreached += 1
            said(f"source {name}: {fault}")
    for name, took in (await try_out(in_force, lambda one: one.probe())).items():
        unreached += any(took.values())
        for member, why in took.items():
            said(f"notifier {name}: {member}: {why or 'answers'}")
    for name, problem in (await _notifiers(in_force)).items():
        unreached += bool(problem)
        said(f"notifier {name}: {problem or 'answers'}")
    return unreached


def _going_on(name: str, text: str) -> None:
    said(f"source {name}: {text}")


def _seen(name: str, source: Source) -> bool:
    """Say what is seen of a source, and return whether somebody must act on it."""
    if isinstance(source, Probes):
        must_act = False
        for sight in source.probe():
            said(f"source {name}: {sight.text}")
            must_act = must_act or not sight.ok
        return must_act
    first = next(iter(source.read(None)), None)
    rows = first.frame.height if isinstance(first, Records) else 0
    said(f"source {name}: answers, {counted(rows, 'row')} in its first part")
    return False


async def _notifiers(in_force: InForce) -> dict[str, str]:
    """Try each notifier as far as it can be tried without sending anything; return what is wrong, by name."""
    found = {}
    for name, notifier in open_notifiers(in_force).items():
        try:
            if isinstance(notifier, Probed):
                await notifier.probe()
                found[name] = ""
            else:
                said(f"notifier {name}: cannot be tried without sending: pmo-watch send-test {name}")
        except DeliveryError as fault:
            found[name] = str(fault)
        finally:
            await notifier.close()
    return found
