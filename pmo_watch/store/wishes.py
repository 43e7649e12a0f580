"""What each wish for history keeps of the versions, how a reading moves it on, and the answer made of it.

Samples keep the versions of their periods; Since keeps each present row's value and the moment it came; First keeps
each row's first value, Previous its two latest versions, Vanished its latest one and since when it is gone. Moved on
by what a cycle read, they need not be read again.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

import polars as pl
from sqlalchemy import Connection, and_, or_, true

from pmo_watch import periods
from pmo_watch.flow import First, Previous, Samples, Since, Vanished, Wish
from pmo_watch.store.bulk import fetch
from pmo_watch.store.changes import ReadingChange
from pmo_watch.store.tables import STORED, VERSIONS

MOMENT = pl.Datetime("us", "UTC")
EVER = datetime(1970, 1, 1, tzinfo=UTC)
ORIGIN = ("uid", "source", "known_from", "known_to")


@dataclass(frozen=True, slots=True)
class Period:
    """A period, the instant it begins, and the instant it is looked at: its last one, or now in the current one."""

    name: str
    last_day: date
    begins: datetime
    looked_at: datetime


def periods_of(wish: Samples, now: datetime, zone: tzinfo) -> list[Period]:
    """Return the periods of a wish, oldest first; the last is the current one and ends today."""
    today = now.astimezone(zone).date()
    found = []
    for name in periods.latest(wish.every, today, max(wish.n, 1)):
        first, last = periods.bounds(name)
        ends = _midnight(last + timedelta(days=1), zone) - timedelta(microseconds=1)
        found.append(Period(name, min(last, today), _midnight(first, zone), min(ends, now)))
    return found


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def fields_of(wish: Wish) -> list[str]:
    """Return the fields that a wish reads; none when one of them is not stored."""
    if isinstance(wish, Samples):
        names = [*wish.fields, *filter(None, [wish.restart_on])]
    else:
        names = list(wish.fields) if isinstance(wish, (Previous, Vanished)) else [wish.field]
    entity = STORED.get(wish.entity)
    stored = {one.name for one in entity.stored()} if entity else set()
    return list(dict.fromkeys(names)) if stored.issuperset(names) else []


def nothing(wish: Wish) -> pl.DataFrame:
    """Return the answer to a wish for what is not stored: no rows."""
    origin = {"uid": pl.String(), "source": pl.String()}
    if isinstance(wish, Samples):
        columns = {**origin, "period": pl.String(), "ends": pl.Date()}
        return pl.DataFrame(schema={**columns, **dict.fromkeys(wish.fields, pl.Null())})
    if isinstance(wish, Previous):
        names = [name for one in wish.fields for name in (one, before(one))]
        return pl.DataFrame(schema={**origin, **dict.fromkeys(names, pl.Null())})
    if isinstance(wish, Vanished):
        return pl.DataFrame(schema={**origin, "vanished_on": pl.Date(), **dict.fromkeys(wish.fields, pl.Null())})
    return pl.DataFrame(
        schema={**origin, **({"since": pl.Date()} if isinstance(wish, Since) else {wish.field: pl.Null()})}
    )


def before(name: str) -> str:
    """Return the column of what a field was in the version before."""
    return f"{name}_before"


# --- read, and moved on -------------------------------------------------------------------------------------------


def since_of(wish: Wish, now: datetime, zone: tzinfo) -> datetime:
    """Return from when on the wish needs versions: those of rows and their first or last values need all there are."""
    if isinstance(wish, Vanished):
        return now - timedelta(days=wish.days)
    return periods_of(wish, now, zone)[0].looked_at if isinstance(wish, Samples) else EVER


def read_versions(connection: Connection, wishes: Sequence[Wish], since: datetime) -> pl.DataFrame:
    """Read the versions that wishes for one entity need, with the fields of all of them."""
    entity = wishes[0].entity
    names = dict.fromkeys(name for wish in wishes for name in fields_of(wish))
    table = VERSIONS[entity]
    lately = [table.c.known_to.is_(None), table.c.known_to > since]
    if any(isinstance(wish, Vanished) for wish in wishes):
        names = {"vanished_on": None, **names}
        lately.append(table.c.vanished_on >= since.date())  # a row ends when it is first missed, and is gone later
    return fetch(connection, entity, [*ORIGIN, *names], true() if since == EVER else or_(*lately))


def versions_of(connection: Connection, wish: Samples, uids: Sequence[str], since: datetime) -> pl.DataFrame:
    """Read what a wish for samples keeps of some rows."""
    table = VERSIONS[wish.entity]
    lately = or_(table.c.known_to.is_(None), table.c.known_to > since)
    return fetch(connection, wish.entity, [*ORIGIN, *fields_of(wish)], and_(table.c.uid.in_(list(uids)), lately))


def kept_of(versions: pl.DataFrame, wish: Wish, since: datetime) -> pl.DataFrame:
    """Return what the wish keeps of the versions."""
    if isinstance(wish, Vanished):
        lasting = pl.col("known_to").is_null() | (pl.col("vanished_on") >= since.date())
        last = versions.filter(lasting).sort("known_from", maintain_order=True).unique("uid", keep="last")
        return last.select("uid", "source", "vanished_on", *fields_of(wish))
    rows = versions.select(*ORIGIN, *fields_of(wish))
    if isinstance(wish, Previous):
        return _with_before(rows, wish)
    if isinstance(wish, Samples):
        return rows.filter(pl.col("known_to").is_null() | (pl.col("known_to") > since))
    if isinstance(wish, First):
        valued = rows.filter(pl.col(wish.field).is_not_null()).sort("known_from", maintain_order=True)
        return valued.unique("uid", keep="first", maintain_order=True).select("uid", "source", wish.field)
    value, before = pl.col(wish.field), pl.col(wish.field).shift(1)
    unbroken = (pl.col("known_to").shift(1) == pl.col("known_from")) & ~value.ne_missing(before)
    came = rows.sort("uid", "known_from").with_columns(came=~unbroken.over("uid").fill_null(value=False))
    return (
        came.with_columns(pl.when("came").then("known_from").forward_fill().over("uid").alias("known_from"))
        .filter(pl.col("known_to").is_null())
        .select("uid", "source", "known_from", wish.field)
    )


def _with_before(rows: pl.DataFrame, wish: Previous) -> pl.DataFrame:
    """Return the present versions with what the one before said; a row that was gone in between begins anew."""
    ordered = rows.sort("uid", "known_from")
    same_row = (pl.col("uid").shift(1) == pl.col("uid")) & (pl.col("known_to").shift(1) == pl.col("known_from"))
    told = [pl.when(same_row).then(pl.col(name).shift(1)).alias(before(name)) for name in wish.fields]
    return (
        ordered.with_columns(told)
        .filter(pl.col("known_to").is_null())
        .select("uid", "source", *wish.fields, *map(before, wish.fields))
    )


def moved_on(kept: pl.DataFrame, wish: Wish, change: ReadingChange, began: datetime) -> pl.DataFrame:
    """Return what the wish keeps once a reading counts."""
    changed = change.changed.get(wish.entity)
    uids = [*change.vanished.get(wish.entity, ()), *change.deleted.get(wish.entity, ())]
    gone = pl.DataFrame({"uid": uids}, schema={"uid": pl.String})
    if changed is None:
        changed = pl.DataFrame(schema={name: kept.schema.get(name, pl.String()) for name in ("uid", *fields_of(wish))})
    if changed.is_empty() and gone.is_empty():
        return kept
    new = changed.select(
        "uid",
        pl.lit(change.state.name).alias("source"),
        pl.lit(began).cast(MOMENT).alias("known_from"),
        pl.lit(None).cast(MOMENT).alias("known_to"),
        *fields_of(wish),
    )
    if isinstance(wish, Samples):
        ended = pl.concat([new.select("uid"), gone]).with_columns(ended=pl.lit(began).cast(MOMENT))
        closed = kept.join(ended, on="uid", how="left").with_columns(pl.coalesce("known_to", "ended").alias("known_to"))
        return pl.concat([closed.drop("ended"), new])
    if isinstance(wish, First):
        first = new.filter(pl.col(wish.field).is_not_null()).join(kept, on="uid", how="anti")
        return pl.concat([kept, first.select(kept.columns)])
    rest = kept.join(new, on="uid", how="anti")
    if isinstance(wish, Vanished):
        return _with_lost(rest, new, gone, change.today)
    rest = rest.join(gone, on="uid", how="anti")
    if isinstance(wish, Previous):
        was = kept.select("uid", *[pl.col(name).alias(before(name)) for name in wish.fields])
        return pl.concat([rest, new.join(was, on="uid", how="left").select(kept.columns)])
    same = pl.col(wish.field).eq_missing(pl.col("value")) & pl.col("before").is_not_null()
    told = new.join(kept.select("uid", before="known_from", value=wish.field), on="uid", how="left")
    since = told.with_columns(pl.when(same).then("before").otherwise("known_from").alias("known_from"))
    return pl.concat([rest, since.select(kept.columns)])


def _with_lost(rest: pl.DataFrame, new: pl.DataFrame, gone: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return the rows with the day on which they were found to be gone; a row that came is there again."""
    lost = pl.when(pl.col("uid").is_in(gone["uid"].implode())).then(pl.lit(today))
    told = rest.with_columns(pl.coalesce("vanished_on", lost).alias("vanished_on"))
    here = new.with_columns(pl.lit(None, pl.Date).alias("vanished_on"))
    return pl.concat([told, here.select(rest.columns)])


# --- answered -----------------------------------------------------------------------------------------------------


def standing(kept: pl.DataFrame, wish: Wish, now: datetime, zone: tzinfo) -> pl.DataFrame:
    """Return what is known of each row now, as every wish but Samples asks for it."""
    rows = kept.sort("uid")
    if isinstance(wish, Since):
        day = pl.col("known_from").dt.convert_time_zone(str(zone)).dt.date()
        return rows.select("uid", "source", day.alias("since"))
    if isinstance(wish, Vanished):
        oldest = now.astimezone(zone).date() - timedelta(days=wish.days)
        return rows.filter(pl.col("vanished_on") > oldest)
    return rows


def samples(
    kept: pl.DataFrame, wish: Samples, looked: Sequence[Period], heard: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """Return the version known at the end of each period, where its source was heard in it; oldest first.

    `heard`: period -> sources with a complete reading in it.
    """
    fresh = _since_restart(kept, wish.restart_on)
    pieces = [pl.DataFrame(schema=_sample_schema(kept, wish))]
    for one in looked:
        moment = pl.lit(one.looked_at).cast(MOMENT)
        known = (pl.col("known_from") <= moment) & (pl.col("known_to").is_null() | (pl.col("known_to") > moment))
        rows = fresh.filter(known & pl.col("source").is_in(list(heard.get(one.name, ()))))
        at = (pl.lit(one.name).alias("period"), pl.lit(one.last_day).alias("ends"))
        pieces.append(rows.select("uid", "source", *at, *wish.fields))
    return pl.concat(pieces).sort("uid", "ends")


def _sample_schema(kept: pl.DataFrame, wish: Samples) -> dict[str, pl.DataType]:
    columns = {"uid": pl.String(), "source": pl.String(), "period": pl.String(), "ends": pl.Date()}
    return {**columns, **{name: kept.schema[name] for name in wish.fields}}


def _since_restart(kept: pl.DataFrame, name: str) -> pl.DataFrame:
    """Leave out versions from before the last change of a field; a value that is lost for a while is no change."""
    if not name:
        return kept
    rows = kept.sort("uid", "known_from")
    value = pl.col(name).forward_fill().over("uid")
    rows = rows.with_columns(value.alias("@value"))
    changed = pl.col("@value").ne_missing(pl.col("@value").shift(1)) & (pl.col("uid") == pl.col("uid").shift(1))
    restart = pl.when(changed).then("known_from").max().over("uid")
    return rows.filter((pl.col("known_from") >= restart) | restart.is_null()).drop("@value")
