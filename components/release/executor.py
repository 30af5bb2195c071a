"""Runs the node Release."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import signing
from components.release import marks, versions
from components.release.config import ReleaseConfig
from components.release.report import Report
from schemas import progress
from schemas.config import from_json
from schemas.home import Home
from serving.config import SigningConfig
from serving.keys import PublicKey
from serving.signing import SignatureError, verify

NODE = "Release"


class Executor(base_executor.BaseExecutor):
    """Pushes a model that every gate has blessed; of any other it says why not, and the node is done."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See `CanaryPusherSpec`."""
        config = from_json(ReleaseConfig, exec_properties["config"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        pushed = artifact_utils.get_single_instance(output_dict["pushed_model"])
        trusted = signing.trusted(from_json(SigningConfig, exec_properties["signing"]))
        refusal = why_not(input_dict) or _why_not_trusted(path_utils.serving_model_path(model.uri), trusted)
        if refusal:
            marks.mark_refused(pushed, model_id=model.id, reason=refusal)
            Report(pushed=False, reason=refusal, model_name=config.model_name).write(pushed.uri)
            return
        progress.start(NODE, "pushing")
        version = versions.push(
            path_utils.serving_model_path(model.uri),
            Home.current().served / config.model_name,
            check=lambda copy: verify(copy, trusted),
        )
        live = input_dict.get("live")
        replaces = int(live[0].get_string_custom_property(marks.VERSION)) if live else None
        reason = "blessed" + (f", replaces version {replaces}" if replaces else ", the first version")
        marks.mark_pushed(pushed, version, model_id=model.id, reason=reason)
        Report(
            pushed=True,
            reason=reason,
            model_name=config.model_name,
            version=version.number,
            destination=str(version.path),
            replaces=replaces,
            files=version.files,
            bytes=version.bytes,
        ).write(pushed.uri)


def why_not(input_dict: dict[str, list[types.Artifact]]) -> str:
    """Which gates said no and why, in words; empty if all said yes."""
    model = artifact_utils.get_single_instance(input_dict["model"])
    reasons = []
    for gate, key in (("evaluation", "model_blessing"), ("infrastructure", "infra_blessing")):
        blessing = artifact_utils.get_single_instance(input_dict[key])
        if blessing.get_int_custom_property("blessed") != 1:
            message = blessing.get_string_custom_property("blessing_message") or "no reason given"
            reasons.append(f"{gate}: {message}")
        elif blessing.get_string_custom_property("current_model") not in ("", model.uri):
            reasons.append(f"{gate}: the blessing is another model's")
    return "; ".join(reasons)


def _why_not_trusted(model: str, trusted: Sequence[PublicKey]) -> str:
    try:
        verify(model, trusted)
    except SignatureError as error:
        return f"signature: {error.what}"
    return ""
