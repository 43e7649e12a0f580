"""The daemon itself: does it run, does it read, does it keep up?"""

from .dashboards import SOURCE, Page
from .panels import GREEN, RED, Panel, Query, Words

BY_SOURCE = 'source=~"$source"'
STORE = Words({"0": ("does not answer", RED), "1": ("answers", GREEN)})
RELOAD = Words({"0": ("failed", RED), "1": ("taken up", GREEN)})
LEADER = Words({"0": ("standby", "blue"), "1": ("leader", GREEN)})
STALE = Words({"0": ("in force", GREEN), "1": ("faulty: an older version is in force", RED)})
OURS = "* on (job, instance) group_left () pmo_watch_build_info"


def _rate(metric: str, *labels: str) -> str:
    return f"sum by ({', '.join(labels)}) (rate({metric}{{{BY_SOURCE}}}[$__rate_interval]))"


def _mean(metric: str, selector: str, *labels: str) -> str:
    summed = [
        f"sum by ({', '.join(labels)}) (rate({metric}_{part}{selector}[$__rate_interval]))" for part in ("sum", "count")
    ]
    return " / ".join(summed)


def _now(title: str, expr: str, words: Words, says: str, legend: str = "{{instance}}") -> Panel:
    return Panel(title, "stat", [Query(expr, legend)], 4, says, 4, words=words)


DAEMON = Page(
    "pmo-daemon",
    "pmo_watch",
    "The service itself: does it run, does it read its sources, does it keep up?",
    [SOURCE],
    [
        _now("Store", "pmo_watch_store_up", STORE, "Whether the database answers."),
        _now("Leader", "pmo_watch_leader", LEADER, "One daemon runs the cycles, the others stand by."),
        _now("Last reload", "pmo_watch_config_last_reload_successful", RELOAD, "Settings and rules that changed."),
        Panel(
            "Since the last cycle",
            "stat",
            [Query("time() - pmo_watch_last_evaluation_timestamp_seconds", "{{instance}}")],
            4,
            "How long ago the last evaluation ended.",
            4,
            "s",
        ),
        Panel(
            "Rules",
            "stat",
            [Query("pmo_watch_rules", "{{status}}")],
            4,
            "Rules in force, switched off, and left out because of faults.",
            4,
        ),
        Panel(
            "Version",
            "stat",
            [Query("pmo_watch_build_info", "{{version}}")],
            4,
            "The version that runs.",
            4,
            words=Words({"1": ("runs", GREEN)}),
        ),
        Panel(
            "Cycles",
            "areas",
            [Query("sum by (result) (increase(pmo_watch_cycles_total[$__rate_interval]))", "{{result}}")],
            12,
            "Evaluation cycles by result.",
        ),
        Panel(
            "Duration of a cycle",
            "lines",
            [Query(_mean("pmo_watch_cycle_duration_seconds", "", "instance"), "{{instance}}")],
            12,
            "Mean duration of the cycles that ended.",
            unit="s",
        ),
        Panel(
            "Readings",
            "areas",
            [Query(_rate("pmo_watch_source_readings_total", "source", "result"), "{{source}} {{result}}")],
            12,
            "Readings per second by result.",
            unit="ops",
        ),
        Panel(
            "Age of the last complete reading",
            "bars",
            [
                Query(
                    f"time() - (pmo_watch_source_last_success_timestamp_seconds{{{BY_SOURCE}}} > 0)",
                    "{{source}}",
                ),
                Query(f"pmo_watch_source_max_age_seconds{{{BY_SOURCE}}}", "{{source}}, stale from"),
            ],
            12,
            "How old the data of each source are, beside the age from which they count as stale.",
            unit="s",
        ),
        Panel(
            "Duration of a reading",
            "lines",
            [Query(_mean("pmo_watch_source_read_duration_seconds", f"{{{BY_SOURCE}}}", "source"), "{{source}}")],
            8,
            "Mean duration of the readings.",
            unit="s",
        ),
        Panel(
            "Rejected records",
            "lines",
            [Query(f"pmo_watch_source_rejected_records{{{BY_SOURCE}}}", "{{source}}")],
            8,
            "Records that were refused in the last reading: 'pmo-watch sources show' says why.",
        ),
        Panel(
            "Failed readings",
            "areas",
            [Query(f"{_rate('pmo_watch_source_failures_total', 'source', 'reason')} > 0", "{{source}} {{reason}}")],
            8,
            "Readings per second that failed, and why.",
            unit="ops",
            empty="none",
        ),
        Panel(
            "Records",
            "lines",
            [Query(f"sum by (source) (pmo_watch_source_records{{{BY_SOURCE}}})", "{{source}}")],
            12,
            "Records in the last accepted reading.",
        ),
        Panel(
            "Rule files",
            "stat",
            [Query("pmo_watch_rule_file_stale", "{{file}}")],
            12,
            "Whether each rule file is in force as it is written.",
            words=STALE,
        ),
        Panel(
            "Series",
            "lines",
            [
                Query("pmo_watch_exposition_series", "served"),
                Query("pmo_watch_exposition_dropped_series", "left out"),
            ],
            12,
            "Series of the portfolio in the last rendering. Over max_series whole families are left out.",
        ),
        Panel(
            "Rendering the series",
            "lines",
            [Query("pmo_watch_exposition_duration_seconds", "{{instance}}")],
            12,
            "Duration of the last rendering of the portfolio's metrics.",
            unit="s",
        ),
        Panel(
            "HTTP requests",
            "areas",
            [
                Query(
                    "sum by (handler, code) (rate(pmo_watch_http_requests_total[$__rate_interval])) > 0",
                    "{{handler}} {{code}}",
                )
            ],
            12,
            "Requests per second by route and status.",
            unit="reqps",
        ),
        Panel(
            "Duration of a request",
            "lines",
            [Query(f"{_mean('pmo_watch_http_request_duration_seconds', '', 'handler')} > 0", "{{handler}}")],
            12,
            "Mean duration by route.",
            unit="s",
        ),
        Panel(
            "Memory",
            "lines",
            [Query(f"process_resident_memory_bytes {OURS}", "{{instance}}")],
            8,
            "Memory of the process.",
            unit="bytes",
        ),
        Panel(
            "Processor",
            "lines",
            [Query(f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}", "{{instance}}")],
            8,
            "Processors in use.",
            unit="percentunit",
        ),
        Panel(
            "Open files",
            "lines",
            [Query(f"process_open_fds {OURS}", "{{instance}}")],
            8,
            "Open files and sockets of the process.",
        ),
    ],
    since="now-6h",
)
