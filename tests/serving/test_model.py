"""Both formats behind one interface: the same question, the same answer, the same errors."""

from __future__ import annotations

import math
import pathlib
import shutil
import subprocess
import sys

import pytest

from schemas.errors import IntegrityError
from serving.instance import Instance, InstanceError, Score
from serving.manifest import FILE_NAME, LITERT_FILE, TOKENIZER_FILE
from serving.model import load
from tests.fixtures import exports, standin

ROOT = pathlib.Path(__file__).resolve().parents[2]

INSTANCES = [
    Instance(text="grinning face", image=standin.png(), code=standin.CORPUS[1]),
    Instance(text="red heart\nan emoji"),
    Instance(code=standin.CORPUS[2]),
    Instance(image=standin.png(seed=1)),
    Instance(),
    Instance(text="日本語 \U0001f600 é " * 20, code="x = '\x00\r\n'\n" * 40),
]


def model_of(directory: pathlib.Path) -> pathlib.Path:
    return directory / "Format-Serving"


def test_a_float_litert_model_answers_as_the_saved_model_it_was_made_of() -> None:
    expected = load(model_of(exports.saved_model())).score(INSTANCES)
    found = load(model_of(exports.litert(recipe="none"))).score(INSTANCES)
    assert [(score.text_bytes, score.code_bytes) for score in found] == [
        (score.text_bytes, score.code_bytes) for score in expected
    ]
    for mine, theirs in zip(found, expected, strict=True):
        # Images may differ by one step of 255 a pixel; this model is not more sensitive than that.
        assert mine.text_nll == pytest.approx(theirs.text_nll, rel=1e-4)
        assert mine.code_nll == pytest.approx(theirs.code_nll, rel=1e-4)


def test_an_int8_model_stays_near_the_float_one() -> None:
    expected = load(model_of(exports.saved_model())).score(INSTANCES)
    found = load(model_of(exports.litert())).score(INSTANCES)
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.code_nll == pytest.approx(theirs.code_nll, rel=0.05)


@pytest.mark.parametrize("build", [exports.saved_model, exports.litert], ids=["saved_model", "litert"])
class TestEitherFormat:
    def test_absent_modalities_have_no_bytes_and_no_loss(self, build) -> None:
        text, code, image, nothing = load(model_of(build())).score(INSTANCES[1:5])
        assert text.text_bytes == len(INSTANCES[1].text) and (text.code_nll, text.code_bytes) == (0.0, 0)
        assert code.code_bytes > 0 and (code.text_nll, code.text_bytes) == (0.0, 0)
        assert image == nothing == Score(0.0, 0, 0.0, 0)

    def test_no_instances_no_scores(self, build) -> None:
        assert load(model_of(build())).score([]) == []

    def test_what_is_over_the_budget_is_cut_and_not_counted(self, build) -> None:
        long = "grinning face " * 100
        [score] = load(model_of(build())).score([Instance(text=long, code=long)])
        assert 0 < score.text_bytes < score.code_bytes < len(long)

    def test_the_image_matters(self, build) -> None:
        with_image, without = load(model_of(build())).score([INSTANCES[0], Instance(INSTANCES[0].text)])
        assert not math.isclose(with_image.text_nll, without.text_nll, rel_tol=1e-4)

    def test_the_same_question_has_the_same_answer(self, build) -> None:
        model = load(model_of(build()))
        assert model.score(INSTANCES) == model.score(INSTANCES)

    def test_more_instances_than_a_batch_keep_their_order(self, build) -> None:
        model = load(model_of(build()), threads=2)
        many = [Instance(text="x" * length) for length in range(1, 21)] * 4
        assert [score.text_bytes for score in model.score(many)] == list(range(1, 21)) * 4

    @pytest.mark.parametrize(
        "instance",
        [Instance(image=b"GIF89a..."), Instance(image=standin.png()[:200]), Instance(text="lone \ud800 surrogate")],
        ids=["not a PNG", "truncated", "not Unicode"],
    )
    def test_a_bad_instance_is_named_as_one(self, build, instance: Instance) -> None:
        with pytest.raises(InstanceError, match=r"PNG|Unicode"):
            load(model_of(build())).score([instance])

    @pytest.mark.parametrize("missing", [FILE_NAME, "weights"])
    def test_a_model_that_lacks_a_part_is_refused_by_name(self, build, missing: str, tmp_path: pathlib.Path) -> None:
        copy = shutil.copytree(model_of(build()), tmp_path / "model")
        weights = LITERT_FILE if (copy / LITERT_FILE).exists() else "saved_model.pb"
        (copy / (weights if missing == "weights" else missing)).unlink()
        with pytest.raises(IntegrityError, match=str(copy)):
            load(copy)


def test_a_litert_model_without_its_tokeniser_is_refused(tmp_path: pathlib.Path) -> None:
    copy = shutil.copytree(model_of(exports.litert()), tmp_path / "model")
    (copy / TOKENIZER_FILE).write_bytes(b"no tokeniser")
    with pytest.raises(IntegrityError, match=TOKENIZER_FILE):
        load(copy)


def test_threads_do_not_change_the_answers() -> None:
    directory = model_of(exports.litert())
    assert load(directory, threads=3).score(INSTANCES * 5) == load(directory).score(INSTANCES * 5)


def test_a_litert_model_is_served_without_tensorflow() -> None:
    program = (
        "import sys; from serving.model import load; from serving.instance import Instance\n"
        f"print(load({str(model_of(exports.litert()))!r}).score([Instance(text='red heart')])[0].text_bytes)\n"
        "assert not {'tensorflow', 'tfx', 'keras', 'apache_beam', 'pandas'} & set(sys.modules), sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout.strip() == "9", done.stderr
