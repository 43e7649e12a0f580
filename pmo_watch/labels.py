"""What things are called in labels: as people know them, harmless, not too long, and each only once (channels 4.3)."""

import hashlib
from collections.abc import Iterable, Sequence

import polars as pl

from pmo_watch.alerts import Alert
from pmo_watch.flow import Snapshot
from pmo_watch.plain import plain

PRIVATE = frozenset({"person", "role"})  # alerts on them are personal data: counted, never listed

LONGEST_NAME = 200  # characters
LONGEST_ID, KEPT = 128, 119  # bytes
ANY = 1_000_000
# Few texts hold what `plain` changes: control and format characters, combining marks, spaces other than single ones.
_STRANGE = r"[\p{C}\p{M}]|[\p{Z}--[ ]]|  |^ | $"


def described(texts: pl.Series) -> pl.Series:
    """Return descriptive texts as labels hold them."""
    return _harmless(texts, LONGEST_NAME)


def known_as(rows: pl.DataFrame, text: str, within: Sequence[str] = ()) -> pl.Series:
    """Return what the rows are known by, from the column `text`, each only once among the rows alike in `within`.

    One that is too long is cut; one that another row has already, in the order of `uid`, keeps what it is called.
    Both end in the beginning of the hash of their `uid`, so that they stay the same from day to day.
    """
    shown = _harmless(rows[text], ANY).fill_null("").alias("@shown")
    named = rows.select("uid", *within).with_columns(shown)
    again = pl.lit(value=False)
    if named.select(*within, "@shown").is_duplicated().any():
        again = pl.col("uid").rank("ordinal").over([*within, "@shown"]) > 1
    ended = named.filter(again | (pl.col("@shown").str.len_bytes() > LONGEST_ID)).select("uid", "@shown")
    endings = {uid: told_apart(known, uid) for uid, known in ended.rows()}
    if not endings:
        return shown
    return named["uid"].replace_strict(list(endings), list(endings.values()), default=shown)


def labelled(snapshot: Snapshot, entity: str) -> pl.DataFrame:
    """Return `uid` and label of the rows of an entity that are not gone; the label's column is named like the entity.

    For a project it is the code, for others the id.
    """
    rows = snapshot.frame(entity).filter(pl.col("vanished_on").is_null())
    text = pl.coalesce("code", "id", "uid") if entity == "project" else pl.col("id")
    called = rows.select("uid", text.alias("@text"))
    return called.select("uid", known_as(called, "@text").alias(entity))


def project_labels(snapshot: Snapshot) -> pl.DataFrame:
    """Return `uid` of each project that is not gone, with the labels `project`, `program` and `portfolio`."""
    found = labelled(snapshot, "project").join(
        snapshot.frame("project").select("uid", "program", "portfolio"), on="uid", maintain_order="left"
    )
    for above in ("program", "portfolio"):
        named = labelled(snapshot, above).rename({"uid": above, above: "@label"})
        found = found.join(named, on=above, how="left", maintain_order="left").drop(above).rename({"@label": above})
    return found


def alert_labels(projects: pl.DataFrame, alerts: Iterable[Alert]) -> pl.DataFrame:
    """Return `id`, `uid` of the subject, and the labels `rule`, `project` and `entity` of each alert, in their order.

    `projects`: labels of the projects that are known, as `project_labels` gives them; an alert on one that is gone
    has the code it had. An alert that belongs to no project has an empty `project`.
    """
    shown = list(alerts)
    codes = dict(projects.select("uid", "project").rows()) | _gone(projects, shown)
    rows = [(one.id, one.subject, one.rule, codes.get(one.project, ""), one.subject_id or one.subject) for one in shown]
    columns = ("id", "uid", "rule", "project", "entity")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")
    return frame.with_columns(known_as(frame, "entity", within=("rule", "project")).alias("entity"))


def _gone(projects: pl.DataFrame, alerts: Iterable[Alert]) -> dict[str, str]:
    """Return the label of every project that is not there any more and still has alerts."""
    known = set(projects["uid"])
    codes = {one.project: one.project_code for one in alerts if one.project and one.project not in known}
    gone = pl.DataFrame(list(codes.items()), schema={"uid": pl.String(), "code": pl.String()}, orient="row")
    return dict(zip(codes, known_as(gone, "code"), strict=True))


def _harmless(texts: pl.Series, longest: int) -> pl.Series:
    odd = texts.str.contains(_STRANGE) | (texts.str.len_chars() > longest)
    before = texts.filter(odd).unique().to_list()
    return texts.replace(before, [plain(one, longest) for one in before]) if before else texts


def told_apart(text: str, uid: str) -> str:
    """Return what a row is called that another one is called too, or whose own text is too long."""
    kept = text.encode()[:KEPT].decode(errors="ignore")
    return f"{kept}~{hashlib.sha256(uid.encode()).hexdigest()[:8]}"
