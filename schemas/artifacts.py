"""The TFX artifact types of Headrace.

Names match `^[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}$`, which Kubeflow Pipelines requires. Facts about an
artifact are custom properties, since a compiled Kubeflow pipeline cannot carry typed ones:

* `digest`: canonical digest of its rows, weights or values (str)
* `rows`: how many rows it holds, where it holds rows (int)
"""

from __future__ import annotations

from tfx.types import artifact, system_artifacts


class Records(artifact.Artifact):
    """Documents, images and code files: sharded Parquet of `schemas.records.RECORD`."""

    TYPE_NAME = "headrace.Records"
    TYPE_ANNOTATION = system_artifacts.Dataset


class Rejected(artifact.Artifact):
    """What a node dropped and why: sharded Parquet of `schemas.records.REJECTED`."""

    TYPE_NAME = "headrace.Rejected"
    TYPE_ANNOTATION = system_artifacts.Dataset


class Samples(artifact.Artifact):
    """Aligned modalities: sharded Parquet of `schemas.records.SAMPLE`."""

    TYPE_NAME = "headrace.Samples"
    TYPE_ANNOTATION = system_artifacts.Dataset


class NearDuplicateIndex(artifact.Artifact):
    """Sketches of the records that were kept: sharded Parquet of `components.cleaning.sketches.INDEX`."""

    TYPE_NAME = "headrace.NearDuplicateIndex"
    TYPE_ANNOTATION = system_artifacts.Dataset


class CleaningReport(artifact.Artifact):
    """The funnel of a cleaning: `report.json`."""

    TYPE_NAME = "headrace.CleaningReport"
    TYPE_ANNOTATION = system_artifacts.Statistics


class AlignmentReport(artifact.Artifact):
    """How modalities were joined and split: `report.json`."""

    TYPE_NAME = "headrace.AlignmentReport"
    TYPE_ANNOTATION = system_artifacts.Statistics


class Tokenizer(artifact.Artifact):
    """A SentencePiece model: `tokenizer.model`."""

    TYPE_NAME = "headrace.Tokenizer"
    TYPE_ANNOTATION = system_artifacts.Model


class Checkpoint(artifact.Artifact):
    """The last training checkpoint, as `tf.train.Checkpoint` writes it."""

    TYPE_NAME = "headrace.Checkpoint"
    TYPE_ANNOTATION = system_artifacts.Model


class CompressionReport(artifact.Artifact):
    """Size and latency beside the float model: `report.json`."""

    TYPE_NAME = "headrace.CompressionReport"
    TYPE_ANNOTATION = system_artifacts.Statistics


class DualEncoder(artifact.Artifact):
    """Texts and images as points on one sphere: `encoder.json` and `weights.npy`."""

    TYPE_NAME = "headrace.DualEncoder"
    TYPE_ANNOTATION = system_artifacts.Model
