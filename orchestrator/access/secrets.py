"""Passwords, tokens and session keys: how they are made, kept and compared.

A password is kept as an argon2id hash (RFC 9106). Tokens and session keys are drawn with 256 bits,
so a plain SHA-256 of them is kept: nobody guesses them. None of them is ever written to a log.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from orchestrator.errors import RequestRefused

__all__ = [
    "LEAST_PASSWORD",
    "MadeToken",
    "digest_of",
    "drawn_secret",
    "hash_password",
    "is_password",
    "made_token",
    "token_parts",
]

LEAST_PASSWORD: Final = 12
"""How many characters a password has at least (NIST SP 800-63B asks for 8, and 15 on its own)."""
_MOST_PASSWORD: Final = 256
_PREFIX: Final = "ath"
_HASHER: Final = PasswordHasher()
_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe())
"""Compared with where there is no account, so that the answer takes as long."""


@dataclass(frozen=True, slots=True)
class MadeToken:
    """A token as it is shown once, and what is kept of it."""

    token_id: str
    text: str = field(repr=False)
    digest: str


def hash_password(name: str, password: str) -> str:
    """Return what is kept of a password.

    Args:
        name: The account's.
        password: As it was chosen.

    Raises:
        RequestRefused: It is too short or too long, or it is the name.
    """
    if not LEAST_PASSWORD <= len(password) <= _MOST_PASSWORD:
        raise RequestRefused(
            f"password: got {len(password)} characters, expected {LEAST_PASSWORD} to "
            f"{_MOST_PASSWORD}"
        )
    if password.lower().strip() == name.lower() or len(set(password)) < 4:
        raise RequestRefused("password: expected one that is not the name, nor one sign repeated")
    return _HASHER.hash(_bytes_of(password))


def is_password(kept: str | None, password: str) -> bool:
    """Tell whether a password is the one that was hashed; as slow without an account as with one.

    Args:
        kept: What `hash_password` gave; None if there is no such account or it has no password.
        password: As it was typed.
    """
    try:
        _HASHER.verify(_NOBODY if kept is None else kept, _bytes_of(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def drawn_secret() -> str:
    """Return 256 random bits as text that fits into a cookie."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is kept of a secret that was drawn.

    Example:
        >>> len(digest_of("x"))
        64
    """
    return hashlib.sha256(_bytes_of(secret)).hexdigest()


def made_token() -> MadeToken:
    """Return a token of the form ``ath_<id>_<secret>``."""
    token_id = secrets.token_hex(6)
    secret = drawn_secret()
    return MadeToken(token_id, f"{_PREFIX}_{token_id}_{secret}", digest_of(secret))


def token_parts(text: str) -> tuple[str, str] | None:
    """Return a token's id and the digest of its secret; None if it is no token of ours.

    Example:
        >>> token_parts("Bearer of nothing") is None
        True
    """
    prefix, _, rest = text.partition("_")
    token_id, _, secret = rest.partition("_")
    is_id = token_id.isascii() and token_id.isalnum()
    if prefix != _PREFIX or not is_id or not secret:
        return None
    return token_id, digest_of(secret)


def _bytes_of(text: str) -> bytes:
    """Return a text as it is hashed, whatever somebody sent."""
    return text.encode("utf-8", "surrogatepass")
