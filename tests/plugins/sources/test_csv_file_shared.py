"""Lists that others made: dialects of one list, six weeks of a programme office, published lists of projects."""

import csv
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lists import Read, opened, read, read_text

from pmo_watch.api import SourceDataError, SourceError

SHARED = Path(__file__).parents[3].parent / "shared"
SERIES = SHARED / "data" / "programme-series"
DIALECTS = SERIES / "csv-cases"
PROFILES = SHARED / "spec" / "files" / "csv"
PUBLISHED = SHARED / "data" / "csv"
WEEKS = ("2026-09-04", "2026-09-11", "2026-09-18", "2026-09-25", "2026-10-02", "2026-10-09")

needs_series = pytest.mark.skipif(not SERIES.is_dir(), reason=f"{SERIES} is not there")
needs_published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"{PUBLISHED} is not there")
needs_profiles = pytest.mark.skipif(not PROFILES.is_dir(), reason=f"{PROFILES} is not there")


def dialects() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((DIALECTS / "expected.json").read_text(encoding="utf-8"))
    return found


def names(*, clean: bool) -> list[str]:
    if not DIALECTS.is_dir():
        return []
    return [name for name, one in dialects()["files"].items() if one["clean"] == clean]


def read_dialect(name: str, folder: Path) -> Read:
    """Read one of the dialects; what the list holds besides a milestone's fields goes to two of them."""
    content = (DIALECTS / name).read_bytes()
    first_words = content.replace(b"\0", b"").lower()
    budget, weight = ("budget", "weight") if b"weight" in first_words else ("Budget (€)", "Poids")
    weight = "Gewicht" if b"gewicht" in first_words else weight
    settings: dict[str, Any] = {"columns": {"cost": budget, "physical_progress": weight}}
    if "serials" in name:
        settings["dates"] = "excel"
    if name == "ragged.csv":
        settings["delimiter"] = ";"
    return read_text(folder, content, path=name, profile="milestones", constants={"project_id": "NOV-01"}, **settings)


def wanted_rows() -> list[tuple[Any, ...]]:
    return [
        (
            row["milestone"],
            *(date.fromisoformat(day) if day else None for day in (row["baseline_finish"], row["forecast_finish"])),
            date.fromisoformat(row["actual_finish"]) if row["actual_finish"] else None,
            Decimal(str(row["budget"])),
            Decimal(str(row["weight"])) * 100,
        )
        for row in dialects()["rows"]
    ]


def found_rows(answer: Read) -> list[tuple[Any, ...]]:
    fields = ("name", "baseline_finish", "forecast_finish", "actual_finish", "cost", "physical_progress")
    return [tuple(row[name] for name in fields) for row in answer.rows("task")]


@needs_series
@pytest.mark.parametrize("name", names(clean=True))
def test_a_clean_dialect_gives_exactly_the_rows(name: str, tmp_path: Path) -> None:
    answer = read_dialect(name, tmp_path)

    assert found_rows(answer) == wanted_rows()
    assert answer.rejected == []
    assert answer.summary.whole


@needs_series
def test_us_dates_are_decided_by_the_whole_column(tmp_path: Path) -> None:
    answer = read_dialect("us-dates.csv", tmp_path)

    assert found_rows(answer) == wanted_rows()
    said = "date, month first, proved by '03/20/2026' (line 2)"
    assert f"us-dates.csv: column C 'forecast_finish' -> forecast_finish: {said}" in answer.summary.decisions


REPORTED = {
    "ragged.csv": (4, ["ragged.csv:line 2", "ragged.csv:line 3"]),
    "repeated-header.csv": (5, ["repeated-header.csv:line 4", "repeated-header.csv:line 8"]),
    "duplicate-rows.csv": (5, ["duplicate-rows.csv:line 5"]),
    "wrong-values.csv": (5, [f"wrong-values.csv:line {line}" for line in range(2, 7) for _ in range(5)]),
    "header-only.csv": (0, []),
}
REFUSED = {
    "mojibake.csv": "line 1: was UTF-8 read as cp1252 and saved again",
    "missing-column.csv": "line 1: profile milestones needs the column forecast_finish",
    "duplicate-header.csv": "line 1: columns C and D are both called 'Fin prévue'",
    "empty.csv": "is empty",
    "nul-bytes.csv": "line 5: holds a NUL byte",
    "open-quote.csv": "line 4: a quotation mark opens here and never closes",
    "html-login-page.csv": "is a web page and no list",
}


@needs_series
@pytest.mark.parametrize("name", sorted(REPORTED))
def test_a_faulty_dialect_is_reported_by_row(name: str, tmp_path: Path) -> None:
    rows, places = REPORTED[name]

    answer = read_dialect(name, tmp_path)

    assert len(answer.rows("task")) == rows
    assert [one.where for one in answer.summary.rejected] == places
    whole = [row for row in found_rows(answer) if None not in (row[2], row[4])]
    assert [row for row in whole if row not in wanted_rows()] == []


@needs_series
@pytest.mark.parametrize("name", sorted(REFUSED))
def test_an_unreadable_dialect_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        read_dialect(name, tmp_path)

    assert REFUSED[name] in str(caught.value)
    assert str(caught.value).startswith(name)


@needs_series
def test_every_dialect_is_accounted_for() -> None:
    assert sorted(names(clean=False)) == sorted([*REPORTED, *REFUSED, "us-dates.csv"])


def week(folder: str, name: str) -> Read:
    return read(opened(SERIES / folder, path=name, dates="dmy"))


def plain_rows(folder: str, name: str) -> list[dict[str, str]]:
    """Read a list with Python's reader, knowing how it was written."""
    encoding = "utf-8-sig" if "NOV-02" in name else "cp1252"
    with (SERIES / folder / name).open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def day(text: str) -> date | None:
    return datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=UTC).date() if text else None


@needs_series
@pytest.mark.parametrize("folder", WEEKS)
def test_milestones_of_a_week(folder: str) -> None:
    answer = week(folder, "jalons.csv")

    kinds = {"clé": "key", "interne": "internal", "contractuel": "contractual"}
    assert [
        (row["key"], row["project"], row["name"], row["kind"], row["owner"], row["status"], row["is_milestone"])
        for row in answer.rows("task")
    ] == [
        (
            one["Code jalon"],
            one["Code projet"],
            one["Jalon"],
            kinds[one["Type"]],
            one["Responsable"],
            one["Statut"],
            True,
        )
        for one in plain_rows(folder, "jalons.csv")
    ]
    assert [(row["baseline_finish"], row["forecast_finish"], row["actual_finish"]) for row in answer.rows("task")] == [
        (day(one["Fin de référence"]), day(one["Fin prévue"]), day(one["Fin réelle"]))
        for one in plain_rows(folder, "jalons.csv")
    ]
    assert answer.rejected == []
    assert answer.summary.degraded == []


def figure(text: str) -> Decimal | None:
    plain = text.replace("\u00a0", "").replace("€", "").replace(",", ".")
    return Decimal(plain) if plain and plain != "n/d" else None


@needs_series
@pytest.mark.parametrize("name", ["indicateurs.csv", "indicatoren-NOV-02.csv"])
@pytest.mark.parametrize("folder", WEEKS)
def test_indicators_of_a_week(folder: str, name: str) -> None:
    french = name == "indicateurs.csv"
    labels = ("Code projet", "Indicateur", "Période", "Valeur", "Cible", "Remis par", "Commentaire")
    dutch = ("Projectcode", "Indicator", "Periode", "Waarde", "Doel", "Ingediend door", "Opmerking")
    plain = [[one[label] for label in (labels if french else dutch)] for one in plain_rows(folder, name)]
    firsts = {(project, indicator, period): rest for project, indicator, period, *rest in reversed(plain)}

    answer = week(folder, name)

    assert {
        (row["scope"], row["indicator"], row["period"].replace("W", "S" if french else "W")): [
            row["value"],
            row["target"],
            row["submitted_by"],
            row["comment"],
        ]
        for row in answer.rows("observation")
    } == {
        key: [figure(value), figure(target), by, (comment.replace("\r\n", "\n") or None)]
        for key, (value, target, by, comment) in firsts.items()
    }
    assert answer.summary.lost_records == len(plain) - len(firsts)


@needs_series
def test_what_the_story_hides_in_the_indicators() -> None:
    third, fourth, sixth = (week(WEEKS[at], "indicateurs.csv") for at in (2, 3, 5))

    assert [one for one in third.rejected if "n/d" in one] == ["indicateurs.csv:line 2 | Valeur | n/d | not a number"]
    values = {row["key"]: row["value"] for row in fourth.rows("observation")}
    assert values["KPI-01/NOV-03/2026-W39"] == 995
    assert "KPI-03/NOV-01/2026-W39" in values
    assert sixth.rejected == [
        "indicateurs.csv:line 16 |  | KPI-02/NOV-03/2026-W41 | the key of line 8 again: that one counts"
    ]


@needs_series
@pytest.mark.parametrize("folder", WEEKS)
def test_registers_of_a_week(folder: str) -> None:
    entity = {
        "Risque": "risk", "Opportunité": "risk", "Problème": "issue", "Action": "action", "Décision": "decision",
        "Changement": "change", "Dépendance": "dependency",
    }  # fmt: skip
    wanted: dict[str, list[str]] = {}
    for one in plain_rows(folder, "raid.csv"):
        wanted.setdefault(entity[one["Type"]], []).append(one["Réf."])

    answer = week(folder, "raid.csv")

    assert {name: answer.column(name, "id") for name in answer.entities()} == wanted
    assert [one.split(" | ")[2:] for one in answer.rejected] == [["31/02/2026", "not a date"]]
    assert all(row["status"] for name in ("risk", "issue", "change", "action") for row in answer.rows(name))


@needs_series
def test_what_the_story_hides_in_the_registers() -> None:
    last = week(WEEKS[5], "raid.csv")
    risks = {row["id"]: row for row in last.rows("risk")}

    assert (risks["R-001"]["likelihood"], risks["R-001"]["impact"], risks["R-001"]["escalated"]) == (5, 4, True)
    assert risks["R-002"]["owner"] is None
    assert risks["R-003"]["status"] == "closed"
    assert risks["R-004"]["opportunity"] is True
    assert {row["id"]: row["status"] for row in last.rows("issue")}["P-001"] == "resolved"
    actions = {row["id"]: row for row in last.rows("action")}
    assert (actions["A-002"]["status"], actions["A-002"]["done_on"]) == ("done", date(2026, 9, 23))
    assert (actions["A-003"]["status"], actions["A-003"]["due"]) == ("open", None)
    assert {row["id"]: row["decided_on"] for row in last.rows("decision")} == {
        "D-001": date(2026, 10, 1),
        "D-002": None,
    }
    assert {row["id"]: row["decided_on"] for row in last.rows("change")}["C-001"] == date(2026, 9, 30)
    (link,) = last.rows("dependency")
    assert (link["external"], link["confirmed_on"], link["needed_on"]) == (True, None, date(2026, 10, 6))


@needs_series
@pytest.mark.parametrize("folder", WEEKS)
def test_documents_of_a_week(folder: str) -> None:
    status = {"Approuvé": "approved", "Manquant": "missing", "Brouillon": "draft", "En révision": "in_review"}

    answer = week(folder, "documents.csv")

    assert [
        (row["key"], row["status"], row["updated_on"], row["review_due"], row["url"]) for row in answer.rows("document")
    ] == [
        (
            f"{one['Code projet']}/{one['Code artefact']}",
            status[one["Statut"]],
            day(one["Mis à jour le"]),
            day(one["À revoir le"]),
            one["Lien"] or None,
        )
        for one in plain_rows(folder, "documents.csv")
    ]
    assert answer.rejected == []


@needs_series
@pytest.mark.parametrize(("folder", "owner"), [(WEEKS[0], "helene.echantillon@example.org"), (WEEKS[5], None)])
def test_persons_and_roles_of_a_week(folder: str, owner: str | None) -> None:
    answer = week(folder, "personnes.csv")

    plain = plain_rows(folder, "personnes.csv")
    assert set(answer.column("person", "key")) == {one["Courriel"] for one in plain} - {""}
    assert {row["name"] for row in answer.rows("person")} == {
        f"{one['Prénom']} {one['Nom']}" for one in plain if one["Nom"]
    }
    owners = {row["scope"]: row["person"] for row in answer.rows("role") if row["code"] == "project_owner"}
    assert owners["NOV-04"] == owner
    leaders = {row["scope"]: row["person"] for row in answer.rows("role") if row["code"] == "project_leader"}
    assert leaders["NOV-02"] == "zoe.voorbeeld@example.org"
    assert {row["code"] for row in answer.rows("role") if row["scope"] is None} == {"pmo"}
    assert [one.split(" | ")[2] for one in answer.rejected] == ["de", "Architecte", "Technisch verantwoordelijke"]
    assert answer.summary.lost_records == 0


@needs_series
def test_deputies_are_named_for_a_role_and_for_the_person_where_there_is_one_alone() -> None:
    answer = week(WEEKS[0], "personnes.csv")

    named = {(row["code"], row["scope"]): row["deputy"] for row in answer.rows("role")}
    assert named["project_leader", "NOV-01"] == "Maëlle L'Exemple"
    assert named["project_owner", "NOV-01"] is None
    persons = {row["key"]: row["deputy"] for row in answer.rows("person")}
    assert persons["francois.modele@example.org"] == "Maëlle L'Exemple"
    assert persons["zoe.voorbeeld@example.org"] is None


@needs_series
def test_persons_without_a_known_order_of_dates_are_refused() -> None:
    with pytest.raises(SourceDataError, match=r"set 'dates: dmy' or 'dates: mdy'$"):
        read(opened(SERIES / WEEKS[0], path="personnes.csv"))


@needs_series
def test_a_folder_of_a_week_is_one_reading() -> None:
    answer = read(opened(SERIES, path=WEEKS[0], dates="dmy"))

    assert answer.summary.whole
    assert answer.entities() == {
        "task", "observation", "person", "role", "document", "risk", "issue", "action", "decision", "dependency",
    }  # fmt: skip


@needs_profiles
@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("documents.csv", {"document": 2}),
        ("indicateurs.csv", {"observation": 3}),
        ("jalons.csv", {"task": 3}),
        ("mijlpalen.csv", {"task": 2}),
        ("people.csv", {"person": 3}),
        ("projects.csv", {"project": 3}),
        ("raid.csv", {"risk": 1, "issue": 1, "decision": 1, "action": 1}),
        ("roles.csv", {"role": 3}),
        ("tasks.csv", {"task": 4, "dependency": 4}),
    ],
)
def test_one_small_list_per_profile(name: str, rows: dict[str, int]) -> None:
    answer = read(opened(PROFILES / "profiles", path=name, dates="dmy"))

    assert {entity: len(answer.rows(entity)) for entity in answer.entities()} == rows
    assert answer.summary.lost_records == 0


@needs_profiles
@pytest.mark.parametrize("name", ["pmo_sample.xlsx", "pmo_sample_fr_BE_cp1252.csv", "pmo_sample_C_cp1252.csv"])
def test_a_sheet_and_its_exports_hold_the_same(name: str) -> None:
    columns = {"state": "Statut#1", "declared_rag": "Statut#2"}

    answer = read(opened(PROFILES, path=name, profile="projects", columns=columns, dates="dmy"))

    rows = answer.rows("project")
    assert [(row["id"], row["state"], row["leader"], row["progress"]) for row in rows] == [
        ("P-001", "executing", "Zoë Müller", 45),
        ("P-002", "closed", "Émile", 100),
    ]
    assert [row["forecast_start"] for row in rows] == [date(2026, 1, 5), date(2026, 2, 1)]
    assert [(row["budget"], row["actual_cost"], row["currency"]) for row in rows] == [
        (Decimal("1234567.89"), Decimal("1234.5"), "EUR"),
        (None, Decimal("1234.5"), "EUR"),
    ]


def oracle(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((PUBLISHED / f"{name}.oracle.json").read_text(encoding="utf-8"))
    return found


@needs_published
def test_a_list_with_repeated_keys(tmp_path: Path) -> None:
    columns = {
        "project_id": "Project ID", "name": "Project Title", "state": "Project Status", "actual_finish": "Closing Year",
        "budget": "Commitment Amount(in million)",
    }  # fmt: skip
    maps = {"state": {"Active": "executing", "Dropped": "cancelled"}}

    answer = read(opened(PUBLISHED, path="worldbank-india.csv", profile="projects", columns=columns, maps=maps))

    facts = oracle("worldbank-india.csv")
    rows = answer.rows("project")
    assert len(rows) + answer.summary.lost_records == facts["records_incl_header"] - 1
    assert (rows[0]["id"], rows[0]["actual_finish"], rows[0]["budget"]) == ("P009828", date(1991, 6, 30), 375)
    assert (rows[-1]["id"], rows[-1]["actual_finish"], rows[-1]["state"]) == (
        "P154990",
        date(2023, 12, 31),
        "executing",
    )
    assert all("again: that one counts" in one for one in answer.rejected)


@needs_published
def test_half_a_list_without_keys_is_refused() -> None:
    columns = {"project_id": "Project Id", "name": "Project Name", "baseline_start": "Board Approval Date"}

    with pytest.raises(SourceDataError) as caught:
        read(opened(PUBLISHED, path="worldbank-projects-1000.csv", profile="projects", columns=columns))

    assert str(caught.value).startswith("worldbank-projects-1000.csv: 501 of 1001 records were left out")


@needs_published
def test_month_names_and_line_breaks_in_cells() -> None:
    columns = {
        "project_id": "Project URL", "name": "Project Name", "baseline_start": "Board Approval Date",
        "forecast_finish": "Project Closing Date", "budget": "Total Project Cost $US",
    }  # fmt: skip
    settings: dict[str, Any] = {"profile": "projects", "columns": columns, "maps": {"state": {"Active": "executing"}}}

    # The second half of the list is the first once more: nothing but its repeats is left out.
    answer = read(opened(PUBLISHED, {"rejects_limit": 1.0}, path="worldbank-projects-1000.csv", **settings))

    facts = oracle("worldbank-projects-1000.csv")
    rows = answer.rows("project")
    first = facts["sample_record_1"]
    assert len(rows) + answer.summary.lost_records == facts["records_incl_header"] - 1
    assert (rows[0]["name"], rows[0]["baseline_start"], rows[0]["budget"]) == (
        first[4],
        date(2020, 6, 19),
        Decimal(first[13]),
    )
    assert {row["currency"] for row in rows} <= {"USD", None}


@needs_published
def test_a_small_list_with_months_first() -> None:
    columns = {"project_id": "Project Name", "name": "Country", "baseline_start": "Approval Date"}

    answer = read(opened(PUBLISHED, path="worldbank-projects-small.csv", profile="projects", columns=columns))

    facts = oracle("worldbank-projects-small.csv")
    rows = answer.rows("project")
    assert len(rows) == facts["records_incl_header"] - 1
    assert (rows[0]["id"], rows[0]["baseline_start"]) == (facts["sample_record_1"][0], date(2017, 7, 5))
    assert (rows[-1]["id"], rows[-1]["baseline_start"]) == (facts["sample_record_last"][0], date(2023, 9, 28))
