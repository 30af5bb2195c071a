"""The installed WordNet."""

import os
import pathlib

import pytest

from components.augmentation.synonyms import wordnet

DIRECTORY = pathlib.Path("/usr/share/wordnet")


@pytest.fixture(scope="session")
def words():
    if not (DIRECTORY / "index.sense").exists():
        why = "WordNet is not installed: sudo apt-get install wordnet-base wordnet-sense-index"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return wordnet.load(DIRECTORY)
