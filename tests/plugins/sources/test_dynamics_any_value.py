"""Dynamics 365 and Dataverse: whatever stands in a column becomes a value of the model or is reported."""

from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pmo_watch_plugins.sources.dynamics.client import addresses, near_limit, plain_address
from pmo_watch_plugins.sources.dynamics.metadata import Facts, readable_of
from pmo_watch_plugins.sources.dynamics.plans import weeks_of
from pmo_watch_plugins.sources.dynamics.presets import PRESETS
from pmo_watch_plugins.sources.dynamics.report import Report
from pmo_watch_plugins.sources.dynamics.values import Converter, Rules, ScaleError

from pmo_watch.api import Headers

BRUSSELS = ZoneInfo("Europe/Brussels")
TABLES = {
    name: readable_of(table, Facts(table.set, table.key)) for name, table in PRESETS["project_operations"].items()
}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["2026-01-05T07:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-05", "-", "\x00"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(TABLES)))
def test_any_value_in_any_column_becomes_one_of_the_model_or_none(data: st.DataObject, name: str) -> None:
    table = TABLES[name]
    columns = table.select().split(",")
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, VALUES)), min_size=1, max_size=4))
    converter = Converter(table, Rules(BRUSSELS, (date(2000, 1, 1),)), Report())

    try:
        frame = converter.frame(rows, [f"key {number}" for number in range(len(rows))])
    except ScaleError:
        return

    assert frame.height == len(rows)
    assert {one.field for one in table.map.columns} <= set(frame.columns)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (Decimal("0.45"), Decimal(45)),
        (Decimal("1E-2"), Decimal(1)),
        (1, Decimal(100)),
        (Decimal("0.1234567891"), Decimal("12.345679")),
        ("much", None),
        (None, None),
    ],
)
def test_numbers_are_exact(number: Any, expected: Decimal | None) -> None:
    table = TABLES["project"]
    empty = dict.fromkeys(table.select().split(","))

    frame = Converter(table, Rules(BRUSSELS, ()), Report()).frame([{**empty, "msdyn_progress": number}], ["key"])

    assert frame["progress"][0] == expected


@pytest.mark.parametrize(
    ("contour", "expected"),
    [
        ('[{"Start": "\\/Date(1767600000000)\\/", "End": "\\/Date(1767628800000)\\/", "Hours": 8}]', ["2026-W02=8"]),
        (
            '[{"Start": "2026-01-09T08:00:00+01:00", "End": "2026-01-12T17:00:00+01:00", "Hours": 15.5}]',
            ["2026-W02=7.75", "2026-W03=7.75"],
        ),
        ('[{"Start": "\\/Date(1767600000000)\\/", "End": "\\/Date(1767600000000)\\/", "Hours": 0}]', None),
        ('[{"Start": "\\/Date(99999999999999999)\\/", "End": "\\/Date(1)\\/", "Hours": 1}]', None),
        ('{"Start": 1}', None),
        ("[", None),
    ],
    ids=["a day", "over a weekend", "no hours", "out of time", "no list", "cut off"],
)
def test_a_contour_is_hours_of_weeks(contour: str, expected: list[str] | None) -> None:
    assert weeks_of(contour, BRUSSELS) == expected


@pytest.mark.parametrize("url", ["https://org.crm4.dynamics.com", "https://org.api.crm4.dynamics.com"])
def test_both_names_of_an_environment_are_one(url: str) -> None:
    assert plain_address(url) == "https://org.crm4.dynamics.com"
    assert addresses(url) == ("https://org.crm4.dynamics.com", "https://org.api.crm4.dynamics.com")


def test_another_host_has_one_name() -> None:
    assert addresses("https://crm.example.org:8443") == ("https://crm.example.org:8443",)


@pytest.mark.parametrize(
    ("requests", "seconds", "expected"),
    [
        ("5999", "1,200.00", False),
        ("599", "1,200.00", True),
        ("5999", "119.5", True),
        ("", "", False),
        ("?", "?", False),
    ],
)
def test_the_limit_is_near_when_less_than_a_tenth_is_left(requests: str, seconds: str, expected: bool) -> None:
    headers = Headers(
        {
            "x-ms-ratelimit-burst-remaining-xrm-requests": requests,
            "x-ms-ratelimit-time-remaining-xrm-requests": seconds,
        }
    )

    assert near_limit(headers) is expected
