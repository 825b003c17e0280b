"""What is sent verifies elsewhere, and nothing else does."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from marketplace_sdk_webhook import BadSignature, verify
from marketplace_sdk_webhook.keys import signing_key, verifying_key
from marketplace_sdk_webhook.signing import sign

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = 1_767_322_800
IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64)


def _headers(id, timestamp, body):
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(id, timestamp, body, keys=[signing_key(SECRET)]),
    }


def test_the_specifications_own_example_is_reproduced():
    """The example of the reference libraries: same key, id, time and body, same signature."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    signature = sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', keys=[key]
    )

    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(id=IDS, data=st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_an_independent_library_verifies_every_signature(id, data):
    """Any id and any JSON body round-trips through the ``standardwebhooks`` package."""
    body = json.dumps(data).encode()

    received = Webhook(SECRET).verify(body, _headers(id, int(time.time()), body))

    assert received == data


@given(id=IDS, data=st.text())
def test_what_an_independent_library_signs_is_verified(id, data):
    """The other way round: the ``standardwebhooks`` package signs, we verify."""
    now = int(time.time())
    signature = Webhook(SECRET).sign(id, datetime.fromtimestamp(now, UTC), data)
    headers = {
        "Webhook-Id": id,
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": signature,
    }

    verify(headers, data.encode(), secret=SECRET, now=now)


@given(
    body=st.binary(min_size=1, max_size=200),
    place=st.integers(min_value=0),
    flip=st.integers(min_value=1, max_value=255),
)
def test_any_flipped_byte_of_the_body_fails(body, place, flip):
    """A body that differs in one byte does not verify."""
    headers = _headers("msg_1", NOW, body)
    place %= len(body)
    changed = bytes(b ^ flip if i == place else b for i, b in enumerate(body))

    with pytest.raises(BadSignature, match="no signature fits"):
        verify(headers, changed, secret=SECRET, now=NOW)


@given(
    name=st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
    place=st.integers(min_value=0),
    flip=st.integers(min_value=1, max_value=127),
)
def test_any_flipped_byte_of_a_header_fails(name, place, flip):
    """Id, time and signature are all under the signature."""
    headers = _headers("msg_1", NOW, b"{}")
    old = headers[name]
    place %= len(old)
    headers[name] = old[:place] + chr(ord(old[place]) ^ flip) + old[place + 1 :]

    with pytest.raises(BadSignature):
        verify(headers, b"{}", secret=SECRET, now=NOW)


@pytest.mark.parametrize("drift", [-301, 301])
def test_an_old_or_future_timestamp_fails(drift):
    """A recorded call cannot be played back after five minutes."""
    headers = _headers("msg_1", NOW, b"{}")

    with pytest.raises(BadSignature, match="too old or too new"):
        verify(headers, b"{}", secret=SECRET, now=NOW + drift)


@pytest.mark.parametrize("drift", [-300, 0, 300])
def test_a_timestamp_within_the_tolerance_passes(drift):
    """Clocks may differ by the tolerance and no more."""
    verify(_headers("msg_1", NOW, b"{}"), b"{}", secret=SECRET, now=NOW + drift)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_fails(name):
    """All three headers are needed."""
    headers = _headers("msg_1", NOW, b"{}")
    del headers[name]

    with pytest.raises(BadSignature):
        verify(headers, b"{}", secret=SECRET, now=NOW)


def test_a_second_spelling_of_the_time_fails():
    """``0123`` is not ``123``: the header's text is what is signed."""
    headers = {**_headers("msg_1", NOW, b"{}"), "webhook-timestamp": f"0{NOW}"}

    with pytest.raises(BadSignature):
        verify(headers, b"{}", secret=SECRET, now=NOW)


def test_one_right_signature_among_several_is_enough():
    """While a secret is exchanged, senders sign with both."""
    headers = _headers("msg_1", NOW, b"{}")
    headers["webhook-signature"] = "v1a,x v1,bm8= " + headers["webhook-signature"]

    verify(headers, b"{}", secret=SECRET, now=NOW)


def test_another_secret_fails():
    """Only the agreed secret verifies."""
    headers = _headers("msg_1", NOW, b"{}")

    with pytest.raises(BadSignature):
        verify(headers, b"{}", secret="another secret of enough bytes", now=NOW)


def test_a_secret_without_prefix_is_used_as_it_is():
    """Raw text is its own UTF-8 key; padding after ``whsec_`` may be left out."""
    assert signing_key("a raw secret of enough bytes").key == b"a raw secret of enough bytes"
    assert signing_key(SECRET.rstrip("=")).key == KEY


@pytest.mark.parametrize("key_of", [signing_key, verifying_key])
@pytest.mark.parametrize(
    "secret", ["", "short", "whsec_", "whsec_c2hvcnQ=", "whsec_!!not/base64!!"]
)
def test_a_weak_or_broken_secret_is_refused_without_repeating_it(key_of, secret):
    """Keys have at least 24 bytes, and the error does not hold the secret."""
    with pytest.raises(ValueError, match=r"base64|fewer") as caught:
        key_of(secret)

    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(
        caught.value
    )


def test_two_secrets_sign_while_one_is_exchanged():
    """A receiver with either secret verifies; so does one that accepts both."""
    new = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
    now = int(time.time())
    both = sign("m", now, b"{}", keys=[signing_key(new), signing_key(SECRET)])
    headers = {"webhook-id": "m", "webhook-timestamp": str(now), "webhook-signature": both}

    assert Webhook(SECRET).verify(b"{}", headers) == {}
    assert Webhook(new).verify(b"{}", headers) == {}
    verify(_headers("m", now, b"{}"), b"{}", secret=[new, SECRET], now=now)
    with pytest.raises(BadSignature):
        verify(_headers("m", now, b"{}"), b"{}", secret=[new], now=now)


SEED = bytes(range(32))
PRIVATE = "whsk_" + base64.b64encode(SEED).decode()
PUBLIC = (
    "whpk_"
    + base64.b64encode(
        Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    ).decode()
)


@given(id=IDS, body=st.binary(max_size=200))
def test_a_pair_of_keys_signs_and_verifies(id, body):
    """The public half verifies what the private one signed, here and by the primitive itself."""
    signature = sign(id, NOW, body, keys=[signing_key(PRIVATE)])
    headers = {"webhook-id": id, "webhook-timestamp": str(NOW), "webhook-signature": signature}

    verify(headers, body, secret=PUBLIC, now=NOW)

    version, encoded = signature.split(",")
    assert version == "v1a"
    content = f"{id}.{NOW}.".encode() + body
    key = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    key.verify(base64.b64decode(encoded), content)
    with pytest.raises(BadSignature):
        verify(headers, body + b" ", secret=PUBLIC, now=NOW)


@pytest.mark.parametrize("signature", ["", "v1a,", "v1a,!!", "v1a,AAAA", "v1,{good}", "v1a {good}"])
def test_what_is_no_signature_of_the_pair_fails(signature):
    good = sign("m", NOW, b"{}", keys=[signing_key(PRIVATE)]).partition(",")[2]
    headers = {
        "webhook-id": "m",
        "webhook-timestamp": str(NOW),
        "webhook-signature": signature.format(good=good),
    }

    with pytest.raises(BadSignature):
        verify(headers, b"{}", secret=PUBLIC, now=NOW)


def test_a_private_key_may_carry_its_public_half():
    """Some generators write 64 bytes: seed and public key."""
    both = "whsk_" + base64.b64encode(SEED + base64.b64decode(PUBLIC[5:])).decode()

    assert sign("m", NOW, b"", keys=[signing_key(both)]) == sign(
        "m", NOW, b"", keys=[signing_key(PRIVATE)]
    )


@pytest.mark.parametrize(
    ("key_of", "secret", "why"),
    [
        (signing_key, PUBLIC, "cannot sign"),
        (verifying_key, PRIVATE, "the sender's"),
        (signing_key, "whsk_AAAA", "does not stand for 32 bytes"),
        (verifying_key, "whpk_AAAA", "does not stand for 32 bytes"),
    ],
)
def test_the_wrong_half_of_a_pair_is_refused_without_repeating_it(key_of, secret, why):
    with pytest.raises(ValueError, match=why) as caught:
        key_of(secret)

    assert secret not in str(caught.value)


def test_keys_are_not_shown():
    assert "key" not in repr(signing_key(SECRET)).replace("_Shared", "")
    assert base64.b64encode(SEED).decode() not in repr(signing_key(PRIVATE))


@pytest.mark.parametrize("id", ["", "a b", "a\r\nx: y", "é", "x" * 257])
def test_an_id_that_cannot_stand_in_a_header_is_not_signed(id):
    """No header can be smuggled in through an id."""
    with pytest.raises(ValueError, match="header"):
        sign(id, NOW, b"{}", keys=[signing_key(SECRET)])
