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


class Directory:
    """Finds uids by what sources write; made once per snapshot from rows that have `uid`, `source` and `@native`."""

    def __init__(self, frames: Frames, aliases: Mapping[str, str]) -> None:
        self._own = {name: self._native(frame) for name, frame in frames.items()}
        self._names = {name: self._called(name, frame, aliases) for name, frame in frames.items()}

    @staticmethod
    def _native(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select("source", text=pl.col("@native"), own=pl.col("uid")).unique(["source", "text"])

    @staticmethod
    def _called(entity: str, frame: pl.DataFrame, aliases: Mapping[str, str]) -> pl.DataFrame:
        columns = [name for name in NAMES if name in frame.columns]
        called = pl.concat(
            [
                frame.select(text=plain(pl.col(name)), found=pl.col("uid"), rank=pl.lit(rank))
                for rank, name in enumerate(columns)
            ]
            or [pl.DataFrame(schema={"text": pl.String(), "found": pl.String(), "rank": pl.Int32()})]
        ).filter(pl.col("text").is_not_null())
        other = frame.select(text=pl.col("aliases"), found=pl.col("uid")) if "aliases" in frame.columns else None
        if other is not None:
            called = pl.concat(
                [called, other.explode("text").drop_nulls().select(plain(pl.col("text")), "found", rank=9)]
            )
        if aliases:
            pairs = pl.DataFrame({"text": [a.lower() for a in aliases], "to": [b.lower() for b in aliases.values()]})
            more = pairs.join(called, left_on="to", right_on="text").select("text", "found", "rank")
            called = pl.concat([called, more])
        # A word that means two rows means neither.
        best = called.unique(["text", "found"]).filter(pl.col("rank") == pl.col("rank").min().over("text"))
        return best.filter(pl.len().over("text") == 1).select("text", "found")

    def resolve(self, frame: pl.DataFrame, column: str, targets: Sequence[str]) -> pl.Series:
        """Return the uid each text of the column means, null where it means none; `frame` has `source`."""
        asked = frame.select("source", text=pl.col(column), folded=plain(pl.col(column))).with_row_index("@row")
        answer = pl.Series(values=[None] * frame.height, dtype=pl.String)
        for target in targets:
            if target not in self._own:
                continue
            hit = (
                asked.join(self._own[target], on=["source", "text"], how="left")
                .join(self._names[target].rename({"text": "folded"}), on="folded", how="left")
                .sort("@row")
                .select(pl.coalesce("own", "found"))
                .to_series()
            )
            answer = answer.zip_with(answer.is_not_null(), hit)
        return answer


def with_references(entity: str, frame: pl.DataFrame, directory: Directory) -> tuple[pl.DataFrame, list[Rejected]]:
    """Turn every reference of the rows into a uid; a text that means no row becomes null and is reported once."""
    rejected: list[Rejected] = []
    for field in ENTITIES[entity].stored():
        if not field.refers or not frame[field.name].count():
            continue
        single = field.kind == Kind.REF
        texts = frame.select("source", field.name) if single else _each(frame, field.name)
        found = directory.resolve(texts, field.name, field.refers).alias(field.name)
        dangling = texts.filter(pl.col(field.name).is_not_null() & found.is_null()).select("source", field.name)
        rejected += [
            Rejected(
                source, f"{entity}.{field.name}", text[:200], f"no {' or '.join(field.refers)} of that key or name"
            )
            for source, text in dangling.unique().sort("source", field.name).rows()
        ]
        frame = frame.with_columns(found if single else _gathered(texts.with_columns(found), field.name, frame.height))
    return frame, rejected


def _each(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return a row for each text of a column of lists, with the number of its row as `@of`."""
    return frame.select("source", column).with_row_index("@of").explode(column).drop_nulls(column)


def _gathered(found: pl.DataFrame, column: str, height: int) -> pl.Series:
    """Return the column of lists again, in order; null where nothing was found."""
    lists = found.drop_nulls(column).group_by("@of", maintain_order=True).agg(column)
    rows = pl.DataFrame({"@of": pl.int_range(height, dtype=pl.UInt32, eager=True)})
    return rows.join(lists, on="@of", how="left", maintain_order="left")[column]
