import pytest

from components.cleaning.quality.config import Quality, TextQuality
from components.cleaning.quality.judging import judge
from components.cleaning.quality.reasons import Reason
from schemas.config import from_json, to_json

ENGLISH = b"A road follows the ridge as far as the market town, with stone bridges where brooks must be crossed."
GERMAN = "Eine Straße folgt dem Hügel bis zur Stadt, über steinerne Brücken, wo Bäche im Weg sind.".encode()
CODE = b"# SPDX-License-Identifier: MIT\ndef f(a):\n    return a\n"


@pytest.fixture
def judged(record, batch_of):
    def judged(rows, config=None):
        rows = [{**record(number, *row[:2]), **(row[2] if len(row) > 2 else {})} for number, row in enumerate(rows)]
        return judge(batch_of(rows), config or Quality())

    return judged


def test_each_modality_is_judged_by_its_own_rules(judged):
    judgement = judged(
        [
            ("text", ENGLISH),
            ("code", CODE, {"language": "python"}),
            ("image", b"not looked at"),
            ("text", b"# " * 60),
            ("code", b"x" * 2000, {"language": "python"}),
        ]
    )
    assert [fault and fault.reason for fault in judgement.faults] == [
        None,
        None,
        None,
        Reason.FEW_SENTENCES,
        Reason.MINIFIED,
    ]


def test_languages_are_identified_only_where_there_is_none(judged):
    judgement = judged(
        [
            ("text", ENGLISH),
            ("text", GERMAN),
            ("text", ENGLISH, {"language": "fr"}),
            ("text", "😀".encode()),
            ("code", CODE, {"language": "python"}),
            ("code", CODE),
        ]
    )
    assert judgement.languages == ["en", "de", "fr", "und", "python", None]


def test_a_licence_is_read_from_a_code_that_has_none(judged):
    judgement = judged([("code", CODE), ("code", CODE, {"license": "Apache-2.0"}), ("text", ENGLISH)])
    assert judgement.licenses == ["MIT", "Apache-2.0", None]


def test_only_wanted_languages_are_kept(judged):
    config = Quality(text=TextQuality(languages=("de", "und")))
    rows = [
        ("text", ENGLISH),
        ("text", GERMAN),
        ("text", b"12"),
        ("text", ENGLISH, {"language": "de-AT"}),
        ("code", CODE),
    ]
    judgement = judged(rows, config)
    assert [fault and fault.reason for fault in judgement.faults] == [Reason.UNWANTED_LANGUAGE, None, None, None, None]
    assert (judgement.faults[0].measured, judgement.faults[0].limit) == ("en", "de, und")


def test_an_uncertain_language_is_undetermined(judged):
    rows = [("text", ENGLISH)]
    assert judged(rows, Quality(text=TextQuality(min_language_confidence=1.0))).languages == ["und"]


def test_an_empty_batch_is_judged(judged):
    assert judged([]).faults == []


def test_the_configuration_survives_its_json_form():
    config = Quality(text=TextQuality(languages=("en",), max_words=None))
    assert from_json(Quality, to_json(config)) == config
