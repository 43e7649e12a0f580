"""Tokens of acknowledge links: what they say, who made them, when they end."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmo_watch.ack_links import BadLink, Key, Link, confirmation, is_confirmed, read_token, token_for

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
WEEK = timedelta(days=7)
FIRST = Key("k1", b"1" * 32)
SECOND = Key("k2", b"2" * 32)
MESSAGE = "0123456789abcdef0123456789abcdef"


def a_token(recipient: str = "person:ann@example.org", key: Key = FIRST) -> str:
    return token_for(MESSAGE, recipient, NOW, WEEK, [key])


def signed(payload: object, key: Key = FIRST) -> str:
    """Return a token over any payload with a right signature, made by hand as the contract describes it."""
    text = payload if isinstance(payload, str) else json.dumps(payload)
    head = f"v1.{key.id}.{base64.urlsafe_b64encode(text.encode()).decode().rstrip('=')}"
    mac = hmac.new(key.secret, b"pmo_watch ack\0" + head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def reason(token: str, now: datetime = NOW) -> str:
    with pytest.raises(BadLink) as refused:
        read_token(token, now, [FIRST])
    return refused.value.reason


def test_token_says_message_recipient_and_end() -> None:
    link = read_token(a_token(), NOW, [FIRST])

    assert link == Link(MESSAGE, "person:ann@example.org", NOW + WEEK)


def test_token_is_what_the_contract_describes() -> None:
    expected = signed('{"m":"0123456789abcdef0123456789abcdef","p":"teams","x":1796025600}')

    assert a_token("teams") == expected


def test_first_key_signs_and_all_verify() -> None:
    token = token_for(MESSAGE, "teams", NOW, WEEK, [SECOND, FIRST])

    assert token.startswith("v1.k2.")
    assert read_token(token, NOW, [FIRST, SECOND]).recipient == "teams"
    assert read_token(a_token(), NOW, [SECOND, FIRST]).message == MESSAGE


def test_token_ends_after_its_time_and_not_before() -> None:
    token = a_token()

    assert read_token(token, NOW + WEEK, [FIRST]).message == MESSAGE
    assert reason(token, NOW + WEEK + timedelta(seconds=1)) == "expired"


def test_recipient_with_a_long_address_gets_a_token_that_is_read_again() -> None:
    long = f"person:{'x' * 60}@{'y' * 190}.example.org"

    token = a_token(long)

    assert len(token) <= 300
    assert read_token(token, NOW, [FIRST]) == Link(MESSAGE, "", NOW + WEEK)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "v1",
        "v1.k1",
        "v1.k1..",
        "v2.k1.e30.e30",
        "v1.k1.e30.e30.e30",
        "v1.k9.e30.AAAA",
        "v1.k1.e3 0.AAAA",
        "v1.k1.é.AAAA",
        f"v1.k1.{'A' * 300}.{'A' * 43}",
        signed("no JSON"),
        signed("[1]"),
        signed({"m": MESSAGE}),
        signed({"m": MESSAGE, "p": "x", "x": "soon"}),
        signed({"m": MESSAGE, "p": "x", "x": 10**300}),
        signed("\x00"),
    ],
)
def test_anything_else_is_malformed(token: str) -> None:
    assert reason(token) == "malformed"


def test_every_changed_character_is_noticed() -> None:
    token = a_token()

    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        assert reason(token[:place] + other + token[place + 1 :]) in {"signature", "malformed"}


def test_payload_is_not_read_before_the_signature_is_right() -> None:
    token = signed({"m": MESSAGE}, Key("k1", b"another secret that is not ours!"))

    assert reason(token) == "signature"


def test_signature_has_one_spelling() -> None:
    """The last letter of 32 bytes in base64 has two bits to spare: a second spelling would be a second rate limit."""
    token = a_token()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = letters.index(token[-1])

    twin = token[:-1] + letters[last ^ 1]

    assert reason(twin) == "signature"


@given(st.text(max_size=320))
def test_no_text_is_taken_for_a_token(text: str) -> None:
    assert reason(text) in {"malformed", "signature"}


def test_key_does_not_show_its_secret() -> None:
    assert repr(FIRST) == "Key(k1)"


# --- confirmations ------------------------------------------------------------------------------------------------


def confirmed(given: str, now: datetime = NOW, shown: str = "a1:red", key: Key = FIRST) -> bool:
    return is_confirmed(given, "token", shown, now, key)


def test_confirmation_is_good_for_an_hour_for_what_was_shown() -> None:
    given = confirmation("token", "a1:red", NOW, FIRST)

    assert confirmed(given)
    assert confirmed(given, NOW + timedelta(hours=1))
    assert not confirmed(given, NOW + timedelta(hours=1, seconds=1))
    assert not confirmed(given, NOW - timedelta(seconds=1))
    assert not confirmed(given, shown="a1:amber")
    assert not confirmed(given, key=SECOND)
    assert not is_confirmed(given, "another token", "a1:red", NOW, FIRST)


@pytest.mark.parametrize("given", ["", ".", "1.", "x.y", "1796025600", "9" * 400 + ".AAAA", "١.AAAA", "-1.AAAA"])
def test_anything_else_confirms_nothing(given: str) -> None:
    assert not confirmed(given)
