"""presidio-analyzer without a model: its pattern recognisers over a blank spaCy pipeline; so no names or places.

Phone numbers are looked for in the same countries as ours, and the identity numbers of other languages' countries are
looked for too. Findings count from a score of 0.4, which is what it gives a phone number.
"""

from __future__ import annotations

import tempfile
from typing import Any

import pyarrow as pa
import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import (
    EsNieRecognizer,
    EsNifRecognizer,
    ItFiscalCodeRecognizer,
    PhoneRecognizer,
)

from benchmarks import worker

_SCORE = 0.4
_KINDS = {
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "iban",
    "CREDIT_CARD": "credit_card",
    "IP_ADDRESS": "ip_address",
    "MAC_ADDRESS": "mac_address",
    "US_SSN": "national_id",
    "US_ITIN": "national_id",
    "UK_NHS": "national_id",
    "UK_NINO": "national_id",
    "ES_NIF": "national_id",
    "ES_NIE": "national_id",
    "IT_FISCAL_CODE": "national_id",
}


def prepare(arguments: dict[str, Any]) -> worker.Work:
    """Loads the texts at `corpus`, the first `limit` of them; `regions` are the countries of phone numbers."""
    texts = pa.ipc.open_file(arguments["corpus"]).read_all()["text"].to_pylist()[: arguments["limit"]]
    with tempfile.TemporaryDirectory() as blank:
        spacy.blank("en").to_disk(blank)
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": blank}])
        engine.load()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(nlp_engine=engine)
    registry.remove_recognizer("PhoneRecognizer")
    registry.add_recognizer(PhoneRecognizer(supported_regions=arguments["regions"]))
    for recogniser in (EsNieRecognizer, EsNifRecognizer, ItFiscalCodeRecognizer):
        registry.add_recognizer(recogniser(supported_language="en"))
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine)

    def found(text: str) -> list[tuple[str, int, int]]:
        results = analyzer.analyze(text, "en", score_threshold=_SCORE)
        return [(_KINDS[each.entity_type], each.start, each.end) for each in results if each.entity_type in _KINDS]

    for text in texts[:20]:
        found(text)

    def work() -> dict[str, Any]:
        return {
            "items": len(texts),
            "found": [found(text) for text in texts],
            "knows": sorted(set(_KINDS.values())),
        }

    return work


if __name__ == "__main__":
    worker.serve(prepare, "presidio-analyzer")
