"""Varied copies of code that mean the same, with the ranges of lines in them."""
