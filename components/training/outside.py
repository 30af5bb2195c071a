"""What a training depends on besides its configuration, its examples and the code of Headrace: a network of a user's own,
and a file of weights to start from."""

from __future__ import annotations

import hashlib
import pathlib

from components import own_code
from components.training.config import TrainingConfig
from schemas.errors import ConfigError

KEY, PARAMETERS = "training.model", "shape"
"""The key that names a network, and what the function takes that builds it; see `components.own_code`."""

_OURS = "gpt"
_SUFFIX = ".weights.h5"
_BLOCK_BYTES = 1 << 20


def is_own(config: TrainingConfig) -> bool:
    """Whether the network is a user's own."""
    return config.model != _OURS


def weights_file(config: TrainingConfig) -> pathlib.Path | None:
    """The file of weights to start from; None for weights that chance gives.

    Raises:
        ConfigError: there is no such file, or it is of another kind.
    """
    if config.weights is None:
        return None
    path = own_code.path_of(config.weights)
    if not path.name.endswith(_SUFFIX):
        raise unfit_weights(f"{path.name} does not end in {_SUFFIX}")
    if not path.is_file():
        raise unfit_weights(f"there is no file {path}")
    return path


def unfit_weights(what: str) -> ConfigError:
    """The error that says what is wrong with a file of weights."""
    return ConfigError(
        what,
        where="training.weights",
        remedy=f"name a file that `save_weights` of the same network wrote, ending in {_SUFFIX}",
    )


def digest(config: TrainingConfig) -> str:
    """A digest of the source of the user's own network and of the weights; empty if there is neither.

    Raises:
        ConfigError: the function or the file is not there.
    """
    parts = []
    if is_own(config):
        parts.append(own_code.source_digest(config.model, key=KEY, parameters=PARAMETERS))
    path = weights_file(config)
    if path is not None:
        parts.append(_of_file(path))
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16] if parts else ""


def _of_file(path: pathlib.Path) -> str:
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            whole.update(block)
    return whole.hexdigest()
