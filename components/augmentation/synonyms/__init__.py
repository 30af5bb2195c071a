"""Words of a text replaced by others that mean the same."""
