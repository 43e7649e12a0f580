"""The sample programme: an invented Belgian administration digitises its counters, over six weeks of autumn 2026.

Persons, firms and figures are invented. What goes wrong is told in `TOLD`, week by week.
"""

from datetime import date

from pmo_watch.demo.plans import Plan, Row, Week

WEEKS = (
    date(2026, 9, 25),
    date(2026, 10, 2),
    date(2026, 10, 9),
    date(2026, 10, 16),
    date(2026, 10, 23),
    date(2026, 10, 30),
)
TOLD = (
    "All plans stand. One indicator of GEM-03 is below its target.",
    "GEM-01: acceptance slips by 6 working days and takes the go-live with it. A document of GEM-02 is still missing.",
    "GEM-01: 12 working days. GEM-02: estimate at completion rises. GEM-03 sends no figures.",
    "The plan of GEM-02 was cut off while it was copied: nothing of it is believed, nothing counts as recovered.",
    "The plan of GEM-02 is whole again. GEM-01 works off its delay: 2 working days. A risk of GEM-03 reaches level 20.",
    "GEM-01: the key milestone is reached. The missing figures of GEM-03 arrive.",
)

GEM_01 = Plan(
    code="GEM-01",
    title="Guichet électronique des communes",
    manager="Élise Lambert",
    start=date(2026, 6, 24),
    rows=(
        Row("A10", "Analyse des besoins", 20, 40_000, (), "Conception", who="Noé Delvaux"),
        Row("A20", "Architecture et maquettes", 15, 30_000, ("A10",), "Conception", who="Noé Delvaux"),
        Row("J10", "Architecture approuvée", 0, 0, ("A20",), "Conception", "gate"),
        Row("B10", "Développement du portail", 35, 120_000, ("J10",), "Réalisation", who="Inès Claes"),
        Row("B20", "Interfaces avec le registre", 14, 60_000, ("J10",), "Réalisation", who="Noé Delvaux"),
        Row("C10", "Recette", 20, 35_000, ("B10", "B20"), "Mise en service", who="Inès Claes"),
        Row("J20", "Mise en production", 0, 0, ("C10",), "Mise en service", "key"),
        Row("C20", "Accompagnement des communes", 25, 50_000, ("J20",), "Mise en service", who="Inès Claes"),
        Row("J30", "Clôture", 0, 0, ("C20",), "Mise en service", "contractual"),
    ),
    weeks=(
        Week({"A10": 100, "A20": 100, "J10": 100, "B10": 96, "B20": 100}),
        Week({"A10": 100, "A20": 100, "J10": 100, "B10": 100, "B20": 100, "C10": 10}, {"C10": 6}),
        Week({"A10": 100, "A20": 100, "J10": 100, "B10": 100, "B20": 100, "C10": 30}, {"C10": 12}),
        Week({"A10": 100, "A20": 100, "J10": 100, "B10": 100, "B20": 100, "C10": 55}, {"C10": 12}),
        Week({"A10": 100, "A20": 100, "J10": 100, "B10": 100, "B20": 100, "C10": 90}, {"C10": 2}),
        Week(
            {"A10": 100, "A20": 100, "J10": 100, "B10": 100, "B20": 100, "C10": 100, "J20": 100, "C20": 10}, {"C10": 2}
        ),
    ),
    spent=(228_000, 252_000, 258_000, 266_000, 278_000, 290_000),
)
GEM_02 = Plan(
    code="GEM-02",
    title="Dossierbeheer vergunningen",
    manager="Joris Vermeulen",
    start=date(2026, 7, 1),
    rows=(
        Row("1.1", "Procesanalyse", 20, 45_000, (), "Analyse", who="Femke Aerts"),
        Row("1.2", "Gegevensmodel", 15, 30_000, ("1.1",), "Analyse", who="Femke Aerts"),
        Row("M1", "Analyse goedgekeurd", 0, 0, ("1.2",), "Analyse", "gate"),
        Row("2.1", "Bouw release 1", 50, 160_000, ("M1",), "Bouw", who="Ruben Maes"),
        Row("2.2", "Migratie van dossiers", 20, 55_000, ("M1",), "Bouw", who="Femke Aerts"),
        Row("M2", "Release 1 in gebruik", 0, 0, ("2.1", "2.2"), "Bouw", "key"),
        Row("3.1", "Bouw release 2", 30, 110_000, ("M2",), "Bouw", who="Ruben Maes"),
        Row("M3", "Oplevering", 0, 0, ("3.1",), "Bouw", "contractual"),
    ),
    weeks=(
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 60, "2.2": 100}),
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 68, "2.2": 100}, {"2.1": 2}),
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 74, "2.2": 100}, {"2.1": 4}),
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 80, "2.2": 100}, {"2.1": 4}),
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 88, "2.2": 100}, {"2.1": 4}),
        Week({"1.1": 100, "1.2": 100, "M1": 100, "2.1": 95, "2.2": 100}, {"2.1": 4}),
    ),
    spent=(233_000, 252_000, 282_000, 300_000, 318_000, 334_000),
)
GEM_03 = Plan(
    code="GEM-03",
    title="Identity and access for counters",
    manager="Tom Haddad",
    start=date(2026, 8, 3),
    rows=(
        Row("REQ", "Requirements", 15, 20_000, (), "Start", who="Lina Okafor"),
        Row("PIL", "Pilot with two counters", 30, 48_000, ("REQ",), "Roll-out", who="Lina Okafor"),
        Row("GO1", "Pilot accepted", 0, 0, ("PIL",), "Roll-out", "key"),
        Row("ROL", "Roll-out to all counters", 45, 90_000, ("GO1",), "Roll-out", who="Lina Okafor"),
        Row("END", "Service handed over", 0, 0, ("ROL",), "Roll-out", "contractual"),
    ),
    weeks=tuple(
        Week({"REQ": 100, "PIL": share, **extra})
        for share, extra in (
            (80, {}),
            (95, {}),
            (100, {"GO1": 100}),
            (100, {"GO1": 100, "ROL": 12}),
            (100, {"GO1": 100, "ROL": 24}),
            (100, {"GO1": 100, "ROL": 35}),
        )
    ),
    spent=(58_000, 65_000, 70_000, 80_000, 90_000, 99_000),
)
PLANS = (GEM_01, GEM_02, GEM_03)
CUT_OFF = ("GEM-02", 3)  # the plan that was being copied, in the fourth week

PEOPLE = (
    # e-mail, name, language, role, scope
    ("elise.lambert@gemeenten.example", "Élise Lambert", "fr", "project_leader", "GEM-01"),
    ("joris.vermeulen@gemeenten.example", "Joris Vermeulen", "nl", "project_leader", "GEM-02"),
    ("tom.haddad@gemeenten.example", "Tom Haddad", "en", "project_leader", "GEM-03"),
    ("an.wouters@gemeenten.example", "An Wouters", "nl", "programme_manager", "GEM"),
    ("marc.dubois@gemeenten.example", "Marc Dubois", "fr", "management_committee", ""),
    ("pmo@gemeenten.example", "PMO", "en", "pmo", ""),
)
PROJECTS = (
    # code, name, state, size, budget, colour declared by week
    (
        "GEM-01",
        "Guichet électronique des communes",
        "en exécution",
        "M",
        350_000,
        ("vert", "vert", "orange", "orange", "vert", "vert"),
    ),
    ("GEM-02", "Dossierbeheer vergunningen", "en exécution", "L", 420_000, ("vert",) * 6),
    (
        "GEM-03",
        "Identity and access for counters",
        "en exécution",
        "S",
        175_000,
        ("vert", "vert", "vert", "vert", "orange", "orange"),
    ),
)
ESTIMATES = {  # estimate at completion by week, in euro
    "GEM-01": (340_000, 344_000, 352_000, 352_000, 348_000, 346_000),
    "GEM-02": (402_000, 410_000, 448_000, 452_000, 455_000, 455_000),
    "GEM-03": (160_000, 161_000, 161_000, 164_000, 166_000, 166_000),
}
INDICATORS = (
    # id, English, French, Dutch, unit, direction, target
    (
        "AVAIL",
        "Availability of the service",
        "Disponibilité du service",
        "Beschikbaarheid van de dienst",
        "%",
        "higher_better",
        "99,5",
    ),
    (
        "CALLS",
        "Calls answered within two minutes",
        "Appels pris en deux minutes",
        "Oproepen beantwoord binnen twee minuten",
        "%",
        "higher_better",
        "90",
    ),
)
FIGURES = {  # (indicator, project) -> value by week; None is not sent
    ("AVAIL", "GEM-01"): ("99,7", "99,6", "99,8", "99,6", "99,7", "99,8"),
    ("AVAIL", "GEM-02"): ("99,5", "99,6", "99,5", "99,7", "99,6", "99,6"),
    ("AVAIL", "GEM-03"): ("99,6", "99,7", None, None, "99,5", "99,6"),
    ("CALLS", "GEM-01"): ("91,0", "92,5", "91,5", "93,0", "92,0", "92,0"),
    ("CALLS", "GEM-02"): ("94,0", "93,0", "92,5", "92,0", "92,5", "93,0"),
    ("CALLS", "GEM-03"): ("84,0", "86,0", None, None, "91,0", "91,5"),
}
LATE_FIGURES = (("AVAIL", "GEM-03", 3, "99,4"), ("CALLS", "GEM-03", 3, "90,5"))  # week 4's, sent in week 6
RISKS = (
    # id, project, title, likelihood and impact by week, owner
    ("R-01", "GEM-01", "Charge des communes en fin d'année", ((2, 3),) * 6, "Élise Lambert"),
    (
        "R-02",
        "GEM-03",
        "Cartes à puce livrées trop tard",
        ((2, 4), (2, 4), (3, 4), (3, 4), (5, 4), (5, 4)),
        "Tom Haddad",
    ),
)
ISSUE = ("P-01", "GEM-02", "Testomgeving te traag", "2026-09-21", 4, 3, "Joris Vermeulen", 4)  # resolved in week 5
DECISION = ("D-01", "GEM-01", "Choix du support après clôture", "2026-09-28", "2026-10-21", "An Wouters", 4)
DOCUMENTS = (
    # project, artefact, mandatory for, status by week
    ("GEM-01", "project_charter", "initiating", ("approuvé",) * 6),
    ("GEM-01", "project_work_plan", "planning", ("approuvé",) * 6),
    ("GEM-02", "project_charter", "initiating", ("approuvé",) * 6),
    ("GEM-02", "project_work_plan", "planning", ("approuvé",) * 6),
    (
        "GEM-02",
        "risk_plan",
        "planning",
        ("brouillon", "brouillon", "en cours de validation", "approuvé", "approuvé", "approuvé"),
    ),
    ("GEM-03", "project_charter", "initiating", ("approuvé",) * 6),
)
