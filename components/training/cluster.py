"""Which processes train together, and which of them this one is: TF_CONFIG, read and checked before anything starts.

TensorFlow itself finds most mistakes in it only by waiting for peers that never come. No TensorFlow in here: whoever
starts processes asks too.
"""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Annotated

import pydantic
import pydantic.dataclasses

from schemas.errors import ConfigError

VARIABLE = "TF_CONFIG"

_CHIEF, _WORKER, _EVALUATOR, _SERVER = "chief", "worker", "evaluator", "ps"
_LONGEST_BYTES = 128 * 1024  # what Linux lets one variable hold
_LONGEST_HOST = 253  # RFC 1035, in characters
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_][A-Za-z0-9_.-]*):([0-9]{1,5})", re.ASCII)
_REMEDY = "Kubeflow's training operator sets it; by hand: unset it, and `training.workers` processes start here"
_STRICT = pydantic.ConfigDict(extra="forbid", strict=True)


@dataclasses.dataclass(frozen=True)
class Cluster:
    """The processes of one training.

    Attributes:
        workers: their addresses `host:port`, the chief's first; all of them hold the model and train.
        index: which of them this process is.
    """

    workers: tuple[str, ...]
    index: int

    @property
    def is_chief(self) -> bool:
        """Whether this is the process that writes what is written once."""
        return self.index == 0

    def to_environment(self) -> dict[str, str]:
        """TF_CONFIG for this process, in the form in which all are workers and the first of them is the chief."""
        value = {"cluster": {_WORKER: list(self.workers)}, "task": {"type": _WORKER, "index": self.index}}
        return {VARIABLE: json.dumps(value)}


def read(environment: Mapping[str, str]) -> Cluster | None:
    """The cluster that TF_CONFIG describes; None where it is not set.

    The format is TensorFlow's `TFConfigClusterResolver`'s, as Kubeflow's training operator writes it: at most one
    `chief`, which comes first, then every `worker`. An `evaluator` takes no part in the training.

    Raises:
        ConfigError: it is malformed, or describes what is not trained here.
    """
    text = environment.get(VARIABLE, "")
    if not text.strip():
        return None
    written = _parse(text)
    _check_jobs(written)
    chief, workers, evaluators = (_addresses(written.cluster, job) for job in (_CHIEF, _WORKER, _EVALUATOR))
    address, times = collections.Counter(chief + workers + evaluators).most_common(1)[0] if written.cluster else ("", 0)
    if times > 1:
        raise _wrong(f"{times} tasks have the address {address}")
    job, index = written.task.type, written.task.index
    count = {_CHIEF: len(chief), _WORKER: len(workers)}[job]
    if index >= count:
        raise _wrong(f"this process is to be {job} {index}, but the cluster has {count} of them, counted from 0")
    return Cluster(workers=chief + workers, index=index + (len(chief) if job == _WORKER else 0))


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class _Task:
    type: str
    index: Annotated[int, pydantic.Field(ge=0)]


@pydantic.dataclasses.dataclass(frozen=True, config=_STRICT)
class _Written:
    cluster: dict[str, list[str]]
    task: _Task
    environment: str = ""


def _parse(text: str) -> _Written:
    # An undecodable byte of the environment is a lone surrogate here; as that byte again it is malformed JSON.
    encoded = text.encode(errors="surrogateescape")
    if len(encoded) > _LONGEST_BYTES:
        raise _wrong(f"it is {len(encoded)} bytes long; at most {_LONGEST_BYTES} are read")
    if b'"sparseCluster"' in encoded:
        raise _wrong(
            "it describes a sparse cluster, whose workers do not know each other",
            remedy="set `enableDynamicWorker: false` in the training job",
        )
    try:
        return pydantic.TypeAdapter(_Written).validate_json(encoded)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _wrong(f"{_shown(place)}: {first['msg']}" if place else first["msg"]) from error


def _check_jobs(written: _Written) -> None:
    if _SERVER in written.cluster or written.task.type == _SERVER:
        raise _wrong(
            "it has parameter servers (`ps`), which this training does without: all workers hold the whole model",
            remedy="leave `PS` out of the training job's replicas",
        )
    for job in [*written.cluster, written.task.type]:
        if job not in (_CHIEF, _WORKER, _EVALUATOR):
            raise _wrong(
                f"it names the task type {_shown(job)}; there are {_CHIEF}, {_WORKER} and {_EVALUATOR}",
                remedy="name the first task of the training job `Chief` and the others `Worker`",
            )
    if written.task.type == _EVALUATOR:
        raise _wrong(
            "this process is to be an evaluator, but held-out samples are judged by the workers themselves",
            remedy="leave `Evaluator` out of the training job's replicas",
        )
    if len(written.cluster.get(_CHIEF, ())) > 1:
        raise _wrong("it has more than one chief")


def _addresses(cluster: dict[str, list[str]], job: str) -> tuple[str, ...]:
    """A job's addresses, in lower case.

    Raises:
        ConfigError: one is no `host:port`.
    """
    for index, address in enumerate(cluster.get(job, [])):
        fault = _fault(address)
        if fault:
            raise _wrong(f"the address of {job} {index} is {_shown(address)}: {fault}")
    return tuple(address.lower() for address in cluster.get(job, []))


def _fault(address: str) -> str | None:
    match = _ADDRESS.fullmatch(address)
    if match is None:
        return "it must be host:port, an IPv6 host in brackets"
    host, port = match.groups()
    if len(host) > _LONGEST_HOST:
        return f"a host's name has at most {_LONGEST_HOST} characters"
    if not 1 <= int(port) <= 65535:
        return "a port is 1 to 65535"
    if host.startswith("["):
        try:
            ipaddress.IPv6Address(host[1:-1])
        except ValueError:
            return "its host is no IPv6 address"
    return None


def _shown(text: str) -> str:
    """Untrusted text, short and printable."""
    return ascii(text if len(text) <= 80 else text[:80] + "...")


def _wrong(what: str, *, remedy: str = _REMEDY) -> ConfigError:
    return ConfigError(what, where=VARIABLE, remedy=remedy)
