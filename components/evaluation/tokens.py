"""Which token a model held likeliest at each place, and how sure it was: more than the serving interface tells.

A LiteRT model computes it all the same on its way to the likelihoods, so its logits are read where it left them, from an
interpreter that keeps intermediate tensors. The model that serves needs no further output for it, and answers as fast as
before. That the right tensor was found is checked at each call: its log-softmax must be what the model answered, at some places.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import pathlib
import queue
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter

from components.evaluation.examples import CALIBRATION_GROUPS
from schemas import progress
from schemas.errors import HeadraceError
from serving import sequence
from serving.litert import SIGNATURE, Encoder, Request
from serving.manifest import LITERT_FILE, Manifest, ModelFormat

_TOLERANCE_NATS = 1e-2
_CHECKED = 8
"""So many places of each answer are checked."""


class NotReadableError(HeadraceError):
    """A model does not let its tokens be looked at."""


@dataclasses.dataclass(frozen=True)
class Places:
    """What a model holds of the tokens of one request, each at its place; nothing is meant where there is no token.

    Attributes:
        nll: negative log-likelihood, nats, float32 `[seq]`.
        ranks: how many tokens it held likelier, int32 `[seq]`.
        likeliest: the probability of the one that it held likeliest, float32 `[seq]`.
    """

    nll: npt.NDArray[np.float32]
    ranks: npt.NDArray[np.int32]
    likeliest: npt.NDArray[np.float32]


class Reader:
    """Answers of one model with its tokens. Safe to call from several threads.

    Args:
        directory: an exported model.
        threads: how many requests are answered side by side.

    Raises:
        NotReadableError: it is no LiteRT model, or of another signature.
    """

    def __init__(self, directory: pathlib.Path, *, threads: int):
        manifest = Manifest.read(directory)
        if manifest.format is not ModelFormat.LITERT:
            raise NotReadableError(f"a model in the format {manifest.format.value} tells no more than likelihoods")
        self.encoder = Encoder(directory, manifest)
        self._threads = threads
        self._readers: queue.SimpleQueue[_Reader] = queue.SimpleQueue()
        for _ in range(threads):
            self._readers.put(_Reader(directory / LITERT_FILE))

    def read(self, requests: Sequence[Request], *, node: str) -> list[Places]:
        """What the model holds of each request's tokens; advances the node's progress.

        Raises:
            NotReadableError: its logits are nowhere to be found.
        """
        with concurrent.futures.ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(lambda request: self._read(request, node), requests))

    def _read(self, request: Request, node: str) -> Places:
        with self._reader() as reader:
            found = reader(request)
        progress.advance(node)
        return found

    @contextlib.contextmanager
    def _reader(self) -> Iterator[_Reader]:
        reader = self._readers.get()
        try:
            yield reader
        finally:
            self._readers.put(reader)


def facts(places: Places, chosen: npt.NDArray[np.bool_], accuracy_at: Sequence[int]) -> list[float]:
    """What an example has of its tokens, in the order of `components.evaluation.examples`.

    Args:
        places: of the whole request.
        chosen: which of them belong to the example, `[seq]`.
        accuracy_at: for each k.

    Returns:
        The number of tokens, the surplus of each group, and the hits of each k.
    """
    ranks, likeliest = places.ranks[chosen], places.likeliest[chosen].astype(np.float64)
    groups = np.minimum((likeliest * CALIBRATION_GROUPS).astype(int), CALIBRATION_GROUPS - 1)
    surplus = np.bincount(groups, likeliest - (ranks == 0), CALIBRATION_GROUPS)
    return [float(len(ranks)), *surplus.tolist(), *(float((ranks < k).sum()) for k in accuracy_at)]


class _Reader:
    """One interpreter; not for two threads at once."""

    def __init__(self, path: pathlib.Path):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it keeps all tensors, which is what it is for
                self._interpreter = interpreter.Interpreter(
                    model_path=str(path), num_threads=1, experimental_preserve_all_tensors=True
                )
            names = [name for name in self._interpreter.get_signature_list() if name.startswith(SIGNATURE)]
            calls = [self._interpreter.get_signature_runner(name) for name in names]
            self._calls = {int(call.get_input_details()["ids"]["shape"][1]): call for call in calls}
        except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
            raise NotReadableError(f"not a LiteRT model with the signature {SIGNATURE}: {error}") from error
        self._logits: dict[int, tuple[int, int]] = {}

    def __call__(self, request: Request) -> Places:
        used = int(np.flatnonzero(request.ids != sequence.PAD)[-1]) + 1
        length = min(length for length in self._calls if length >= used)
        answer = self._calls[length](
            ids=request.ids[None, :length],
            image=request.image[None],
            has_image=np.array([request.has_image], np.float32),
        )
        nll = answer["nll"][0, :used]
        targets = request.ids[1:used]
        if length not in self._logits:
            self._logits[length] = self._find(length, targets, nll)
        subgraph, tensor = self._logits[length]
        found = _places(self._interpreter.get_tensor(tensor, subgraph), targets, nll)
        if found is None:
            raise NotReadableError("what was taken for its logits does not give what it answered")
        after = len(request.ids) - used
        return Places(
            np.pad(found.nll, (1, after)), np.pad(found.ranks, (1, after)), np.pad(found.likeliest, (1, after))
        )

    def _find(self, length: int, targets: npt.NDArray[np.int32], nll: npt.NDArray[np.float32]) -> tuple[int, int]:
        """The subgraph and the number of the tensor that holds the logits."""
        for subgraph in range(self._interpreter.num_subgraphs()):
            for details in self._interpreter.get_tensor_details(subgraph):
                shape = [int(size) for size in details["shape"]]
                if details["dtype"] is not np.float32 or len(shape) < 2 or int(np.prod(shape[:-1])) != length - 1:
                    continue
                if shape[-1] <= targets.max():
                    continue
                try:
                    values = self._interpreter.get_tensor(details["index"], subgraph)
                except ValueError:  # it was not computed
                    continue
                if _places(values, targets, nll) is not None:
                    return subgraph, int(details["index"])
        raise NotReadableError("its logits are nowhere to be found among what it computes")


def _places(
    values: npt.NDArray[np.float32], targets: npt.NDArray[np.int32], nll: npt.NDArray[np.float32]
) -> Places | None:
    """What logits say of the tokens from the second on, or None if they are none of this answer."""
    logits = values.reshape(-1, values.shape[-1])[: len(targets)]
    own = logits[np.arange(len(targets)), targets]
    some = np.unique(np.linspace(0, len(targets) - 1, _CHECKED).astype(int))
    total = np.logaddexp.reduce(logits[some].astype(np.float64), axis=1)
    if not np.allclose(total - own[some], nll[1:][some], rtol=0, atol=_TOLERANCE_NATS):
        return None
    ranks = np.count_nonzero(logits > own[:, None], axis=1).astype(np.int32)
    return Places(nll[1:], ranks, np.minimum(np.exp(logits.max(axis=1) - own - nll[1:]), 1.0))
