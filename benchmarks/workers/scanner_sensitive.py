"""scrubadub, datafog and detect-secrets, the argument `tool` says which.

Each as it comes, datafog with its German identities too. Counted is what has a kind of ours: of scrubadub's findings
not the pairs of user and password, and of detect-secrets' all as secrets."""

from __future__ import annotations

import json
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from benchmarks import worker

Find = Callable[[str], "list[tuple[str, int, int]]"]

_KINDS = {
    "scrubadub": {
        "email": "email",
        "phone": "phone",
        "credit_card": "credit_card",
        "social_security_number": "national_id",
        "national_insurance_number": "national_id",
        "tax_reference_number": "national_id",
    },
    "datafog": {
        "EMAIL": "email",
        "PHONE": "phone",
        "CREDIT_CARD": "credit_card",
        "IP_ADDRESS": "ip_address",
        "SSN": "national_id",
        "DE_TAX_ID": "national_id",
        "DE_SOCIAL_SECURITY_NUMBER": "national_id",
        "DE_IBAN": "iban",
    },
    "detect-secrets": {"": "secret"},
}


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them."""
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    tool = arguments["tool"]
    kinds = _KINDS[tool]
    find = {"scrubadub": _scrubadub, "datafog": _datafog, "detect-secrets": _detect_secrets}[tool](kinds)
    for text in texts[:20]:
        find(text)

    def work() -> dict[str, Any]:
        found = [find(text) for text in texts]
        return {"items": len(texts), "found": found, "knows": sorted(set(kinds.values()))}

    return work


def _scrubadub(kinds: dict[str, str]) -> Find:
    import scrubadub

    scrubber = scrubadub.Scrubber()
    return lambda text: [
        (kinds[filth.type], filth.beg, filth.end) for filth in scrubber.iter_filth(text) if filth.type in kinds
    ]


def _datafog(kinds: dict[str, str]) -> Find:
    from datafog.processing.text_processing.regex_annotator import RegexAnnotator

    annotator = RegexAnnotator(locales=["de"])
    return lambda text: [
        (kinds[span.label], span.start, span.end)
        for span in annotator.annotate_with_spans(text)[1].spans
        if span.label in kinds
    ]


def _detect_secrets(kinds: dict[str, str]) -> Find:
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import default_settings

    folder = tempfile.TemporaryDirectory()
    place = pathlib.Path(folder.name, "document.txt")

    def find(text: str) -> list[tuple[str, int, int]]:
        place.write_text(text)
        with default_settings():
            secrets = list(scan_file(str(place)))
        found = []
        for secret in secrets:
            start = text.find(secret.secret_value)
            found.append((kinds[""], max(start, 0), max(start, 0) + len(secret.secret_value)))
        return found

    find.folder = folder  # type: ignore[attr-defined]  # lives as long as the function
    return find


if __name__ == "__main__":
    worker.serve(prepare, json.loads(sys.argv[1])["tool"])
