"""Portfolio metrics: what things are called in labels."""

import re
from typing import Any

from exporter_bench import (
    ROWS,
    P,
    a_report,
    an_exporter,
    exposed,
    samples,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import an_alert
from metric_tables import doubled


def milestones(*rows: dict[str, Any]) -> list[str]:
    """Return the labels of the milestones, without their project."""
    found = samples(an_exporter(a_report({"milestone": list(rows)}, alerts=[])), "pmo_milestone_completed")
    return [re.fullmatch(r'{project="HB-017",milestone="(.*)"} 0.0', one)[1] for one in found]  # type: ignore[index]


def test_labels_are_escaped() -> None:
    assert milestones({"id": 'a"b\\c'}) == ['a\\"b\\\\c']
    (info,) = exposed(an_exporter(a_report({"milestone": [{"id": 'a"b\\c', "name": '\\n"'}]})))[
        "pmo_milestone_info"
    ].samples
    assert (info.labels["milestone"], info.labels["name"]) == ('a"b\\c', '\\n"')


def test_text_of_others_is_made_harmless() -> None:
    assert milestones({"id": "a\nb\t c\u202e\u200b\x00 "}) == ["a b c"]
    assert milestones({"id": "Cafe\u0301"}) == ["Caf\u00e9"]


def test_two_of_a_name_are_told_apart_by_their_uid() -> None:
    first, second, third = ({"uid": f"plans:task:{n}", "id": "M"} for n in (1, 2, 3))

    # The beginnings of SHA-256 of the uids, as any other program would compute them.
    assert milestones(third, first, second) == ["M", "M~18c4d80e", "M~6a16a67c"]
    assert milestones(first) == ["M"]


def test_same_id_in_two_projects_is_told_apart_by_the_project() -> None:
    projects = [ROWS["project"][0], {"uid": "project:p2", "code": "HB-018"}]
    rows = [{"uid": "plans:task:1", "id": "M"}, {"uid": "plans:task:2", "id": "M", "project": "project:p2"}]

    exporter = an_exporter(a_report({"project": projects, "milestone": rows}))

    assert samples(exporter, "pmo_milestone_completed") == [
        '{project="HB-017",milestone="M"} 0.0',
        '{project="HB-018",milestone="M"} 0.0',
    ]


def test_projects_of_one_code_are_the_same_two_in_every_family() -> None:
    projects = [{"uid": f"project:{n}", "code": "P", "name": f"Project {n}", "progress": n} for n in (1, 2)]
    rows = [{"uid": f"plans:task:{n}", "id": "M", "project": f"project:{n}"} for n in (1, 2)]
    alerts = [an_alert(n, subject_id="M", project=f"project:{n}", project_code="P") for n in (1, 2)]

    exporter = an_exporter(a_report({"project": projects, "milestone": rows}, alerts=alerts))

    (second,) = {one.labels["project"] for one in exposed(exporter)["pmo_project_progress_ratio"].samples} - {"P"}
    assert re.fullmatch(r"P~[0-9a-f]{8}", second)
    for name in ("pmo_project_info", "pmo_milestone_completed", "pmo_alerts", "pmo_alert_since_timestamp_seconds"):
        assert {one.labels["project"] for one in exposed(exporter)[name].samples} == {"P", second}, name


def test_long_id_is_cut_at_a_character_and_stays_itself() -> None:
    exactly = "x" * 128
    first, second = milestones({"uid": "plans:task:1", "id": "é" * 65}, {"uid": "plans:task:2", "id": exactly})

    assert first == exactly if first.startswith("x") else second == exactly
    (cut,) = {first, second} - {exactly}
    assert re.fullmatch(r"é{59}~[0-9a-f]{8}", cut)
    assert len(cut.encode()) == 118 + 9


def test_long_ids_that_begin_alike_are_told_apart() -> None:
    rows = [{"uid": f"plans:task:{n}", "id": "x" * 150} for n in (1, 2)]

    found = milestones(*rows)

    assert len(set(found)) == 2
    assert {len(one) for one in found} == {128}


def test_names_are_cut_at_200_characters() -> None:
    exporter = an_exporter(a_report({"milestone": [{"id": "M", "name": "é" * 300}]}))

    assert samples(exporter, "pmo_milestone_info") == [f'{{{P},milestone="M",name="{"é" * 199}…",kind="internal"}} 1.0']


def test_project_that_is_gone_still_names_its_alerts() -> None:
    gone = an_alert(1, subject_id="M1", project="project:gone", project_code="OLD\n1")

    assert samples(an_exporter(a_report(alerts=[gone])), "pmo_alerts") == [
        '{rule="key-milestone-slip",project="OLD 1",entity="M1",level="red",state="open"} 1.0'
    ]


TEXTS = st.text(max_size=140)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=6))
def test_any_texts_give_series_that_parsers_read_and_that_are_there_once(texts: list[tuple[str, str, str]]) -> None:
    projects = [
        {"uid": f"project:{n}", "code": code, "name": name, "portfolio": "portfolio:infra"}
        for n, (code, name, _) in enumerate(texts)
    ]
    rows = [
        {"uid": f"plans:task:{n}", "id": key, "name": name, "project": f"project:{n % 2}"}
        for n, (_, name, key) in enumerate(texts)
    ]
    alerts = [
        an_alert(n, subject=f"plans:task:{n}", subject_id=key, project=f"project:{n}", project_code=code)
        for n, (code, _, key) in enumerate(texts)
    ]
    exporter = an_exporter(a_report({"project": projects, "milestone": rows}, alerts=alerts))

    for openmetrics in (False, True):
        found = exposed(exporter, openmetrics=openmetrics)
        assert list(doubled(found)) == []
        assert len(found["pmo_project_info"].samples) == len(texts)
        assert len(found["pmo_alerts"].samples) == len(texts)
