"""Who may log in: passwords, programmatic tokens, OAuth tokens and signed tokens of key pairs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

from marketplace_sdk_snowflake.testing.refusals import Refused
from marketplace_sdk_snowflake.testing.world import User, World

__all__ = ["authenticate"]

_STATE = "08001"
_TOKENS = {"OAUTH": "OAUTH", "PROGRAMMATIC_ACCESS_TOKEN": "PROGRAMMATIC_ACCESS_TOKEN"}


def authenticate(world: World, data: dict[str, Any]) -> User:
    """The user of a login request.

    Raises:
        Refused: 390100, wrong name or password; 390144, 394303, 394304, a signed token that does
            not hold; 390303, 390318, an OAuth token that is wrong or has expired; 394400, a
            programmatic token that is wrong; 390101, the user is disabled.
    """
    kind = str(data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    name = str(data.get("LOGIN_NAME") or "")
    user = _by_login(world, name)
    if kind == "SNOWFLAKE_JWT":
        user = _check_signed(world, str(data.get("TOKEN") or ""))
    elif kind in _TOKENS:
        user = _check_token(world, user, kind, str(data.get("TOKEN") or ""))
    elif kind == "SNOWFLAKE":
        if user is None or not _same(user.secrets.get("PASSWORD"), str(data.get("PASSWORD"))):
            raise Refused(390100, _STATE, "Incorrect username or password was specified.")
    else:
        raise Refused(390130, _STATE, f"Authenticator '{kind}' is not available.")
    if user.disabled:
        raise Refused(390101, _STATE, "User access disabled. Contact your local system admin.")
    return user


def _by_login(world: World, name: str) -> User | None:
    """Login names have no case."""
    return next(
        (
            thing
            for thing in world.of_kind("USER")
            if isinstance(thing, User) and thing.login_name.upper() == name.upper()
        ),
        None,
    )


def _same(held: str | None, given: str) -> bool:
    return held is not None and hmac.compare_digest(held.encode(), given.encode())


def _check_token(world: World, user: User | None, kind: str, token: str) -> User:
    """OAuth tokens may come without a name; they belong to one user."""
    for thing in [user] if user else world.of_kind("USER"):
        if isinstance(thing, User):
            if _same(thing.secrets.get(kind), token):
                return thing
            if _same(thing.secrets.get(f"EXPIRED {kind}"), token):
                raise Refused(390318, _STATE, "OAuth access token expired.")
    if kind == "OAUTH":
        raise Refused(390303, _STATE, "Invalid OAuth access token.")
    raise Refused(394400, _STATE, "Programmatic access token is invalid.")


def _check_signed(world: World, token: str) -> User:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 -- few need it
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 -- the same
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415 - only the tests of key pairs need it

    invalid = Refused(390144, _STATE, "JWT token is invalid.")
    try:
        head, body, signature = token.split(".")
        claims = json.loads(_decode(body))
        account, name = claims["sub"].split(".", 1)
        fingerprint = claims["iss"].removeprefix(f"{account}.{name}.")
        expires = float(claims["exp"])
    except (ValueError, KeyError, AttributeError):
        raise invalid from None
    user = _by_login(world, name)
    if user is None or account != world.account or "PUBLIC_KEY" not in user.secrets:
        raise invalid
    key = serialization.load_pem_public_key(user.secrets["PUBLIC_KEY"].encode())
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    if fingerprint != "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode():
        raise Refused(394304, _STATE, "JWT token public key fingerprint mismatch.")
    if not isinstance(key, rsa.RSAPublicKey):
        raise invalid
    try:
        key.verify(
            _decode(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
    except InvalidSignature:
        raise invalid from None
    if expires < time.time():
        raise Refused(394303, _STATE, "JWT token issue time is not within the allowed range.")
    return user


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
