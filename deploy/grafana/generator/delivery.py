"""Alerts by rule, and whether what is to be told is told."""

from .dashboards import NOTIFIER, RULE, Page
from .panels import GREEN, RED, Panel, Query, Words

BY_NOTIFIER = 'notifier=~"$notifier"'
BY_RULE = 'rule=~"$rule"'
HEALTHY = Words({"0": ("broken", RED), "1": ("works", GREEN)})


def _rate(metric: str, *labels: str) -> str:
    return f"sum by ({', '.join(labels)}) (rate({metric}{{{BY_NOTIFIER}}}[$__rate_interval]))"


def _slowest(metric: str) -> str:
    return f"histogram_quantile(0.95, {_rate(f'{metric}_bucket', 'le', 'notifier')})"


ALERTS = Page(
    "pmo-alerts",
    "PMO alerts and delivery",
    "What the rules find, and whether the people who should know are told.",
    [RULE, NOTIFIER],
    [
        Panel(
            "Alerts by rule and state",
            "areas",
            [Query(f"sum by (rule, state) (pmo_rule_alerts{{{BY_RULE}}}) > 0", "{{rule}} {{state}}")],
            24,
            "Alerts that are not closed. Rules without any are left out.",
            10,
        ),
        Panel(
            "Alerts by level",
            "stat",
            [Query(f'sum by (level) (pmo_rule_alerts{{{BY_RULE}, state!="pending"}})', "{{level}}")],
            8,
            "Alerts that are open, also those that somebody knows of or that are silenced.",
            colours={"amber": "orange", "red": "red"},
        ),
        Panel(
            "Findings that cannot be assessed",
            "bars",
            [Query(f'sort_desc(sum by (rule) (pmo_rule_findings{{{BY_RULE}, state="grey"}}) > 0)', "{{rule}}")],
            8,
            "Grey findings: something is missing that the rule needs. 'pmo-watch why' names it.",
            empty="none",
        ),
        Panel(
            "Transitions",
            "areas",
            [
                Query(
                    "sum by (reason) (increase(pmo_watch_alert_transitions_total[$__rate_interval])) > 0", "{{reason}}"
                )
            ],
            8,
            "How alerts changed, by reason, over all rules.",
        ),
        Panel(
            "Deliveries",
            "areas",
            [Query(_rate("pmo_watch_deliveries_total", "notifier", "outcome"), "{{notifier}} {{outcome}}")],
            12,
            "Attempts per second by outcome; an attempt that is deferred is made again.",
            unit="ops",
        ),
        Panel(
            "Failures by reason",
            "areas",
            [
                Query(
                    f"{_rate('pmo_watch_delivery_failures_total', 'notifier', 'reason')} > 0", "{{notifier}} {{reason}}"
                )
            ],
            12,
            "Attempts per second that did not succeed, and why.",
            unit="ops",
            empty="none",
        ),
        Panel(
            "Delay",
            "lines",
            [Query(_slowest("pmo_watch_delivery_delay_seconds"), "{{notifier}}")],
            12,
            "From due to accepted: 95 of 100 messages took no longer.",
            unit="s",
            empty="nothing was sent",
        ),
        Panel(
            "Duration of an attempt",
            "lines",
            [Query(_slowest("pmo_watch_delivery_duration_seconds"), "{{notifier}}")],
            12,
            "95 of 100 attempts took no longer.",
            unit="s",
            empty="nothing was sent",
        ),
        Panel(
            "Channels",
            "stat",
            [Query(f"pmo_watch_notifier_healthy{{{BY_NOTIFIER}}}", "{{notifier}}")],
            6,
            "A channel is broken when its password, certificate or rights are refused.",
            words=HEALTHY,
        ),
        Panel(
            "Waiting messages",
            "areas",
            [Query(f"pmo_watch_outbox_messages{{{BY_NOTIFIER}}}", "{{notifier}} {{outcome}}")],
            6,
            "Messages that wait for delivery.",
        ),
        Panel(
            "Longest wait",
            "bars",
            [
                Query(
                    f"time() - pmo_watch_outbox_oldest_due_timestamp_seconds{{{BY_NOTIFIER}}}",
                    "{{notifier}}",
                )
            ],
            6,
            "For how long the oldest message is due; below zero, it waits for its recipient's hours.",
            unit="s",
            empty="none waits",
        ),
        Panel(
            "Dead letters",
            "stat",
            [Query(f"pmo_watch_outbox_dead_letters{{{BY_NOTIFIER}}}", "{{notifier}}")],
            6,
            "Messages that reached nobody and that nobody has dealt with: 'pmo-watch outbox list'.",
        ),
    ],
    since="now-7d",
)
