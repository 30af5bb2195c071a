"""TFX's ImportSchemaGen, keyed by what the schema says and not only by where it lies."""

from __future__ import annotations

import hashlib

from tfx.components.schema_gen.import_schema_gen import component as import_schema_gen
from tfx.dsl.components.base import base_component
from tfx.types import channel, component_spec, standard_artifacts, standard_component_specs

from components.validation.config import ValidationConfig
from schemas.errors import ConfigError


class SchemaImportSpec(component_spec.ComponentSpec):
    """ImportSchemaGen's contract and the digest of the file, so that an edited schema is never taken from the cache."""

    PARAMETERS = {
        standard_component_specs.SCHEMA_FILE_KEY: component_spec.ExecutionParameter(type=str),
        "sha256": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {standard_component_specs.SCHEMA_KEY: component_spec.ChannelParameter(type=standard_artifacts.Schema)}


class SchemaImport(base_component.BaseComponent):
    """Publishes the curated schema as a `Schema` artifact.

    Raises:
        ConfigError: the file is missing or cannot be read.
    """

    SPEC_CLASS = SchemaImportSpec
    EXECUTOR_SPEC = import_schema_gen.ImportSchemaGen.EXECUTOR_SPEC

    def __init__(self, *, config: ValidationConfig):
        path = config.schema_path
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"cannot read the schema: {error.strerror}",
                where=f"validation.schema_file = {path}",
                remedy="name an existing .pbtxt, or leave it out for the curated one",
            ) from error
        super().__init__(
            SchemaImportSpec(
                schema_file=str(path),
                sha256=hashlib.sha256(content).hexdigest(),
                schema=channel.Channel(type=standard_artifacts.Schema),
            )
        )
