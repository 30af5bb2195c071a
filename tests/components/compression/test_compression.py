"""Small models are made of a SavedModel, in a process of its own, and what each gained and cost is measured."""

from __future__ import annotations

import dataclasses
import math
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import interpreter
from tfx.types import standard_artifacts

from components.compression import convert, executor, main, measure
from components.compression.config import CompressionConfig
from components.compression.job import Job
from components.compression.report import Report
from components.compression.selection import BudgetError
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

QUICK = {"latency_runs": 10, "loss_samples": 12}


def compress(tmp_path: pathlib.Path, samples: pathlib.Path, **changes: object):
    outputs = {
        "compressed_model": [exports.made(standard_artifacts.Model, tmp_path / "compressed")],
        "report": [exports.made(CompressionReport, tmp_path / "report")],
    }
    inputs = {
        "model": [exports.made(standard_artifacts.Model, exports.saved_model())],
        "samples": [exports.made(Samples, samples)],
    }
    config = to_json(CompressionConfig(**(QUICK | changes)))
    executor.Executor().Do(inputs, outputs, {"config": config, "signing": to_json(exports.signing())})
    return outputs["compressed_model"][0], Report.read(tmp_path / "report")


def compress_here(tmp_path: pathlib.Path, samples: pathlib.Path, **changes: object) -> Report:
    """The same without a process of its own: TensorFlow is loaded here anyway."""
    for name in ("target", "report"):
        (tmp_path / name).mkdir()
    config = to_json(CompressionConfig(**(QUICK | changes)))
    source = str(exports.saved_model() / "Format-Serving")
    main.compress(Job(source, source, str(tmp_path / "target"), str(tmp_path / "report"), str(samples), config))
    return Report.read(tmp_path / "report")


def without(tmp_path: pathlib.Path, split: str) -> pathlib.Path:
    rows = [row for row in tables.rows(exports.samples()) if row["split"] != split]
    tables.write(tmp_path / "samples", [tables.from_rows(rows, records.SAMPLE)], records.SAMPLE)
    return tmp_path / "samples"


def test_the_node_makes_an_int8_model_that_serves_and_reports_what_it_measured(tmp_path: pathlib.Path) -> None:
    artifact, report = compress(tmp_path, exports.samples())
    directory = pathlib.Path(artifact.uri) / "Format-Serving"
    source = Manifest.read(exports.saved_model() / "Format-Serving")
    assert Manifest.read(directory) == dataclasses.replace(
        source, format=ModelFormat.LITERT, quantization="dynamic_wi8_afp32"
    )
    model = load(directory)
    samples = held_out.read(exports.samples(), "eval", 12)
    assert report.chosen == "dynamic_wi8_afp32" and report.samples == 12
    [variant] = report.variants
    small, whole = report.serving, report.float_model
    assert variant.measured == small and "only variant" in variant.verdict and variant.quantized_operations == 1

    scores = model.score([sample.instance for sample in samples])
    nats = math.fsum(score.text_nll + score.code_nll for score in scores)
    size = sum(score.text_bytes + score.code_bytes for score in scores)
    assert report.bytes == size
    assert small.bits_per_byte == pytest.approx(nats / math.log(2) / size, rel=1e-9)
    assert small.rise == small.bits_per_byte - whole.bits_per_byte and abs(small.rise) < 0.02
    of_text = math.fsum(score.text_nll for score in scores) / math.log(2) / sum(score.text_bytes for score in scores)
    slices = {item.slice: item for item in small.slices}
    assert slices["text"].bits_per_byte == pytest.approx(of_text, rel=1e-9)
    assert slices.keys() == {"text", "code", "with image", "without image", "source emoji", "source python"}
    assert sum(slices[name].samples for name in ("with image", "without image")) == 12
    assert sum(slices[name].bytes for name in ("source emoji", "source python")) == size

    assert small.bytes == (directory / LITERT_FILE).stat().st_size < whole.bytes
    assert small.zipped_bytes < whole.zipped_bytes < whole.bytes < report.saved_model_bytes
    for measured in (small, whole):
        [latency] = measured.latencies
        assert latency.tokens == standin.TEXT_TOKENS + standin.CODE_TOKENS + 3 and latency.runs == 10
        assert 0 < latency.p50_ms <= latency.p99_ms and 0 < latency.processor_p50_ms <= latency.processor_p99_ms
        assert measured.peak_memory_bytes > measured.model_memory_bytes > 0
    assert variant.layers[0].relative_error < 0.1  # the signature's output
    assert artifact.get_string_custom_property("digest") == weights_digest(directory / LITERT_FILE)


def test_variants_are_compared_and_one_that_cannot_be_made_does_not_take_the_others_along(tmp_path):
    names = ("weight_only_wi8_afp32", "static_wi8_ai8", "dynamic_wi4_afp32", "dynamic_wi8_afp32")
    limits = {"max_bits_per_byte_rise": 9.0, "max_slice_bits_per_byte_rise": 9.0}
    report = compress_here(tmp_path, without(tmp_path, "train"), variants=names, prefer="quality", **limits)
    assert [variant.name for variant in report.variants] == list(names)
    made = {variant.name: variant.measured for variant in report.variants if variant.measured}
    assert made.keys() == set(names) - {"static_wi8_ai8"}
    static = report.variants[1]
    assert "no sample in the split `train`" in static.failure and static.verdict == static.failure
    assert made["dynamic_wi4_afp32"].bytes < made["dynamic_wi8_afp32"].bytes < report.float_model.bytes
    assert made["dynamic_wi4_afp32"].rise > 10 * made["dynamic_wi8_afp32"].rise
    assert report.chosen == min(made, key=lambda name: made[name].rise) and "best held-out loss" in report.reason
    assert f"{report.chosen} is better by quality" in report.variants[2].verdict
    assert Manifest.read(tmp_path / "target").quantization == report.chosen


def test_static_variants_find_ranges_on_the_training_split_and_keep_the_signature(tmp_path):
    static = ("static_wi8_ai8", "static_wi8_ai16", "static_wi8_ai8_fully_connected")
    limits = {"max_bits_per_byte_rise": 9.0, "max_slice_bits_per_byte_rise": 9.0, "max_outside_calibration": 1.0}
    report = compress_here(tmp_path, exports.samples(), variants=static, representative_samples=8, **limits)
    assert [variant.failure for variant in report.variants] == [""] * 3
    wide, wider, narrow = report.variants
    assert all(variant.calibration.samples == 8 and variant.calibration.tensors > 0 for variant in report.variants)
    assert wide.quantized_operations > narrow.quantized_operations >= 1
    assert wider.layers[0].relative_error < wide.layers[0].relative_error  # of the signature's output
    call = interpreter.Interpreter(str(tmp_path / "target" / LITERT_FILE)).get_signature_runner("score_tokens")
    types = {name: detail["dtype"] for name, detail in call.get_input_details().items()}
    assert types == {"ids": np.int32, "image": np.float32, "has_image": np.float32}
    assert call.get_output_details()["nll"]["dtype"] == np.float32


def test_no_variant_within_the_limits_is_refused_by_the_name_of_the_limit(tmp_path):
    with pytest.raises(BudgetError, match="above max_bytes 1,000") as caught:
        compress_here(tmp_path, exports.samples(), max_bytes=1_000)
    assert "dynamic_wi8_afp32 takes" in caught.value.what and "when_none_fits" in caught.value.remedy


def test_the_float_model_serves_where_none_is_within_the_limits_and_that_is_allowed(tmp_path):
    report = compress_here(tmp_path, exports.samples(), max_bytes=1_000, when_none_fits="float")
    directory = tmp_path / "target"
    assert report.chosen == "float" and report.serving == report.float_model
    assert "above max_bytes" in report.variants[0].verdict
    assert Manifest.read(directory).quantization == "none"
    assert (directory / LITERT_FILE).stat().st_size == report.float_model.bytes
    load(directory)


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
    with pytest.raises(SourceError, match="no sample in the split `eval`"):
        compress(tmp_path, without(tmp_path, "eval"))


def test_a_worse_compressed_model_shows_in_the_loss_of_all_slices() -> None:
    samples = held_out.read(exports.samples(), "eval", 12)
    good, bad = (
        measure.quality(
            exports.litert(sharpness, recipe="none") / "Format-Serving", samples, name="", threads=1, node="Compress"
        )
        for sharpness in (1.0, 0.5)
    )
    assert bad.bits_per_byte - good.bits_per_byte > 0.1
    assert all(item.rise > 0.1 for item in bad.beside(good))
