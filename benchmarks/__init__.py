"""Figures: each benchmark prints ours beside a named peer's, taken in the same run on the same cores."""
