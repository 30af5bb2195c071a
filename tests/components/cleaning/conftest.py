import io

import numpy as np
import pytest
from PIL import Image

from schemas import records, tables


def png(seed):
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (9, 9, 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def record():
    """Makes a record's row of a modality and content."""

    def make(number, modality, content, source="mine"):
        return {
            "record_id": records.record_id(source, str(number)),
            "content_sha256": records.content_sha256(content),
            "modality": modality,
            "media_type": "image/gif" if modality == "image" else "text/plain",
            "content": content,
            "source": source,
            "attributes": {"origin": f"place {number}", "key": str(number), "dataset": source},
        }

    return make


@pytest.fixture(scope="session")
def mixed(record):
    """Records of every modality: good, broken, tiny, and some there twice."""
    rows = []
    for number in range(60):
        long_text = f"text {number % 20} long enough that a copy of it is a duplicate, not a name that recurs"
        rows.append(record(3 * number, "text", long_text.encode() + b"\r\n" * (number % 3), "ab"[number % 2]))
        rows.append(record(3 * number + 1, "code", f"def function_{number % 25}(): return {number % 25}".encode()))
        rows.append(record(3 * number + 2, "image", png(number % 15)))
    rows += [
        record(1000, "text", b"\xff"),
        record(1001, "text", b" "),
        record(1002, "code", b"x"),
        record(1003, "image", b"GIF89a"),
        record(1004, "image", png(0)[:60]),
        record(1005, "text", b"same name"),
        record(1006, "text", b"same name"),
    ]
    return rows


@pytest.fixture(scope="session")
def batch_of():
    """Rows as a batch of records."""
    return lambda rows: tables.from_rows(rows, records.RECORD)
