"""Headrace: one TFX pipeline from raw files to a released model."""

from setuptools import setup

PACKAGES = ["pipeline", "components", "schemas", "serving", "lineage"]
