"""Which row a text means: identity over sources, and references turned into uids.

Projects, programmes, portfolios, persons and indicators that several sources describe are one row each, matched by the
field of `MATCHED_ON`. A reference is first looked for among the native keys of its own source, then among what people
call things anywhere.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from pmo_watch.entities import ENTITIES, MATCHED_ON
from pmo_watch.flow import Rejected
from pmo_watch.model import Kind

NAMES = ("id", "code", "email", "name")  # what people may write in place of a key, most telling first

Frames = Mapping[str, pl.DataFrame]
ROW = pl.UInt32
ADDRESS = r"^[^\s@]+@[^\s@]+\.[^\s@]+$"
OF_WHOM_IS_KNOWN = frozenset({"absence", "timesheet", "assignment"})
LOST = {"uid": pl.String(), "field": pl.String()}


def plain(text: pl.Expr) -> pl.Expr:
    """Fold a text for comparing: lower case, blanks at the ends and doubled ones gone."""
    return text.str.to_lowercase().str.strip_chars().str.replace_all(r"\s+", " ")


def one_project(schema: pl.Schema) -> pl.Expr:
    """Return the project of a row; of a row with several, such as a board, none."""
    several = pl.col("project").list
    alone = pl.when(several.len() == 1).then(several.first())
    return alone.alias("project") if schema["project"] == pl.List(pl.String) else pl.col("project")


def identify(
    entity: str, rows: pl.DataFrame, aliases: Mapping[str, str], match_on: Mapping[str, str] = MATCHED_ON
) -> pl.DataFrame:
    """Give rows of a matched entity their `uid` over all sources; others keep theirs.

    `rows` has `@native` (the native key). `aliases`: what a source writes -> e-mail address or code. `match_on`: by
    which field each matched entity is recognised.
    """
    field = match_on.get(entity)
    if field is None or rows.is_empty():
        return rows
    match = plain(pl.coalesce(field, "id", "@native"))
    if entity == "person":
        match = _person_key(rows)
    match = match.replace({one.lower(): other.lower() for one, other in aliases.items()}) if aliases else match
    return rows.with_columns(uid=pl.format("{}:{}", pl.lit(entity), match))


def _person_key(rows: pl.DataFrame) -> pl.Expr:
    """Return the e-mail address, or that of the only person of the same name, else the name."""
    name, email = plain(pl.col("name")), plain(pl.col("email"))
    known = rows.select(name=name, email=email).filter(pl.col("name").is_not_null() & pl.col("email").is_not_null())
    sole = known.unique().filter(~pl.col("name").is_duplicated())
    by_name = name.replace_strict(sole["name"], sole["email"], default=None, return_dtype=pl.String)
    return pl.coalesce(email, by_name, name, plain(pl.col("@native")))


def with_addresses(frames: Frames) -> pl.DataFrame:
    """Return the persons with those of whom sources give nothing but an e-mail address: a leader, owner or provider.

    An absence, timesheet or assignment makes nobody: it says something of a person whom a list should name.
    """
    known = frames["person"]
    fields = [
        (name, field.name)
        for name, entity in ENTITIES.items()
        for field in entity.stored()
        if field.refers == ("person",) and name in frames and name not in OF_WHOM_IS_KNOWN
    ]
    engine = ("source", "@usable", "@reading", "@rank")
    named = pl.concat(
        [
            frames[name]
            .filter(pl.col(column).str.contains("@", literal=True))
            .select(*engine, email=plain(pl.col(column)))
            for name, column in fields
        ]
    )
    wanted = named.filter(pl.col("email").str.contains(ADDRESS)).unique("email", keep="first", maintain_order=True)
    new = wanted.join(_spelled(known), on="email", how="anti").with_columns(
        pl.col("email").alias("id"),
        pl.col("email").alias("@native"),
        pl.format("{}:person:{}", "source", "email").alias("uid"),
    )
    return pl.concat([known, new], how="diagonal_relaxed").select(known.columns) if new.height else known


def _spelled(persons: pl.DataFrame) -> pl.DataFrame:
    """Return every text that means a person who is known."""
    single = [persons.select(email=plain(pl.col(name))) for name in ("id", "email", "@native")]
    other = persons.select(email=pl.col("aliases")).explode("email").select(plain(pl.col("email")))
    return pl.concat([*single, other]).drop_nulls().unique()


class Directory:
    """Finds uids by what sources write; made once per snapshot from rows that have `uid`, `source` and `@native`."""

    def __init__(self, frames: Frames, aliases: Mapping[str, str]) -> None:
        self._frames = frames
        self._aliases = aliases
        self._own: dict[str, pl.DataFrame] = {}
        self._names: dict[str, pl.DataFrame] = {}

    def resolve(self, frame: pl.DataFrame, column: str, targets: Sequence[str]) -> pl.Series:
        """Return the uid each text of the column means, null where it means none; `frame` has `source`."""
        asked = frame.select("source", text=pl.col(column))
        found = [self._found(asked, target) for target in targets if target in self._frames]
        answer = found[0] if found else pl.Series(values=[None] * frame.height, dtype=pl.String)
        for other in found[1:]:
            answer = answer.zip_with(answer.is_not_null(), other)
        return answer

    def _found(self, asked: pl.DataFrame, target: str) -> pl.Series:
        """Look for native keys of the same source, and for the texts that are none among what things are called."""
        at = asked.join(self._native(target), on=["source", "text"], how="left", maintain_order="left")["at"]
        own = self._frames[target]["uid"].gather(at)  # picked from the uids there are: no text is written twice
        words = asked.filter(at.is_null() & pl.col("text").is_not_null()).select("text").unique()
        if words.is_empty():
            return own
        meant = words.with_columns(folded=plain(pl.col("text"))).join(
            self._called(target).rename({"text": "folded"}), on="folded"
        )
        other = asked.join(meant.select("text", "found"), on="text", how="left", maintain_order="left")["found"]
        return own.zip_with(own.is_not_null(), other)

    def _native(self, entity: str) -> pl.DataFrame:
        """Return `source`, `text` and `at`, the row of that native key."""
        if entity not in self._own:
            rows = self._frames[entity].select("source", text=pl.col("@native"), at=pl.int_range(pl.len(), dtype=ROW))
            self._own[entity] = rows.unique(["source", "text"])
        return self._own[entity]

    def _called(self, entity: str) -> pl.DataFrame:
        """Return `text`, folded, and `found`, the uid; a word that means two rows means neither."""
        if entity not in self._names:
            called = _calls(self._frames[entity], self._aliases)
            best = called.unique(["text", "found"]).filter(pl.col("rank") == pl.col("rank").min().over("text"))
            self._names[entity] = best.filter(pl.len().over("text") == 1).select("text", "found")
        return self._names[entity]


def _calls(frame: pl.DataFrame, aliases: Mapping[str, str]) -> pl.DataFrame:
    """Return everything that people call the rows: `text`, `found` and `rank`, the least being most telling."""
    columns = [name for name in NAMES if name in frame.columns]
    called = pl.concat(
        [
            frame.select(text=plain(pl.col(name)), found=pl.col("uid"), rank=pl.lit(rank))
            for rank, name in enumerate(columns)
        ]
        or [pl.DataFrame(schema={"text": pl.String(), "found": pl.String(), "rank": pl.Int32()})]
    ).filter(pl.col("text").is_not_null())
    if "aliases" in frame.columns:
        other = frame.select(text=pl.col("aliases"), found=pl.col("uid")).explode("text").drop_nulls()
        called = pl.concat([called, other.select(plain(pl.col("text")), "found", rank=9)])
    if aliases:
        pairs = pl.DataFrame({"text": [a.lower() for a in aliases], "to": [b.lower() for b in aliases.values()]})
        more = pairs.join(called, left_on="to", right_on="text").select("text", "found", "rank")
        called = pl.concat([called, more])
    return called


def with_references(
    entity: str, frame: pl.DataFrame, directory: Directory
) -> tuple[pl.DataFrame, list[Rejected], pl.DataFrame]:
    """Turn every reference of the rows into a uid; a text that means no row becomes null and is reported once.

    Returns the rows, what is reported, and `uid` and `field` of each row that it is about.
    """
    rejected: list[Rejected] = []
    lost = [pl.DataFrame(schema=LOST)]
    for field in ENTITIES[entity].stored():
        if not field.refers or not frame[field.name].count():
            continue
        single = field.kind == Kind.REF
        texts = frame.select("uid", "source", field.name) if single else _each(frame, field.name)
        found = directory.resolve(texts, field.name, field.refers).alias(field.name)
        nowhere = texts.filter(pl.col(field.name).is_not_null() & found.is_null())
        rejected += [
            Rejected(
                source, f"{entity}.{field.name}", text[:200], f"no {' or '.join(field.refers)} of that key or name"
            )
            for source, text in nowhere.select("source", field.name).unique().sort("source", field.name).rows()
        ]
        lost.append(nowhere.select("uid", pl.lit(field.name).alias("field")).unique(maintain_order=True))
        frame = frame.with_columns(found if single else _gathered(texts.with_columns(found), field.name, frame.height))
    return frame, rejected, pl.concat(lost)


def _each(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each text of a column of lists, with the number of its row as `@of`."""
    return frame.select("uid", "source", column).with_row_index("@of").explode(column).drop_nulls(column)


def _gathered(found: pl.DataFrame, column: str, height: int) -> pl.Series:
    """Return the column of lists again, in order; null where nothing was found."""
    lists = found.drop_nulls(column).group_by("@of", maintain_order=True).agg(column)
    rows = pl.DataFrame({"@of": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(lists, on="@of", how="left", maintain_order="left")[column]
