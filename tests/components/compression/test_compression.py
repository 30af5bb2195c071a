"""A small model is made of a SavedModel, in a process of its own, and what that gained and cost is measured."""

from __future__ import annotations

import dataclasses
import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter
from tfx.types import standard_artifacts

from components.compression import convert, executor, measure
from components.compression.config import CompressionConfig
from components.compression.report import Report
from components.evaluation import held_out
from components.training.network import Shape
from schemas import records, tables
from schemas.artifacts import CompressionReport, Samples
from schemas.config import to_json
from schemas.errors import SourceError
from serving.litert import weights_digest
from serving.manifest import LITERT_FILE, Manifest, ModelFormat
from serving.model import load
from tests.fixtures import exports, own_network, standin


def compress(tmp_path: pathlib.Path, model: pathlib.Path, samples: pathlib.Path):
    outputs = {
        "compressed_model": [exports.made(standard_artifacts.Model, tmp_path / "compressed")],
        "report": [exports.made(CompressionReport, tmp_path / "report")],
    }
    inputs = {"model": [exports.made(standard_artifacts.Model, model)], "samples": [exports.made(Samples, samples)]}
    config = to_json(CompressionConfig(latency_runs=10, loss_samples=12))
    executor.Executor().Do(inputs, outputs, {"config": config, "signing": to_json(exports.signing())})
    return outputs["compressed_model"][0], Report.read(tmp_path / "report")


def test_the_node_makes_an_int8_model_that_serves_and_reports_what_it_measured(tmp_path: pathlib.Path) -> None:
    artifact, report = compress(tmp_path, exports.saved_model(), exports.samples())
    directory = pathlib.Path(artifact.uri) / "Format-Serving"
    source = Manifest.read(exports.saved_model() / "Format-Serving")
    assert Manifest.read(directory) == dataclasses.replace(
        source, format=ModelFormat.LITERT, quantization="dynamic_wi8_afp32"
    )
    model = load(directory)
    samples = held_out.read(exports.samples(), "eval", 12)

    scores = model.score([sample.instance for sample in samples])
    nats = math.fsum(score.text_nll + score.code_nll for score in scores)
    size = sum(score.text_bytes + score.code_bytes for score in scores)
    assert report.loss.bytes == size and report.loss.samples == 12
    assert report.loss.compressed_bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-9)
    assert report.loss.difference_bits_per_byte == pytest.approx(
        report.loss.compressed_bits_per_byte - report.loss.float_bits_per_byte
    )
    assert abs(report.loss.difference_bits_per_byte) < 0.05

    assert report.size.compressed_bytes == (directory / LITERT_FILE).stat().st_size < report.size.float_bytes
    assert report.size.ratio == report.size.float_bytes / report.size.compressed_bytes
    assert 0 < report.latency.float_p50_ms <= report.latency.float_p95_ms
    assert report.latency.ratio == pytest.approx(report.latency.float_p50_ms / report.latency.compressed_p50_ms)
    assert artifact.get_string_custom_property("digest") == weights_digest(directory / LITERT_FILE)


def test_the_weights_are_eight_bit_integers() -> None:
    def types(recipe: str) -> dict[str, int]:
        path = exports.litert(recipe=recipe) / "Format-Serving" / LITERT_FILE
        sizes: dict[str, int] = {}
        for tensor in interpreter.Interpreter(str(path)).get_tensor_details():
            name = tensor["dtype"].__name__
            sizes[name] = max(sizes.get(name, 0), math.prod(tensor["shape"]))
        return sizes

    vocabulary = load(exports.litert() / "Format-Serving")._encoder._tokenizer._processor.vocab_size()
    assert types("dynamic_wi8_afp32")["int8"] == vocabulary * standin.RANK
    assert "int8" not in types("none")


def test_the_digest_knows_the_weights_and_nothing_else(tmp_path: pathlib.Path) -> None:
    source = exports.saved_model() / "Format-Serving"
    again = tmp_path / "again.tflite"
    again.write_bytes(convert.quantize(convert.to_litert(source), "dynamic_wi8_afp32"))
    same, other = (exports.litert(sharpness) / "Format-Serving" / LITERT_FILE for sharpness in (1.0, 0.5))
    assert weights_digest(again) == weights_digest(same) != weights_digest(other)


def test_an_operation_that_litert_lacks_is_refused_in_words(tmp_path: pathlib.Path) -> None:
    class Odd(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, "ids")])
        def score_tokens(self, ids: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": tf.math.betainc(ids, ids, ids)}

    module = Odd()
    tf.saved_model.save(module, str(tmp_path / "m"), signatures={"score_tokens": module.score_tokens})
    with pytest.raises(
        convert.ConversionError, match="LiteRT cannot hold this model: it has no operation Betainc"
    ) as caught:
        convert.to_litert(tmp_path / "m")
    assert "operations that LiteRT knows" in str(caught.value.remedy)


def test_loops_whose_tensors_share_names_are_compressed(tmp_path: pathlib.Path) -> None:
    network = own_network.build_recurrent(Shape(vocabulary=60, tokens=8, image_size=4))

    class Recurrent(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weights = [variable.value for variable in network.variables]

        @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.int32, "ids"), tf.TensorSpec([1, 4, 4, 3], tf.float32)])
        def score_tokens(self, ids: tf.Tensor, image: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": tf.reduce_logsumexp(network({"ids": ids, "image": image}), axis=-1)}

    module = Recurrent()
    tf.saved_model.save(module, str(tmp_path), signatures={"score_tokens": module.score_tokens})
    model = convert.quantize(convert.to_litert(tmp_path), "dynamic_wi8_afp32")
    ids, image = np.arange(5, 13, dtype=np.int32)[None], np.full([1, 4, 4, 3], 0.5, np.float32)
    answer = interpreter.Interpreter(model_content=model).get_signature_runner("score_tokens")(ids=ids, image=image)
    np.testing.assert_allclose(answer["nll"], module.score_tokens(ids, image)["nll"], atol=0.05)


def test_without_held_out_samples_it_says_so(tmp_path: pathlib.Path) -> None:
    rows = [row for row in tables.rows(exports.samples()) if row["split"] == "train"]
    tables.write(tmp_path / "train only", [tables.from_rows(rows, records.SAMPLE)], records.SAMPLE)
    with pytest.raises(SourceError, match="no sample in the split `eval`"):
        compress(tmp_path, exports.saved_model(), tmp_path / "train only")


def test_a_worse_compressed_model_shows_in_the_loss() -> None:
    samples = held_out.read(exports.samples(), "eval", 12)
    good, bad = (exports.litert(sharpness, recipe="none") / "Format-Serving" for sharpness in (1.0, 0.5))
    assert measure.loss(good, bad, samples, threads=1, node="Compress").difference_bits_per_byte > 0.1
