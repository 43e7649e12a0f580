"""What `check` says of templates that work: what they leave out that a reader needs, and how many alerts they hold."""

import html
import re
from collections.abc import Iterator, Mapping

from pmo_watch.lint import Remark
from pmo_watch.render import render
from pmo_watch.sample_messages import full_message, spoken
from pmo_watch.telling import MessageView
from pmo_watch.template_files import LoadedTemplates, Trial, sample_context, trials
from pmo_watch.template_grammar import ENDINGS
from pmo_watch.template_pages import Overrides
from pmo_watch.words import LANGUAGES

FEWEST = 0.5  # of the alerts that our own template has room for


def template_remarks(templates: LoadedTemplates) -> list[Remark]:
    """Return what somebody should look at in the templates in force."""
    overrides = templates.overrides
    found = {name: f"{name} makes no message and is part of no template" for name in templates.idle}
    for trial in trials() if overrides.texts else ():
        for form in ENDINGS:
            if name := overrides.chosen(trial.kind, trial.language, form):
                made = overrides.page(name, trial.values)
                for what, text in _left_out(trial, made):
                    found.setdefault(f"{name} {what}", f"{name} {text}")
    found |= dict(_narrow(overrides))
    return [Remark(f"{templates.folder}/{text}") for text in found.values()]


def _left_out(trial: Trial, made: str) -> Iterator[tuple[str, str]]:
    """Yield what a page no longer says of what its message says, each with a key of its own."""
    said = " ".join(html.unescape(re.sub(r"<style.*?</style>", "", made, flags=re.DOTALL)).split())
    which = f"of a message of kind {trial.kind} in {trial.language}"
    for what, texts in _needed(trial.values["view"]).items():
        lost = [text for text in texts if " ".join(text.split()) not in said]
        if lost:
            yield what, f"leaves out {what} {which}: '{lost[0]}'; {_WHY[what]}"


_WHY: Mapping[str, str] = {
    "the level in words": "colour alone is no sign: show level_text of the message and of each alert",
    "what the data are based on": "show view.data_basis, or keep the block basis",
    "a link": "show view.links, or keep the block links",
    "which message it is": "a repeat is recognised by it: show view.labels.foot",
}


def _needed(view: MessageView) -> Mapping[str, list[str]]:
    levels = [view.level_text, *(item.level_text for section in view.sections for item in section.items)]
    return {
        "the level in words": [text for text in levels if text],
        "what the data are based on": [view.data_basis] if view.data_basis else [],
        "a link": list(view.links.values()),
        "which message it is": [view.labels["foot"]],
    }


def _narrow(overrides: Overrides) -> Iterator[tuple[str, str]]:
    """Yield the templates whose mails have room for far fewer alerts than ours."""
    for language in LANGUAGES:
        name = overrides.chosen("alert", language, "html")
        if not name:
            continue
        mine = overrides.again()
        room, usual = _room(mine, language), _room(Overrides(), language)
        if mine.failed:
            yield from ((f"{one} failed", f"{text}") for one, text in mine.failed.items())
        elif room < FEWEST * usual:
            yield f"{name} room", f"{name} leaves room for {room} alerts in one mail; ours holds {usual}"


def _room(overrides: Overrides, language: str) -> int:
    message = spoken(full_message(), language)
    rendered, _ = render(message, sample_context(overrides))
    return len(message.items) - rendered.trimmed
