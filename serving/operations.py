"""What a model would do if it were run, told from its file alone: one with an operation that is not allowed is never loaded.

A SavedModel is a program: loading it may run an operation, and answering runs any, with the rights of the server. Its
file is parsed, every function in its library included, and held against the list in `serving.allowed_operations`. A LiteRT
file may have none but LiteRT's own operations, which touch no file.
"""

from __future__ import annotations

import mmap
import os
import pathlib
import struct
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.errors import IntegrityError
from serving.allowed_operations import ALLOWED

if TYPE_CHECKING:
    from tensorflow.core.framework import node_def_pb2
    from tensorflow.core.protobuf import meta_graph_pb2

GRAPH_FILE = "saved_model.pb"
MOST_GRAPH_BYTES = 1 << 28
MOST_LITERT_BYTES = 1 << 31

_OTHER_GRAPH_FILES = ("saved_model.cpb", "saved_model.pbtxt")  # which TensorFlow would read in its stead
_CHECKPOINT = frozenset({"MergeV2Checkpoints", "RestoreV2", "SaveV2", "ShardedFilename"})
_STREAMS = frozenset({b"", b"stderr", b"stdout", b"log(info)", b"log(warning)", b"log(error)"})  # left out: stderr


class OperationError(IntegrityError):
    """A model has an operation that is not allowed, or its file cannot be searched for them."""


def check_saved_model(directory: str | os.PathLike[str]) -> None:
    """Checks that a SavedModel has allowed operations only, in its graphs and in every function of its library.

    Those that save and restore variables are allowed to TensorFlow's saver, which nothing else may call.

    Raises:
        OperationError: it has another, or its file is missing, too long or not one.
    """
    # TensorFlow; whoever asks loads the model with it next.
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    directory = pathlib.Path(directory)
    path = directory / GRAPH_FILE
    for name in _OTHER_GRAPH_FILES:
        if (directory / name).exists():
            raise OperationError(
                f"a second graph beside {GRAPH_FILE}", where=str(directory / name), remedy="export the model again"
            )
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(_mapped(path, MOST_GRAPH_BYTES).read())
    except (DecodeError, ValueError) as error:
        raise OperationError(f"not a SavedModel: {error}", where=str(path), remedy="export the model again") from error
    faults = [fault for graph in model.meta_graphs for fault in _faults(graph)]
    _refuse(faults, path)


def check_litert(path: str | os.PathLike[str]) -> None:
    """Checks that a LiteRT file has no operations but LiteRT's own: none that is custom, none of TensorFlow (flex).

    Raises:
        OperationError: it has, or it is missing, too long or not one.
    """
    from ai_edge_litert import schema_py_generated as schema

    path = pathlib.Path(path)
    try:
        content = _mapped(path, MOST_LITERT_BYTES)
        if not schema.Model.ModelBufferHasIdentifier(content, 0):
            raise ValueError("it does not begin like one")
        model = schema.Model.GetRootAs(content)
        custom = schema.BuiltinOperator.CUSTOM
        codes = [model.OperatorCodes(number) for number in range(model.OperatorCodesLength())]
        faults = [
            f"{(code.CustomCode() or b'?').decode(errors='replace')!r}, which is none of LiteRT's own"
            for code in codes
            if custom in (code.BuiltinCode(), code.DeprecatedBuiltinCode()) or code.CustomCode()
        ]
    except (struct.error, IndexError, TypeError, ValueError, AttributeError) as error:
        raise OperationError(
            f"not a LiteRT model: {error}", where=str(path), remedy="compress the model again"
        ) from error
    _refuse(faults, path)


def _mapped(path: pathlib.Path, most_bytes: int) -> mmap.mmap:
    """A file of a model, unless it is longer than such a file may be; only what is looked at is read."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size <= most_bytes:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise OperationError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="export the model again"
        ) from error
    raise OperationError(f"over {most_bytes:,} bytes", where=str(path), remedy="make the model smaller")


def _refuse(faults: Iterable[str], path: pathlib.Path) -> None:
    named = sorted(set(faults))
    if named:
        more = f" and {len(named) - 10} more" if len(named) > 10 else ""
        raise OperationError(
            f"operations that are not allowed: {'; '.join(named[:10])}{more}",
            where=str(path),
            remedy="have the network compute it otherwise; if it is yours and harmless, extend "
            "serving/allowed_operations.py",
        )


def _faults(graph: meta_graph_pb2.MetaGraphDef) -> Iterator[str]:
    """What is wrong with a graph, an operation and its place each."""
    bodies: dict[str, list[node_def_pb2.NodeDef]] = {}
    for function in graph.graph_def.library.function:  # of two with one name, both are searched
        bodies.setdefault(function.signature.name, []).extend(function.node_def)
    saving, called = _callers(graph, bodies)
    for name, nodes in bodies.items():
        allowed = ALLOWED | _CHECKPOINT if name in saving and name not in called else ALLOWED
        for node in nodes:
            yield from _fault(node, allowed, bodies, f"in the function {name!r}")
    for node in graph.graph_def.node:
        yield from _fault(node, ALLOWED, bodies, "in the graph")


def _fault(
    node: node_def_pb2.NodeDef, allowed: Collection[str], functions: Collection[str], place: str
) -> Iterator[str]:
    if node.op not in allowed:
        yield f"{node.op} {place}"
    elif node.op == "PrintV2" and node.attr["output_stream"].s not in _STREAMS:
        yield f"PrintV2 to {node.attr['output_stream'].s.decode(errors='replace')!r} {place}"
    for missing in sorted(_calls([node]) - set(functions)):
        yield f"{node.op} of {missing!r}, which is no function of the model, {place}"


def _callers(
    graph: meta_graph_pb2.MetaGraphDef, bodies: dict[str, list[node_def_pb2.NodeDef]]
) -> tuple[set[str], set[str]]:
    """The functions that the saver reaches, and those that anything else does."""
    saver = {_node_of(graph.saver_def.save_tensor_name), _node_of(graph.saver_def.restore_op_name)} - {""}
    asked = {
        _node_of(tensor.name)
        for signature in graph.signature_def.values()
        for tensor in (*signature.inputs.values(), *signature.outputs.values())
    }
    asked |= {_node_of(name) for collection in graph.collection_def.values() for name in collection.node_list.value}
    asked |= {_node_of(name) for node in graph.graph_def.node if node.name not in saver for name in node.input}
    saver -= asked  # a saver that is also a part of an answer is no saver
    nodes = graph.graph_def.node
    return (
        _reached(_calls(node for node in nodes if node.name in saver), bodies),
        _reached(
            _calls(node for node in nodes if node.name not in saver) | set(graph.object_graph_def.concrete_functions),
            bodies,
        ),
    )


def _reached(names: set[str], bodies: dict[str, list[node_def_pb2.NodeDef]]) -> set[str]:
    reached: set[str] = set()
    while names:
        reached |= names
        names = {called for name in names for called in _calls(bodies.get(name, ()))} - reached
    return reached


def _calls(nodes: Iterable[node_def_pb2.NodeDef]) -> set[str]:
    """The functions that nodes name in their attributes."""
    names = set()
    for node in nodes:
        for value in node.attr.values():
            kind = value.WhichOneof("value")
            if kind == "func":
                names.add(value.func.name)
            elif kind == "list":
                names.update(function.name for function in value.list.func)
    return names


def _node_of(tensor: str) -> str:
    """`^node`, `node:0`, `node` -> `node`."""
    return tensor.removeprefix("^").partition(":")[0]
