"""The way to a GPU: the same answers in ONNX as in TensorFlow, and plain words where there is no GPU."""

from __future__ import annotations

import os
import pathlib
import re
import sys

import numpy as np
import pytest
import tensorflow as tf

from components.compression import onnx_export
from components.training import export, gpt
from components.training.config import GptConfig
from schemas.errors import ConfigError, HeadraceError
from serving import sequence
from tests.fixtures import transformed

try:
    import onnx
    import onnxruntime
    import tf2onnx  # noqa: F401
except ImportError as error:
    if os.environ.get("CI") == "true":
        raise
    pytest.skip(f"the extra `tensorrt` is not installed: {error}", allow_module_level=True)

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "gpu-serving.md"
VOCABULARY = 512
BUDGETS = transformed.BUDGETS
TOKENS = sequence.length(BUDGETS.text_tokens, BUDGETS.code_tokens)


@pytest.fixture(scope="module")
def saved_model(tmp_path_factory) -> pathlib.Path:
    """A real export of an untrained decoder, its tokeniser's operations and all."""
    directory = tmp_path_factory.mktemp("onnx") / "model"
    tf.keras.utils.set_random_seed(0)
    config = GptConfig(width=32, depth=2, heads=2, patch_size=8)
    model = gpt.Gpt(config, vocabulary=VOCABULARY, tokens=TOKENS, image_size=BUDGETS.image_size)
    for weight in model.trainable_variables:  # as training leaves them: no norm is the identity
        weight.assign_add(tf.random.stateless_normal(weight.shape, [1, 2], 0.0, 0.05))
    made = transformed.made()
    export.export(
        directory,
        model,
        architecture="gpt",
        transform_graph=made.graph,
        tokenizer=made.tokenizer / "tokenizer.model",
        budget=BUDGETS,
    )
    return directory


def requests(count: int) -> list[dict[str, np.ndarray]]:
    random = np.random.default_rng(0)
    size = BUDGETS.image_size
    return [
        {
            "ids": random.integers(sequence.PAD, VOCABULARY, (1, TOKENS), np.int32),
            "image": random.random((1, size, size, 3), np.float32),
            "has_image": np.array([number % 2], np.float32),
        }
        for number in range(count)
    ]


def test_onnxruntime_answers_as_tensorflow_does(saved_model, tmp_path):
    onnx_export.export(saved_model, tmp_path / "model.onnx")
    onnx.checker.check_model(str(tmp_path / "model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    assert {given.name: tuple(given.shape) for given in session.get_inputs()} == {
        name: value.shape for name, value in requests(1)[0].items()
    }
    assert [told.name for told in session.get_outputs()] == ["nll"]
    loaded = tf.saved_model.load(str(saved_model))
    for request in requests(8):
        expected = loaded.signatures["score_tokens"](**{name: tf.constant(value) for name, value in request.items()})
        [nll] = session.run(["nll"], request)
        assert np.ptp(nll) > 1
        np.testing.assert_allclose(nll, expected["nll"], rtol=0, atol=1e-4)


def test_the_page_on_gpus_exports_as_it_says(saved_model, tmp_path, monkeypatch):
    exporting, building = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {"model": saved_model}
    exec(exporting, names)
    assert (tmp_path / "model.onnx").stat().st_size > 100_000
    if onnx_export.missing():
        with pytest.raises(ConfigError):
            exec(building, names)
    else:
        exec(building, names)


def test_an_operation_that_onnx_lacks_is_refused_in_words(tmp_path):
    class Odd(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, "x")])
        def score_tokens(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"nll": tf.math.betainc(x, x, x)}

    module = Odd()
    tf.saved_model.save(module, str(tmp_path / "odd"), signatures={"score_tokens": module.score_tokens})
    with pytest.raises(HeadraceError, match=r"ONNX cannot hold this model: .*Betainc"):
        onnx_export.export(tmp_path / "odd", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


@pytest.mark.skipif(not onnx_export.missing(), reason="a TensorRT engine can be built here")
def test_without_a_gpu_it_says_why_there_is_no_engine(tmp_path):
    with pytest.raises(ConfigError, match="no NVIDIA GPU"):
        onnx_export.build_engine(tmp_path / "model.onnx", tmp_path / "model.plan")


def test_without_the_driver_or_without_tensorrt_it_says_which(tmp_path, monkeypatch):
    driver = tmp_path / "version"
    monkeypatch.setattr(onnx_export, "_DRIVER", driver)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no NVIDIA GPU" in onnx_export.missing()
    driver.touch()
    assert "`trtexec` is not on PATH" in onnx_export.missing()
    (tmp_path / "trtexec").touch(mode=0o755)
    assert not onnx_export.missing()


@pytest.fixture
def gpu(tmp_path, monkeypatch) -> pathlib.Path:
    """A folder on PATH for a `trtexec` of one's own, on a machine that passes for one with a GPU."""
    (tmp_path / "version").touch()
    monkeypatch.setattr(onnx_export, "_DRIVER", tmp_path / "version")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_what_tensorrt_says_of_a_model_that_it_refuses_is_told(gpu):
    script = gpu / "trtexec"
    script.write_text('#!/bin/sh\necho "[I] reading"\necho "[E] no importer for operator Einsum"\nexit 1\n')
    script.chmod(0o755)
    with pytest.raises(onnx_export.EngineError, match="no importer for operator Einsum"):
        onnx_export.build_engine(gpu / "model.onnx", gpu / "model.plan")


def test_without_the_extra_it_says_what_to_install(saved_model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ConfigError, match="cannot be exported as ONNX") as caught:
        onnx_export.export(saved_model, tmp_path / "model.onnx")
    assert "headrace[tensorrt]" in str(caught.value.remedy)
