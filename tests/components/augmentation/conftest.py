import os
import pathlib

import pytest

_PLACES = ("/usr/share/wordnet/index.sense", "/usr/share/apertium/modes/eng-spa.mode")


@pytest.fixture
def text_tools():
    """WordNet and apertium, which Debian packages."""
    missing = [place for place in _PLACES if not pathlib.Path(place).exists()]
    if missing:
        message = f"not installed: {', '.join(missing)} (Debian: wordnet-base wordnet-sense-index apertium-eng-spa)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
