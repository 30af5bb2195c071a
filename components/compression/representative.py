"""The samples on which static variants find the ranges of activations, and whether they are like those to come."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import interpreter
from ai_edge_quantizer import calibrator, recipe_manager
from ai_edge_quantizer.utils import qsv_utils

from components.compression import variants
from components.compression.config import VariantName
from components.evaluation import held_out
from components.evaluation.held_out import HeldOut
from schemas.errors import SourceError
from serving.litert import Request

Ranges = dict[str, dict[str, npt.NDArray[np.float32]]]
"""Of each tensor, by name: its `min` and its `max`."""

_FAR = 0.5
"""A range that is exceeded by more than this share of its width is exceeded by far: one bit of eight, or of sixteen, would
be needed more."""


@dataclasses.dataclass(frozen=True)
class Excess:
    """How activations on other samples lie in their ranges.

    Attributes:
        tensors: that have a range.
        outside: that exceed it by far.
        worst: the name of the one that does most, and by how many times the range's width; empty if none does.
    """

    tensors: int
    outside: int
    worst: str


class RepresentativeError(SourceError):
    """There is nothing to find the ranges of activations on."""


def read(directory: str | os.PathLike[str], *, count: int, seed: int) -> list[HeldOut]:
    """Samples of the split `train`, drawn by seed and by their ids alone.

    Args:
        directory: a table of `schemas.records.SAMPLE`.
        count: most samples to return.

    Raises:
        RepresentativeError: the split is empty.
    """
    try:
        found = held_out.read(directory, "train")
    except SourceError as error:
        raise RepresentativeError(
            "no sample in the split `train`: there is nothing to find the ranges of activations on",
            where=os.fspath(directory),
            remedy="add data, or leave the static variants out of `compression.variants`",
        ) from error
    return sorted(found, key=lambda sample: hashlib.sha256(f"{seed}/{sample.sample_id}".encode()).digest())[:count]


def ranges(float_model: bytes, name: VariantName, requests: Sequence[Request]) -> Ranges:
    """The least and the largest value that each activation takes, over all requests.

    Args:
        float_model: its tensors have names of their own (`convert.with_unique_names`).
        name: a static variant.
    """
    manager = recipe_manager.RecipeManager()
    manager.load_quantization_recipe(variants.recipe(name))
    watched = calibrator.Calibrator(float_model, num_threads=1, qsv_update_func=qsv_utils.min_max_update)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar
        watched.calibrate(_inputs(float_model, requests), manager)
    found: Ranges = watched.get_model_qsvs()
    return found


def excess(found: Ranges, others: Ranges) -> Excess:
    """How far the ranges on other samples lie outside those that were found."""
    exceeded: dict[str, float] = {}
    tensors = 0
    for name, known in found.items():
        other = others.get(name)
        if other is None or "min" not in known or "min" not in other:
            continue
        tensors += 1
        least, most = float(np.min(known["min"])), float(np.max(known["max"]))
        low, high = float(np.min(other["min"])), float(np.max(other["max"]))
        width = max(most - least, float(np.finfo(np.float32).tiny))
        if not (low >= least - _FAR * width and high <= most + _FAR * width):  # not a number is outside
            beyond = max(least - low, high - most) / width
            exceeded[name] = beyond if math.isfinite(beyond) else math.inf
    if not exceeded:
        return Excess(tensors, 0, "")
    worst = max(sorted(exceeded), key=lambda name: exceeded[name])
    return Excess(tensors, len(exceeded), f"{worst} by {exceeded[worst]:.1f} times its range")


def _inputs(model: bytes, requests: Sequence[Request]) -> dict[str, list[dict[str, npt.NDArray[Any]]]]:
    """What each signature is given: as much of each request as it takes."""
    known = interpreter.Interpreter(model_content=model)
    found = {}
    for name in known.get_signature_list():
        tokens = int(known.get_signature_runner(name).get_input_details()["ids"]["shape"][1])
        whole = [request.inputs() for request in requests]
        found[name] = [{**inputs, "ids": inputs["ids"][:, :tokens]} for inputs in whole]
    return found
