"""Signing as the nodes do it: with the keys that the configuration names.

An execution carries paths only; a key is read where it is used, and never written into an artifact or a log.
"""

from __future__ import annotations

import pathlib

from components import own_code
from schemas.home import Home
from serving import keys
from serving.config import SigningConfig
from serving.keys import PublicKey


def private_key(named: str | None) -> pathlib.Path:
    """The file of the private key, which can be used: `SigningConfig.key`, or the one in HEADRACE_HOME.

    Ask for it before long work: a key that cannot be used is better known at once.

    Raises:
        KeyFileError: it cannot be used.
    """
    if named:
        path = own_code.path_of(named)
    else:
        path = Home.current().keys / "signing.pem"
        if not path.exists():
            keys.make(path)
    keys.public_half(path)
    return path


def trusted(config: SigningConfig) -> tuple[PublicKey, ...]:
    """Whose signatures count: those of the own key, and of the ones that are named.

    Raises:
        KeyFileError: one of them cannot be used.
    """
    own = keys.public_half(private_key(config.key))
    return (own, *(keys.read_public(own_code.path_of(name)) for name in config.trusted))
