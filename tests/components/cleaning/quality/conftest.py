import contextlib
import time

import pytest


@pytest.fixture
def processor_seconds():
    """A block that may take so much processor time, whatever else runs."""

    @contextlib.contextmanager
    def most(limit):
        start = time.process_time()
        yield
        assert time.process_time() - start < limit

    return most
