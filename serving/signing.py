"""Signatures of exported models: who made these very files.

A signature is a file beside the model's directory, `DIRECTORY.sig`: a Sigstore bundle over an in-toto statement of the
SHA-256 of every file, as the OpenSSF's model signing specification 1.0 has it. It is made and checked by the library
`model_signing`, with keys, offline. Importing that takes a second, so it is done where a model is signed or verified.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import stat
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature

from schemas.errors import IntegrityError, StorageError
from serving.keys import PublicKey, public_half

if TYPE_CHECKING:
    from model_signing import hashing

SUFFIX = ".sig"
MOST_FILES = 10_000
MOST_BYTES = 1 << 36
_MOST_SIGNATURE_BYTES = 1 << 23

# What the library raises on a signature that is not one, or not of these files: it does not say, and wraps nothing.
_NOT_ONE = (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, InvalidSignature)


class SignatureError(IntegrityError):
    """A model is not signed, not by a trusted key, or is not what was signed."""


def path_of(directory: str | os.PathLike[str]) -> pathlib.Path:
    """Where the signature of a model is: beside its directory, since it covers every file in there."""
    directory = pathlib.Path(directory)
    return directory.with_name(directory.name + SUFFIX)


def sign(directory: str | os.PathLike[str], key: str | os.PathLike[str]) -> pathlib.Path:
    """Signs every file below a directory.

    Args:
        directory: an exported model.
        key: the file of the private key.

    Returns:
        Where the signature is.

    Raises:
        KeyFileError: the key cannot be used.
        SignatureError: there is something else than files and directories below, or too much of it.
        StorageError: the signature cannot be written.
    """
    directory = pathlib.Path(directory)
    public_half(key)
    _check_extent(directory)
    from model_signing import signing

    signature = path_of(directory)
    aside = signature.with_name(signature.name + ".writing")
    try:
        config = signing.Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_signer(private_key=key).set_hashing_config(_every_file())
        config.sign(directory, aside)
        aside.replace(signature)
    except OSError as error:
        raise StorageError(
            f"cannot write the signature: {error.strerror or error}",
            where=str(signature),
            remedy="free space or fix permissions",
        ) from error
    return signature


def verify(directory: str | os.PathLike[str], trusted: Sequence[PublicKey]) -> PublicKey:
    """Checks that a model is what a trusted key signed, and nothing else.

    Args:
        directory: an exported model, its signature beside it.
        trusted: whose signatures count.

    Returns:
        Whose it was.

    Raises:
        SignatureError: there is no signature, it is none of a trusted key, or a file was changed, removed or added.
    """
    directory = pathlib.Path(directory)
    signature = path_of(directory)
    key = _named_key(signature, trusted)
    _check_extent(directory)
    from model_signing import verifying

    with tempfile.NamedTemporaryFile("w", suffix=".pub") as file:  # the library takes a path
        file.write(key.pem)
        file.flush()
        config = verifying.Config()  # type: ignore[no-untyped-call]
        config.use_elliptic_key_verifier(public_key=file.name).set_hashing_config(_every_file())
        try:
            config.verify(directory, signature)
        except OSError as error:
            raise SignatureError(
                f"cannot be read: {error.strerror or error}", where=str(directory), remedy=_REMEDY
            ) from error
        except _NOT_ONE as error:
            raise SignatureError(_in_words(error), where=str(directory), remedy=_REMEDY) from error
    return key


_REMEDY = "do not serve it; make it again from a run that you trust"


def _named_key(signature: pathlib.Path, trusted: Sequence[PublicKey]) -> PublicKey:
    """The trusted key that a signature says it is of."""
    try:
        with signature.open("rb") as file:
            text = file.read(_MOST_SIGNATURE_BYTES + 1)
    except OSError as error:
        raise SignatureError(
            f"the model is not signed: {error.strerror}",
            where=str(signature),
            remedy="sign it if you trust it (docs/signing.md), or make it again",
        ) from error
    try:
        if len(text) > _MOST_SIGNATURE_BYTES:
            raise ValueError(f"over {_MOST_SIGNATURE_BYTES:,} bytes")
        bundle = json.loads(text)
        identity = bundle["verificationMaterial"]["publicKey"]["hint"]
        _check_covers_all(json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"])))
    except _NOT_ONE as error:
        raise SignatureError(
            f"not a signature of all of a model's files: {error}", where=str(signature), remedy=_REMEDY
        ) from error
    for key in trusted:
        if key.identity == identity:
            return key
    raise SignatureError(
        f"signed with a key that is not trusted: {str(identity)[:64]!r}",
        where=str(signature),
        remedy="if you trust it, name the file of its public key in signing.trusted",
    )


def _check_covers_all(statement: dict[str, Any]) -> None:
    """A signature may name paths that it leaves out, where anything could be put."""
    serialization = statement["predicate"]["serialization"]
    left_out = serialization.get("ignore_paths")
    if left_out or serialization.get("allow_symlinks"):
        raise ValueError(f"it leaves out {left_out or 'what links point to'}")


def _check_extent(directory: pathlib.Path) -> None:
    """Nothing is hashed that is too much to be a model, or that is no file."""
    files = size = 0
    for at, folders, names in os.walk(directory):
        for name in (*folders, *names):
            status = os.lstat(os.path.join(at, name))
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                raise SignatureError(
                    "neither a file nor a directory", where=os.path.join(at, name), remedy="remove it; links too"
                )
            files += 1
            size += status.st_size
            if files > MOST_FILES or size > MOST_BYTES:
                raise SignatureError(
                    f"more than a model: over {MOST_FILES:,} files or {MOST_BYTES:,} bytes",
                    where=str(directory),
                    remedy=_REMEDY,
                )


def _every_file() -> hashing.Config:
    """Hidden files too: the library leaves out git's unless told."""
    from model_signing import hashing

    config = hashing.Config()  # type: ignore[no-untyped-call]
    return config.use_file_serialization().set_ignored_paths(paths=(), ignore_git_paths=False)


def _in_words(error: Exception) -> str:
    if isinstance(error, InvalidSignature):
        return "the signature was not made with the key that it names, or was changed"
    return f"not what was signed: {error}"
