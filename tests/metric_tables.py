"""The families of metrics as the contract lists them, and as a parser reads them from what is served."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

CONTRACT = Path(__file__).parents[1].parent / "shared" / "spec" / "channels.md"
SUFFIX = {"info": "_info", "counter": "_total"}


@dataclass(frozen=True, slots=True)
class Family:
    """One family: its type, its labels in any order, and the words that are served."""

    kind: str
    labels: frozenset[str]
    text: str


def family(kind: str, labels: str, text: str) -> Family:
    """Return a family from its cells: labels between commas, closed sets of values in brackets."""
    bare = re.sub(r"\([^)]*\)", "", labels)
    return Family(kind, frozenset(one.strip() for one in bare.split(",") if one.strip()), text)


def contract(section: str) -> dict[str, Family]:
    """Return the table of a section; the test is skipped where the contract is not there."""
    if not CONTRACT.exists():
        pytest.skip(f"{CONTRACT} is not there")
    part = CONTRACT.read_text("utf-8").partition(f"## {section}")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \| .*? \| .*? \|$", part, re.M)
    assert len(rows) > 20
    return {name: family(kind, labels, text) for name, kind, labels, text in rows}


def read(body: bytes, *, openmetrics: bool) -> dict[str, Metric]:
    """Read an exposition with prometheus_client's parsers; families by their names in the contract."""
    parse = read_openmetrics if openmetrics else read_text
    return {_name(one): one for one in parse(body.decode())}


def _name(one: Metric) -> str:
    suffix = SUFFIX.get(one.type, "")
    return one.name if one.name.endswith(suffix) else f"{one.name}{suffix}"


def families(found: dict[str, Metric], *, openmetrics: bool) -> dict[str, Family]:
    """Return what was read in the contract's terms; text 0.0.4 knows an info metric as a gauge."""
    return {
        name: Family(
            "info" if name.endswith("_info") and not openmetrics else one.type,
            frozenset(label for sample in one.samples for label in sample.labels if label != "le"),
            one.documentation,
        )
        for name, one in found.items()
    }


def doubled(found: dict[str, Metric]) -> Iterator[str]:
    """Yield every series that is there twice."""
    for one in found.values():
        seen = set()
        for sample in one.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in seen:
                yield f"{sample.name}{sample.labels}"
            seen.add(key)
