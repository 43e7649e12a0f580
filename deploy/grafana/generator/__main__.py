"""`python -m deploy.grafana.generator FOLDER`: writes every dashboard there, each named after its uid."""

import sys
from pathlib import Path

from .dashboards import Page, written
from .delivery import ALERTS
from .milestones import MILESTONES
from .own import DAEMON
from .portfolio import PORTFOLIO, PROGRAMME
from .project import KPIS, PROJECT

PAGES: tuple[Page, ...] = (PORTFOLIO, PROGRAMME, PROJECT, MILESTONES, KPIS, ALERTS, DAEMON)

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES:
        (folder / f"{page.uid}.json").write_text(written(page), encoding="utf-8")
