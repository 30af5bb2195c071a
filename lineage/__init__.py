"""The metadata store: connect, fingerprint, digest, ask."""
