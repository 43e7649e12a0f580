"""What `pmo-watch init` writes: settings to fill in, rules to start from, a calendar file; nothing is overwritten."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pmo_watch import starter_rules as rules
from pmo_watch import starter_tests as tests
from pmo_watch.errors import SettingsError
from pmo_watch.plugin_host import PACKAGE

HEAD = """\
# Settings of pmo-watch. 'pmo-watch check' says what is wrong with them, 'pmo-watch once --dry-run' what would be sent.
# Every setting can also be given by environment: PMO_WATCH_HTTP__LISTEN for http.listen. Secrets stand here by name
# only, as {secret: name}: put the secret into a file of that name in secrets_dir, or into PMO_WATCH_SECRET_<NAME>.

organisation:
  name: ICT unit
  timezone: Europe/Brussels
  calendar: be                  # working days; nl, fr, lu are there too, others under calendars
  language: en                  # en, fr or nl, where neither person nor project has one
  currency: EUR

database:
  url: sqlite:///pmo-watch.db   # or postgresql+psycopg://... for two daemons or more

rules: rules.d                  # every *.yaml below it
# templates: templates          # a letterhead of your own: docs/templates.md; example below templates/
# secrets_dir: secrets
# plugins_dir: plugins

http:
  listen: "127.0.0.1:9464"      # metrics, health, API; beyond this machine it needs users and tls, or proxy
  # external_url: https://pmo.example.org

calendars:
  be: {country: BE, extra_days: [], removed_days: []}   # extra_days: bridge days; removed_days: worked all the same
  # institution: {file: calendars/own-days.yaml}

limits:
  shrink: 20 %                  # a source that lost more of its rows is held until a person accepts it
  mass_change: 50               # a reload that opens or closes more alerts waits for a person

delivery:
  send_from: "08:30"            # on working days, in the recipient's zone
  send_until: "17:30"
  expires: 3d

# people: {source: registers}   # the source that is believed first about persons and roles
"""
SOURCES = """\
# What is read. Each source is switched off: set its path, then enabled: true, then look: pmo-watch read NAME
# Take away the # of one that signs in, once its secret is there.
sources:
"""
NOTIFIERS = """\
# How people are told, and what is shown. Take away the # of what you use.
# To begin with, mails are written to a folder (trial) and sent to nobody; once mail works, take trial out.
notifiers:
"""
CALENDAR = """\
# Days off of your own, to be named in pmo-watch.yaml: calendars: {institution: {file: calendars/own-days.yaml}}.
# Beyond the years that stand here working days cannot be counted, so add next year's in time.
2026: [2026-12-24, 2026-12-25, 2026-12-28, 2026-12-29, 2026-12-30, 2026-12-31]
2027: [2027-01-01, 2027-12-24, 2027-12-27, 2027-12-28, 2027-12-29, 2027-12-30, 2027-12-31]
"""

TEMPLATE = """\
{# A letterhead of your own. Call this file mail.html.j2, then look: pmo-watch preview RULE --to PERSON --format html.
   Each block of ours that you name here is yours; the others stay as they are. Texts are escaped by themselves. #}
{% extends "message.html.j2" %}
{% set accent = "#004494" %}
{% block letterhead %}
<tr><td class="pad"><p class="sub"><strong>{{ organisation }}</strong> · Project Management Office</p></td></tr>
{% endblock %}
{% block signature %}
<p>Questions? {{ organisation }}, Project Management Office</p>
{% endblock %}
"""

EVERYBODY = {
    "00-people.yaml": rules.PEOPLE,
    "10-milestones.yaml": rules.MILESTONES,
    "10-milestones.test.yaml": tests.MILESTONES,
    "30-money.yaml": rules.MONEY,
    "30-money.test.yaml": tests.MONEY,
    "50-registers.yaml": rules.REGISTERS,
    "70-figures.yaml": rules.FIGURES,
}
IN_SPRINTS = {"25-sprints.yaml": rules.SPRINTS}
PLANNED = {
    "20-plans.yaml": rules.PLANS,
    "20-plans.test.yaml": tests.PLANS,
    "60-documents.yaml": rules.DOCUMENTS,
}


class Delivery(StrEnum):
    """How projects are run, and so which rules are of use."""

    WATERFALL = "waterfall"
    AGILE = "agile"
    HYBRID = "hybrid"


RULES: Mapping[Delivery, Mapping[str, str]] = {
    Delivery.WATERFALL: {**EVERYBODY, **PLANNED, "40-earned-value.yaml": rules.EARNED_VALUE},
    Delivery.AGILE: {**EVERYBODY, **IN_SPRINTS},  # work without a baseline
    Delivery.HYBRID: {**EVERYBODY, **PLANNED, **IN_SPRINTS},
}


@dataclass(frozen=True, slots=True)
class Written:
    """The files written, and those that were there before and were left alone."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def write_starter(folder: Path, delivery: Delivery = Delivery.WATERFALL) -> Written:
    """Write a folder to start from; a file that exists is kept as it is.

    Raises:
        SettingsError: the folder cannot be written.
    """
    texts = {
        Path("pmo-watch.yaml"): settings_text(),
        Path("calendars/own-days.yaml"): CALENDAR,
        Path("templates/mail.html.j2.example"): TEMPLATE,
        **{Path("rules.d", name): text for name, text in sorted(RULES[delivery].items())},
    }
    written, kept = [], []
    try:
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                kept.append(path)
            else:
                path.write_text(text, encoding="utf-8")
                written.append(path)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    return Written(tuple(written), tuple(kept))


def settings_text() -> str:
    """Return the settings file: our own part, and the samples of the sources and notifiers that ship with us."""
    sources = "\n".join(_usable(_switched_off(text)) for text in _samples("sources"))
    notifiers = "\n".join(_usable(text) for text in _samples("notifiers"))
    return f"{HEAD}\n{SOURCES}{sources}\n{NOTIFIERS}{notifiers}"


def _samples(section: str) -> Iterator[str]:
    """Yield the lines below `sources:` or `notifiers:` of each sample."""
    folder: Traversable = files(f"{PACKAGE}.{section}")
    for plugin in sorted(folder.iterdir(), key=lambda one: one.name):
        sample = plugin / "sample.yaml"
        if sample.is_file():
            head, _, entry = sample.read_text(encoding="utf-8").partition(f"{section}:\n")
            if not head.strip():
                yield entry


def _switched_off(entry: str) -> str:
    return re.sub(r"^(    type: .*)$", r"\1\n    enabled: false", entry, flags=re.MULTILINE)


def _usable(entry: str) -> str:
    """Comment an entry out that needs a secret: it cannot be checked before the secret is there."""
    return _commented(entry) if "{secret:" in entry else entry


def _commented(entry: str) -> str:
    return re.sub(r"^  (?=\S|  )", "  # ", entry, flags=re.MULTILINE)
