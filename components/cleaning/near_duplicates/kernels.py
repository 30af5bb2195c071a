"""How the inner loops are compiled, and the small functions that they share.

Compiled code is kept beside its source where that can be written, else under `NUMBA_CACHE_DIR` where that is set. In a
read-only installation without it every process compiles anew: some seconds, no error, nothing written elsewhere.

Numba looks only at the file of a function to see whether its compiled code is stale: who changes a function here
deletes `__pycache__` beside it.
"""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

_CACHED = bool(os.environ.get("NUMBA_CACHE_DIR")) or os.access(pathlib.Path(__file__).parent, os.W_OK)

compiled: Callable[[Callable[..., Any]], Callable[..., Any]] = numba.njit(
    cache=_CACHED, nogil=True, boundscheck=False, error_model="numpy"
)
"""Decorator of a function over NumPy arrays: machine code, no bounds checks, no global interpreter lock."""

_FIRST = np.uint64(0xFF51AFD7ED558CCD)
_SECOND = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)


@compiled
def mix(value: np.uint64) -> np.uint64:
    """A permutation of 64-bit integers in which each bit depends on all: MurmurHash3's finaliser (Appleby 2011)."""
    value ^= value >> _HALF
    value *= _FIRST
    value ^= value >> _HALF
    value *= _SECOND
    return value ^ (value >> _HALF)


@compiled
def root(parent: np.ndarray, node: int) -> int:
    """The root of a node of a union-find forest; halves the path to it on the way."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled
def ones(value: np.uint64) -> np.int64:
    """How many bits of a 64-bit integer are set (Warren, 'Hacker's Delight', 5-1)."""
    value -= (value >> np.uint64(1)) & np.uint64(0x5555555555555555)
    value = (value & np.uint64(0x3333333333333333)) + ((value >> np.uint64(2)) & np.uint64(0x3333333333333333))
    value = (value + (value >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((value * np.uint64(0x0101010101010101)) >> np.uint64(56))
