"""Persons: users of the environment and bookable resources, and whom a reference means (spec sources 3.6, 3.11)."""

from collections.abc import Mapping

import polars as pl

from pmo_watch.api import ENTITIES

from .choices import ACCOUNT, CONTACT, USER_KIND
from .values import WHO

PERSON = "person"


def users(frame: pl.DataFrame) -> pl.DataFrame:
    """Return users as persons; one that is disabled is no longer active."""
    disabled = pl.col("@disabled") if "@disabled" in frame.columns else pl.lit(None, pl.Boolean)
    return frame.with_columns(id=pl.col("key"), email=_address(frame, "email"), active=~disabled).drop(
        "@disabled", strict=False
    )


def resources(frame: pl.DataFrame, addresses: Mapping[str, str]) -> tuple[pl.DataFrame, list[str]]:
    """Return resources that are somebody as persons, and the keys of those that are not.

    `addresses`: key of a user -> e-mail address, for resources without one of their own.
    """
    kind = pl.col("@kind_of_person") if "@kind_of_person" in frame.columns else pl.lit(None, pl.Int64)
    somebody = kind.is_null() | kind.is_in([CONTACT, USER_KIND, ACCOUNT])
    state = pl.col("@state") if "@state" in frame.columns else pl.lit(None, pl.Int64)
    user = pl.col("@user") if "@user" in frame.columns else pl.lit(None, pl.String)
    of_user = user.replace_strict(addresses, default=None, return_dtype=pl.String)
    made = frame.with_columns(
        id=pl.col("key"),
        email=pl.coalesce(_address(frame, "email"), of_user),
        external=pl.when(kind.is_not_null()).then(kind != USER_KIND),
        active=state == 0,
        **{"@somebody": somebody},
    )
    nobody = made.filter(~pl.col("@somebody"))["key"].to_list()
    extra = [name for name in made.columns if name.startswith("@")]
    return made.filter("@somebody").drop(extra), nobody


def of_team(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the members of teams as persons: all that is known where resources may not be read."""
    named = frame.filter(pl.col("@user").is_not_null())
    return named.select(key="@user", id="@user", name="@name").unique("key", keep="first", maintain_order=True)


def _address(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).str.to_lowercase() if name in frame.columns else pl.lit(None, pl.String)


def with_addresses(persons: pl.DataFrame, said: Mapping[str, str]) -> pl.DataFrame:
    """Give persons without an address the one that the settings say for their key or name."""
    if not said:
        return persons
    lower = {name.strip().lower(): address.lower() for name, address in said.items()}
    by_key = pl.col("key").replace_strict(lower, default=None, return_dtype=pl.String)
    by_name = pl.col("name").str.to_lowercase().replace_strict(lower, default=None, return_dtype=pl.String)
    return persons.with_columns(email=pl.coalesce("email", by_key, by_name))


def resolved(entity: str, frame: pl.DataFrame, persons: pl.DataFrame, said: Mapping[str, str]) -> pl.DataFrame:
    """Let each reference to a person that was not read hold the name, or the address that the settings say for it."""
    known = persons["key"].implode()
    lower = {name.strip().lower(): address.lower() for name, address in said.items()}
    for field in ENTITIES[entity].stored():
        if PERSON not in field.refers or f"{WHO}{field.name}" not in frame.columns:
            continue
        key, name = pl.col(field.name), pl.col(f"{WHO}{field.name}")
        address = pl.coalesce(
            key.replace_strict(lower, default=None, return_dtype=pl.String),
            name.str.to_lowercase().replace_strict(lower, default=None, return_dtype=pl.String),
        )
        whom = pl.when(key.is_null() | key.is_in(known)).then(key).otherwise(pl.coalesce(address, name))
        frame = frame.with_columns(whom.alias(field.name)).drop(f"{WHO}{field.name}")
    return frame
