"""Documents and images that are almost the same: found, clustered, and one of each kept."""
