"""The rules that `pmo-watch init` writes: what the measures' own thresholds say, ready to be changed."""

PEOPLE = """\
# Who is told, and when. A name is defined once over all files; rules use it in `tell` and `escalate`.
version: 1
owner: pmo@example.org        # gets a mail when a file of rules cannot be loaded

audiences:
  # A role is looked up on the project or programme: in the plan, or in a list of people.
  project_leader:    {role: project_leader,    amber: at once, red: at once}
  programme_manager: {role: programme_manager, amber: weekly,  red: at once}
  committee:         {role: management_committee, amber: never, red: monthly}
  # The office also hears what was meant for a role that nobody has.
  pmo:               {email: pmo@example.org,  amber: daily,   red: daily, grey: daily}
  # Who runs pmo-watch: sources that cannot be read, readings that are held, channels that do not work.
  ict:               {email: ict@example.org,  amber: at once, red: at once}

digests:
  daily:   {at: "08:30", on: every working day}
  weekly:  {at: "08:30", on: monday}
  monthly: {at: "08:30", on: first working day of month}
"""

MILESTONES = """\
# Milestones: late, slipping, with a date that has passed.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo]}

rules:
  - id: milestone-overdue
    name: {en: Milestone is overdue, fr: Jalon en retard, nl: Mijlpaal is te laat}
    for_each: milestone
    measure: milestone.overdue
    amber: at least 1 wd
    red: over 5 wd
    advice:
      en: Enter the day it was reached, or agree a new date.
      fr: Indiquez la date d'atteinte du jalon, ou convenez d'une nouvelle date.
      nl: Vul in wanneer de mijlpaal bereikt is, of spreek een nieuwe datum af.
    examples:
      - {given: {baseline_finish: 2026-07-17}, today: 2026-07-17, expect: green}
      - {given: {baseline_finish: 2026-07-17}, today: 2026-07-20, expect: amber}
      - {given: {baseline_finish: 2026-07-17}, today: 2026-07-28, expect: red}

  - id: milestone-date-in-the-past
    name:
      en: Open milestone is planned in the past
      fr: Jalon ouvert dont la date prévue est passée
      nl: Open mijlpaal is in het verleden gepland
    for_each: milestone
    measure: milestone.forecast_in_past
    amber: at least 1 wd
    red: over 5 wd
"""

PLANS = """\
# Plans with a baseline: slipping milestones, and projects that finish later than agreed.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo]}

rules:
  - id: milestone-slip
    name:
      en: Milestone slips against its baseline
      fr: Jalon en glissement
      nl: Mijlpaal loopt uit
    for_each: milestone
    only_if: {milestone.done: false}
    measure: milestone.slip
    amber: over 5 wd
    red: over 10 wd
    recover: at most 3 wd
    escalate:
      - {after: 10 wd, while: red, to: committee}
    advice:
      en: Confirm the new date, or propose a recovery plan.
      fr: Confirmez la nouvelle date, ou proposez un plan de redressement.
      nl: Bevestig de nieuwe datum, of stel een herstelplan voor.
    examples:
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-24}, expect: green}  # 4 wd: 21 July is a holiday
      - {given: {baseline_finish: 2026-07-17, forecast_finish: 2026-07-28}, expect: amber}
      - {given: {baseline_finish: null, forecast_finish: 2026-07-28}, expect: grey}

  - id: milestone-ever-later
    name:
      en: Milestone moves later week after week
      fr: Jalon reporté de semaine en semaine
      nl: Mijlpaal schuift week na week op
    for_each: milestone
    only_if: {milestone.done: false}
    measure: milestone.slip_streak
    amber: at least 2 periods
    red: {any: [at least 3 periods, {measure: milestone.slip_slope, is: at least 1}]}
    recover: at most 0 periods
    no_data: ignore                 # a new plan has no weeks behind it yet

  - id: project-finishes-late
    name:
      en: Project finishes later than its baseline
      fr: Fin de projet au-delà de la référence
      nl: Project eindigt later dan de baseline
    for_each: project
    measure: project.finish_variance
    amber: over 5 %
    red: over 10 %
    recover: at most 4 %

  - id: project-behind-plan
    name: {en: Project is behind its plan, fr: Projet en retard sur son plan, nl: Project loopt achter op plan}
    for_each: project
    measure: project.behind_plan
    amber: over 10 pp
    red: over 20 pp
    recover: at most 8 pp
    confirm_after: 2 evaluations
"""

SPRINTS = """\
# Sprints and releases: what was promised, what is carried over, what changed, and whether a release is in time.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo]}

rules:
  - id: sprint-commitment
    name:
      en: Sprint does not keep its commitment
      fr: Sprint dont l'engagement n'est pas tenu
      nl: Sprint komt zijn toezegging niet na
    for_each: sprint
    measure: sprint.predictability
    amber: under 85 %
    red: under 70 %
    recover: at least 85 %
    advice:
      en: Plan the next sprint with what the team finished in the last ones.
      fr: Planifiez le prochain sprint d'après ce que l'équipe a terminé lors des précédents.
      nl: Plan de volgende sprint met wat het team in de vorige afwerkte.

  - id: sprint-carry-over
    name: {en: Sprint carries over too much, fr: Sprint avec trop de reports, nl: Sprint schuift te veel door}
    for_each: sprint
    measure: sprint.spillover
    amber: over 15 %
    red: over 25 %
    recover: at most 15 %

  - id: sprint-scope-changed
    name: {en: Sprint changed its scope, fr: Sprint dont le périmètre a changé, nl: Sprint veranderde van scope}
    for_each: sprint
    measure: sprint.scope_change
    amber: over 10 %
    red: over 20 %
    recover: at most 8 %
    no_data: ignore                 # a team that does not estimate

  - id: release-unlikely
    name:
      en: Release is unlikely to be in time
      fr: Version qui risque de ne pas être livrée à temps
      nl: Release komt wellicht niet op tijd
    for_each: release
    only_if: {release.release_date: present}
    measure: release.chance_on_time
    amber: under 85 %
    red: under 50 %
    recover: at least 88 %
    confirm_after: 2 evaluations
    no_data: ignore                 # a new team has no weeks behind it yet
    advice:
      en: Agree on a later day, or on less; the likely days are shown above.
      fr: Convenez d'une date plus tardive ou d'un périmètre réduit ; les dates probables figurent ci-dessus.
      nl: Spreek een latere dag af, of minder; de waarschijnlijke dagen staan hierboven.
"""

MONEY = """\
# Money: what is spent, and what it will cost in the end.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo]}

rules:
  - id: budget-used
    name: {en: Budget is nearly spent, fr: Budget presque épuisé, nl: Budget is bijna op}
    for_each: project
    measure: project.budget_used
    amber: at least 90 %
    red: at least 100 %
    recover: under 90 %

  - id: cost-overrun-ahead
    name:
      en: Project will cost more than its budget
      fr: Dépassement de budget prévu
      nl: Project wordt duurder dan het budget
    for_each: project
    measure: project.forecast_overrun
    amber: over tolerance.cost.amber or 5 %
    red: over tolerance.cost.red or 10 %
    escalate:
      - {after: 10 wd, while: red, to: committee}
"""

EARNED_VALUE = """\
# Earned value, for plans with a baseline of cost or work; a project without one is left out.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader, pmo], red: [project_leader, programme_manager, pmo]}
  confirm_after: 2 evaluations
  no_data: ignore

rules:
  - id: cost-performance
    name:
      en: Work costs more than planned
      fr: Le travail coûte plus que prévu
      nl: Het werk kost meer dan gepland
    for_each: project
    measure: project.cpi
    amber: under 0.95
    red: under 0.85
    recover: at least 0.97

  - id: schedule-performance
    name:
      en: Less work is done than planned by now
      fr: Moins de travail réalisé que prévu à ce jour
      nl: Minder werk klaar dan nu gepland
    for_each: project
    measure: project.spi
    amber: under 0.95
    red: under 0.85
    recover: at least 0.97

  - id: schedule-performance-in-time
    name:
      en: Time passes faster than work is done
      fr: Le temps avance plus vite que le travail
      nl: De tijd gaat sneller dan het werk
    for_each: project
    measure: project.spi_t
    amber: under 1.0
    red: under 0.9
"""

REGISTERS = """\
# Registers: risks, issues, decisions and documents. A project without a register has no rows and no alerts.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader], red: [project_leader, programme_manager, pmo]}

rules:
  - id: risk-too-high
    name: {en: Risk is high, fr: Risque élevé, nl: Hoog risico}
    for_each: risk
    measure: risk.level
    amber: at least 12
    red: at least 20

  - id: risk-not-reviewed
    name: {en: Risk is due for review, fr: Risque à réexaminer, nl: Risico moet herbekeken worden}
    for_each: risk
    measure: risk.review_late
    amber: over 0 wd
    red: over 5 wd

  - id: issue-open-for-long
    name: {en: Issue has been open for long, fr: Problème ouvert depuis longtemps, nl: Probleem staat lang open}
    for_each: issue
    measure: issue.age
    amber: over 10 wd
    red: over 20 wd

  - id: decision-needed
    name: {en: Decision is needed, fr: Décision attendue, nl: Beslissing nodig}
    for_each: decision
    measure: decision.days_left
    amber: at most 5 wd
    red: under 0 wd
"""

DOCUMENTS = """\
# Documents that a project must have by its phase (organisation.document_sets in the settings).
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader], red: [project_leader, pmo]}

rules:
  - id: documents-incomplete
    name:
      en: Mandatory documents are not approved
      fr: Documents obligatoires non approuvés
      nl: Verplichte documenten zijn niet goedgekeurd
    for_each: project
    measure: project.documents_complete
    amber: under 100 %
    red: under 80 %
    recover: at least 100 %
    no_data: ignore                 # until there is a list of documents
"""

FIGURES = """\
# Figures and reports: what should have come, how old it is, and whether what is declared fits what is computed.
version: 1
owner: pmo@example.org
defaults:
  tell: {amber: [project_leader], red: [project_leader, pmo]}

rules:
  - id: figure-missing
    name: {en: Figure is late, fr: Chiffre en retard, nl: Cijfer is te laat}
    for_each: submission
    measure: submission.days_late
    amber: over 0 wd
    red: over 2 wd

  - id: data-too-old
    name: {en: Data are too old, fr: Données trop anciennes, nl: Gegevens zijn te oud}
    for_each: project
    measure: project.data_age
    amber: over 7 d
    red: over 14 d
    recover: at most 7 d

  - id: declared-too-well
    name:
      en: Declared status is better than the computed one
      fr: Statut déclaré meilleur que le statut calculé
      nl: Opgegeven status is beter dan de berekende
    for_each: project
    measure: project.rag_gap
    amber: at least 1
    red: at least 2
    no_data: ignore                 # projects that declare no status

  # One rule per indicator of yours; its id stands in the list of indicators.
  # - id: availability-below-target
  #   name: {en: Availability is below target, fr: Disponibilité sous l'objectif, nl: Beschikbaarheid onder het doel}
  #   for_each: kpi
  #   measure: kpi.against_target
  #   with: {indicator: availability}
  #   amber: over 5 %
  #   red: over 10 %
"""
