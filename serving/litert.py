"""A LiteRT model behind the serving interface: tokenised here, run by LiteRT's interpreter, no TensorFlow."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import hashlib
import os
import pathlib
import queue
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter, schema_py_generated

from schemas.errors import IntegrityError
from serving import checks, images, operations, sequence
from serving.instance import Instance, Score
from serving.manifest import LITERT_FILE, TOKENIZER_FILE, Manifest
from serving.model import Model
from serving.tokens import Tokenizer

SIGNATURE = "score_tokens"
"""The signature of the longest sequence. `score_tokens_N` is the same of sequences of N tokens, where a model has it."""


class LiteRTModel(Model):
    """The signature `score_tokens` of a `model.tflite`, one instance a call.

    Args:
        directory: the exported model.
        manifest: what it says of itself.
        threads: how many interpreters to hold, each with one thread; they score side by side.

    Raises:
        IntegrityError: the file is missing, is not a LiteRT model or lacks the signature.
    """

    def __init__(self, directory: pathlib.Path, manifest: Manifest, *, threads: int = 1):
        super().__init__(manifest)
        self._encoder = Encoder(directory, manifest)
        self._runners: queue.SimpleQueue[Runner] = queue.SimpleQueue()
        for _ in range(threads):
            self._runners.put(Runner(directory / LITERT_FILE, vocabulary=self._encoder.vocabulary))
        self._pool = concurrent.futures.ThreadPoolExecutor(threads) if threads > 1 else None

    def score(self, instances: Sequence[Instance]) -> list[Score]:
        return list(self._pool.map(self._score, instances) if self._pool else map(self._score, instances))

    def _score(self, instance: Instance) -> Score:
        request = self._encoder.encode(instance)
        with self._runner() as runner:
            nll = runner(request)
        return Score(
            text_nll=float(nll[request.segments == sequence.TEXT_SEGMENT].sum(dtype=np.float64)),
            text_bytes=request.text_bytes,
            code_nll=float(nll[request.segments == sequence.CODE_SEGMENT].sum(dtype=np.float64)),
            code_bytes=request.code_bytes,
        )

    @contextlib.contextmanager
    def _runner(self) -> Iterator[Runner]:
        runner = self._runners.get()
        try:
            yield runner
        finally:
            self._runners.put(runner)


@dataclasses.dataclass(frozen=True)
class Request:
    """An instance as `score_tokens` takes it.

    Attributes:
        ids: token ids, int32 `[seq]`.
        segments: which of them count, as `serving.sequence.layout` says, int32 `[seq]`.
        image: float32 `[size, size, 3]` in 0..1, zeros where there is none.
        has_image: whether there is one.
        text_bytes: UTF-8 bytes that the text's tokens stand for.
        code_bytes: UTF-8 bytes that the code's tokens stand for.
    """

    ids: npt.NDArray[np.int32]
    segments: npt.NDArray[np.int32]
    image: npt.NDArray[np.float32]
    has_image: bool
    text_bytes: int
    code_bytes: int

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """The inputs of the signature, by name; a batch of one."""
        has_image = np.array([self.has_image], np.float32)
        return {"ids": self.ids[None], "image": self.image[None], "has_image": has_image}

    def cut(self, tokens: int) -> Request:
        """The same as if no more than its first tokens were known; as long as before."""
        after = np.arange(len(self.ids)) >= tokens
        ids, segments = (np.where(after, 0, values).astype(np.int32) for values in (self.ids, self.segments))
        return dataclasses.replace(self, ids=ids, segments=segments)


class Encoder:
    """Makes requests of instances, with the tokeniser and the budgets of one model.

    Args:
        directory: the exported model.
        manifest: what it says of itself.
    """

    def __init__(self, directory: pathlib.Path, manifest: Manifest):
        self._manifest = manifest
        self._tokenizer = Tokenizer(directory / TOKENIZER_FILE)

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self._tokenizer.vocabulary

    def encode(self, instance: Instance) -> Request:
        """Tokenises, lays out and decodes.

        Raises:
            InstanceError: it is not an instance that can be scored; `serving.checks` says what is.
        """
        checks.check_instance(instance)
        manifest, size = self._manifest, self._manifest.image_size
        text, text_bytes = self._tokenizer.encode(instance.text, manifest.text_tokens)
        code, code_bytes = self._tokenizer.encode(instance.code, manifest.code_tokens)
        ids, segments = sequence.layout(text, code, text_tokens=manifest.text_tokens, code_tokens=manifest.code_tokens)
        image = images.pixels(instance.image, size) if instance.image else np.zeros((size, size, 3), np.float32)
        return Request(ids, segments, image, bool(instance.image), text_bytes, code_bytes)


class Runner:
    """One interpreter of one model file; not for two threads at once. A request goes to the shortest signature that
    holds its tokens.

    Args:
        path: a `.tflite` file with the signature `score_tokens`.
        threads: how many threads one call uses.
        vocabulary: how many tokens there are; None if that is not known.

    Attributes:
        buckets: lengths of its signatures, tokens, the longest first.

    Raises:
        IntegrityError: the file is not that.
        OperationError: it has an operation that is none of LiteRT's own.
    """

    def __init__(self, path: pathlib.Path, *, threads: int = 1, vocabulary: int | None = None):
        operations.check_litert(path)
        try:
            self._interpreter = interpreter.Interpreter(model_path=str(path), num_threads=threads)
            names = [name for name in self._interpreter.get_signature_list() if name.startswith(f"{SIGNATURE}_")]
            calls = [self._interpreter.get_signature_runner(name) for name in (SIGNATURE, *names)]
            lengths = [int(call.get_input_details()["ids"]["shape"][1]) for call in calls]
        except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
            raise IntegrityError(
                f"not a LiteRT model with the signature {SIGNATURE}: {error}",
                where=str(path),
                remedy="compress the model again",
            ) from error
        self._calls = dict(sorted(zip(lengths, calls, strict=True), reverse=True))
        self.buckets = tuple(self._calls)
        self._vocabulary = vocabulary
        self._image_size = int(calls[0].get_input_details()["image"]["shape"][1])

    def __call__(self, request: Request) -> npt.NDArray[np.float32]:
        """The negative log-likelihood of each token, nats `[seq]`.

        Raises:
            InstanceError: the ids or the pixels are not such that the model knows them.
        """
        checks.check_tokens(
            request.ids,
            request.image,
            length=self.buckets[0],
            image_size=self._image_size,
            vocabulary=self._vocabulary,
        )
        used = max(np.flatnonzero(request.ids != sequence.PAD).tolist(), default=0)
        bucket = min(length for length in self.buckets if length > used)
        inputs = request.inputs()
        answer = self._calls[bucket](**{**inputs, "ids": inputs["ids"][:, :bucket]})["nll"][0]
        nll: npt.NDArray[np.float32] = np.pad(answer, (0, len(request.ids) - bucket))
        return nll


def weights_digest(path: str | os.PathLike[str]) -> str:
    """The canonical digest of the constants in a LiteRT file, hexadecimal: independent of names, order and padding."""
    model = schema_py_generated.ModelT.InitFromPackedBuf(pathlib.Path(path).read_bytes())
    hashes = []
    for tensor in (tensor for graph in model.subgraphs for tensor in graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data):
            scale = tensor.quantization.scale if tensor.quantization is not None else None
            facts = (tensor.type, list(map(int, tensor.shape)), [] if scale is None else [float(s) for s in scale])
            hashes.append(hashlib.sha256(repr(facts).encode() + bytes(data)).digest())
    return hashlib.sha256(b"".join(sorted(hashes))).hexdigest()
