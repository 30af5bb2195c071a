"""Samples to standard TFX Examples, so that every TFX component works from here on."""
