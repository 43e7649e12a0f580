"""The first tables: versions of every entity, readings, alerts, messages."""

import sqlalchemy as sa
from alembic import op

from pmo_watch.store.migrations.notation import columns, create_versions, partial_index

revision = "0001"
down_revision = None

VERSIONS = {
    "portfolio_version": (
        "updated_at:moment id:text name:text manager:text language:text currency:text tolerance_time_amber:number "
        "tolerance_time_red:number tolerance_cost_amber:number tolerance_cost_red:number "
        "tolerance_scope_amber:number tolerance_scope_red:number tolerance_quality_amber:number "
        "tolerance_quality_red:number tolerance_benefit_amber:number tolerance_benefit_red:number "
        "tolerance_risk_amber:number tolerance_risk_red:number"
    ),
    "program_version": (
        "updated_at:moment id:text name:text portfolio:text state:text manager:text language:text currency:text "
        "tolerance_time_amber:number tolerance_time_red:number tolerance_cost_amber:number "
        "tolerance_cost_red:number tolerance_scope_amber:number tolerance_scope_red:number "
        "tolerance_quality_amber:number tolerance_quality_red:number tolerance_benefit_amber:number "
        "tolerance_benefit_red:number tolerance_risk_amber:number tolerance_risk_red:number"
    ),
    "project_version": (
        "updated_at:moment id:text code:text name:text program:text portfolio:text state:text phase:text "
        "delivery:text size_class:text strategic:flag owner:text leader:text contractor:text language:text "
        "calendar:text plan_calendar:text minutes_per_day:int currency:text status_date:date baseline_start:date "
        "baseline_finish:date baseline_set_on:date forecast_start:date forecast_finish:date actual_start:date "
        "actual_finish:date deadline:date progress:number budget:money budget_status:text contingency:money "
        "contingency_used:money baseline_cost:money planned_cost:money actual_cost:money actual_cost_as_of:date "
        "remaining_cost:money committed_cost:money declared_eac:money effort_baseline:number effort_planned:number "
        "effort_actual:number effort_remaining:number declared_rag:text declared_rag_schedule:text "
        "declared_rag_cost:text declared_rag_scope:text declared_rag_risk:text declared_rag_resources:text "
        "declared_rag_quality:text declared_on:date declared_comment:text delivery_confidence:int "
        "critical_path_test:text critical_path_test_on:date tolerance_time_amber:number tolerance_time_red:number "
        "tolerance_cost_amber:number tolerance_cost_red:number tolerance_scope_amber:number "
        "tolerance_scope_red:number tolerance_quality_amber:number tolerance_quality_red:number "
        "tolerance_benefit_amber:number tolerance_benefit_red:number tolerance_risk_amber:number "
        "tolerance_risk_red:number on_hold_since:date"
    ),
    "task_version": (
        "updated_at:moment id:text project:text parent:text wbs:text outline_level:int position:int name:text "
        "is_milestone:flag kind:text level:text gate_code:text same_as:text active:flag manual:flag external:flag "
        "issue_type:text is_subtask:flag status:text status_category:text done:flag owner:text baseline_start:date "
        "baseline_finish:date baseline_duration:int baseline_work:number baseline_cost:money forecast_start:date "
        "forecast_finish:date finish_text:text actual_start:date actual_finish:date early_finish:date "
        "late_finish:date deadline:date constraint_type:text constraint_date:date duration:int "
        "remaining_duration:int progress:number work_progress:number physical_progress:number ev_method:text "
        "work:number actual_work:number remaining_work:number cost:money actual_cost:money remaining_cost:money "
        "total_slack:int free_slack:int critical:flag priority:int story_points:number labels:list flagged:flag "
        "created_at:moment resolved_at:moment confirmed_on:date acceptance_criteria:text url:text"
    ),
    "dependency_version": (
        "updated_at:moment id:text project:text predecessor:text successor:text type:text lag:int "
        "lag_percent:number lag_elapsed:flag external:flag external_name:text provider:text needed_on:date "
        "confirmed_on:date"
    ),
    "assignment_version": (
        "updated_at:moment project:text task:text person:text units:number work:number actual_work:number "
        "remaining_work:number start:date finish:date weekly:list"
    ),
    "person_version": (
        "updated_at:moment id:text name:text email:text aliases:list organisation:text external:flag language:text "
        "timezone:text calendar:text manager:text max_units:number active:flag channels:list"
    ),
    "absence_version": "updated_at:moment person:text from:date to:date",
    "role_version": "updated_at:moment scope:text code:text person:text from:date until:date mandatory:flag",
    "risk_version": (
        "updated_at:moment id:text project:text title:text category:text description:text owner:text url:text "
        "status:text identified_on:date likelihood:int impact:int opportunity:flag strategy:text action:text "
        "action_done:flag target_date:date last_reviewed_on:date probability:number cost_impact:money "
        "escalated:flag"
    ),
    "issue_version": (
        "updated_at:moment id:text project:text title:text category:text description:text owner:text url:text "
        "status:text raised_on:date urgency:int impact:int target_date:date resolved_on:date escalated:flag"
    ),
    "decision_version": (
        "updated_at:moment id:text project:text title:text category:text description:text owner:text url:text "
        "requested_on:date needed_by:date decided_on:date body:text escalated:flag"
    ),
    "change_version": (
        "updated_at:moment id:text project:text title:text category:text description:text owner:text url:text "
        "status:text submitted_on:date decided_on:date delivered_on:date effort:number cost:money escalated:flag"
    ),
    "action_version": (
        "updated_at:moment id:text project:text title:text category:text description:text owner:text url:text "
        "origin:text status:text due:date done_on:date escalated:flag"
    ),
    "indicator_version": (
        "updated_at:moment id:text name_en:text name_fr:text name_nl:text unit:text direction:text target:number "
        "min:number max:number amber:text red:text recover:text constant:flag cadence:text cut_off:text "
        "provider:text scopes:list benefit:flag"
    ),
    "observation_version": (
        "updated_at:moment indicator:text scope:text period:text value:number target:number submitted_on:date "
        "submitted_by:text comment:text"
    ),
    "cost_entry_version": (
        "updated_at:moment project:text task:text booked_on:date type:text amount:money currency:text"
    ),
    "document_version": (
        "updated_at:moment id:text project:text artefact:text mandatory_for:text tailored_out:text status:text "
        "version:text owner:text updated_on:date review_due:date url:text"
    ),
    "status_report_version": (
        "updated_at:moment id:text project:text period:text kind:text due_on:date submitted_on:date rag:text "
        "highlights:text next_steps:text author:text"
    ),
    "gate_version": (
        "updated_at:moment id:text project:text code:text planned_on:date passed_on:date tailored_out:flag "
        "decision:text"
    ),
    "meeting_version": (
        "updated_at:moment id:text kind:text scope:text planned_on:date held_on:date cancelled:flag minutes_on:date"
    ),
}
TABLES = {
    "alert": (
        "id:text* rule:text! subject:text! entity:text! subject_id:text! subject_name:text! project:text! "
        "project_code:text! source:text! level:text began_at:moment opened_at:moment since:moment closed_at:moment "
        "close_reason:text! peak:text value_at_open:float value:float unit:text! seen:text! seen_since:moment "
        "streak:int! counted_reading:int! counted_on:date grey_since:moment unknown_since:moment "
        "unknown_reason:text! acknowledged_until:date acknowledged_level:text! "
        "acknowledged_by:text! acknowledged_on:date acknowledged_reason:text! escalation_step:int! escalated:list! "
        "reminded_on:date flapping:flag! recent:list! evaluations:int!"
    ),
    "circuit": "notifier:text* deferrals:int! fault_since:moment fault_reason:text! fault_answer:text!",
    "counter": "name:text* value:int!",
    "mark": "kind:text* key:text* value:text! at:moment!",
    "outbox": (
        "id:text* kind:text! notifier:text! recipient:text! recipient_name:text! address:text! language:text! "
        "subject:text! text:text! html:text! payload:json headers:json! trimmed:int! fallback:text! "
        "fallback_id:text! facts:text! state:text! created_at:moment! due:moment! expires_at:moment! attempts:int! "
        "lease_until:moment settled_at:moment reason:text! answer:text! who:text!"
    ),
    "reading": (
        "id:key* source:text! number:int read_at:moment! as_of:date outcome:text! rows:int! changed:int! "
        "rejected:int! error:text! hash:text! cost:json!"
    ),
    "silence": (
        "id:text* who:text! why:text! until:moment! since:moment! rule:text! project:text! entity:text! tag:text! "
        "ended:flag! ended_by:text!"
    ),
    "source_state": (
        "name:text* kind:text! outcome:text reading:int! read_at:moment last_good:moment as_of:date "
        "failing_since:moment failures:int! error:text! rows:int! rejected:int! degraded:list! cursor:json! "
        "held:text! last_change:int!"
    ),
    "thread": "notifier:text* recipient:text* project:text* number:int! id:text! subject:text!",
    "told": (
        "alert:text* recipient:text* notifier:text* address:text! audience:text! language:text! told_at:moment! "
        "level:text! digest:text! thread:text! ended:text!"
    ),
    "transition": (
        "number:key* alert:text! rule:text! subject:text! project:text! at:moment! reason:text! level_before:text! "
        "level:text! value:float unit:text! reading:int rule_version:text! who:text! step:int! finding:json!"
    ),
    "outbox_alert": "message:text* alert:text* level:text!",
}
INDEXES = {
    "ix_outbox_state": ("outbox", ["state", "due"]),
    "ix_reading_source": ("reading", ["source", "read_at"]),
    "ix_transition_alert": ("transition", ["alert"]),
    "ix_transition_at": ("transition", ["at"]),
    "ix_transition_subject": ("transition", ["subject"]),
    "ix_outbox_alert_alert": ("outbox_alert", ["alert"]),
}


def upgrade() -> None:
    """Create everything."""
    for name, words in VERSIONS.items():
        create_versions(name, words)
    for name, words in TABLES.items():
        op.create_table(name, *columns(words), *_links(name))
    for name, (table, indexed) in INDEXES.items():
        op.create_index(name, table, indexed)
    partial_index("ix_alert_remembered", "alert", ["id"], "closed_at IS NOT NULL AND recent <> '[]'", unique=False)
    partial_index("ix_alert_open", "alert", ["rule", "subject"], "closed_at IS NULL", unique=True)


def _links(name: str) -> list[sa.ForeignKeyConstraint]:
    if name != "outbox_alert":
        return []
    return [sa.ForeignKeyConstraint(["message"], ["outbox.id"], name="fk_outbox_alert_message", ondelete="CASCADE")]
