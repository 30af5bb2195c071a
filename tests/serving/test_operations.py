"""A model that would do more than compute is known by its file, and never loaded."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from tensorflow.core.protobuf import saved_model_pb2

from serving import operations
from serving.allowed_operations import ALLOWED
from serving.manifest import LITERT_FILE, Manifest, ModelFormat
from serving.model import load
from serving.operations import OperationError, check_litert, check_saved_model
from tests.fixtures import exports

SPEC = [tf.TensorSpec([None], tf.string)]


def saved(directory: pathlib.Path, function) -> pathlib.Path:
    """A SavedModel whose signature is a function of strings."""
    module = tf.Module()
    module.serve = tf.function(function, input_signature=SPEC)
    tf.saved_model.save(module, str(directory), signatures={"serving_default": module.serve})
    return directory


def reads(texts):
    return {"out": tf.map_fn(tf.io.read_file, texts)}


def writes(texts):
    with tf.control_dependencies([tf.io.write_file(texts[0], "owned")]):
        return {"out": tf.identity(texts)}


def runs_python(texts):
    return {"out": tf.py_function(lambda text: text, [texts], tf.string)}


def runs_numpy(texts):
    return {"out": tf.numpy_function(lambda text: text, [texts], tf.string)}


def prints_to_a_file(texts):
    tf.print(texts, output_stream="file:///tmp/headrace-should-not-exist")
    return {"out": texts}


def lists_a_directory(texts):
    return {"out": tf.io.matching_files(texts)}


def maps_a_file(texts):
    secret = tf.raw_ops.ImmutableConst(dtype=tf.uint8, shape=[4], memory_region_name="/etc/passwd")
    return {"out": tf.strings.as_string(secret)}


def reads_a_table(texts):
    table = tf.lookup.StaticHashTable(
        tf.lookup.TextFileInitializer("/etc/hostname", tf.string, 0, tf.int64, -1, delimiter=":"), 0
    )
    return {"out": table.lookup(texts)}


def describes_itself_by_a_file(texts):
    sizes, _ = tf.io.decode_proto(texts, "x.Y", ["z"], [tf.int32], descriptor_source="/etc/passwd")
    return {"out": sizes}


def ends_the_process(texts):
    tf.raw_ops.Abort(error_msg="gone")
    return {"out": texts}


def dumps(texts):
    return {"out": tf.raw_ops.DebugIdentityV2(input=texts, debug_urls=["file:///tmp/headrace-should-not-exist"])}


def reads_a_data_set(texts):
    return {"out": tf.data.TextLineDataset(texts).reduce("", lambda state, line: state + line)}


def saves_where_it_is_told(texts):
    tf.raw_ops.SaveV2(prefix=texts[0], tensor_names=["x"], shape_and_slices=[""], tensors=[texts])
    return {"out": texts}


def reads_a_checkpoint(texts):
    [out] = tf.raw_ops.RestoreV2(prefix=texts[0], tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.string])
    return {"out": out}


HOSTILE = {
    reads: "ReadFile",
    writes: "WriteFile",
    runs_python: "EagerPyFunc",
    runs_numpy: "PyFunc",
    prints_to_a_file: "PrintV2 to 'file:///tmp/headrace-should-not-exist'",
    lists_a_directory: "MatchingFiles",
    maps_a_file: "ImmutableConst",
    describes_itself_by_a_file: "DecodeProtoV2",
    ends_the_process: "Abort",
    dumps: "DebugIdentityV2",
    reads_a_data_set: "TextLineDataset",
    saves_where_it_is_told: "SaveV2",
    reads_a_checkpoint: "RestoreV2",
}


def nested(work):
    inner = tf.function(work, input_signature=SPEC)
    middle = tf.function(lambda texts: inner(texts), input_signature=SPEC)
    return lambda texts: middle(texts)


def in_a_loop(work):
    def looped(texts):
        return {"out": tf.while_loop(lambda i, _: i < 2, lambda i, now: (i + 1, as_strings(work(now))), (0, texts))[1]}

    return looped


def in_a_branch(work):
    return lambda texts: {
        "out": tf.cond(tf.size(texts) > 9, lambda: as_strings(work(texts)), lambda: tf.identity(texts))
    }


def as_strings(answer):
    out = answer["out"]
    return tf.ensure_shape(out if out.dtype == tf.string else tf.strings.as_string(out), [None])


@pytest.mark.parametrize("work", HOSTILE, ids=lambda work: work.__name__)
def test_what_reaches_out_is_refused_by_name(tmp_path: pathlib.Path, work) -> None:
    with pytest.raises(OperationError) as caught:
        check_saved_model(saved(tmp_path / "model", work))
    assert HOSTILE[work] in caught.value.what and "in the function" in caught.value.what
    assert caught.value.where == str(tmp_path / "model" / "saved_model.pb") and caught.value.remedy


@pytest.mark.parametrize("hide", [nested, in_a_loop, in_a_branch])
@pytest.mark.parametrize("work", [reads, runs_python, prints_to_a_file], ids=lambda work: work.__name__)
def test_it_is_found_wherever_it_hides(tmp_path: pathlib.Path, hide, work) -> None:
    with pytest.raises(OperationError) as caught:
        check_saved_model(saved(tmp_path / "model", hide(work)))
    assert HOSTILE[work] in caught.value.what and "in the function" in caught.value.what


def test_a_table_that_is_read_from_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    class Looks(tf.Module):
        def __init__(self):
            path = tmp_path / "words"
            path.write_text("a\nb\n")
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(str(path), tf.string, 0, tf.int64, -1, delimiter=":"), 0
            )
            self.serve = tf.function(lambda texts: {"out": self.table.lookup(texts)}, input_signature=SPEC)

    module = Looks()
    tf.saved_model.save(module, str(tmp_path / "model"), signatures={"serving_default": module.serve})
    with pytest.raises(OperationError, match="InitializeTableFromTextFileV2"):
        check_saved_model(tmp_path / "model")


def hostile_in_place(tmp_path: pathlib.Path, work=reads) -> pathlib.Path:
    """A model that looks like an export but for what it does."""
    model = saved(tmp_path / "model", work)
    Manifest.read(exports.saved_model() / "Format-Serving").write(model)
    return model


def test_it_is_refused_before_anything_of_it_is_loaded(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.saved_model, "load", lambda path: pytest.fail("it was loaded"))
    with pytest.raises(OperationError, match="ReadFile"):
        load(hostile_in_place(tmp_path))


def edited(directory: pathlib.Path, change) -> None:
    path = directory / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(model.meta_graphs[0])
    path.write_bytes(model.SerializeToString())


@pytest.fixture
def honest(tmp_path: pathlib.Path) -> pathlib.Path:
    copy = shutil.copytree(exports.saved_model() / "Format-Serving", tmp_path / "honest")
    check_saved_model(copy)
    return copy


def test_the_saver_is_not_to_be_called_by_anything_else(honest: pathlib.Path) -> None:
    def by_a_signature(graph) -> None:
        graph.signature_def["serving_default"].outputs["more"].name = graph.saver_def.save_tensor_name

    def by_an_initialiser(graph) -> None:
        graph.collection_def["saved_model_main_op"].node_list.value.append(graph.saver_def.restore_op_name)

    def by_a_node(graph) -> None:
        graph.graph_def.node.add(name="more", op="Identity", input=[graph.saver_def.save_tensor_name])

    def by_a_function(graph) -> None:
        [save] = [f.signature.name for f in graph.graph_def.library.function if "traced_save" in f.signature.name]
        serve = next(f for f in graph.graph_def.library.function if "inference_serve" in f.signature.name)
        serve.node_def.add(name="more", op="StatefulPartitionedCall").attr["f"].func.name = save

    def by_the_object_graph(graph) -> None:
        [restore] = [f.signature.name for f in graph.graph_def.library.function if "traced_restore" in f.signature.name]
        graph.object_graph_def.concrete_functions[restore].SetInParent()

    whole = (honest / "saved_model.pb").read_bytes()
    for change in (by_a_signature, by_an_initialiser, by_a_node, by_a_function, by_the_object_graph):
        edited(honest, change)
        with pytest.raises(OperationError, match=r"SaveV2|RestoreV2"):
            check_saved_model(honest)
        (honest / "saved_model.pb").write_bytes(whole)


def test_two_functions_with_one_name_do_not_hide_one_another(honest: pathlib.Path) -> None:
    def change(graph) -> None:
        twin = graph.graph_def.library.function.add()
        twin.CopyFrom(graph.graph_def.library.function[0])
        graph.graph_def.library.function[0].node_def.add(name="more", op="ReadFile")

    edited(honest, change)
    with pytest.raises(OperationError, match="ReadFile"):
        check_saved_model(honest)


def test_a_call_of_what_is_no_function_of_the_model_is_refused(honest: pathlib.Path) -> None:
    def change(graph) -> None:
        graph.graph_def.node.add(name="more", op="PartitionedCall").attr["f"].func.name = "ReadFile"

    edited(honest, change)
    with pytest.raises(OperationError, match="PartitionedCall of 'ReadFile', which is no function of the model"):
        check_saved_model(honest)


def test_a_hostile_second_graph_is_found(honest: pathlib.Path) -> None:
    def change(graph) -> None:
        graph.graph_def.node.add(name="more", op="ReadFile")

    path = honest / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    change(model.meta_graphs.add())
    path.write_bytes(model.SerializeToString())
    with pytest.raises(OperationError, match="ReadFile in the graph"):
        check_saved_model(honest)


@pytest.mark.parametrize("name", ["saved_model.cpb", "saved_model.pbtxt"])
def test_a_second_file_that_tensorflow_would_read_instead_is_refused(honest: pathlib.Path, name: str) -> None:
    (honest / name).touch()
    with pytest.raises(OperationError, match="a second graph") as caught:
        check_saved_model(honest)
    assert caught.value.where == str(honest / name)


@pytest.mark.parametrize("content", [b"", b"no protocol buffer", b"\xff" * 1000])
def test_what_is_no_saved_model_is_refused(honest: pathlib.Path, content: bytes) -> None:
    (honest / "saved_model.pb").write_bytes(content)
    with pytest.raises(OperationError, match="not a SavedModel"):
        check_saved_model(honest)


def test_a_file_that_is_too_long_is_not_read(honest: pathlib.Path, tmp_path: pathlib.Path) -> None:
    os.truncate(honest / "saved_model.pb", operations.MOST_GRAPH_BYTES + 1)
    with pytest.raises(OperationError, match="over 268,435,456 bytes"):
        check_saved_model(honest)
    (tmp_path / "model.tflite").touch()
    os.truncate(tmp_path / "model.tflite", operations.MOST_LITERT_BYTES + 1)
    with pytest.raises(OperationError, match="over 2,147,483,648 bytes"):
        check_litert(tmp_path / "model.tflite")


def networks() -> dict[str, keras.Model]:
    """What people build of Keras, each with other operations in its graph."""
    layers = keras.layers

    def image(*stack) -> keras.Model:
        return keras.Sequential([keras.Input((16, 16, 3)), *stack, layers.GlobalAveragePooling2D(), layers.Dense(2)])

    def series(*stack) -> keras.Model:
        return keras.Sequential([keras.Input((8, 6)), *stack, layers.Dense(2)])

    attention = keras.Input((8, 6))
    return {
        "convolutions": image(
            layers.Rescaling(1 / 255), layers.RandomFlip(), layers.Resizing(12, 12), layers.Conv2D(4, 3),
            layers.BatchNormalization(), layers.ReLU(6), layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 1),
            layers.MaxPooling2D(), layers.Conv2DTranspose(2, 2), layers.UpSampling2D(interpolation="bilinear"),
        ),
        "recurrent": series(layers.Masking(), layers.Bidirectional(layers.LSTM(3, return_sequences=True)), layers.GRU(2)),
        "one-dimensional": series(
            layers.Conv1D(4, 3, padding="causal"), layers.LayerNormalization(), layers.Dropout(0.1),
            layers.Activation("gelu"), layers.GroupNormalization(2), layers.GlobalMaxPooling1D(),
        ),
        "attention": keras.Model(attention, layers.MultiHeadAttention(2, 4)(attention, attention, use_causal_mask=True)),
        "embedding": keras.Sequential([keras.Input((8,), dtype="int32"), layers.Embedding(9, 4), layers.Flatten(), layers.Dense(1)]),
        "words": keras.Sequential([
            keras.Input((1,), dtype="string"),
            layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3), layers.Embedding(4, 2),
        ]),
        "hashes": keras.Sequential([keras.Input((1,), dtype="string"), layers.Hashing(5), layers.CategoryEncoding(5)]),
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["convolutions", "recurrent", "one-dimensional", "attention", "embedding", "words", "hashes"]
)
def test_what_people_build_of_keras_is_allowed(tmp_path: pathlib.Path, name: str) -> None:
    networks()[name].export(str(tmp_path / "model"), verbose=False)
    check_saved_model(tmp_path / "model")


def test_batching_and_printing_to_the_log_are_allowed(tmp_path: pathlib.Path) -> None:
    @tf.nondifferentiable_batch_function(1, 8, 100)
    def batched(texts):
        return tf.strings.upper(texts)

    def work(texts):
        tf.print("seen", tf.size(texts), output_stream=sys.stderr)
        tf.debugging.assert_less(tf.size(texts), 99)
        return {"out": batched(texts)}

    check_saved_model(saved(tmp_path / "model", work))


def test_no_name_on_the_list_is_unknown_to_tensorflow_or_known_to_reach_out() -> None:
    import tensorflow_text  # noqa: F401
    from tensorflow.python.framework import op_def_registry

    if tf.__version__.startswith("2.16."):  # the registry that it was made from
        assert not [name for name in ALLOWED if op_def_registry.get(name) is None]
    words = ("File", "PyFunc", "Dataset", "Reader", "Save", "Restore", "Checkpoint", "Send", "Recv", "Rpc", "Summary",
             "Debug", "Collective", "TPU", "Abort", "Remote", "Immutable", "Proto", "Iterator", "Queue")  # fmt: skip
    assert not [name for name in ALLOWED if any(word in name for word in words) and name != "TensorListPopBack"]


def with_custom_operation(path: pathlib.Path, name: str) -> None:
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(path.read_bytes()))
    code = schema.OperatorCodeT()
    code.builtinCode, code.customCode = schema.BuiltinOperator.CUSTOM, name
    code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes.append(code)
    path.write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


@pytest.mark.parametrize("name", ["FlexReadFile", "MyOp", ""])
def test_a_litert_model_with_an_operation_of_another_is_refused_by_name(tmp_path: pathlib.Path, name: str) -> None:
    copy = shutil.copytree(exports.litert() / "Format-Serving", tmp_path / "model")
    check_litert(copy / LITERT_FILE)
    with_custom_operation(copy / LITERT_FILE, name)
    with pytest.raises(OperationError, match=f"'{name}'" if name else "none of LiteRT's own"):
        load(copy)


@pytest.mark.parametrize("content", [b"", b"\x00" * 3, b"\x18\x00\x00\x00TFL3", b"\x08\x00\x00\x00TFL3" + b"\xff" * 64])
def test_what_is_no_litert_model_is_refused(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / LITERT_FILE).write_bytes(content)
    with pytest.raises(OperationError, match="not a LiteRT model"):
        check_litert(tmp_path / LITERT_FILE)


def test_a_file_that_does_not_say_that_it_is_litert_is_refused(tmp_path: pathlib.Path) -> None:
    content = bytearray((exports.litert() / "Format-Serving" / LITERT_FILE).read_bytes())
    content[4:8] = b"TFL9"
    (tmp_path / LITERT_FILE).write_bytes(content)
    with pytest.raises(OperationError, match="does not begin like one"):
        check_litert(tmp_path / LITERT_FILE)


def test_litert_files_are_searched_without_tensorflow(tmp_path: pathlib.Path) -> None:
    program = (
        "import sys; from serving.operations import check_litert\n"
        f"check_litert({str(exports.litert() / 'Format-Serving' / LITERT_FILE)!r})\n"
        "assert 'tensorflow' not in sys.modules"
    )
    root = pathlib.Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_real_export_has_what_is_allowed_only() -> None:
    assert Manifest.read(exports.saved_model() / "Format-Serving").format is ModelFormat.SAVED_MODEL
    check_saved_model(exports.saved_model() / "Format-Serving")
    assert np.isfinite(load(exports.saved_model() / "Format-Serving").score([])).all()
