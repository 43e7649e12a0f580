"""Writes the sample programme's sheets as an office in Brussels saves them: semicolons, cp1252, decimal commas."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

from pmo_watch.demo import story
from pmo_watch.demo.plans import plan_xml
from pmo_watch.workdays import Calendar

Cell = str | int | date | None


def write_week(folder: Path, number: int, calendar: Calendar) -> None:
    """Write the state of one week (0 is the first) over that of the week before."""
    status = story.WEEKS[number]
    plans, sheets = folder / "plans", folder / "sheets"
    plans.mkdir(parents=True, exist_ok=True)
    sheets.mkdir(parents=True, exist_ok=True)
    for plan in story.PLANS:
        text = plan_xml(plan, number, status, calendar).encode()
        if (plan.code, number) == story.CUT_OFF:
            text = text[: len(text) * 6 // 10]
        (plans / f"{plan.code}.xml").write_bytes(text)
    for name, header, rows in _sheets(number, status):
        (sheets / name).write_bytes(_sheet(header, rows))


def _sheet(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("cp1252")


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    return value.strftime("%d/%m/%Y") if isinstance(value, date) else str(value)


def _sheets(number: int, status: date) -> list[tuple[str, Sequence[str], list[Sequence[Cell]]]]:
    return [
        ("projects.csv", *_projects(number, status)),
        ("people.csv", ("E-mail", "Nom", "Langue", "Rôle", "Périmètre"), list(story.PEOPLE)),
        ("indicators.csv", *_indicators()),
        ("observations.csv", *_observations(number, status)),
        ("raid.csv", *_raid(number, status)),
        ("documents.csv", *_documents(number, status)),
    ]


def _projects(number: int, status: date) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    header = (
        "project_id",
        "name",
        "program",
        "state",
        "size_class",
        "budget",
        "actual_cost",
        "eac",
        "declared_rag",
        "declared_on",
    )
    rows: list[Sequence[Cell]] = [
        (
            code,
            name,
            "GEM",
            "executing",
            size,
            _euro(budget),
            _euro(story.SPENT[code][number]),
            _euro(story.ESTIMATES[code][number]),
            colours[number],
            status,
        )
        for code, name, _, size, budget, colours in story.PROJECTS
    ]
    return header, rows


def _euro(amount: int) -> str:
    return f"{amount:,}".replace(",", ".") + ",00 €"


def _indicators() -> tuple[Sequence[str], list[Sequence[Cell]]]:
    header = ("indicator", "name_en", "name_fr", "name_nl", "unit", "direction", "target", "cadence", "cut_off")
    return header, [(*row, "week", "1 wd after period 12:00") for row in story.INDICATORS]


def _observations(number: int, status: date) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    before = story.WEEKS[0] - timedelta(days=14)
    rows: list[Sequence[Cell]] = [
        (indicator, project, _period(before), values[0], before + timedelta(days=3))
        for (indicator, project), values in story.FIGURES.items()
    ]
    for week in range(number + 1):
        sent = story.WEEKS[week]
        for (indicator, project), values in story.FIGURES.items():
            if values[week] is not None:
                rows.append((indicator, project, _week_of(week), values[week], sent - timedelta(days=4)))
    if number == len(story.WEEKS) - 1:
        rows += [(one, project, _week_of(week), value, status) for one, project, week, value in story.LATE_FIGURES]
    return ("Indicateur", "Code projet", "Période", "Valeur", "Transmis le"), rows


def _week_of(number: int) -> str:
    """Return the period that is sent in that week: the ISO week before."""
    return _period(story.WEEKS[number] - timedelta(days=7))


def _period(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def _raid(number: int, status: date) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    header = ("N°", "Type", "Code projet", "Titre", "Statut", "Probabilité", "Impact", "Responsable", "Ouvert le",
              "Échéance", "Clôturé le", "Dernière revue")  # fmt: skip
    rows: list[Sequence[Cell]] = []
    for key, project, title, levels, owner in story.RISKS:
        likelihood, impact = levels[number]
        opened = story.WEEKS[0] - timedelta(days=30)
        rows.append((key, "risque", project, title, "approuvé", likelihood, impact, owner, opened, None, None, status))
    key, project, title, raised, urgency, impact, owner, resolved = story.ISSUE
    closed = story.WEEKS[resolved] if number >= resolved else None
    state = "résolu" if closed else "ouvert"
    rows.append((key, "problème", project, title, state, urgency, impact, owner, _day(raised), None, closed, None))
    key, project, title, asked, needed, owner, decided = story.DECISION
    closed = story.WEEKS[decided] if number >= decided else None
    state = "décidé" if closed else "ouvert"
    rows.append((key, "décision", project, title, state, None, None, owner, _day(asked), _day(needed), closed, None))
    return header, rows


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _documents(number: int, status: date) -> tuple[Sequence[str], list[Sequence[Cell]]]:
    header = ("Code projet", "Artefact", "Obligatoire", "Statut", "Mis à jour le")
    rows: list[Sequence[Cell]] = [
        (project, artefact, phase, states[number], status) for project, artefact, phase, states in story.DOCUMENTS
    ]
    return header, rows
