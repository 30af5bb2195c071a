"""Models as files: the manifest of an exported model and the interface that answers requests."""
