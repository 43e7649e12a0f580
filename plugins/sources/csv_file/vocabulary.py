"""The words of headers, in English, French and Dutch (spec sources 5.4 and model 4.4).

A concept is what a column is about, whatever its field is called in one entity or another: `due` is the deadline of a
milestone, the target date of a risk and the needed-by of a decision. Accents, case, blanks and signs do not count.
"""

import re
import unicodedata
from functools import lru_cache

_DIMENSIONS = {
    "time": ("time", "délai", "tijd"),
    "cost": ("cost", "coût", "kosten"),
    "scope": ("scope", "périmètre", "scope"),
    "quality": ("quality", "qualité", "kwaliteit"),
    "benefit": ("benefit", "bénéfice", "baten"),
    "risk": ("risk", "risque", "risico"),
}
_LEVELS = {"amber": ("amber", "orange", "oranje"), "red": ("red", "rouge", "rood")}
# `Tolérance coût orange`, `Tolerantie kosten oranje`: what a project may deviate before somebody is told.
TOLERANCES: dict[str, tuple[str, ...]] = {
    f"tolerance_{dimension}_{level}": tuple(
        f"{word} {about} {colour}"
        for word, about, colour in zip(("tolerance", "tolérance", "tolerantie"), names, colours, strict=True)
    )
    for dimension, names in _DIMENSIONS.items()
    for level, colours in _LEVELS.items()
}

# One string per language; a comma parts words.
CONCEPTS: dict[str, tuple[str, ...]] = {
    "project_code": (
        "project id, project code, project no, project number",
        "code projet, n° projet, no projet, réf. projet, code du projet",
        "projectcode, projectnummer, project nr",
    ),
    "project": ("project", "projet", "project"),
    "program": ("program, programme, program id", "programme, code programme", "programma, programmacode"),
    "portfolio": ("portfolio, portfolio id", "portefeuille", "portfolio, portefeuille"),
    "id": (
        "id, ref, no, code, number",
        "n°, no, réf., code, identifiant",
        "nr, nummer, code, referentie",
    ),
    "reference": ("reference", "référence", "referentie"),
    "milestone_code": ("milestone code, milestone id", "code jalon", "mijlpaalcode"),
    "task_code": ("task code, task id", "code tâche", "taakcode"),
    "name": (
        "name, title, milestone, task, activity, deliverable",
        "nom, intitulé, libellé, titre, jalon, tâche, activité, livrable",
        "naam, titel, omschrijving, mijlpaal, taak, activiteit, oplevering",
    ),
    "description": ("description", "description", "omschrijving, beschrijving"),
    "owner": ("owner, responsible, lead", "responsable, pilote, porteur", "eigenaar, verantwoordelijke"),
    "project_leader": (
        "project leader, project manager, PM, leader",
        "chef de projet, CP, responsable projet",
        "projectleider, PL",
    ),
    "forecast_start": (
        "start, start date, planned start",
        "début, date de début, début prévu",
        "start, startdatum, begindatum",
    ),
    "forecast_finish": (
        "end, finish, end date, forecast, expected finish",
        "fin prévue, date de fin, prévision",
        "einddatum, verwachte einddatum, eind",
    ),
    "baseline_finish": (
        "baseline, baseline finish, original finish",
        "fin de référence, fin initiale, référence",
        "einddatum baseline, oorspronkelijke einddatum",
    ),
    "actual_finish": (
        "actual finish, done on, completed on",
        "fin réelle, réalisé le, atteint le",
        "werkelijke einddatum, gerealiseerd op",
    ),
    "actual_start": ("actual start, started on", "début réel", "werkelijke startdatum"),
    "due": (
        "due, due date, deadline, target date",
        "échéance, date butoir, date limite",
        "vervaldatum, streefdatum, uiterste datum",
    ),
    "progress": (
        "progress, % complete, complete",
        "avancement, % avancement, % réalisé",
        "voortgang, % voortgang, % voltooid, % gereed",
    ),
    "budget": (
        "budget, planned cost, approved budget",
        "budget, coût prévu, enveloppe",
        "budget, begroting, geplande kosten",
    ),
    "actual_cost": (
        "actual cost, actuals, spent",
        "coût réel, réalisé, consommé, dépensé",
        "werkelijke kosten, besteed, uitgegeven",
    ),
    "declared_eac": (
        "eac, estimate at completion, forecast cost",
        "atterrissage, coût à terminaison",
        "verwacht eindsaldo, prognose kosten",
    ),
    "status": ("status, state", "statut, état", "status, toestand, staat"),
    "declared_rag": (
        "rag, health, traffic light, colour, color",
        "météo, feu, santé, couleur",
        "kleur, verkeerslicht, gezondheid",
    ),
    "type": ("type, kind, category", "type, nature, catégorie", "type, soort, categorie"),
    "category": ("category", "catégorie", "categorie"),
    "likelihood": ("likelihood, probability", "probabilité", "waarschijnlijkheid, kans"),
    "impact": ("impact, severity", "impact, gravité", "impact, gevolg"),
    "opened_on": (
        "opened, opened on, raised on, identified on",
        "ouvert le, identifié le",
        "geopend op, geïdentificeerd op",
    ),
    "closed_on": ("closed on", "clôturé le", "gesloten op"),
    "last_reviewed_on": ("last review, reviewed on", "dernière revue, revu le", "laatste beoordeling"),
    "escalated": ("escalated", "escaladé", "geëscaleerd"),
    "action": ("action, mitigation", "action, mesure, mesures", "actie, maatregel, maatregelen"),
    "indicator": ("indicator, kpi", "indicateur", "indicator"),
    "period": ("period", "période", "periode"),
    "week": ("week, ISO week", "semaine", "week, weeknummer"),
    "hours": ("hours, hours booked", "heures, heures prestées", "uren, gepresteerde uren"),
    "value": ("value", "valeur", "waarde"),
    "target": ("target", "cible", "doel, streefwaarde"),
    "unit": ("unit", "unité", "eenheid"),
    "submitted_on": ("submitted on", "remis le, transmis le", "ingediend op, aangeleverd op"),
    "submitted_by": ("submitted by", "remis par", "ingediend door"),
    "comment": ("comment, remark, note", "commentaire, remarque", "opmerking, commentaar"),
    "artefact": ("artefact, document code", "code artefact, artefact", "artefactcode, artefact"),
    "mandatory_for": ("mandatory", "obligatoire", "verplicht"),
    "version": ("version", "version", "versie"),
    "updated_on": ("updated on", "mis à jour le", "bijgewerkt op"),
    "living": ("living document, living", "document vivant, vivant", "levend document, levend"),
    "review_due": ("review due", "à revoir le", "te herzien op"),
    "url": ("link, url", "lien", "link"),
    "email": ("e-mail, mail", "courriel, e-mail, mél", "e-mail"),
    "last_name": ("last name, surname", "nom", "naam, achternaam"),
    "first_name": ("first name", "prénom", "voornaam"),
    "language": ("language", "langue", "taal"),
    "role": ("role", "rôle", "rol"),
    "scope": ("scope", "périmètre", "bereik"),
    "organisation": ("organisation, organization", "organisation", "organisatie"),
    "from": ("from", "du, de", "van"),
    "until": ("until, to", "au, jusqu'au", "tot, t/m"),
    "manager": ("manager, line manager", "supérieur hiérarchique", "leidinggevende"),
    "deputy": ("deputy, stand-in", "suppléant, suppléante, remplaçant", "plaatsvervanger, vervanger"),
    "external": ("external", "externe", "extern"),
    "calendar": ("calendar", "calendrier", "kalender"),
    "currency": ("currency", "devise", "valuta, munt"),
    "amount": ("amount", "montant", "bedrag"),
    "status_date": ("status date, as_of, as of", "date de situation, situation au", "peildatum"),
    "predecessors": ("predecessors, predecessor", "prédécesseurs, prédécesseur", "voorgangers, voorganger"),
    "parent": ("parent", "tâche mère, parent", "bovenliggende taak"),
    "board_code": ("board id, board, team", "code tableau, tableau, équipe", "bordcode, bord, team"),
    "board_name": ("board name", "nom du tableau, nom de l'équipe", "naam van het bord, teamnaam"),
    "wip_limit": ("WIP limit", "limite d'en-cours, limite WIP", "WIP-limiet"),
    "team_size": ("team size", "taille de l'équipe", "teamgrootte"),
    "sle_days": ("service level", "niveau de service", "serviceniveau"),
    "waiting": ("waiting statuses, waiting", "statuts d'attente", "wachtstatussen"),
    "sprint_code": ("sprint id, sprint", "code sprint, sprint", "sprintcode, sprint"),
    "goal": ("goal, sprint goal", "objectif, objectif du sprint", "doel, sprintdoel"),
    "committed_items": ("committed items", "éléments engagés", "toegezegde items"),
    "committed_points": ("committed points", "points engagés", "toegezegde punten"),
    "done_points": ("done points", "points réalisés", "afgewerkte punten"),
    "item": ("item, ticket", "élément, ticket", "item, ticket"),
    "committed": ("committed", "engagé", "toegezegd"),
    "points_at_start": ("points at start", "points au début", "punten bij de start"),
    "points_at_close": ("points at close", "points à la clôture", "punten bij de afsluiting"),
    "added_on": ("added on", "ajouté le", "toegevoegd op"),
    "removed_on": ("removed on", "retiré le", "verwijderd op"),
    "release_code": ("release id, release", "code version, version", "releasecode, release"),
    "release_date": ("release date", "date de livraison, date de version", "releasedatum, opleverdatum"),
    "released": ("released", "livré, livrée", "opgeleverd, uitgebracht"),
    "scope_baseline": ("scope baseline", "périmètre de référence", "scope bij de baseline"),
    "remaining_items": ("remaining items", "éléments restants", "resterende items"),
    "confirmed_on": ("confirmed on", "confirmé le", "bevestigd op"),
    "needed_on": ("needed on", "requis le, nécessaire le", "nodig op"),
    "provider": ("provider", "fournisseur", "leverancier"),
    "planned_on": ("planned on, planned", "prévu le, prévue le", "gepland op"),
    "passed_on": ("passed on", "franchi le", "gepasseerd op"),
    "tailored_out": ("tailored out, not applicable", "écarté, non applicable", "weggelaten, niet van toepassing"),
    "decision": ("decision", "décision", "beslissing"),
    "meeting_code": ("meeting id, meeting", "code réunion, réunion", "vergadercode, vergadering"),
    "held_on": ("held on", "tenue le, tenu le", "gehouden op"),
    "cancelled": ("cancelled", "annulé, annulée", "geannuleerd"),
    "minutes_on": ("minutes on", "PV publié le, PV du", "verslag van, verslag gepubliceerd op"),
    "benefit": ("benefit", "bénéfice", "baat, baten"),
    "direction": ("direction", "sens", "richting"),
    "min": ("minimum", "minimum", "minimum"),
    "max": ("maximum", "maximum", "maximum"),
    "cadence": ("cadence, frequency", "fréquence", "frequentie"),
    "cut_off": ("cut-off", "date limite de remise", "uiterste aanlevering"),
    "delivery_confidence": ("delivery confidence", "confiance dans la livraison", "vertrouwen in de oplevering"),
    **TOLERANCES,
    # The oldest version of `baseline_finish` has this part (spec model 2.4): known, and left out.
    "first_baseline": ("first baseline", "fin de référence initiale", "eerste baseline"),
}

_UNIT = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_BLANK = re.compile(r"[\s\u00a0\u202f\u2009\u200b\u200c\u200d\u2060\ufeff]+")


def tidy(header: str) -> str:
    """Return a header as messages show it: composed, one blank for any run of blanks and line breaks."""
    return _BLANK.sub(" ", unicodedata.normalize("NFC", header)).strip()


@lru_cache(maxsize=4096)
def fold(word: str) -> str:
    """Fold a word for comparing: no unit in brackets, accents, case, blanks or signs other than % and °."""
    bare = _UNIT.sub(" ", word)
    parts = unicodedata.normalize("NFKD", bare.replace("º", "°")).casefold()
    return "".join(one for one in parts if one.isalnum() or one in "%°/#")


def unit_of(header: str) -> str:
    """Return what stands in brackets, such as `€`, `k€` or `%`; empty when nothing does."""
    found = _UNIT.search(header)
    return "" if found is None else tidy(found.group(1) or found.group(2) or "")


def words_of(concept: str) -> tuple[str, ...]:
    """Return the words of a concept as people write them, English first."""
    words = [word.strip() for language in CONCEPTS[concept] for word in language.split(",")]
    return tuple(dict.fromkeys(words))


@lru_cache(maxsize=1)
def concepts_by_word() -> dict[str, tuple[str, ...]]:
    """Return folded word -> the concepts it may mean."""
    found: dict[str, list[str]] = {}
    for concept in CONCEPTS:
        for word in words_of(concept):
            concepts = found.setdefault(fold(word), [])
            if concept not in concepts:
                concepts.append(concept)
    return {word: tuple(concepts) for word, concepts in found.items()}
