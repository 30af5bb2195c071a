"""Keys that models are signed with: made, read, and refused in words where they cannot be used.

Elliptic curves only (P-256 where one is made here), as PEM files: what `openssl` writes, and what `model_signing` reads.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import pathlib
import stat
import tempfile

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from schemas.errors import ConfigError, StorageError

PUBLIC_SUFFIX = ".pub"

_CURVES = ("secp256r1", "secp384r1", "secp521r1")  # those that model_signing takes
_MOST_BYTES = 1 << 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class KeyFileError(ConfigError):
    """A key file is missing, not readable, readable by others, or holds something else."""


@dataclasses.dataclass(frozen=True)
class PublicKey:
    """Half of a pair that may be known to all.

    Attributes:
        pem: it, as the text of a PEM file.
    """

    pem: str

    @property
    def identity(self) -> str:
        """By which a signature names the key that made it: the SHA-256 of the PEM, hexadecimal."""
        return hashlib.sha256(self.pem.encode()).hexdigest()


def make(path: str | os.PathLike[str]) -> PublicKey:
    """Makes a pair of keys: the private one at a path, mode 0600, and the public one beside it, `.pub` instead of `.pem`.

    Where the private key is there already, even if another process makes it at this very moment, it stays.

    Raises:
        KeyFileError: what is there is no key, or is open to others.
        StorageError: the place cannot be written.
    """
    path = pathlib.Path(path)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(prefix=".making-", dir=path.parent)  # mode 0600
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)  # whole or not at all, and never over another
        finally:
            pathlib.Path(aside).unlink()
        public = public_half(path)
        path.with_suffix(PUBLIC_SUFFIX).write_text(public.pem)
    except OSError as error:
        raise StorageError(
            f"cannot make a key: {error.strerror or error}", where=str(path), remedy="free space or fix permissions"
        ) from error
    return public


def public_half(path: str | os.PathLike[str]) -> PublicKey:
    """The public key that belongs to a private one.

    Raises:
        KeyFileError: the file is missing, not readable, readable by others, or not a private key of a known curve.
    """
    path = pathlib.Path(path)
    pem = _read(path, "make one: `headrace init` does, or set signing.key", private=True)
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, f"not a private key in a PEM file without a password: {_said(error, pem)}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _no_key(path, "a private key of another kind than an elliptic curve")
    return _public(key.public_key(), path)


def read_public(path: str | os.PathLike[str]) -> PublicKey:
    """A public key.

    Raises:
        KeyFileError: the file is missing, not readable, or not a public key of a known curve.
    """
    path = pathlib.Path(path)
    pem = _read(path, "correct signing.trusted, or put the key there", private=False)
    if b"PRIVATE KEY" in pem:
        raise _no_key(path, "a private key where a public one belongs", f"openssl pkey -in {path} -pubout > KEY.pub")
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(path, "not a public key in a PEM file") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise _no_key(path, "a public key of another kind than an elliptic curve")
    return _public(key, path)


def _read(path: pathlib.Path, remedy: str, *, private: bool) -> bytes:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _no_key(path, "not a file")
            if private and status.st_mode & _OTHERS:
                raise _no_key(
                    path,
                    f"the private key is open to others (mode {stat.S_IMODE(status.st_mode):04o})",
                    f"chmod 600 {path}, and make another key if anyone may have read it",
                )
            pem = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise KeyFileError("there is no such key file", where=str(path), remedy=remedy) from error
    except OSError as error:
        raise KeyFileError(
            f"the key file cannot be read: {error.strerror}",
            where=str(path),
            remedy="give the user that runs this the right to read it",
        ) from error
    if len(pem) > _MOST_BYTES:
        raise _no_key(path, f"longer than a key: over {_MOST_BYTES:,} bytes")
    return pem


def _public(key: ec.EllipticCurvePublicKey, path: pathlib.Path) -> PublicKey:
    if key.curve.name not in _CURVES:
        raise _no_key(path, f"a key of the curve {key.curve.name}; known are {', '.join(_CURVES)}")
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(pem.decode())


def _said(error: Exception, pem: bytes) -> str:
    """Why, without a word of what the file holds."""
    return "it has a password" if isinstance(error, TypeError) and b"ENCRYPTED" in pem else type(error).__name__


def _no_key(path: pathlib.Path, what: str, remedy: str = "") -> KeyFileError:
    make = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem"
    return KeyFileError(what, where=str(path), remedy=remedy or f"make one: {make}")
