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
    ("All plans stand.", "One indicator of GEM-03 is below its target."),
    (
        "GEM-01: acceptance slips by 6 working days and takes the go-live with it.",
        "A document of GEM-02 is still missing.",
    ),
    (
        "GEM-01: 12 working days. GEM-02: estimate at completion rises. GEM-03 sends no figures.",
        "In Jira the pilot of GEM-05 moves by 13 working days.",
        "Dynamics 365 asks for a pause, and gets it.",
    ),
    (
        "The plan of GEM-02 was cut off while it was copied: nothing of it is believed, nothing counts as recovered.",
        "GEM-04 is 7 working days late in Dynamics 365.",
    ),
    (
        "The plan of GEM-02 is whole again. GEM-01 works off its delay: 2 working days.",
        "A risk of GEM-03 reaches level 20.",
        "Jira shows our account nothing any more: nothing of GEM-05 counts as recovered.",
    ),
    (
        "GEM-01: the key milestone is reached. The missing figures of GEM-03 arrive.",
        "Jira answers again; GEM-04 and GEM-05 have caught up.",
    ),
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
PLANS = (GEM_01, GEM_02, GEM_03)  # as files
GEM_04 = Plan(  # in Dynamics 365
    code="GEM-04",
    title="Digitaal archief van de gemeenten",
    manager="Karim Benali",
    start=date(2026, 8, 17),
    rows=(
        Row("INV", "Inventaris van de reeksen", 15),
        Row("SEL", "Selectielijst", 10, after=("INV",)),
        Row("G1", "Selectielijst goedgekeurd", after=("SEL",)),
        Row("INR", "Inrichting van het depot", 30, after=("G1",)),
        Row("OVD", "Overdracht van drie reeksen", 20, after=("INR",)),
        Row("G2", "Archief in gebruik", after=("OVD",)),
    ),
    weeks=(
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 27}),
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 42}),
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 56}, {"INR": 4}),
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 70}, {"INR": 7}),
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 85}, {"INR": 7}),
        Week({"INV": 100, "SEL": 100, "G1": 100, "INR": 100}, {"INR": 0}),
    ),
    spent=(52_000, 58_000, 66_000, 75_000, 86_000, 95_000),
)
THROTTLED_WEEK = 2  # its environment asks to be left alone for a moment

# GEM-05, in Jira
TEAM_KEY, TEAM_PROJECT, TEAM_LEADER = "MOB", "Application mobile des agents", "Sofie Peeters"
TEAM = (
    ("Sofie Peeters", "sofie.peeters@gemeenten.example"),
    ("Yanis Roland", "yanis.roland@gemeenten.example"),
    ("Hanne Goossens", "hanne.goossens@gemeenten.example"),
)
SPRINTS = (("Sprint 1", date(2026, 9, 14)), ("Sprint 2", date(2026, 9, 28)), ("Sprint 3", date(2026, 10, 12)),
           ("Sprint 4", date(2026, 10, 26)))  # fmt: skip
STORIES = (
    # summary, points, who, sprint (from 0), week in which it was done
    ("Se connecter avec l'eID", 5, "Yanis Roland", 0, 0),
    ("Voir la tournée du jour", 3, "Hanne Goossens", 0, 0),
    ("Photographier un constat", 8, "Yanis Roland", 1, 2),
    ("Travailler sans réseau", 8, "Hanne Goossens", 1, 3),
    ("Signer sur l'écran", 5, "Yanis Roland", 2, 4),
    ("Envoyer le constat au guichet", 5, "Hanne Goossens", 3, 6),
)
PILOT_NAME = "Pilote dans trois communes"
PILOT = (date(2026, 11, 13), date(2026, 11, 13), date(2026, 12, 2), date(2026, 12, 2), date(2026, 12, 2),
         date(2026, 11, 16))  # fmt: skip  # when it is expected, by week
HIDDEN_WEEK = 4  # somebody takes away the account's permission
CUT_OFF = ("GEM-02", 3)  # the plan that was being copied, in the fourth week

PEOPLE = (
    # e-mail, name, language, role, scope
    ("elise.lambert@gemeenten.example", "Élise Lambert", "fr", "project_leader", "GEM-01"),
    ("joris.vermeulen@gemeenten.example", "Joris Vermeulen", "nl", "project_leader", "GEM-02"),
    ("tom.haddad@gemeenten.example", "Tom Haddad", "en", "project_leader", "GEM-03"),
    ("karim.benali@gemeenten.example", "Karim Benali", "nl", "project_leader", "GEM-04"),
    ("sofie.peeters@gemeenten.example", "Sofie Peeters", "fr", "project_leader", "GEM-05"),
    ("an.wouters@gemeenten.example", "An Wouters", "nl", "programme_manager", "GEM"),
    ("marc.dubois@gemeenten.example", "Marc Dubois", "fr", "management_committee", ""),
    ("pmo@gemeenten.example", "PMO", "en", "pmo", ""),
)
LEADER_OF = {scope: email for email, _, _, role, scope in PEOPLE if role == "project_leader"}
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
    ("GEM-04", "Digitaal archief van de gemeenten", "en exécution", "S", 150_000, ("vert",) * 3 + ("orange",) * 3),
    ("GEM-05", "Application mobile des agents", "en exécution", "S", 160_000, ("vert",) * 6),
)
SPENT = {
    **{plan.code: plan.spent for plan in (*PLANS, GEM_04)},
    "GEM-05": (48_000, 56_000, 64_000, 72_000, 81_000, 90_000),
}
ESTIMATES = {  # estimate at completion by week, in euro
    "GEM-01": (340_000, 344_000, 352_000, 352_000, 348_000, 346_000),
    "GEM-02": (402_000, 410_000, 448_000, 452_000, 455_000, 455_000),
    "GEM-03": (160_000, 161_000, 161_000, 164_000, 166_000, 166_000),
    "GEM-04": (140_000, 140_000, 142_000, 143_000, 143_000, 141_000),
    "GEM-05": (150_000,) * 6,
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
    ("AVAIL", "GEM-04"): ("99,9", "99,8", "99,9", "99,9", "99,8", "99,9"),
    ("AVAIL", "GEM-05"): ("99,8", "99,7", "99,8", "99,6", "99,7", "99,8"),
    ("CALLS", "GEM-04"): ("93,0", "94,5", "93,5", "94,0", "93,5", "94,0"),
    ("CALLS", "GEM-05"): ("92,0", "91,5", "92,5", "93,0", "92,0", "92,5"),
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
    ("GEM-04", "project_charter", "initiating", ("approuvé",) * 6),
    ("GEM-05", "project_charter", "initiating", ("approuvé",) * 6),
)
