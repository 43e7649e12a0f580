"""Grafana's dashboards as they are shipped, and what of them asks Prometheus."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "deploy" / "grafana" / "dashboards"
SHIPPED: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))
}
# As Grafana would fill them in.
FILLED_IN = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of one panel."""

    uid: str
    panel: str
    ref: str
    expr: str

    @property
    def name(self) -> str:
        """Return what it is called in lists."""
        return f"{self.uid}: {self.panel} {self.ref}"

    def metrics(self) -> set[str]:
        """Return the names of the metrics that it reads."""
        return metrics_of(self.expr)

    def for_prometheus(self) -> str:
        """Return it as Prometheus gets it."""
        return filled_in(self.expr)


def filled_in(expr: str) -> str:
    """Return an expression with everything filled in that Grafana fills in."""
    for word, value in FILLED_IN.items():
        expr = expr.replace(word, value)
    return re.sub(r"\$\{?[a-z_]+\}?", ".*", expr)


def metrics_of(expr: str) -> set[str]:
    """Return the names of metrics in an expression; what stands in quotes is none."""
    return set(re.findall(r"\b(?:pmo|process|python)_\w+", re.sub(r'"[^"]*"', "", expr)))


def queries() -> Iterator[Asked]:
    """Yield every query of every panel."""
    for uid, page in SHIPPED.items():
        for panel in page["panels"]:
            for target in panel["targets"]:
                yield Asked(uid, panel["title"], target["refId"], target["expr"])


def variables(page: dict[str, Any]) -> dict[str, str]:
    """Return the variables that a dashboard lets choose, with the query that finds their values."""
    return {one["name"]: one["query"] for one in page["templating"]["list"] if one["type"] == "query"}
