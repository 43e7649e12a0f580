"""The words of values, in English, French and Dutch (spec model 3, glossary); the canonical word is always known.

A comma parts words; accents, case, blanks and signs do not count.
"""

from pmo_watch_plugins.sources.csv_file.vocabulary import fold

_STATES = {
    "proposed": "proposé, voorgesteld",
    "initiating": "initiation, en initiation, lancement, initiatie, in initiatie",
    "planning": "planification, en planification, in planning",
    "executing": "execution, running, active, en exécution, exécution, en cours, in uitvoering, uitvoering, lopend",
    "closing": "en clôture, clôture, afsluiting, in afsluiting",
    "closed": "finished, completed, clôturé, clos, terminé, achevé, afgesloten, gesloten, beëindigd, voltooid",
    "on_hold": "suspended, paused, suspendu, en pause, opgeschort, on hold, gepauzeerd",
    "cancelled": "canceled, annulé, abandonné, geannuleerd, stopgezet",
}
_PHASES = {
    "initiating": "initiation, initiatie",
    "planning": "planification",
    "executing": "execution, exécution, uitvoering",
    "closing": "clôture, afsluiting",
}
# Whether a document is mandatory, where a list does not say for which phase: then for all of them.
_MANDATORY = {**_PHASES, "initiating": "initiation, initiatie, yes, oui, ja, true, vrai, waar, x, 1, ✓"}
_REVIEWED = {
    "waiting_approval": "awaiting approval, en attente d'approbation, wacht op goedkeuring, ter goedkeuring",
    "approved": "accepted, approuvé, accepté, validé, goedgekeurd, aanvaard",
    "rejected": "refused, rejeté, refusé, afgewezen, geweigerd, verworpen",
    "assessing": "in assessment, under review, en évaluation, en analyse, in beoordeling, in onderzoek",
}
_DONE = "done, closed, completed, fait, faite, terminé, terminée, clôturé, réalisé, gedaan, klaar, afgerond, gesloten"
WORDS: dict[str, dict[str, str]] = {
    "project.state": _STATES,
    "program.state": _STATES,
    "project.phase": _PHASES,
    "project.delivery": {"waterfall": "cascade, waterval", "hybrid": "hybride", "agile": ""},
    "project.budget_status": {
        "draft": "brouillon, ontwerp",
        "submitted": "soumis, ingediend",
        "approved": "approuvé, goedgekeurd",
        "rejected": "rejeté, refusé, afgewezen, geweigerd",
    },
    "timesheet.status": {
        "draft": "open, brouillon, ontwerp",
        "submitted": "soumis, introduit, ingediend",
        "approved": "accepted, approuvé, validé, goedgekeurd",
        "rejected": "returned, rejeté, refusé, afgewezen, geweigerd",
    },
    "project.critical_path_test": {"passed": "réussi, geslaagd", "failed": "échoué, mislukt, niet geslaagd"},
    "task.kind": {
        "key": "key milestone, clé, jalon clé, sleutel, kern, kernmijlpaal",
        "gate": "phase gate, point de passage, point de passage de phase, fasepoort",
        "contractual": "contract, contractuel, contractueel",
        "payment": "paiement, betaling",
        "internal": "interne, intern",
    },
    "task.level": {
        "project": "projet",
        "program": "programme, programma",
        "committee": "comité, comité de pilotage, comité, stuurgroep, steering committee",
    },
    "task.status_category": {
        "todo": "to do, new, à faire, te doen",
        "doing": "in progress, en cours, bezig, lopend",
        "done": _DONE,
    },
    "task.constraint_type": {},
    "task.ev_method": {"percent": "pourcentage", "physical": "physique, fysiek"},
    "task.gate_code": {},
    "gate.code": {},
    "gate.decision": {"go": "", "conditional": "conditionnel, voorwaardelijk", "no_go": ""},
    "dependency.type": {
        "fs": "fd, eb, finish to start, fin à début, einde begin",
        "ss": "dd, bb, start to start, début à début, begin begin",
        "ff": "ee, finish to finish, fin à fin, einde einde",
        "sf": "df, be, start to finish, début à fin, begin einde",
        "blocks": "bloque, blokkeert",
    },
    "role.code": {
        "project_leader": "project leader, project manager, chef de projet, projectleider",
        "contractor_pm": "contractor, contractor's project manager, chef de projet du prestataire, prestataire, "
        "projectleider van de opdrachtnemer, opdrachtnemer",
        "programme_manager": "program_manager, gestionnaire de programme, chef de programme, programmamanager",
        "pmo": "project management office, project management office (PMO), bureau des programmes (PMO), "
        "bureau de gestion de projets (PMO), bureau des programmes, bureau de gestion de projets, projectbureau, "
        "projectbureau (PMO)",
        "project_owner": "project owner, propriétaire de projet, propriétaire du projet, projecteigenaar",
        "business_manager": "business manager, responsable métier, businessmanager",
        "steering_member": "steering committee, membre du comité de pilotage, comité de pilotage, "
        "lid van de stuurgroep, stuurgroep",
        "management_committee": "membre du comité de direction, comité de direction, comité de gestion, "
        "directiecomité, lid van het directiecomité",
        "indicator_provider": "data provider, provider, fournisseur des données, fournisseur d'indicateurs, "
        "gegevensleverancier",
        "line_manager": "supérieur hiérarchique, leidinggevende",
    },
    "risk.status": {
        **_REVIEWED,
        "proposed": "open, proposé, ouvert, voorgesteld",
        "closed": "clôturé, clos, gesloten, afgesloten",
    },
    "issue.status": {
        "open": "ouvert, en cours, openstaand, lopend, in progress",
        "postponed": "reporté, uitgesteld",
        "resolved": "solved, résolu, opgelost",
        "closed": "clôturé, clos, gesloten, afgesloten",
    },
    "change.status": {
        **_REVIEWED,
        "submitted": "open, soumis, ouvert, ingediend",
        "postponed": "reporté, uitgesteld",
        "merged": "fusionné, samengevoegd",
        "implemented": "implémenté, mis en œuvre, réalisé, geïmplementeerd, uitgevoerd",
    },
    "action.status": {
        "open": "in progress, ongoing, ouvert, ouverte, en cours, à faire, openstaand, lopend, bezig",
        "done": _DONE,
        "cancelled": "canceled, annulé, annulée, abandonné, geannuleerd, vervallen",
    },
    "document.mandatory_for": _MANDATORY,
    "document.status": {
        "missing": "manquant, absent, ontbreekt, ontbrekend",
        "draft": "brouillon, projet, ontwerp, concept",
        "in_review": "under review, en révision, en cours de validation, en relecture, in herziening, ter goedkeuring, "
        "in nazicht",
        "approved": "approuvé, validé, goedgekeurd",
        "obsolete": "obsolète, périmé, verouderd, vervallen",
    },
    "document.living": {
        "log": "register, registre, journal, registers, logboek",
        "plan": "plan",
        "none": "no, non, aucun, nee, neen, geen",
    },
    "status_report.kind": {"project": "projet", "contractor": "prestataire, opdrachtnemer"},
    "board.type": {"scrum": "", "kanban": ""},
    "sprint.state": {
        "future": "planned, à venir, futur, planifié, toekomstig, gepland",
        "active": "running, en cours, actif, lopend, bezig, actief",
        "closed": "done, completed, clôturé, terminé, afgesloten, gesloten, voltooid",
    },
    "meeting.kind": {
        "steering_committee": "comité de pilotage, stuurgroep",
        "management_committee": "comité de direction, comité de gestion, directiecomité",
        "other": "autre, andere",
    },
    "cost_entry.type": {
        "planned": "plan, budget, prévu, planifié, gepland, begroot",
        "actual": "réel, réalisé, dépensé, werkelijk, uitgegeven",
        "committed": "engagé, vastgelegd",
    },
    "indicator.direction": {
        "higher_better": "higher is better, plus haut est mieux, à la hausse, hoger is beter",
        "lower_better": "lower is better, plus bas est mieux, à la baisse, lager is beter",
        "target": "cible, doel",
    },
    "indicator.cadence": {
        "day": "daily, jour, quotidien, dag, dagelijks",
        "week": "weekly, semaine, hebdomadaire, wekelijks",
        "month": "monthly, mois, mensuel, maand, maandelijks",
        "quarter": "quarterly, trimestre, trimestriel, kwartaal, driemaandelijks",
    },
}
_LANGUAGES = {
    "en": "english, anglais, engels",
    "fr": "french, français, frans",
    "nl": "dutch, néerlandais, nederlands",
}
# What takes a word away without a report: it says that there is no value.
SILENT = {"document.mandatory_for": "no, non, nee, neen, false, faux, onwaar, 0"}

REGISTER_WORDS = {
    "risk": "risk, risque, risico",
    "opportunity": "opportunity, opportunité, opportuniteit, kans",
    "issue": "issue, problème, knelpunt, probleem",
    "decision": "decision, décision, beslissing, besluit",
    "change": "change, change request, changement, demande de changement, modification, wijziging, wijzigingsverzoek",
    "action": "action, actie",
    "dependency": "dependency, dépendance, afhankelijkheid",
}
# Words that say a decision was taken: its date must then be there.
DECIDED_WORDS = "decided, décidé, décidée, pris, prise, clôturé, clôturée, beslist, genomen, gesloten, closed"

TRUE_WORDS = "yes, oui, ja, true, vrai, waar, 1, x"
FALSE_WORDS = "no, non, nee, neen, false, faux, onwaar, 0"
TICKS, CROSSES = frozenset("✓✔☑"), frozenset("✗✘☐")

COLOUR_WORDS = {
    "green": "green, vert, verte, groen, grün, on track",
    "amber": "amber, yellow, orange, jaune, oranje, geel, gelb, at risk",
    "red": "red, rouge, rood, rot, off track",
}
COLOUR_SIGNS = {"🟢": "green", "🟡": "amber", "🟠": "amber", "🔴": "red"}
COLOUR_LETTERS = {"g": "green", "a": "amber", "y": "amber", "o": "amber", "j": "amber", "r": "red"}
NO_COLOUR = "not set, grey, gray, gris, grijs, non défini, niet ingesteld"

ARTEFACTS = (
    "project_initiation_request", "business_case", "project_charter", "project_handbook", "stakeholder_matrix",
    "project_work_plan", "requirements_plan", "change_plan", "risk_plan", "quality_plan", "issue_plan",
    "communications_plan", "outsourcing_plan", "acceptance_plan", "transition_plan", "implementation_plan", "risk_log",
    "issue_log", "decision_log", "change_log", "phase_exit_checklist", "quality_checklist", "acceptance_checklist",
    "transition_checklist", "acceptance_note", "project_end_report", "minutes", "contractor_report", "other",
)  # fmt: skip
ARTEFACT_WORDS = {
    "project_charter": "charte de projet, projectcharter",
    "risk_log": "registre des risques, risicoregister, risicolog",
    "issue_log": "registre des problèmes, knelpuntenregister",
    "decision_log": "registre des décisions, beslissingenregister",
    "minutes": "procès-verbal, verslag",
    "project_handbook": "manuel de projet, projecthandboek",
    "project_work_plan": "plan de travail, werkplan",
}


def by_word(meanings: dict[str, str]) -> dict[str, str]:
    """Return folded word -> value."""
    return {fold(word): value for value, words in meanings.items() for word in words.split(",") if word.strip()}


def folded(words: str) -> frozenset[str]:
    """Return the words of a list, folded."""
    return frozenset(fold(word) for word in words.split(","))


def words_for(entity: str, field: str, one_of: tuple[str, ...]) -> dict[str, str]:
    """Return folded word -> value of a field with a closed list; its own words first."""
    meanings = _LANGUAGES if field == "language" else WORDS.get(f"{entity}.{field}", {})
    return by_word(meanings) | {fold(value): value for value in one_of}


def artefact_words() -> dict[str, str]:
    """Return folded word -> artefact; what is not among them stays as written."""
    return by_word(ARTEFACT_WORDS) | {fold(value): value for value in ARTEFACTS}
