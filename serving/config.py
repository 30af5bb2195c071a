"""The section `signing` of the configuration."""

from __future__ import annotations

from schemas.config import section


@section
class SigningConfig:
    """Which key signs models, and whose signatures count. Only paths stand here, never a key."""

    key: str | None = None
    """The private key, a PEM file of an elliptic curve that nobody but its owner may read. Left out: `keys/signing.pem` in
    HEADRACE_HOME, made where it is missing."""

    trusted: tuple[str, ...] = ()
    """Public keys, PEM files, whose signatures count beside those of `key`: the keys that models in use were signed with
    before the last change of key, or elsewhere."""
