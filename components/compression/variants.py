"""The quantizer's recipes: what each variant does with which operations of a LiteRT graph.

Inputs and outputs of the signature stay as they are in all of them, so that whoever serves needs to know nothing of it.
Tables that are looked up are quantised in all of them too: static recipes alone would leave them in float, and they are
half of a small language model.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing  # noqa: F401  (ai_edge_quantizer uses it without importing it)
from ai_edge_litert.tools import flatbuffer_utils
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName as Kind
from ai_edge_quantizer.recipe_manager import RecipeManager as Manager
from ai_edge_quantizer.utils import tfl_flatbuffer_utils

_EVERYWHERE = ".*"
_CUSTOM = "CUSTOM"


@dataclasses.dataclass(frozen=True)
class Operation:
    """An operation of a graph.

    Attributes:
        kind: as LiteRT calls it.
        place: in its graph, from 0.
        layer: its output tensor's name, which recipes know it by.
        weighs: whether one of its inputs is a constant matrix.
    """

    kind: str
    place: int
    layer: str
    weighs: bool


@dataclasses.dataclass(frozen=True)
class Unit:
    """What is quantised, or left in float, as one.

    Attributes:
        kind: of operation.
        layer: of the one operation, in the first graph; empty for all of that kind that have no weights.
        layers: of all of them, in all graphs.
    """

    kind: str
    layer: str
    layers: tuple[str, ...]


def is_static(name: str) -> bool:
    """Whether it needs ranges of activations."""
    return name.startswith("static")


def recipe(name: str, *, without: Sequence[Unit] = ()) -> list[dict[str, Any]]:
    """The quantizer's recipe of a variant of `config.VariantName`.

    Args:
        without: what is left in float.
    """
    manager = _manager(name)
    for unit in without:
        for layer in unit.layers:
            manager.add_quantization_config(_exactly(layer), Kind(unit.kind), None, AlgorithmName.NO_QUANTIZE)
    return list(manager.get_quantization_recipe())


def recipe_of(name: str, unit: Unit) -> list[dict[str, Any]]:
    """The recipe that quantises one unit alone."""
    manager = Manager()
    add = _LOOKED_UP if unit.kind == Kind.EMBEDDING_LOOKUP.value and is_static(name) else _WAYS[name]
    for layer in unit.layers:
        add(manager, _exactly(layer), Kind(unit.kind))
    return list(manager.get_quantization_recipe())


def operations(model: bytes) -> list[Operation]:
    """What a model computes with, in the graphs' order."""
    unpacked = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    return [
        Operation(
            _kind(unpacked, operator.opcodeIndex),
            place,
            tfl_flatbuffer_utils.get_op_scope(operator, graph.tensors),
            any(_is_matrix(graph.tensors[number], unpacked.buffers) for number in operator.inputs if number >= 0),
        )
        for graph in unpacked.subgraphs
        for place, operator in enumerate(graph.operators or ())
    ]


def foreign(found: Sequence[Operation]) -> list[str]:
    """The operations that LiteRT does not have of itself (TensorFlow's are called flex operations), sorted."""
    return sorted({operation.kind for operation in found if operation.kind.startswith(_CUSTOM)})


def units(name: str, found: Sequence[Operation]) -> list[Unit]:
    """What a variant quantises of a graph: each operation with weights, and all others of a kind together.

    The graphs of the buckets are the same but for their length: what is in the same place of each is one unit.
    """
    manager = _manager(name)
    single: dict[tuple[int, str], list[str]] = {}
    together: dict[str, list[str]] = {}
    for operation in found:
        if operation.kind not in _KNOWN or not _quantises(manager, operation):
            continue
        if operation.weighs:
            single.setdefault((operation.place, operation.kind), []).append(operation.layer)
        else:
            together.setdefault(operation.kind, []).append(operation.layer)
    return [Unit(kind, layers[0], tuple(layers)) for (_, kind), layers in sorted(single.items())] + [
        Unit(kind, "", tuple(layers)) for kind, layers in sorted(together.items())
    ]


_Way = Callable[[Manager, str, Kind], None]


def _dynamic(bits: int) -> _Way:
    return lambda manager, layers, kind: manager.add_dynamic_config(layers, kind, bits)


def _weight_only(bits: int) -> _Way:
    return lambda manager, layers, kind: manager.add_weight_only_config(layers, kind, bits)


def _static(activation_bits: int) -> _Way:
    return lambda manager, layers, kind: manager.add_static_config(layers, kind, activation_bits, 8)


_WAYS: dict[str, _Way] = {
    "dynamic_wi8_afp32": _dynamic(8),
    "weight_only_wi8_afp32": _weight_only(8),
    "dynamic_wi4_afp32": _dynamic(4),
    "weight_only_wi4_afp32": _weight_only(4),
    "static_wi8_ai8": _static(8),
    "static_wi8_ai16": _static(16),
    "static_wi8_ai8_fully_connected": _static(8),
}
_LOOKED_UP = _dynamic(8)
_KNOWN = {kind.value for kind in Kind}


def _manager(name: str) -> Manager:
    manager = Manager()
    only_connected = name == "static_wi8_ai8_fully_connected"
    _WAYS[name](manager, _EVERYWHERE, Kind.FULLY_CONNECTED if only_connected else Kind.ALL_SUPPORTED)
    if is_static(name):
        _LOOKED_UP(manager, _EVERYWHERE, Kind.EMBEDDING_LOOKUP)
        for outside in (Kind.INPUT, Kind.OUTPUT):
            manager.add_quantization_config(_EVERYWHERE, outside, None, AlgorithmName.NO_QUANTIZE)
    return manager


def _quantises(manager: Manager, operation: Operation) -> bool:
    algorithm, _ = manager.get_quantization_configs(Kind(operation.kind), operation.layer)
    return algorithm != AlgorithmName.NO_QUANTIZE


def _exactly(layer: str) -> str:
    return f"^{re.escape(layer)}$"


def _is_matrix(tensor: Any, buffers: Sequence[Any]) -> bool:
    data = buffers[tensor.buffer].data
    return data is not None and len(data) > 0 and tensor.shape is not None and len(tensor.shape) >= 2


def _kind(model: Any, place: int) -> str:
    code = model.operatorCodes[place]
    if code.customCode:
        return f"{_CUSTOM} {code.customCode.decode()}"
    known: Kind | None = tfl_flatbuffer_utils.TFL_OP_CODE_TO_NAME.get(code.builtinCode)
    return str(known.value if known is not None else flatbuffer_utils.opcode_to_name(model, place))
