"""Regular forms, and none where it is not sure."""

import pytest

from components.augmentation.synonyms.inflection import Form, form_of, inflected


@pytest.mark.parametrize(
    ("base", "part", "forms"),
    [
        ("teacher", "noun", {Form.BASE: "teacher", Form.S: "teachers", Form.ED: None}),
        ("city", "noun", {Form.S: "cities"}),
        ("box", "noun", {Form.S: "boxes"}),
        ("child", "noun", {Form.S: None}),
        ("happiness", "noun", {Form.S: None}),
        ("compute", "verb", {Form.S: "computes", Form.ED: "computed", Form.ING: "computing"}),
        ("carry", "verb", {Form.S: "carries", Form.ED: "carried", Form.ING: "carrying"}),
        ("stop", "verb", {Form.S: "stops", Form.ED: None, Form.ING: None}),
        ("visit", "verb", {Form.S: "visits", Form.ED: None}),
        ("go", "verb", {Form.ED: None}),
        ("quick", "adj", {Form.BASE: "quick", Form.S: None}),
    ],
)
def test_forms_are_regular_or_none(words, base, part, forms):
    assert {form: inflected(base, form, part, words) for form in forms} == forms


@pytest.mark.parametrize(
    ("word", "base", "part", "form"),
    [
        ("cities", "city", "noun", Form.S),
        ("computing", "compute", "verb", Form.ING),
        ("went", "go", "verb", None),
        ("larger", "large", "adj", None),
    ],
)
def test_the_form_of_a_word_is_told(words, word, base, part, form):
    assert form_of(word, base, part, words) is form
