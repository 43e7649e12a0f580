"""Which row a person means who writes an id, a code, a uid, a name or an address, with its project where needed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from pmo_watch.entities.readable import PREFIXES
from pmo_watch.errors import ConfigError
from pmo_watch.faults import did_you_mean
from pmo_watch.flow import Snapshot
from pmo_watch.references import one_project, plain

CALLED = ("id", "code", "email", "artefact")  # what a row is known by; a name comes after
NAMES = ("name", "title", *(f"name_{language}" for language in ("en", "fr", "nl")))
MOST_WORDS = 20_000  # looked through for a slip of the pen
PERSON = "person"
EXACT, KNOWN_AS, NAMED = range(3)  # how a text fits, the best first


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may be meant; `project` is the uid of its project, empty where it has none."""

    entity: str
    uid: str
    id: str
    name: str
    project: str = ""


def candidates(snapshot: Snapshot, text: str, project: str = "") -> list[Candidate]:
    """Return the rows that fit a text best: by uid, else by id, code or address, else by name; by entity and uid.

    `text`: alone, or behind the code of a project as in `NOV-01/M12`. `project`: only rows of this one (code or id).
    """
    found = _best(snapshot, text, project)
    before, _, last = text.partition("/")
    return found or (_best(snapshot, last, before) if last and not project else [])


def person_called(snapshot: Snapshot, text: str) -> str:
    """Return the uid of the person that is called so by address, name, alias or uid; empty where nobody is.

    Raises:
        ConfigError: several persons are.
    """
    people = snapshot.frame(PERSON)
    known_as = pl.col("aliases").list.eval(pl.element().str.to_lowercase() == text.lower()).list.any()
    found = [one.uid for one in candidates(snapshot, text) if one.entity == PERSON]
    found = found or people.filter(known_as)["uid"].to_list()
    if len(found) > 1:
        raise ConfigError(f"'{text}' is what several persons are called: {', '.join(found)}: give one of these")
    return found[0] if found else ""


def known_words(snapshot: Snapshot) -> Iterator[str]:
    """Yield what rows are known by, projects first."""
    for entity in ("project", *(name for name in _entities() if name != "project")):
        frame = _frame(snapshot, entity)
        for column in (*CALLED, *NAMES):
            if column in frame.columns:
                yield from frame[column].drop_nulls().head(MOST_WORDS)


def nothing_found(snapshot: Snapshot, text: str) -> str:
    """Say that no row is called so, with the word that is nearest."""
    near = did_you_mean(text, _similar(text, known_words(snapshot)))
    return f"nothing is called '{text}'{near or '; give an alert id, or the id, code, uid or name of a row'}"


def _similar(text: str, words: Iterable[str]) -> list[str]:
    """Return words of about the length: no others can be near."""
    least, most = len(text) * 2 // 5, len(text) * 5 // 2 + 1
    return [one for one in words if least <= len(one) <= most]


def _best(snapshot: Snapshot, text: str, project: str) -> list[Candidate]:
    fitting = [one for entity in _entities() for one in _fitting(snapshot, entity, text, project)]
    best = min((rank for rank, _ in fitting), default=EXACT)
    return sorted((one for rank, one in fitting if rank == best), key=lambda one: (one.entity, one.uid))


def _entities() -> list[str]:
    """Return what rows are stored as; alerts are found by their id alone."""
    return list(dict.fromkeys(next(iter(one.values())) for name, one in PREFIXES.items() if name != "alert"))


def _fitting(snapshot: Snapshot, entity: str, text: str, project: str) -> Iterator[tuple[int, Candidate]]:
    frame = _frame(snapshot, entity)
    wanted = pl.select(plain(pl.lit(text))).item()
    ways = [(EXACT, pl.col("uid") == text)]
    ways += [(KNOWN_AS, plain(pl.col(name)) == wanted) for name in CALLED if name in frame.columns]
    ways += [(NAMED, plain(pl.col(name)) == wanted) for name in NAMES if name in frame.columns]
    fits = pl.min_horizontal([pl.when(holds).then(pl.lit(rank)) for rank, holds in ways]).alias("@fits")
    rows = _of_project(frame.with_columns(fits).filter(pl.col("@fits").is_not_null()), entity, snapshot, project)
    for row in rows.iter_rows(named=True):
        known_as = next((str(row[name]) for name in ("code", *CALLED) if row.get(name)), row["uid"])
        name = next((str(row[name]) for name in NAMES if row.get(name)), known_as)
        milestone = entity == "task" and row.get("is_milestone")
        about = Candidate("milestone" if milestone else entity, row["uid"], known_as, name, row.get("project") or "")
        yield row["@fits"], about


def _frame(snapshot: Snapshot, entity: str) -> pl.DataFrame:
    """Return the rows of an entity; series and deliveries with what their indicator is called, and one project each."""
    frame = snapshot.frame(entity)
    if "indicator" in frame.columns:
        named = snapshot.frame("indicator")
        own = [name for name in ("id", "name_en", "name_fr", "name_nl") if name in named.columns]
        frame = frame.join(named.select(pl.col("uid").alias("indicator"), *own), on="indicator", how="left")
    if "project" not in frame.columns:
        return frame
    return frame.with_columns(one_project(frame.schema))


def _of_project(rows: pl.DataFrame, entity: str, snapshot: Snapshot, project: str) -> pl.DataFrame:
    if not project:
        return rows
    folded = pl.select(plain(pl.lit(project))).item()
    places = snapshot.frame("project")
    uids = places.filter((plain(pl.col("code")) == folded) | (plain(pl.col("id")) == folded))["uid"].implode()
    if entity == "project":
        return rows.filter(pl.col("uid").is_in(uids))
    return rows.filter(pl.col("project").is_in(uids)) if "project" in rows.columns else rows.clear()
