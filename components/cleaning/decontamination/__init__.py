"""Decontamination: records that overlap a benchmark must not be learnt."""
