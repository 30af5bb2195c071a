"""Personal data and secrets in texts and codes: found by rules, then redacted, dropped or kept by a policy per kind."""
