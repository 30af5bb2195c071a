"""What cleaning notes in the attributes of a record."""

REDACTED = "redacted"
"""What was redacted in it: kinds and how often, as `email:2 phone:1`."""

NEAR_DUPLICATES = "near_duplicates"
"""Its cluster, if it has near duplicates: the id of the record that survives."""
