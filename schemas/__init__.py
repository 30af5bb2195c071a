"""Contracts that every other package shares: artifacts, records, errors, the home directory."""
