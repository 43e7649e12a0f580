"""What things are called in labels: as people know them, harmless, not too long, and each only once (channels 4.3)."""

import hashlib
from collections.abc import Sequence

import polars as pl

from pmo_watch.api import plain

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
    endings = {uid: _ended(known, uid) for uid, known in ended.rows()}
    if not endings:
        return shown
    return named["uid"].replace_strict(list(endings), list(endings.values()), default=shown)


def _harmless(texts: pl.Series, longest: int) -> pl.Series:
    odd = texts.str.contains(_STRANGE) | (texts.str.len_chars() > longest)
    before = texts.filter(odd).unique().to_list()
    return texts.replace(before, [plain(one, longest) for one in before]) if before else texts


def _ended(text: str, uid: str) -> str:
    kept = text.encode()[:KEPT].decode(errors="ignore")
    return f"{kept}~{hashlib.sha256(uid.encode()).hexdigest()[:8]}"
