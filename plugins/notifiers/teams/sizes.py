"""Makes a card smaller by leaving out whole elements, and checks a body before it is sent (channels 3.2 to 3.4)."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pmo_watch.api import link, packed

Body = dict[str, Any]

# After the items, in this order.
_REMOVABLE = (("why", "advice"), ("facts", "basis"))
_ELEMENTS = {"TextBlock", "RichTextBlock", "FactSet", "Container", "ColumnSet", "Column", "TextRun", "ActionSet"}
_ACTIONS = {"Action.OpenUrl", "Action.ToggleVisibility"}
_MOST_ACTIONS = 6  # the rest vanishes silently


def trim(payload: Mapping[str, Any], most_bytes: int, most_items: int | None = None) -> tuple[Body, int]:
    """Return the body within its budget, and how many items were left out now.

    Items go from the end, then why and advice, then facts. Never fails: title, counts, links and foot remain.
    """
    smaller: Body = copy.deepcopy(dict(payload))
    card = smaller["attachments"][0]["content"]
    left_out = 0
    while _has_items(card) and (_too_many(card, most_items) or len(packed(smaller)) > most_bytes):
        _leave_out_last(card)
        left_out += 1
    for names in _REMOVABLE:
        if len(packed(smaller)) > most_bytes:
            card["body"] = [element for element in card["body"] if element.get("id") not in names]
    return smaller, left_out


def fault(payload: Mapping[str, Any]) -> str:
    """Say what is wrong with a body; nothing when it is fine. The flow would accept it and fail later, unseen."""
    attachments = payload.get("attachments")
    if payload.get("type") != "message" or not isinstance(attachments, list) or len(attachments) != 1:
        return "not a message with one attachment"
    card = attachments[0].get("content")
    if not isinstance(card, dict) or card.get("type") != "AdaptiveCard" or not card.get("body"):
        return "the attachment is no card"
    for key in ("version", "fallbackText", "speak"):
        if not card.get(key):
            return f"the card has no {key}"
    return _fault_inside(card)


def _fault_inside(card: Body) -> str:
    for element in _within([*card["body"], *card.get("actions", [])]):
        kind = element.get("type")
        if kind not in _ELEMENTS | _ACTIONS:
            return f"the card has an element of type {kind}"
        if kind == "Action.OpenUrl" and not link(str(element.get("url") or "")):
            return "the card has a button without a web address"
    if len(card.get("actions", [])) > _MOST_ACTIONS:
        return "the card has too many buttons"
    shown = {mark for text in _marked_up(card["body"]) for mark in re.findall(r"<at>.*?</at>", text)}
    known = {one["text"] for one in card.get("msteams", {}).get("entities", [])}
    return "" if shown == known else "the card mentions a person without naming the account, or the other way round"


def _within(elements: list[Any]) -> Iterator[Body]:
    for element in elements:
        if isinstance(element, dict):
            yield element
            for key in ("items", "columns", "inlines", "actions"):
                yield from _within(element.get(key, []))


def _marked_up(elements: list[Any]) -> Iterator[str]:
    """Yield the texts in which a mention would be one; in a TextRun it is text."""
    for element in _within(elements):
        if element.get("type") == "TextBlock":
            yield str(element.get("text", ""))
        for one in element.get("facts", []):
            yield str(one.get("value", ""))


def _item_places(card: Body) -> list[int]:
    return [place for place, one in enumerate(card["body"]) if str(one.get("id", "")).startswith("item-")]


def _has_items(card: Body) -> bool:
    return bool(_item_places(card))


def _too_many(card: Body, most: int | None) -> bool:
    return most is not None and len(_item_places(card)) > most


def _leave_out_last(card: Body) -> None:
    """Take the last item out, a heading that then stands alone, and count both in `more`."""
    last = _item_places(card)[-1]
    del card["body"][last]
    if str(card["body"][last - 1].get("id", "")).startswith("section-"):
        del card["body"][last - 1]
    more = next((one for one in card["body"] if one.get("id") == "more"), None)
    if more is not None:
        more.pop("isVisible", None)
        more["text"] = re.sub(r"\d+", lambda found: str(int(found[0]) + 1), more["text"], count=1)
