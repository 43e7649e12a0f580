import re
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from pmo_watch.parameters import Percent, Periods, SampleCount, WorkingDays


class Params(BaseModel):
    window: WorkingDays = 10
    limit: Percent = 15
    over: SampleCount = 3
    keep: Periods = 1
    every: dict[int, WorkingDays] = {15: 5}


def test_number_with_its_unit_is_read() -> None:
    read = Params.model_validate({"window": "5 wd", "limit": "12.5 %", "over": "1 sample", "every": {"20": "3wd"}})

    assert read == Params.model_construct(window=5, limit=12.5, over=1, keep=1, every={20: 3})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"window": 5}, "must be a whole number with its unit, such as '10 wd', not 5"),
        ({"window": "5 d"}, "must be a whole number with its unit, such as '10 wd', not '5 d'"),
        ({"window": "1.5 wd"}, "must be a whole number with its unit, such as '10 wd', not '1.5 wd'"),
        ({"limit": "15"}, "must be a number with its unit, such as '10 %', not '15'"),
        ({"window": "99999999999 wd"}, "must be at most 10000 wd, not '99999999999 wd'"),
        ({"keep": "1001 periods"}, "must be at most 1000 periods, not '1001 periods'"),
        ({"over": "-1 samples"}, "must be a whole number with its unit, such as '10 samples', not '-1 samples'"),
    ],
)
def test_number_without_its_unit_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Params.model_validate(given)

    assert str(refused.value.errors()[0]["ctx"]["error"]) == said


def test_parameters_are_written_as_people_do() -> None:
    written = Params().model_dump(mode="json")

    assert written == {
        "window": "10 wd",
        "limit": "15 %",
        "over": "3 samples",
        "keep": "1 period",
        "every": {"15": "5 wd"},
    }
    assert Params.model_validate(written) == Params()


def test_editors_know_the_form() -> None:
    schema = Params.model_json_schema(mode="serialization")["properties"]["window"]

    assert schema["type"] == "string"
    assert schema["default"] == "10 wd"
    assert re.match(schema["pattern"], "5 wd")
    assert not re.match(schema["pattern"], "5")
