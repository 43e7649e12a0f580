"""Conditions, thresholds and spans: what each text means, and where one that is not understood goes wrong."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmo_watch import rules
from pmo_watch.entities.readable import readable_fields
from pmo_watch.rule_grammar import Misread, Subject, read_condition, read_list, read_threshold
from pmo_watch.rule_values import read_span
from pmo_watch.rules import Condition, Op, Quantity, Span, Today, Tolerance, Unit, Value

FIELDS = readable_fields("milestone")
UNITS = {
    "milestone.slip": Unit.WORKING_DAYS,
    "project.data_age": Unit.DAYS,
    "source.sync_age": Unit.HOURS,
    "project.overrun": Unit.PERCENT,
    "project.behind": Unit.POINTS,
    "project.ac": Unit.MONEY,
    "project.cpi": Unit.RATIO,
    "risk.level": Unit.COUNT,
    "milestone.streak": Unit.PERIODS,
    "project.rag_gap": Unit.STEPS,
    "kpi.value": Unit.INDICATOR,
}


def about(name: str) -> Subject:
    if name in UNITS:
        return Subject.measure(name, UNITS[name])
    if name in FIELDS:
        return Subject.field(name, FIELDS[name])
    raise Misread(f"no {name}")


def meant(subject: str, text: str) -> tuple[Op, tuple[Value, ...]]:
    condition = read_condition(text, about(subject))
    assert condition.text == " ".join(text.split())
    return condition.op, condition.values


def refused(subject: str, text: str) -> tuple[str, str]:
    """Return the text from the word on that is at fault, and what is said of it."""
    with pytest.raises(Misread) as caught:
        read_threshold(text, about(subject), about)
    assert 0 <= caught.value.offset <= len(text)
    return text[caught.value.offset :], caught.value.text


def wd(number: int | str) -> Quantity:
    return Quantity(Decimal(number), "wd")


@pytest.mark.parametrize(
    ("text", "op", "values"),
    [
        ("over 5 wd", Op.OVER, (wd(5),)),
        ("  Over   5  wd ", Op.OVER, (wd(5),)),
        ("under -5 wd", Op.UNDER, (wd(-5),)),
        ("at least 2.5 wd", Op.AT_LEAST, (wd("2.5"),)),
        ("at most 3wd", Op.AT_MOST, (wd(3),)),
        ("> 5 wd", Op.OVER, (wd(5),)),
        ("<5 wd", Op.UNDER, (wd(5),)),
        (">= 5 wd", Op.AT_LEAST, (wd(5),)),
        ("<=5wd", Op.AT_MOST, (wd(5),)),
        ("= 5 wd", Op.IS, (wd(5),)),
        ("5 wd", Op.IS, (wd(5),)),
        ("is 5 wd", Op.IS, (wd(5),)),
        ("is not 5 wd", Op.IS_NOT, (wd(5),)),
        ("between 1 wd and 3 wd", Op.BETWEEN, (wd(1), wd(3))),
        ("not  between -10 and 10 wd", Op.NOT_BETWEEN, (wd(-10), wd(10))),
        ("missing", Op.MISSING, ()),
        ("present", Op.PRESENT, ()),
        ("over tolerance.time.amber", Op.OVER, (Tolerance("time", "amber"),)),
        ("over tolerance.time.red or 5 wd", Op.OVER, (Tolerance("time", "red", wd(5)),)),
        ("over tolerance.time", Op.OVER, (Tolerance("time", "amber"),)),
        ("at most tolerance.time.amber - 2 wd", Op.AT_MOST, (Tolerance("time", "amber", less=wd(2)),)),
        ("at most tolerance.time - 2 wd or 3 wd", Op.AT_MOST, (Tolerance("time", "amber", wd(3), wd(2)),)),
    ],
)
def test_conditions_on_a_measure(text: str, op: Op, values: tuple[Value, ...]) -> None:
    assert meant("milestone.slip", text) == (op, values)


@pytest.mark.parametrize(
    ("subject", "text", "value"),
    [
        ("project.data_age", "over 7 d", Quantity(Decimal(7), "d")),
        ("source.sync_age", "over 24 h", Quantity(Decimal(24), "h")),
        ("project.overrun", "over 5 %", Quantity(Decimal(5), "%")),
        ("project.overrun", "over 5%", Quantity(Decimal(5), "%")),
        ("project.behind", "over 5 pp", Quantity(Decimal(5), "pp")),
        ("project.ac", "over 5000 EUR", Quantity(Decimal(5000), "EUR")),
        ("project.ac", "over 5000", Quantity(Decimal(5000))),
        ("project.cpi", "over 0.95", Quantity(Decimal("0.95"))),
        ("risk.level", "over 10", Quantity(Decimal(10))),
        ("milestone.streak", "over 1 period", Quantity(Decimal(1), "periods")),
        ("project.rag_gap", "over 1", Quantity(Decimal(1))),
        ("kpi.value", "over 1 ticket", Quantity(Decimal(1), "ticket")),
        ("kpi.value", "over 1", Quantity(Decimal(1))),
        ("milestone.progress", "over 50", Quantity(Decimal(50))),
        ("milestone.progress", "over 50 %", Quantity(Decimal(50), "%")),
        ("milestone.work", "over 8 h", Quantity(Decimal(8), "h")),
        ("milestone.total_slack", "over 2 wd", Quantity(Decimal(2), "wd")),
        ("milestone.total_slack", "over 4 h", Quantity(Decimal(4), "h")),
        ("milestone.days_left", "over 5", Quantity(Decimal(5))),
        ("milestone.days_left", "over 5 wd", Quantity(Decimal(5), "wd")),
        ("project.budget", "over 5000 CHF", Quantity(Decimal(5000), "CHF")),
    ],
)
def test_numbers_carry_the_unit_of_their_subject(subject: str, text: str, value: Quantity) -> None:
    assert meant(subject, text) == (Op.OVER, (value,))


@pytest.mark.parametrize(
    ("subject", "text", "op", "values"),
    [
        ("milestone.kind", "key", Op.IS, ("key",)),
        ("milestone.kind", "is not key", Op.IS_NOT, ("key",)),
        ("milestone.kind", "like k*", Op.LIKE, ("k*",)),
        ("milestone.done", "false", Op.IS, (False,)),
        ("milestone.done", "is not TRUE", Op.IS_NOT, (True,)),
        ("milestone.name", "in progress", Op.IS, ("in progress",)),
        ("milestone.name", 'is "over budget"', Op.IS, ("over budget",)),
        ("milestone.name", "is 'missing'", Op.IS, ("missing",)),
        ("milestone.name", "over-budget", Op.IS, ("over-budget",)),
        ("milestone.wbs", "007", Op.IS, ("007",)),
        ("milestone.labels", "urgent", Op.IS, ("urgent",)),
        ("milestone.owner", "missing", Op.MISSING, ()),
        ("milestone.deadline", "2026-07-17", Op.IS, (date(2026, 7, 17),)),
        ("milestone.deadline", "under today", Op.UNDER, (Today(),)),
        ("milestone.deadline", "under today + 5 wd", Op.UNDER, (Today(5, "wd"),)),
        ("milestone.deadline", "under today-10d", Op.UNDER, (Today(-10, "d"),)),
        (
            "milestone.deadline",
            "between 2026-07-01 and today + 5 wd",
            Op.BETWEEN,
            (date(2026, 7, 1), Today(5, "wd")),
        ),
        ("milestone.updated_at", "under 2026-07-17", Op.UNDER, (date(2026, 7, 17),)),
    ],
)
def test_conditions_on_fields(subject: str, text: str, op: Op, values: tuple[Value, ...]) -> None:
    assert meant(subject, text) == (op, values)


def test_word_that_is_also_a_condition_may_be_a_value() -> None:
    document = Subject.field("document.status", readable_fields("document")["document.status"])

    assert read_condition("is missing", document) == Condition(Op.IS, ("missing",), "is missing")
    assert read_condition("missing", document) == Condition(Op.MISSING, (), "missing")


def test_list_means_one_of() -> None:
    condition = read_list(["key", "gate"], about("milestone.kind"))

    assert condition == Condition(Op.ONE_OF, ("key", "gate"), "one of key, gate")


def test_faulty_item_of_a_list_is_counted() -> None:
    with pytest.raises(Misread, match=r"milestone\.kind is never 'gates'") as caught:
        read_list(["key", "gates"], about("milestone.kind"))

    assert caught.value.offset == 1


def test_tolerance_without_level_is_that_of_the_threshold() -> None:
    condition = read_condition("over tolerance.cost or 10 %", about("project.overrun"), "red")

    assert condition.values == (Tolerance("cost", "red", Quantity(Decimal(10), "%")),)


def test_what_is_nearer_than_a_share_is_in_percentage_points() -> None:
    condition = read_condition("at most tolerance.cost.amber - 1 pp or 4 %", about("project.overrun"))

    assert condition.values == (Tolerance("cost", "amber", Quantity(Decimal(4), "%"), less=Quantity(Decimal(1), "pp")),)
    with pytest.raises(Misread, match="is in %: how much nearer is in pp: write `1 pp`"):
        read_condition("at most tolerance.cost.amber - 1 % or 4 %", about("project.overrun"))


def test_when_says_for_which_rows_a_threshold_applies() -> None:
    threshold = read_threshold(
        "under 90 % when milestone.days_left at most 5 wd", about("project.overrun"), about, on="x.y"
    )

    assert (threshold.condition.text, threshold.on) == ("under 90 %", "x.y")
    assert threshold.when == rules.Test("milestone.days_left", Condition(Op.AT_MOST, (wd(5),), "at most 5 wd"))


def test_when_inside_quotes_is_text() -> None:
    threshold = read_threshold('is "only when asked"', about("milestone.name"), about)

    assert threshold.condition.values == ("only when asked",)


IN_WORKING_DAYS = "milestone.slip is counted in working days: write `5 wd`"
LEADS_ON = "milestone.owner leads to another row: write `missing` or `present`, or name a field of that row"


@pytest.mark.parametrize(
    ("subject", "text", "at", "said"),
    [
        ("milestone.slip", "over 5", "5", f"5 has no unit; {IN_WORKING_DAYS}"),
        ("milestone.slip", "over 5 %", "%", f"'%' does not fit; {IN_WORKING_DAYS}"),
        (
            "milestone.slip",
            "over 5 days",
            "days",
            "'days' is not a unit here; write wd (working days) or d (calendar days)",
        ),
        ("project.cpi", "under 95 %", "%", "'%' does not fit; project.cpi is a ratio and takes no unit: write `0.95`"),
        (
            "project.ac",
            "over 5 wd",
            "wd",
            "'wd' does not fit; project.ac is an amount of money and takes a currency code or no unit: write `5`",
        ),
        ("milestone.slip", "over 5,5 wd", "5,5 wd", "'5,5' is not a number here; write 5.5"),
        ("milestone.slip", "over 1 000 wd", "1 000 wd", "'1 000' is not a number here; write 1000"),
        (
            "milestone.slip",
            "over 1e3 wd",
            "1e3 wd",
            "'1e3' is not a number here; write it in digits, as in `over 5 wd`",
        ),
        ("milestone.slip", "over 5 wd please", "please", "'please' is too much here"),
        ("milestone.slip", "more than 5 wd", "more than 5 wd", "'more than' is not a comparison; write `over`"),
        ("milestone.slip", "at lest 5 wd", "at lest 5 wd", "'at lest' is not a comparison, did you mean 'at least'?"),
        ("milestone.slip", "between 5 and 3 wd", "5 and 3 wd", "'5' is more than '3 wd'; put the smaller one first"),
        ("milestone.slip", "missing 5", "5", "'5' is too much: `missing` stands alone"),
        ("milestone.slip", "", "", "the condition is empty; write `missing` for a value that is not there"),
        (
            "milestone.slip",
            "over 5 wd when milestone.kind is kye",
            "kye",
            "milestone.kind is never 'kye', did you mean 'key'?",
        ),
        ("milestone.slip", "over 5 wd when nobody.knows 5", "nobody.knows 5", "no nobody.knows"),
        ("milestone.done", "no", "no", "milestone.done is true or false: write false"),
        ("milestone.deadline", "over 2026-02-30", "2026-02-30", "'2026-02-30' is not a day of the calendar"),
        (
            "milestone.deadline",
            "over 17/07/2026",
            "17/07/2026",
            "'17/07/2026' is not a date; write it as in 2026-07-17, or `today + 5 wd`",
        ),
        ("milestone.owner", "is m.rossi", "m.rossi", LEADS_ON),
        (
            "milestone.total_slack",
            "over 5",
            "5",
            "5 has no unit; milestone.total_slack is a duration, in wd or h: write `5 wd`",
        ),
    ],
)
def test_what_is_not_understood_is_said_at_its_word(subject: str, text: str, at: str, said: str) -> None:
    assert refused(subject, text) == (at, said)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("1 evaluation", Span(1, "evaluations")),
        ("2 evaluations", Span(2, "evaluations")),
        ("3 wd", Span(3, "wd")),
        ("24h", Span(24, "h")),
        (" 5 d ", Span(5, "d")),
    ],
)
def test_spans(text: str, span: Span) -> None:
    assert read_span(text, "evaluations", "wd", "h", "d") == span


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("soon", 0, "'soon' is not a span of time; write it as in `2 wd` or `24 h`"),
        ("2 weeks", 2, "'weeks' does not fit here; write wd (5 wd are a week)"),
        ("2 evaluations", 2, "'evaluations' does not fit here; write it as in `2 wd` or `24 h`"),
        ("0 wd", 0, "a span of 0 wd is none; write at least 1"),
    ],
)
def test_spans_that_are_none(text: str, offset: int, said: str) -> None:
    with pytest.raises(Misread) as caught:
        read_span(text, "wd", "h")

    assert (caught.value.offset, caught.value.text) == (offset, said)


SIGNS = [">", "<=", "=", '"', "'", "+", "-", "%", "\u00a0"]
NAMES = ["milestone.kind", "milestone.slip", "tolerance.cost", "today", "key", "true", "wd", "EUR", "when", "and", "or"]
NUMBERS = ["5", "-3", "0.5", "5,5", "1\u202f000", "2026-07-17", "9" * 20]
WORDS = st.sampled_from([*map(str, Op), *SIGNS, *NAMES, *NUMBERS])


@settings(max_examples=800, deadline=None)
@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=30), st.sampled_from([*UNITS, *FIELDS]))
def test_any_text_is_understood_or_refused_at_a_place_inside_it(text: str, subject: str) -> None:
    offset = 0
    try:
        read_threshold(text, about(subject), about)
    except Misread as error:
        offset = error.offset
        assert error.text  # noqa: PT017 - either outcome is right

    assert 0 <= offset <= len(text)
