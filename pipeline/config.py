"""The whole configuration: one section a component, composed here, read from one YAML file and checked before anything
heavy is imported."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

import pydantic
import yaml

from components.alignment.config import AlignmentConfig
from components.augmentation.config import AugmentationConfig
from components.cleaning.config import CleaningConfig
from components.compression.config import CompressionConfig
from components.evaluation.config import EvaluationConfig
from components.infra_validation.config import InfraValidationConfig
from components.ingestion.config import IngestionConfig
from components.release.config import ReleaseConfig
from components.retraining.config import RetrainingConfig
from components.tokenization.config import TokenizationConfig
from components.training.config import TrainingConfig
from components.transform.config import TransformConfig
from components.validation.config import ValidationConfig
from schemas.config import section, to_plain
from schemas.errors import ConfigError
from serving.config import SigningConfig

VERSION = 1
FILE_NAME = "headrace.yaml"


@section
class RunConfig:
    """How the local runner goes about it; results do not depend on it."""

    workers: Annotated[int, pydantic.Field(ge=1, le=64)] = 2
    """Nodes that may run at once."""
    retries: Annotated[int, pydantic.Field(ge=0, le=10)] = 2
    """Further attempts at a node that failed for a transient reason (network, busy file)."""


@section
class Config:
    """One pipeline."""

    version: Literal[1]
    """Version of the configuration's format; `headrace config migrate` brings an older file up to date."""
    name: Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = "headrace"
    """The pipeline's name in the metadata store."""
    seed: Annotated[int, pydantic.Field(ge=0, lt=2**31)] = 0
    """All randomness comes from it."""
    ingestion: IngestionConfig = dataclasses.field(default_factory=IngestionConfig)
    cleaning: CleaningConfig = dataclasses.field(default_factory=CleaningConfig)
    alignment: AlignmentConfig = dataclasses.field(default_factory=AlignmentConfig)
    augmentation: AugmentationConfig = dataclasses.field(default_factory=AugmentationConfig)
    tokenization: TokenizationConfig = dataclasses.field(default_factory=TokenizationConfig)
    validation: ValidationConfig = dataclasses.field(default_factory=ValidationConfig)
    transform: TransformConfig = dataclasses.field(default_factory=TransformConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)
    retraining: RetrainingConfig = dataclasses.field(default_factory=RetrainingConfig)
    compression: CompressionConfig = dataclasses.field(default_factory=CompressionConfig)
    evaluation: EvaluationConfig = dataclasses.field(default_factory=EvaluationConfig)
    infra_validation: InfraValidationConfig = dataclasses.field(default_factory=InfraValidationConfig)
    release: ReleaseConfig = dataclasses.field(default_factory=ReleaseConfig)
    signing: SigningConfig = dataclasses.field(default_factory=SigningConfig)
    run: RunConfig = dataclasses.field(default_factory=RunConfig)


def load(path: str | os.PathLike[str] = FILE_NAME, overrides: Sequence[str] = ()) -> Config:
    """Reads a configuration.

    Args:
        path: the YAML file.
        overrides: `section.key=value` each; the value is YAML (`training.steps=200`, `run.workers=1`).

    Raises:
        ConfigError: it cannot be read, or a key, type or range is wrong. Every fault is named at once: the key, its
            value, what is allowed, the nearest right spelling.
    """
    config = _validated(_read(pathlib.Path(path)), str(path))
    if not overrides:
        return config
    # Defaults are filled in first, so that one key of a default source can be overridden and the rest stays.
    tree = to_plain(config)
    for override in overrides:
        _apply(tree, override)
    return _validated(tree, " ".join(overrides))


def _validated(tree: dict[str, Any], where: str) -> Config:
    try:
        # JSON is where tuples are lists and enums are strings, also in strict mode.
        return pydantic.TypeAdapter(Config).validate_json(json.dumps(tree, default=str))
    except pydantic.ValidationError as error:
        raise ConfigError(
            "\n".join(_explain(fault) for fault in error.errors(include_url=False)),
            remedy="`headrace config show` prints every key with its value",
            where=where,
        ) from error


def dump(config: Config) -> str:
    """A configuration as YAML, every key visible."""
    return yaml.safe_dump(to_plain(config), sort_keys=False, width=120)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `headrace.yaml`, for editors."""
    schema = pydantic.TypeAdapter(Config).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "headrace.yaml"}


def migrate(path: str | os.PathLike[str]) -> str | None:
    """The text of a configuration file brought up to the current version; None if it is up to date.

    Comments and order are kept.

    Raises:
        ConfigError: it cannot be read, or it was written by a later Headrace.
    """
    path = pathlib.Path(path)
    tree = _read(path, require_version=False)
    version = tree.get("version")
    if version == VERSION:
        return None
    if version is None:
        return f"version: {VERSION}\n{path.read_text(encoding='utf-8')}"
    raise ConfigError(
        f"version {version!r} is not one that this Headrace knows",
        where=f"{path}: version",
        remedy=f"it reads version {VERSION}; install the Headrace that wrote the file",
    )


def _read(path: pathlib.Path, *, require_version: bool = True) -> dict[str, Any]:
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)  # a SafeLoader
    except FileNotFoundError as error:
        raise ConfigError(
            "no such file", where=str(path), remedy="run where headrace.yaml is, or make one: headrace init DIR"
        ) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"not readable as YAML: {error}", where=str(path)) from error
    if not isinstance(tree, dict):
        raise ConfigError("not a mapping of sections", where=str(path), remedy=f"begin it with `version: {VERSION}`")
    if require_version and "version" not in tree:
        raise ConfigError(
            "the key `version` is missing", where=str(path), remedy=f"headrace config migrate --config {path}"
        )
    return tree


class _UniqueKeys(yaml.SafeLoader):
    """YAML takes the last of two equal keys in silence; here it is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _apply(tree: dict[str, Any], override: str) -> None:
    key, sign, text = override.partition("=")
    if not sign or not key.strip("."):
        raise ConfigError(
            f"not an override: {override!r}", remedy="write section.key=value, for instance training.steps=200"
        )
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"the value is not YAML: {error}", where=override) from error
    *parents, last = key.split(".")
    for parent in parents:
        below = tree.setdefault(parent, {})
        if not isinstance(below, dict):
            raise ConfigError(f"`{parent}` holds a value, not keys", where=override)
        tree = below
    tree[last] = value


def _explain(fault: Mapping[str, Any]) -> str:
    schema = json_schema()
    *above, last = fault["loc"] or ("",)
    parent, path = _walk(above, schema)
    key = ".".join((*path, str(last)))
    if fault["type"] == "unexpected_keyword_argument":
        return f"unknown key `{key}`{_did_you_mean(str(last), parent.get('properties', {}))}"
    value = fault["input"]
    shown = f" = {json.dumps(value, default=str)}" if not isinstance(value, dict) and value is not None else ""
    allowed, _ = _walk(fault["loc"], schema)
    near = _did_you_mean(value, allowed.get("enum", ())) if isinstance(value, str) else ""
    return f"`{key}`{shown}: {fault['msg'][0].lower()}{fault['msg'][1:]}{_in_words(allowed)}{near}"


def _did_you_mean(word: str, known: Iterable[Any]) -> str:
    known = [str(item) for item in known]
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if near:
        return f"; did you mean `{near[0]}`?"
    return f"; known here: {', '.join(known)}" if known else ""


def _walk(location: Sequence[Any], schema: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The JSON Schema's node for a location (empty where there is none), and the location as the user writes it.

    A location names the tag of a union as a step of its own; the user does not.
    """
    node, path = schema, []
    for part in location:
        node = _resolve(node, schema)
        tags = node.get("discriminator", {}).get("mapping", {})
        if part in tags:
            node = {"$ref": tags[part]}
            continue
        path.append(str(part))
        anywhere = [*node.get("patternProperties", {}).values(), node.get("additionalProperties"), node.get("items")]
        below = node.get("properties", {}).get(part) or next((item for item in anywhere if isinstance(item, dict)), {})
        node = below
    return _resolve(node, schema), path


def _resolve(node: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in node:
        return _resolve(schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], schema)
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    return _resolve(choices[0], schema) if len(choices) == 1 else node


def _in_words(allowed: Mapping[str, Any]) -> str:
    if "enum" in allowed:
        return f" (allowed: {', '.join(str(item) for item in allowed['enum'])})"
    if "const" in allowed:
        return f" (allowed: {allowed['const']})"
    names = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
    parts = [str(allowed["type"])] if "type" in allowed else []
    parts += [f"{sign} {allowed[name]}" for name, sign in names.items() if name in allowed]
    if "pattern" in allowed:
        parts.append(f"matching {allowed['pattern']}")
    return f" (allowed: {', '.join(parts)})" if parts else ""
