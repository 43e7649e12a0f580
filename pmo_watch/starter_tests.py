"""The scenario tests that `pmo-watch init` writes beside its rules: what a reader would ask of them first."""

MILESTONES = """\
# What happens day by day, and who must be told: run by `pmo-watch test`. Change a rule, and see here what it changes.
test: a milestone that is not reported as reached is told after a working day, gets worse in a week, and is closed
rules: [milestone-overdue]
calendar: be
covers: [amber, red]
given:
  project:   [{uid: atlas, name: Atlas, state: executing, leader: anna}]
  person:    [{uid: anna, email: anna@example.org, language: nl}]
  milestone: [{uid: go-live, project: atlas, name: Go-live, baseline_finish: 2026-07-17, forecast_finish: 2026-07-17}]
days:
  - 2026-07-17: {expect: {go-live: green}, messages: []}
  - 2026-07-20: {expect: {go-live: amber}, messages: [{to: anna, language: nl, contains: Go-live, reason: opened}]}
  - 2026-07-21: {messages: []}                        # the office reads its daily digest on the next working day
  - 2026-07-22: {expect: {go-live: amber}, messages: [{to: pmo, digest: daily, contains: Go-live}]}
  - 2026-07-27: {expect: {go-live: amber}}            # 5 working days: 21 July is a holiday
  - 2026-07-28:
      expect: {go-live: red}
      # The office also hears what was meant for the manager of a programme, which there is none here.
      messages: [{to: anna, reason: worsened, level: red}, {to: pmo, level: red}]
  - 2026-07-29:
      change: {go-live: {done: true, actual_finish: 2026-07-28}}
      expect: {go-live: na}
      messages: [{to: anna, reason: entity_done}]
  - 2026-07-30: {messages: [{to: pmo, reason: entity_done}]}      # it had its overview the day before: one mail a day
"""

PLANS = """\
# A slip is told once, stays as it is while the plan cannot be read, and is closed with evidence.
test: a slipped milestone is told once, frozen while its plan cannot be read, and closed when it is back in time
rules: [milestone-slip]
calendar: be
covers: amber
given:
  project:   [{uid: atlas, name: Atlas, state: executing, leader: anna}]
  person:    [{uid: anna, email: anna@example.org, language: fr}]
  milestone: [{uid: go-live, project: atlas, name: Go-live, baseline_finish: 2026-03-06, forecast_finish: 2026-03-06}]
days:
  - 2026-03-02: {expect: {go-live: green}, messages: []}
  - 2026-03-04:
      change: {go-live: {forecast_finish: 2026-03-16}}     # 6 working days
      expect: {go-live: amber}
      messages: [{to: anna, language: fr, contains: ["6", Go-live]}]
  - 2026-03-05: {source: down, expect: {go-live: amber}, messages: []}
  - 2026-03-06:
      change: {go-live: {forecast_finish: 2026-03-11}}     # 3 working days: at most 3 is a recovery
      expect: {go-live: green}
      messages: [{to: anna, reason: recovered}]
"""

MONEY = """\
# A forecast beside its budget: who leads the project hears of amber at once, who leads the programme of red.
test: a project that will cost more than its budget is told to its leader, and when it gets worse to its programme
rules: [cost-overrun-ahead]
calendar: be
covers: [amber, red]
given:
  program: [{uid: gem, name: GEM, manager: bram}]
  project:
    - {uid: atlas, name: Atlas, program: gem, state: executing, leader: anna,
       progress: 40, budget: 100000, actual_cost: 40000, declared_eac: 100000}
  person:
    - {uid: anna, email: anna@example.org}
    - {uid: bram, email: bram@example.org}
days:
  - 2026-03-02: {expect: {atlas: green}, messages: []}
  - 2026-03-03: {change: {atlas: {declared_eac: 107000}}, expect: {atlas: amber}, messages: [{to: anna, level: amber}]}
  - 2026-03-07:                                            # a Saturday: it leaves on Monday
      change: {atlas: {declared_eac: 115000}}
      expect: {atlas: red}
      messages: []
  - 2026-03-09: {messages: [{to: anna, reason: worsened}, {to: programme_manager, level: red}]}
"""
