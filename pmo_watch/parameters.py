"""Parameters of measures as people write them: `10 wd`, `20 %`, `3 samples`; a number without its unit is refused.

In Python they are plain numbers: `window: WorkingDays = 10`. As JSON they are written with their unit again.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema


@dataclass(frozen=True, slots=True)
class Written:
    """A number of zero or more with a unit; `one` is the unit's singular, where it has one.

    `most`: more than this is a slip of the finger, and would ask for days before there was a calendar.
    """

    unit: str
    one: str = ""
    whole: bool = True
    most: int = 1000

    @property
    def pattern(self) -> str:
        """The regular expression of what may be written."""
        units = f"(?:{self.unit}|{self.one})" if self.one else self.unit
        digits = r"\d+" if self.whole else r"\d+(?:\.\d+)?"
        return rf"^\s*({digits})\s*{units}\s*$"

    @property
    def example(self) -> str:
        """A number with this unit."""
        return f"10 {self.unit}"

    def read(self, written: object) -> int | float:
        """Return the number.

        Raises:
            ValueError: the unit is missing or another one, or what stands before it is no such number, or too much.
        """
        found = re.match(self.pattern, written) if isinstance(written, str) else None
        if found is None:
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"must be {kind} with its unit, such as '{self.example}', not {written!r}")
        number = float(found[1])
        if number > self.most:
            raise ValueError(f"must be at most {self.write(self.most)}, not {written!r}")
        return int(found[1]) if self.whole else number

    def write(self, number: float) -> str:
        """Return the number with its unit."""
        return f"{number:g} {self.one if self.one and number == 1 else self.unit}"

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        """Read the text; write it again in JSON."""
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(self.write, when_used="json")
        )

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe the text to editors."""
        return {"type": "string", "pattern": self.pattern, "examples": [self.example]}


WorkingDays = Annotated[int, Written("wd", most=10_000)]
Days = Annotated[int, Written("d", most=20_000)]
Weeks = Annotated[int, Written("weeks", "week")]
Months = Annotated[int, Written("months", "month")]
Periods = Annotated[int, Written("periods", "period")]
Sprints = Annotated[int, Written("sprints", "sprint")]
SampleCount = Annotated[int, Written("samples", "sample")]
Percent = Annotated[float, Written("%", whole=False, most=100_000)]  # 0 to 100
Points = Annotated[float, Written("pp", whole=False, most=100_000)]  # of two percentages
