"""Persons as issues, projects and work logs name them (spec model 2.8)."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from .columns import frame_of
from .values import account_of

LANGUAGES = frozenset({"en", "fr", "nl"})


class People:
    """Gathers persons by their account. `emails`: what the settings say of those whose address is hidden."""

    def __init__(self, emails: Mapping[str, str]) -> None:
        self._emails = emails
        self._known: dict[str, Mapping[str, Any]] = {}

    def key(self, user: Any) -> str | None:
        """Return what identifies a user, and remember who it is."""
        account = account_of(user)
        if account is not None and account not in self._known:
            self._known[account] = user
        return account

    def keys(self, users: list[Any]) -> list[str | None]:
        """Return what identifies each."""
        return [None if user is None else self.key(user) for user in users]

    def frame(self) -> pl.DataFrame:
        """Return everybody named so far."""
        keys = sorted(self._known)
        users = [self._known[key] for key in keys]
        return frame_of(
            "person",
            {
                "key": keys,
                "id": keys,
                "name": [_text(user, "displayName") for user in users],
                "email": [self._email(key, user) for key, user in zip(keys, users, strict=True)],
                "active": [found if isinstance(found := user.get("active"), bool) else None for user in users],
                "language": [_language(user) for user in users],
            },
        )

    def _email(self, key: str, user: Mapping[str, Any]) -> str | None:
        found = self._emails.get(key) or self._emails.get(str(user.get("name"))) or _text(user, "emailAddress")
        return found.strip().lower() if found and "@" in found else None


def _text(user: Mapping[str, Any], name: str) -> str | None:
    found = user.get(name)
    return found.strip() or None if isinstance(found, str) else None


def _language(user: Mapping[str, Any]) -> str | None:
    word = (_text(user, "locale") or "")[:2].lower()
    return word if word in LANGUAGES else None
