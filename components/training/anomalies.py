"""What ExampleValidator found, in words."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

from tensorflow_metadata.proto.v0 import anomalies_pb2

FILE_NAME = "SchemaDiff.pb"


def read(directory: str) -> list[str]:
    """Every anomaly in an ExampleAnomalies artifact: split, feature and reason."""
    return [text for path in sorted(pathlib.Path(directory).glob(f"Split-*/{FILE_NAME}")) for text in _of(path)]


def _of(path: pathlib.Path) -> Iterator[str]:
    split = path.parent.name.removeprefix("Split-")
    found = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    for feature, info in sorted(found.anomaly_info.items()):
        yield f"split {split}, feature {feature}: {info.description or info.short_description}"
    if found.HasField("dataset_anomaly_info"):
        yield f"split {split}: {found.dataset_anomaly_info.description}"
