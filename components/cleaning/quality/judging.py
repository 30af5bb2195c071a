"""Judges the texts and codes of a batch of records; images are judged where they are decoded."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from components.cleaning.faults import Fault
from components.cleaning.quality import codes, languages, texts
from components.cleaning.quality.config import Quality
from components.cleaning.quality.languages import UNDETERMINED
from components.cleaning.quality.reasons import Reason


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What was found out about records, one element a record.

    Attributes:
        faults: why it is rejected, None if it is not.
        languages: as the record has it; for a text that has none what was identified, `und` if that is not certain.
        licenses: as the record has it; for a code that has none the SPDX identifier that its header names.
    """

    faults: list[Fault | None]
    languages: list[str | None]
    licenses: list[str | None]


def judge(batch: pa.RecordBatch, config: Quality) -> Judgement:
    """Judges a batch of `schemas.records.RECORD` in standard form.

    Raises:
        IntegrityError: the language model is missing.
    """
    modalities = batch["modality"].to_pylist()
    contents: list[bytes] = batch["content"].to_pylist()
    judgement = Judgement([None] * batch.num_rows, batch["language"].to_pylist(), batch["license"].to_pylist())
    rows = [row for row, modality in enumerate(modalities) if modality == "text"]
    documents = {row: contents[row].decode() for row in rows}
    unknown = [row for row in rows if not judgement.languages[row]]
    for row, found in zip(unknown, languages.identify([documents[row] for row in unknown]), strict=True):
        certain = found.confidence >= config.text.min_language_confidence
        judgement.languages[row] = found.code if certain else UNDETERMINED
    for row, text in documents.items():
        language = _primary(judgement.languages[row])
        judgement.faults[row] = _unwanted(language, config) or texts.fault(text, config.text, language)
    for row, modality in enumerate(modalities):
        if modality == "code":
            code = codes.Code(contents[row].decode(), judgement.languages[row])
            judgement.faults[row] = codes.objection(code, config.code)
            if not judgement.licenses[row]:
                judgement.licenses[row] = code.header.license
    return judgement


def _primary(language: str | None) -> str | None:
    """`en` of `en-GB` or `EN_gb`."""
    return language.replace("_", "-").partition("-")[0].lower() if language else None


def _unwanted(language: str | None, config: Quality) -> Fault | None:
    wanted = config.text.languages
    if wanted is None or language in wanted:
        return None
    return Fault(Reason.UNWANTED_LANGUAGE, language or UNDETERMINED, ", ".join(wanted) or "none")
