"""Makes a SentencePiece model lossless: spaces stay spaces.

SentencePiece writes a space as U+2581 before it looks for pieces and turns every U+2581 back into a space when it
decodes, so that a text that holds a real U+2581 comes back changed. The trainer insists on that escape, the trained
model does not: with `escape_whitespaces` off and a space in place of U+2581 in its pieces, a model segments everything
as before, and a real U+2581 becomes byte pieces like any other character that the vocabulary lacks.

The fields used here are those of `sentencepiece_model.proto`; all others pass through as unknown fields. The generated
module in the sentencepiece package needs a later protobuf than TFX allows, hence the descriptor of our own.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SPACE_SYMBOL = "\u2581"
_NORMAL = 1  # ModelProto.SentencePiece.Type.NORMAL
_Field = descriptor_pb2.FieldDescriptorProto


def keep_spaces(model: bytes) -> bytes:
    """The same model with spaces kept as they are.

    Args:
        model: a serialised SentencePiece model whose vocabulary may hold U+2581 for a space.
    """
    proto = _model_class()()
    proto.ParseFromString(model)
    for piece in proto.pieces:
        if piece.type == _NORMAL:
            piece.piece = piece.piece.replace(SPACE_SYMBOL, " ")
    proto.normalizer_spec.escape_whitespaces = False
    serialized: bytes = proto.SerializeToString(deterministic=True)
    return serialized


def _model_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="headrace/sentencepiece_model.proto", package="headrace.tokenizer")
    file.syntax = "proto2"
    piece = file.message_type.add(name="Piece")
    _add(piece, "piece", 1, _Field.TYPE_STRING)
    # An enumeration in the original; on the wire the two are the same.
    _add(piece, "type", 3, _Field.TYPE_INT32).default_value = str(_NORMAL)
    normalizer = file.message_type.add(name="Normalizer")
    _add(normalizer, "escape_whitespaces", 5, _Field.TYPE_BOOL)
    model = file.message_type.add(name="Model")
    pieces = _add(model, "pieces", 1, _Field.TYPE_MESSAGE, ".headrace.tokenizer.Piece")
    pieces.label = _Field.LABEL_REPEATED
    _add(model, "normalizer_spec", 3, _Field.TYPE_MESSAGE, ".headrace.tokenizer.Normalizer")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("headrace.tokenizer.Model"))


def _add(
    message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: int, of: str | None = None
) -> descriptor_pb2.FieldDescriptorProto:
    field = message.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    if of:
        field.type_name = of
    return field
